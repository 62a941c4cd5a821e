"""Starts `testkit.desk_server_command` and asks it, so that a measurement's server has a process of its own."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator

import msgspec

from papertape.server.settings import StreamLimits
from papertape.testkit.desk_server_command import Request, ServerFigures

_decoder: msgspec.json.Decoder[ServerFigures] = msgspec.json.Decoder(ServerFigures)


class DeskServerProcess:
    """A server under way. `port` is where it listens on loopback."""

    def __init__(self, child: asyncio.subprocess.Process, port: int) -> None:
        self._child = child
        self.port = port
        self.pid = child.pid

    async def ask(self, request: Request) -> ServerFigures:
        """Send one request and return the figures it is answered with."""
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        self._child.stdin.write(msgspec.json.encode(request) + b"\n")
        line = await self._child.stdout.readline()
        if not line:
            raise AssertionError("the desk's server ended before it answered; its errors are above")
        return _decoder.decode(line)


@contextlib.asynccontextmanager
async def desk_server_process(
    limits: StreamLimits | None = None, *, is_bare: bool = False, reached_by: tuple[int, ...] = ()
) -> AsyncIterator[DeskServerProcess]:
    """Run a server while the block runs; it also answers to the ports `reached_by` of proxies before it."""
    options = ["--limits", msgspec.json.encode(limits or StreamLimits()).decode(), *(["--bare"] if is_bare else [])]
    options += [word for port in reached_by for word in ("--host-port", str(port))]
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "papertape.testkit.desk_server_command", *options,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert child.stdin is not None
    assert child.stdout is not None
    try:
        line = await child.stdout.readline()
        if not line:
            raise AssertionError("the desk's server did not start; its errors are above")
        yield DeskServerProcess(child, int(line))
    finally:
        child.stdin.close()
        try:
            async with asyncio.timeout(10.0):
                await child.wait()
        except TimeoutError:
            child.kill()
            await child.wait()


def cpu_share(before: ServerFigures, after: ServerFigures) -> float:
    """Return the server's share of one core between two answers, in percent."""
    return round(100 * (after.cpu_s - before.cpu_s) / (after.at - before.at), 1)
