"""The fault proxy against a plain echo server: each fault does what it says, and nothing is left of it afterwards."""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
import struct
from collections.abc import AsyncIterator

import pytest

from papertape.testkit.fault_proxy import FaultProxy
from papertape.testkit.faults import (
    CUTS,
    AcceptThenCut,
    Bandwidth,
    BlackHole,
    Cut,
    CutAfter,
    CutUpgrade,
    Fault,
    Fin,
    HalfOpen,
    HangUpgrade,
    Latency,
    Refuse,
    RefuseUpgrade,
    Reset,
    Script,
    SlowClose,
    Stall,
    Step,
    parse_script,
    print_script,
    random_script,
)

UPGRADE = b"GET /api/stream HTTP/1.1\r\nHost: desk\r\nConnection: Upgrade\r\nUpgrade: WebSocket\r\n\r\n"
PLAIN = b"GET /api/connections HTTP/1.1\r\nHost: desk\r\n\r\n"


class Echo:
    """Sends back what it gets; keeps how each connection ended."""

    def __init__(self) -> None:
        self.got = bytearray()
        self.ends: list[str] = []
        self.ended = asyncio.Event()
        self.heard = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while chunk := await reader.read(4096):
                self.got += chunk
                self.heard.set()
                writer.write(chunk)
                await writer.drain()
            self.ends.append("fin")
        except ConnectionResetError:
            self.ends.append("reset")
        finally:
            self.ended.set()
            writer.close()

    async def hears(self, text: bytes) -> None:
        async with asyncio.timeout(30):
            while self.got != text:
                self.heard.clear()
                await self.heard.wait()


class Line:
    """A client's connection through the proxy."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def say(self, text: bytes) -> None:
        self.writer.write(text)
        await self.writer.drain()

    async def echoed(self, text: bytes) -> float:
        loop = asyncio.get_running_loop()
        started = loop.time()
        await self.say(text)
        async with asyncio.timeout(30):
            assert await self.reader.readexactly(len(text)) == text
        return loop.time() - started

    async def rest(self) -> tuple[bytes, str]:
        """Return what still comes, and how it ends."""
        got = b""
        async with asyncio.timeout(30):
            try:
                while chunk := await self.reader.read(4096):
                    got += chunk
            except ConnectionResetError:
                return got, "reset"
        return got, "fin"

    async def is_silent(self, seconds: float = 0.05) -> bool:
        try:
            async with asyncio.timeout(seconds):
                await self.reader.read(1)
        except TimeoutError:
            return True
        return False


@contextlib.asynccontextmanager
async def proxied(seed: int = 1) -> AsyncIterator[tuple[FaultProxy, Echo]]:
    """An echo server behind a proxy; afterwards no task may be left."""
    before = asyncio.all_tasks()
    echo = Echo()
    server = await asyncio.start_server(echo.serve, "127.0.0.1", 0)
    async with server, FaultProxy(server.sockets[0].getsockname()[1], seed=seed) as proxy:
        yield proxy, echo
    left = asyncio.all_tasks() - before
    assert not left or await asyncio.wait(left, timeout=30) == (left, set())


@contextlib.asynccontextmanager
async def line(proxy: FaultProxy) -> AsyncIterator[Line]:
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    try:
        yield Line(reader, writer)
    finally:
        writer.transport.abort()


async def test_without_a_fault_everything_passes_both_ways_and_an_end_is_passed_on() -> None:
    async with proxied() as (proxy, echo), line(proxy) as client:
        text = random.Random(1).randbytes(300_000)
        sending = asyncio.create_task(client.say(text))
        assert await client.reader.readexactly(len(text)) == text
        await sending
        client.writer.write_eof()
        assert await client.rest() == (b"", "fin")
        assert (echo.ends, proxy.accepted) == (["fin"], 1)


async def test_a_reset_of_one_side_is_a_reset_for_the_other() -> None:
    async with proxied() as (proxy, echo):
        async with line(proxy) as client:
            await client.echoed(b"x")
            raw = client.writer.get_extra_info("socket")
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # closing resets
        await asyncio.wait_for(echo.ended.wait(), 30)
        assert echo.ends == ["reset"]


async def test_latency_delays_both_ways_and_keeps_the_order() -> None:
    async with proxied() as (proxy, _), line(proxy) as client:
        await client.echoed(b"x")
        proxy.apply(Latency(seconds=0.03, jitter_s=0.02))
        assert await client.echoed(b"".join(b"%05d" % number for number in range(2_000))) >= 0.06


async def test_latency_of_one_way_leaves_the_other_alone() -> None:
    async with proxied() as (proxy, echo), line(proxy) as client:
        await client.echoed(b"x")
        proxy.apply(Latency(seconds=60.0, direction="down"))
        await client.say(b"y")
        await echo.hears(b"xy")
        assert await client.is_silent()


async def test_bandwidth_is_not_exceeded() -> None:
    async with proxied() as (proxy, _), line(proxy) as client:
        await client.echoed(b"x")
        proxy.apply(Bandwidth(bytes_per_s=100_000, direction="down"))
        assert await client.echoed(bytes(10_000)) >= 0.1


async def test_a_stalled_direction_is_felt_by_the_sender_and_bounded_in_the_proxy() -> None:
    async with proxied() as (proxy, echo), line(proxy) as client:
        await client.echoed(b"x")
        proxy.apply(Stall(direction="up"))
        sending = asyncio.create_task(client.say(bytes(20_000_000)))
        await asyncio.wait({sending}, timeout=0.2)
        assert sending.cancel()  # it has not ended: 20 MB are more than every buffer on the way holds
        assert echo.got == b"x"


async def test_a_black_hole_swallows_both_ways_and_stays_open() -> None:
    async with proxied() as (proxy, echo), line(proxy) as client:
        await client.echoed(b"x")
        assert (proxy.live, proxy.apply(BlackHole()), proxy.live) == (1, 1, 0)
        await client.say(b"lost")
        assert await client.is_silent()
        client.writer.write_eof()
        assert await client.is_silent()
        assert (bytes(echo.got), echo.ends) == (b"x", [])


async def test_a_black_hole_of_one_way_lets_the_other_pass() -> None:
    async with proxied() as (proxy, echo), line(proxy) as client:
        await client.echoed(b"x")
        proxy.apply(BlackHole(direction="down"))
        await client.say(b" is heard")
        await echo.hears(b"x is heard")
        assert await client.is_silent()


async def test_a_half_open_connection_is_gone_for_one_side_only() -> None:
    async with proxied() as (proxy, echo), line(proxy) as client:
        await client.echoed(b"x")
        proxy.apply(HalfOpen(gone="server"))
        await asyncio.wait_for(echo.ended.wait(), 30)
        await client.say(b"lost")
        assert await client.is_silent()
        async with line(proxy) as other:
            await other.echoed(b"y")
            proxy.apply(HalfOpen(gone="client"))
            assert await other.rest() == (b"", "reset")
        assert (echo.ends, bytes(echo.got)) == (["reset"], b"xy")


@pytest.mark.parametrize(("fault", "end"), [(Reset(), "reset"), (Fin(), "fin")])
async def test_a_reset_and_a_fin_reach_both_sides(fault: Fault, end: str) -> None:
    async with proxied() as (proxy, echo), line(proxy) as client:
        await client.echoed(b"x")
        proxy.apply(fault)
        assert await client.rest() == (b"", end)
        await asyncio.wait_for(echo.ended.wait(), 30)
        assert echo.ends == [end]


async def test_a_slow_close_reaches_the_client_later_than_the_server() -> None:
    async with proxied() as (proxy, echo), line(proxy) as client:
        await client.echoed(b"x")
        proxy.apply(SlowClose(seconds=0.1))
        await asyncio.wait_for(echo.ended.wait(), 30)
        assert await client.is_silent(0.02)
        assert await client.rest() == (b"", "fin")


@pytest.mark.parametrize("how", ["reset", "fin"])
@pytest.mark.parametrize("size", [0, 1, 5, 8])
async def test_a_cut_after_n_bytes_lets_exactly_those_pass_even_within_a_character(how: Cut, size: int) -> None:
    text = "größer".encode()
    async with proxied() as (proxy, _), line(proxy) as client:
        await client.echoed(b"x")
        proxy.apply(CutAfter(size=size, how=how))
        await client.say(text)
        assert await client.rest() == (text[:size], how)


async def test_a_cut_on_the_way_up_counts_what_the_server_gets() -> None:
    async with proxied() as (proxy, echo), line(proxy) as client:
        await client.echoed(b"x")
        proxy.apply(CutAfter(size=2, direction="up", how="fin"))
        await client.say(b"yzabc")
        await asyncio.wait_for(echo.ended.wait(), 30)
        assert bytes(echo.got) == b"xyz"


async def test_refused_connections_are_refused_and_let_in_after_healing() -> None:
    async with proxied() as (proxy, _):
        async with line(proxy) as early:
            proxy.apply(Refuse())
            with pytest.raises(ConnectionRefusedError):
                await asyncio.open_connection("127.0.0.1", proxy.port)
            await early.echoed(b"still here")
            proxy.heal()
        async with line(proxy) as late:
            await late.echoed(b"back")


@pytest.mark.parametrize("how", CUTS)
async def test_a_connection_is_accepted_and_cut_before_a_byte_passes(how: Cut) -> None:
    async with proxied() as (proxy, echo):
        proxy.apply(AcceptThenCut(how=how))
        async with line(proxy) as client:
            if how in ("reset", "fin"):
                assert await client.rest() == (b"", how)
            else:
                await client.say(b"lost")
                assert await client.is_silent()
        assert echo.got == b""


@pytest.mark.parametrize("status", [403, 502])
async def test_a_refused_upgrade_is_answered_while_other_requests_pass(status: int) -> None:
    async with proxied() as (proxy, echo):
        proxy.apply(RefuseUpgrade(status=status))
        async with line(proxy) as socket:
            await socket.say(UPGRADE[:40])
            await socket.say(UPGRADE[40:])
            answer, end = await socket.rest()
        assert (answer.split(b"\r\n")[0].split()[1], end, bytes(echo.got)) == (b"%d" % status, "fin", b"")
        async with line(proxy) as plain:
            await plain.echoed(PLAIN)


async def test_a_hanging_upgrade_is_never_answered_while_other_requests_pass() -> None:
    async with proxied() as (proxy, echo):
        proxy.apply(HangUpgrade())
        async with line(proxy) as socket, line(proxy) as plain:
            await socket.say(UPGRADE)
            await plain.echoed(PLAIN)
            assert await socket.is_silent()
        assert bytes(echo.got) == PLAIN


@pytest.mark.parametrize("after_s", [0.0, 0.03])
async def test_an_accepted_upgrade_is_cut_after_the_answer(after_s: float) -> None:
    async with proxied() as (proxy, _):
        proxy.apply(CutUpgrade(after_s=after_s, how="fin"))
        async with line(proxy) as socket:
            await socket.say(UPGRADE)
            assert await socket.rest() == (UPGRADE, "fin")


async def test_a_server_that_is_not_there_cuts_the_client() -> None:
    async with proxied() as (proxy, _):
        proxy.target_port = 1
        async with line(proxy) as client:
            assert (await client.rest())[1] == "reset"


async def test_the_same_seed_chooses_the_same_faults_again() -> None:
    stories = []
    for _ in range(2):
        async with proxied(seed=7) as (proxy, _), contextlib.AsyncExitStack() as stack:
            for _ in range(6):
                await (await stack.enter_async_context(line(proxy))).echoed(b"x")
            while proxy.random_cut_of_one():
                pass
            proxy.random_cut()
            stories.append([step.fault for step in proxy.script])
    assert stories[0] == stories[1]
    assert len(stories[0]) == 7


async def test_a_script_prints_reads_back_and_is_played_in_order() -> None:
    faults: tuple[Fault, ...] = (Latency(seconds=0.01), CutAfter(size=3), Reset())
    drawn = random_script(random.Random(3), faults, 5, over_s=0.05)
    script: Script = (*drawn, Step(at_s=0.06, fault=Refuse(), on="new"), Step(at_s=0.07, fault=None, on="new"))
    assert parse_script(print_script(script)) == script
    async with proxied() as (proxy, _):
        await proxy.play(script)
        done = [(step.fault, step.on) for step in proxy.script]
        async with line(proxy) as client:
            await client.echoed(b"healed")
    assert done == [(step.fault, step.on) for step in script]
