"""The exchange server as a command: plays a folder of recorded frames until it is interrupted."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import signal
import sys
from pathlib import Path

from papertape.testkit.exchange_server import ExchangeServer


def main() -> None:
    """Run the server with the options of the command line; print its addresses once it listens."""
    options = _parser().parse_args()
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_run(options))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m papertape.testkit.exchange_server",
        description="Plays recorded Binance frames to any client, over a real WebSocket and REST, on loopback.",
    )
    parser.add_argument("--frames", type=Path, required=True, help="file or folder of recorded frames")
    parser.add_argument("--speed", type=float, default=1.0, help="recorded seconds a second, 1 to 1000 (default 1)")
    parser.add_argument(
        "--warmup", type=float, default=60.0, help="recorded seconds given as REST history (default 60)"
    )
    parser.add_argument("--loop", action="store_true", help="begin again at the end, with ids that go on growing")
    parser.add_argument("--shift-ms", type=int, default=0, help="added to every time in the frames (default 0)")
    parser.add_argument("--port", type=int, default=0, help="port to listen on; 0 takes a free one (default 0)")
    return parser


async def _run(options: argparse.Namespace) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):
            loop.add_signal_handler(number, stopped.set)
    server = ExchangeServer(
        options.frames,
        speed=options.speed,
        warmup_s=options.warmup,
        loops=options.loop,
        shift_ms=options.shift_ms,
        port=options.port,
    )
    async with server:
        sys.stdout.write(f"venue-url {server.venue_url}\n")
        sys.stdout.flush()
        await stopped.wait()
