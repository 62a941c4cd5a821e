from __future__ import annotations

import httpx
import pytest

from papertape.errors import Refused
from papertape.server.serve import bind
from papertape.server.settings import ServerSettings
from papertape.testkit.desk_server import desk_server


async def test_a_served_desk_answers_on_its_address() -> None:
    async with desk_server() as server, httpx.AsyncClient(base_url=server.url) as http:
        answer = await http.get("/health")
    assert (answer.status_code, answer.json()["status"]) == (200, "ok")


def test_a_port_that_is_taken_is_refused_with_a_sentence() -> None:
    first = bind(ServerSettings(port=0))
    port = first.getsockname()[1]
    with pytest.raises(Refused, match=f"Port {port} on 127.0.0.1 cannot be used") as refused:
        bind(ServerSettings(port=port))
    first.close()
    assert refused.value.code == "server.port_taken"


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.5", "::", "desk.example"])
def test_an_address_others_can_reach_is_refused_with_a_sentence(host: str) -> None:
    with pytest.raises(Refused, match="not a loopback address") as refused:
        bind(ServerSettings(host=host, port=0))
    assert refused.value.code == "server.not_loopback"
