from typing import get_args

import pytest

from papertape.errors import Broken
from papertape.model.entries import Lifecycle
from papertape.session.lifecycle import ENDED, LIFECYCLE, LIVE, LifecycleTrigger, allowed_commands, next_lifecycle


def test_every_live_state_can_be_recovered_and_broken_and_all_but_stopping_suspended() -> None:
    for state in LIVE - {"stopping"}:
        assert next_lifecycle(state, "suspend") == "suspended"
    for state in LIVE:
        assert next_lifecycle(state, "recover") in LIVE
        assert next_lifecycle(state, "broken") == "failed"


def test_an_ended_session_takes_no_trigger_at_all() -> None:
    for state in ENDED:
        for trigger in get_args(LifecycleTrigger):
            with pytest.raises(Broken, match="no such row"):
                next_lifecycle(state, trigger)


def test_every_row_leads_to_a_declared_state_and_every_state_can_be_reached() -> None:
    states = set(get_args(Lifecycle))
    assert {state for state, _ in LIFECYCLE} | set(LIFECYCLE.values()) == states


@pytest.mark.parametrize(
    ("state", "entries_paused", "commands"),
    [
        ("running", False, ("stop", "pause-entries", "emergency-stop", "close-position")),
        ("running", True, ("stop", "resume", "emergency-stop", "close-position")),
        ("stopping", False, ("emergency-stop", "close-position")),
        ("suspended", False, ("stop",)),
        ("stopped", False, ()),
        ("failed", True, ()),
    ],
)
def test_the_commands_a_trader_may_give_follow_from_the_state(
    state: Lifecycle, entries_paused: bool, commands: tuple[str, ...]
) -> None:
    assert allowed_commands(state, entries_paused=entries_paused) == commands


def test_a_session_that_does_not_trade_can_only_be_stopped() -> None:
    told = {state: allowed_commands(state, entries_paused=False, is_trading=False) for state in get_args(Lifecycle)}
    stoppable = {"starting", "running", "suspended"}
    assert told == {state: ("stop",) if state in stoppable else () for state in get_args(Lifecycle)}
