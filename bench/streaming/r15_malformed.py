"""R15: malformed frames, a 100 MB frame and a flood from single clients, while others are served."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Coroutine
from typing import Any, TypeVar

import httpx

from papertape.testkit.desk_server_command import Report
from papertape.testkit.desk_server_load import FACT_TOPIC, Load
from papertape.testkit.desk_server_process import DeskServerProcess, desk_server_process
from papertape.testkit.frame_bytes import MALFORMED, Malformed, frame_header, opened_bare, read_close_code, text_frame
from papertape.testkit.light_client import LightClient, light_clients
from streaming.figure import Figure, Options, Outcome
from streaming.measured import OPEN_QUICKLY, is_complete, server_account

T = TypeVar("T")

_CALM_S = 3.0
_OTHERS, _PER_S = 20, 200
_HUGE = 100_000_000
_CHUNK = 65_536
_SILENCE_MS, _MEMORY_MB = 100.0, 10.0
_TOO_LARGE, _RATE = 1009, 4105
_PING = b'{"t":"ping","id":1}'
_ANNOUNCED = "the beginning of a 100 MB frame"
_SENT = "a 100 MB frame, by the server's record"
_FLOOD = "1,000 messages a second"
_HELLO = b'{"t":"hello","v":1,"tab":"r15"}'


async def measure(options: Options) -> Outcome:
    """Measure it."""
    rounds = options.rounds_or(3, 30)
    async with (
        desk_server_process(OPEN_QUICKLY) as server,
        light_clients(server.port, _OTHERS, [FACT_TOPIC], checked=_OTHERS) as others,
    ):
        await _attack(server, 1)  # what is loaded and allocated once does not count as growth
        before = await server.ask(Report())
        await server.ask(Load(seconds=3_600.0, facts_per_s=_PER_S))
        calm_ms, _ = await _silence_during(others, asyncio.sleep(_CALM_S))
        silence_ms, codes = await _silence_during(others, _attack(server, rounds))
        await _until_alone(server, _OTHERS)
        after = await server.ask(Report())
        for client in others:
            await asyncio.wait_for(client.reached(after.facts), 10.0)
        whole = sum(is_complete(client, client.pubs) for client in others)
    grown_mb = (after.rss_kb - before.rss_kb) / 1024
    wrong = {name: found for name, found in codes.items() if set(found) != {_expected(name)}}
    figures = {
        "close_codes": {name: found[0] for name, found in codes.items()},
        "wrong_codes": wrong, "others_longest_silence_ms": round(silence_ms, 1),
        "silence_without_attack_ms": round(calm_ms, 1),
        "others_with_every_fact_in_order": whole, "memory_growth_mb": round(grown_mb, 1),
        "connections_left": after.connections, "rounds": rounds, **server_account(before, after),
    }  # fmt: skip
    missed = [f"another close code than expected: {wrong}"] * bool(wrong)
    missed += [f"the others were silent for {silence_ms:.0f} ms"] * (silence_ms > _SILENCE_MS)
    missed += ["another client lost facts"] * (whole != _OTHERS)
    missed += [f"memory grew by {grown_mb:.1f} MB"] * (grown_mb > _MEMORY_MB)
    return Outcome(figures=figures, method=_METHOD, is_reached=not missed, shortfall=", ".join(missed))


async def _silence_during(others: list[LightClient], work: Coroutine[Any, Any, T]) -> tuple[float, T]:
    for client in others:
        client.reset_silence()
    done = await work
    return max(client.longest_silence_s for client in others) * 1000, done


async def _attack(server: DeskServerProcess, rounds: int) -> dict[str, list[int | None]]:
    codes: dict[str, list[int | None]] = {}
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{server.port}") as http:
        for _ in range(rounds):
            for frame in MALFORMED:
                codes.setdefault(frame.name, []).append(await _send_malformed(server.port, frame))
            codes.setdefault(_ANNOUNCED, []).append(await _announce_huge(server.port))
            codes.setdefault(_SENT, []).append(await _send_huge(server.port, http))
            codes.setdefault(_FLOOD, []).append(await _flood(server.port))
    return codes


def _expected(name: str) -> int | None:
    special = {_ANNOUNCED: _TOO_LARGE, _SENT: _TOO_LARGE, _FLOOD: _RATE}
    return special[name] if name in special else next(frame.code for frame in MALFORMED if frame.name == name)


async def _send_malformed(port: int, frame: Malformed) -> int | None:
    async with opened_bare(port) as (reader, writer):
        if frame.is_after_hello:
            writer.write(text_frame(_HELLO))
        writer.write(frame.data)
        if frame.is_cut:
            writer.write_eof()
        return await read_close_code(reader)


async def _announce_huge(port: int) -> int | None:
    async with opened_bare(port) as (reader, writer):
        writer.write(text_frame(_HELLO) + frame_header(_HUGE) + os.urandom(4))
        return await read_close_code(reader)


async def _send_huge(port: int, http: httpx.AsyncClient) -> int | None:
    async with opened_bare(port) as (reader, writer):
        writer.write(text_frame(_HELLO) + frame_header(_HUGE) + os.urandom(4))
        with contextlib.suppress(OSError):  # the server does not take it all
            for _ in range(_HUGE // _CHUNK):
                writer.write(bytes(_CHUNK))
                await writer.drain()
        await read_close_code(reader)
    ended = (await http.get("/api/connections")).json()["ended"]
    return next((record["code"] for record in ended if record["reason"].startswith("The client sent a frame")), None)


async def _flood(port: int) -> int | None:
    async with opened_bare(port) as (reader, writer):
        writer.write(text_frame(_HELLO))
        with contextlib.suppress(OSError):  # closed while the flood goes on
            for _ in range(100):
                writer.write(text_frame(_PING) * 10)
                await writer.drain()
                await asyncio.sleep(0.01)
        return await read_close_code(reader)


async def _until_alone(server: DeskServerProcess, connections: int) -> None:
    async with asyncio.timeout(30.0):
        while (await server.ask(Report())).connections > connections:  # noqa: ASYNC110  the server is another process
            await asyncio.sleep(0.1)


_METHOD = (
    f"{_OTHERS} clients read {_PER_S} facts/s; one after the other, clients send each of the {len(MALFORMED)} "
    "malformed frames, the beginning of a 100 MB frame, a whole one in pieces, and 1,000 pings a second for a second, "
    "as many rounds as `rounds`; one round before is not measured. The silence is the longest time between two frames "
    "of any other client, and for comparison in three seconds without an attack. A client that is still writing its "
    "100 MB is reset before it can read the close frame, so that code is read from the server's record. No code (null) "
    "is right where the client ends its side in the middle of a frame."
)
FIGURE = Figure(
    number="R15",
    what="malformed frames, a 100 MB frame, and 1,000 messages a second from one client",
    target="no crash, the right close code, the others' longest silence ≤ 100 ms, memory back within 10 MB",
    measure=measure,
)
