"""Every scenario by name."""

from __future__ import annotations

from papertape.testkit.storm.difficult_clients import DIFFICULT_CLIENTS
from papertape.testkit.storm.faulty_lines import FAULTY_LINES
from papertape.testkit.storm.scenario import Scenario
from papertape.testkit.storm.troubled_servers import TROUBLED_SERVERS

SCENARIOS: dict[str, Scenario] = {
    scenario.name: scenario for scenario in (*FAULTY_LINES, *TROUBLED_SERVERS, *DIFFICULT_CLIENTS)
}
