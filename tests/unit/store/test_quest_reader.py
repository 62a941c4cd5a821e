"""Questions to a QuestDB that is not there, says nothing, or hangs up: an answer in time, with what to do."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from papertape.errors import Unavailable
from papertape.model.tables import SIGNALS
from papertape.store.questdb.address import QuestAddress
from papertape.store.questdb.research import QuestResearch
from papertape.testkit.questdb_server import free_address

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def serving(serve: Serve) -> AsyncIterator[QuestAddress]:
    """Serve connections on a free port while the block runs."""
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        yield QuestAddress(host="127.0.0.1", pg_port=port, user="papertape", password="secret-word")
    finally:
        server.close()
        await server.wait_closed()


async def asked(address: QuestAddress) -> Unavailable:
    """Return why two questions at once are not answered; both must fail alike."""
    research = QuestResearch(address, connect_s=0.2, answer_s=0.2)
    started = time.monotonic()
    failures = await asyncio.gather(*(research.events(SIGNALS, "exec_1") for _ in range(2)), return_exceptions=True)
    assert time.monotonic() - started < 15  # its own bounds make 0.4 s, those of the system minutes
    await research.close()
    assert [type(failure) for failure in failures] == [Unavailable] * 2
    (failure, _) = failures
    assert isinstance(failure, Unavailable)
    return failure


async def test_nobody_listens() -> None:
    failure = await asked(free_address(password="secret-word"))
    assert failure.code == "store.mirror_unreachable"
    assert "does not answer questions" in failure.message
    assert "secret-word" not in failure.message


async def test_a_server_that_says_nothing_is_given_up_in_time() -> None:
    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async with serving(say_nothing) as address:
        assert (await asked(address)).code == "store.mirror_unreachable"


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"220 mail at your service\r\n"])
async def test_something_else_answers_there(answer: bytes) -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(10)
        writer.write(answer)
        writer.close()

    async with serving(hang_up) as address:
        assert (await asked(address)).code == "store.mirror_unreachable"
