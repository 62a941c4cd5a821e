"""Runs the app on a socket, inside the loop that already runs."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import socket
import sys
from collections.abc import AsyncIterator, Iterator

import uvicorn

from papertape.errors import Refused
from papertape.server.asgi import App
from papertape.server.hub import StreamHub
from papertape.server.settings import ServerSettings
from papertape.server.stream.frame_protocol import FrameProtocol

_SEND_BUFFER = 131_072  # bytes; Linux doubles it
_UNTAKEN_MS = 60_000


class _Uvicorn(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.is_up = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.is_up.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield  # the composition root decides what a signal means


def bind(settings: ServerSettings) -> socket.socket:
    """Return a listening socket on the settings' address; port 0 takes a free one.

    Raises:
        Refused: the address is not loopback, or the port is taken.
    """
    address = _loopback(settings.host)
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    # asyncio turns Nagle's algorithm off only for sockets that name their protocol; with it every answer waits 40 ms
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    # what waits in the kernel for a slow client is neither counted nor conflated; left alone it grows to megabytes
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER)
    if sys.platform == "linux":  # what a closed connection still has to send is dropped when its peer never takes it
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _UNTAKEN_MS)
    try:
        listener.bind((address, settings.port))
        listener.listen(256)
    except OSError as error:
        listener.close()
        raise Refused(
            f"Port {settings.port} on {settings.host} cannot be used ({error.strerror or error}): another program, "
            "perhaps another desk, has it. Stop that one, or choose another with --port.",
            code="server.port_taken",
            path="port",
        ) from error
    return listener


@contextlib.asynccontextmanager
async def serving(app: App, hub: StreamHub, settings: ServerSettings) -> AsyncIterator[str]:
    """Serve while the block runs; yield the address of the page, such as `http://127.0.0.1:8420`.

    On the way out every stream client is told goodbye first, then connections get `shutdown_s` to end.

    Raises:
        Refused: the address is not loopback, or the port is taken.
    """
    listener = bind(settings)
    server = _Uvicorn(uvicorn_config(app, settings))
    task = asyncio.create_task(server.serve(sockets=[listener]), name="uvicorn")
    try:
        up = asyncio.create_task(server.is_up.wait())
        await asyncio.wait({up, task}, return_when=asyncio.FIRST_COMPLETED)
        up.cancel()
        if not server.is_up.is_set():
            raise Refused("The server ended before it began; its log says why.", code="server.not_started")
        host = f"[{settings.host}]" if ":" in settings.host else settings.host
        yield f"http://{host}:{listener.getsockname()[1]}"
    finally:
        hub.farewell("The desk is shutting down; reconnect when it is back.")
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(1.0):
                await hub.idle.wait()
        server.should_exit = True
        await task


def uvicorn_config(app: App, settings: ServerSettings) -> uvicorn.Config:
    """Return how the desk configures its server; also what it is fuzzed under."""
    return uvicorn.Config(
        app,
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        http="h11",
        h11_max_incomplete_event_size=65_536,  # a `hello` with 128 topics travels in the query of an event stream
        ws=FrameProtocol,
        ws_per_message_deflate=False,
        ws_max_size=65_536,
        ws_ping_interval=20.0,
        ws_ping_timeout=60.0,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=settings.shutdown_s,
    )


def _loopback(host: str) -> str:
    name = "127.0.0.1" if host == "localhost" else host.strip("[]")
    with contextlib.suppress(ValueError):
        if ipaddress.ip_address(name).is_loopback:
            return name
    raise Refused(
        f"{host!r} is not a loopback address, and this version has no logins, so anyone who reaches the port could "
        "trade on this desk; use --host 127.0.0.1, and an SSH tunnel to reach it from elsewhere.",
        code="server.not_loopback",
        path="host",
    )
