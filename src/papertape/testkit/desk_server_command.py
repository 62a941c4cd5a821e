"""The fake desk's server as a process of its own: requests on its input, figures on its output, one JSON line each.

It ends when its input ends. `testkit.desk_server_process` is the other side.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import time
from pathlib import Path

import msgspec
import structlog

from papertape.server.app import create_app
from papertape.server.asgi import Message, Receive, Send
from papertape.server.hub import StreamHub
from papertape.server.serve import serving
from papertape.server.settings import ServerSettings, StreamLimits
from papertape.testkit.desk_server_load import Load, LoadDesk, run_load


class Publish(msgspec.Struct, frozen=True, kw_only=True, tag_field="do", tag="publish"):
    """Publish this many facts at once."""

    count: int
    fact_bytes: int = 300


class Report(msgspec.Struct, frozen=True, kw_only=True, tag_field="do", tag="report"):
    """Answer now."""


class Rest(msgspec.Struct, frozen=True, kw_only=True, tag_field="do", tag="rest"):
    """Answer when the load is over."""


class Block(msgspec.Struct, frozen=True, kw_only=True, tag_field="do", tag="block"):
    """Keep the event loop from running: `times` times for `seconds` each, with one turn of the loop between them."""

    seconds: float
    times: int = 1


Request = Load | Publish | Report | Rest | Block


class ServerFigures(msgspec.Struct, frozen=True, kw_only=True):
    """What the server's process says of itself: seconds of CPU, memory, tasks, and what was published and sent.

    `ending`: how many connections have been ended and have not gone yet.
    """

    at: float
    cpu_s: float
    rss_kb: int
    tasks: int
    facts: int
    ticks: int
    messages: int
    connections: int
    ending: int
    worst_lag_ms: float


_decoder: msgspec.json.Decoder[Request] = msgspec.json.Decoder(Request)


def main() -> None:
    """Serve with the options of the command line; the first line of output is the port."""
    parser = argparse.ArgumentParser(prog="python -m papertape.testkit.desk_server_command", description=__doc__)
    parser.add_argument("--limits", default="{}", help="limits of the stream that differ from the defaults, as JSON")
    parser.add_argument("--host-port", type=int, action="append", default=[], help="a further port it is reached by")
    parser.add_argument("--bare", action="store_true", help="accept WebSockets and do nothing, to measure the rest")
    options = parser.parse_args()
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(40), logger_factory=structlog.PrintLoggerFactory(sys.stderr)
    )  # the output is for answers
    asyncio.run(_serve(options))


async def _serve(options: argparse.Namespace) -> None:
    settings = ServerSettings(
        port=0,
        shutdown_s=1,
        extra_hosts=frozenset(f"127.0.0.1:{port}" for port in options.host_port),
        stream=msgspec.json.decode(options.limits, type=StreamLimits),
    )
    desk = LoadDesk()
    hub = StreamHub(desk, settings.stream)
    desk.outlets.append(hub)
    app = _bare if options.bare else create_app(desk, settings, hub)
    async with serving(app, hub, settings) as url:
        sys.stdout.write(f"{url.rpartition(':')[2]}\n")
        sys.stdout.flush()
        await _answer(desk, hub)


async def _answer(desk: LoadDesk, hub: StreamHub) -> None:
    requests = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(requests), sys.stdin)
    load: asyncio.Task[None] | None = None
    while line := await requests.readline():
        request = _decoder.decode(line)
        if isinstance(request, Load):
            load = asyncio.create_task(run_load(desk, hub, request), name="load")
        elif isinstance(request, Publish):
            desk.alert(request.count, request.fact_bytes)
        elif isinstance(request, Block):
            for _ in range(request.times):
                time.sleep(request.seconds)  # noqa: ASYNC251 - what is asked for
                await asyncio.sleep(0)
        elif isinstance(request, Rest) and load is not None:
            await load
        sys.stdout.write(msgspec.json.encode(_figures(desk, hub)).decode() + "\n")
        sys.stdout.flush()
    if load is not None:
        load.cancel()
        await asyncio.wait({load})


def _figures(desk: LoadDesk, hub: StreamHub) -> ServerFigures:
    return ServerFigures(
        at=time.monotonic(),
        cpu_s=time.process_time(),
        rss_kb=resident_kb(os.getpid()),
        tasks=len(asyncio.all_tasks()),
        facts=hub.facts_seen,
        ticks=desk.ticks,
        messages=hub.messages_sent,
        connections=len(hub.book),
        ending=sum(each.code is not None and each.closed_ts is None for each in hub.book),
        worst_lag_ms=round(hub.lag.worst_ms, 1),
    )


def resident_kb(pid: int) -> int:
    """Return the resident memory of a process in kilobytes."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") // 1024


async def _bare(scope: Message, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        await receive()  # websocket.connect
        await send({"type": "websocket.accept", "subprotocol": scope["subprotocols"][0]})
        while (await receive())["type"] != "websocket.disconnect":
            pass
        return
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return


if __name__ == "__main__":
    main()
