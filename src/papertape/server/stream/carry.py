"""Runs one subscriber over a carrier: a reader task that never awaits work, a writer task, and one end."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from papertape.server.hub import StreamHub
from papertape.server.subscriber import Ending, Subscriber
from papertape.wire import close

_log = structlog.get_logger("papertape.server.stream")

Write = Callable[[bytes], Awaitable[None]]
Finish = Callable[[Ending], Awaitable[None]]


async def carry(hub: StreamHub, subscriber: Subscriber, read: Awaitable[None], write: Write, finish: Finish) -> None:
    """Carry frames both ways until the subscriber ends; a client that takes no goodbye is dropped after a while."""
    reader = asyncio.ensure_future(_guarded(subscriber, read))
    writer = asyncio.ensure_future(_guarded(subscriber, _write_all(hub, subscriber, write, finish)))
    try:
        await subscriber.ended.wait()
        await asyncio.wait({writer}, timeout=hub.limits.farewell_s)
    finally:
        reader.cancel()
        writer.cancel()
        await asyncio.gather(reader, writer, return_exceptions=True)
        hub.disconnected(subscriber)


async def _write_all(hub: StreamHub, subscriber: Subscriber, write: Write, finish: Finish) -> None:
    while True:
        frame = subscriber.next_frame()
        if frame is not None:
            subscriber.writing_since = started = hub.monotonic()
            await write(frame)
            subscriber.writing_since = None
            subscriber.wrote(hub.monotonic() - started)
            continue
        if subscriber.ending is not None:
            break
        subscriber.wake.clear()
        await subscriber.wake.wait()
    if not subscriber.ending.is_gone:
        await finish(subscriber.ending)


async def _guarded(subscriber: Subscriber, work: Awaitable[None]) -> None:
    try:
        await work
    except OSError:  # what an ASGI server raises for a client that is gone
        subscriber.end("network", 1006, "The connection was cut while a message was sent.")
    except Exception:  # noqa: BLE001 - the request border: one client's failure must not touch another's
        _log.exception("stream_failed", conn=subscriber.connection.id)
        subscriber.end("server", close.INTERNAL, f"The desk failed; look for {subscriber.connection.id} in its log.")
