from __future__ import annotations

import asyncio
import socket

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


async def test_no_answer_waits_for_the_acknowledgement_of_the_one_before() -> None:
    accepted: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    def note(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        raw = writer.get_extra_info("socket")
        accepted.set_result(raw.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
        writer.close()

    listener = bind(ServerSettings(port=0))
    async with await asyncio.start_server(note, sock=listener):
        _, writer = await asyncio.open_connection(*listener.getsockname())
        assert await accepted
        writer.close()


async def test_what_waits_in_the_kernel_for_a_client_is_bounded_in_bytes_and_in_time() -> None:
    listener = bind(ServerSettings(port=0))
    listener.setblocking(False)
    loop = asyncio.get_running_loop()
    _, writer = await asyncio.open_connection(*listener.getsockname())
    accepted, _ = await loop.sock_accept(listener)
    buffer = accepted.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF)
    timeout_ms = accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT)
    for each in (accepted, listener, writer):
        each.close()
    assert (buffer <= 262_144, timeout_ms) == (True, 60_000)
