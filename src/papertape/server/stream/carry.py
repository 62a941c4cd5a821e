"""Runs one subscriber over a carrier: a reader task that never awaits work, a writer task, and one end."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from papertape.server.ending import Ending
from papertape.server.frames import FRAME_LIMIT
from papertape.server.hub import StreamHub
from papertape.server.subscriber import Subscriber
from papertape.wire import close

Write = Callable[[list[bytes]], Awaitable[None]]
Finish = Callable[[Ending], Awaitable[None]]


async def carry(hub: StreamHub, subscriber: Subscriber, read: Awaitable[None], write: Write, finish: Finish) -> None:
    """Carry messages both ways until the subscriber ends; a client that takes no goodbye is dropped after a while."""
    subscriber.wake, subscriber.ended = asyncio.Event(), asyncio.Event()
    if subscriber.ending is not None:
        subscriber.ended.set()
    ended = subscriber.ended
    reader = asyncio.ensure_future(guarded(subscriber, read))
    writer = asyncio.ensure_future(guarded(subscriber, _write_all(hub, subscriber, subscriber.wake, write, finish)))
    try:
        await ended.wait()
        await asyncio.wait({writer}, timeout=hub.limits.farewell_s)
    except asyncio.CancelledError:
        cancelled(subscriber)
        raise
    finally:
        reader.cancel()
        writer.cancel()
        await asyncio.gather(reader, writer, return_exceptions=True)
        hub.disconnected(subscriber)


async def _write_all(hub: StreamHub, subscriber: Subscriber, wake: asyncio.Event, write: Write, finish: Finish) -> None:
    while True:
        frames = subscriber.next_frames(FRAME_LIMIT - 2)  # the brackets of an array
        if frames:
            subscriber.writing_since = started = hub.attentive_s()
            await write(frames)
            subscriber.writing_since = None
            subscriber.wrote(hub.attentive_s() - started)
            continue
        if subscriber.ending is not None:
            break
        wake.clear()
        await wake.wait()
    if not subscriber.ending.is_gone:
        await finish(subscriber.ending)


async def guarded(subscriber: Subscriber, work: Awaitable[None]) -> None:
    """Do one side's work for a subscriber; what it raises ends this one connection."""
    try:
        await work
    except Exception as error:  # noqa: BLE001 - the request border: one client's failure must not touch another's
        failed(subscriber, error)


def cancelled(subscriber: Subscriber) -> None:
    """End a connection whose task the server cancels: it does so when it shuts down and can wait no longer."""
    subscriber.end("server", close.GOING_AWAY, "The desk shut down before the connection had ended.", is_gone=True)


def failed(subscriber: Subscriber, error: Exception) -> None:
    """End a connection for what was raised while it was served."""
    if isinstance(error, OSError):  # what an ASGI server raises for a client that is gone
        subscriber.end("network", 1006, "The connection was cut while a message was sent.")
        return
    subscriber.fail(error)
