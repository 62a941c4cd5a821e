"""Writes what WebSocket subscribers are owed, each once for all that was published in one turn of the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from papertape.server.ending import Ending
from papertape.server.frames import FRAME_LIMIT, joined
from papertape.server.hub import StreamHub
from papertape.server.stream.carry import failed
from papertape.server.stream.frame_protocol import FrameProtocol
from papertape.server.subscriber import Subscriber

_ROOM = FRAME_LIMIT - 2  # the brackets of an array
_WRITES_A_TURN = 4

_log = structlog.get_logger("papertape.server.stream")

Finish = Callable[[Ending], Awaitable[None]]


class LoopTurn:
    """Collects the writers that have something to write, and lets them write at the end of the turn."""

    def __init__(self) -> None:
        self._due: list[FrameWriter] = []

    def add(self, writer: FrameWriter) -> None:
        """Let a writer write when the callbacks that are ready now have run."""
        if not self._due:
            asyncio.get_running_loop().call_soon(self._write_all)
        self._due.append(writer)

    def _write_all(self) -> None:
        due, self._due = self._due, []
        for writer in due:
            try:
                writer.write()
            except Exception:  # noqa: BLE001 - the border between clients: those after it are still to be served
                _log.exception("write_failed")


class FrameWriter:
    """The bell of one subscriber: rung, it writes in the same turn, or when the transport takes more again.

    While the transport does not take more, what is owed waits in the subscriber, whose bounds decide.
    """

    __slots__ = ("_finish", "_finishing", "_hub", "_is_due", "_subscriber", "_turn", "_wire", "finished")

    def __init__(
        self, hub: StreamHub, turn: LoopTurn, subscriber: Subscriber, wire: FrameProtocol, finish: Finish
    ) -> None:
        self._hub = hub
        self._turn = turn
        self._subscriber = subscriber
        self._wire = wire
        self._finish = finish
        self._finishing: asyncio.Task[None] | None = None
        self._is_due = False
        self.finished: asyncio.Future[None] | None = None
        wire.on_writable = self._resume
        subscriber.wake = self
        if subscriber.ending is not None:
            self.set()

    def set(self) -> None:
        """Ring."""
        if not self._is_due:
            self._is_due = True
            self._turn.add(self)

    def write(self) -> None:
        """Write as much as is owed and taken; after the last message of an ending, close."""
        self._is_due = False
        subscriber, wire = self._subscriber, self._wire
        try:
            if not wire.is_open or subscriber.wake is not self:
                return
            for _ in range(_WRITES_A_TURN):
                if not wire.is_writable:
                    self._wait()
                    return
                frames = subscriber.next_frames(_ROOM)
                if frames:
                    wire.write_texts([joined(frames)] if subscriber.is_batch else frames)
                if not subscriber.has_more:
                    break
            else:
                self.set()  # much is owed: let the others write first
                return
        except Exception as error:  # noqa: BLE001 - the request border: one client's failure must not touch another's
            failed(subscriber, error)
            wire.abort_after(self._hub.limits.farewell_s)
            return
        if subscriber.ending is not None:
            self._close(subscriber.ending)

    def stop(self) -> None:
        """Write no more."""
        self._wire.on_writable = None
        self._subscriber.wake = None
        self._is_due = True
        if self._finishing is not None:
            self._finishing.cancel()

    async def closed(self) -> None:
        """Wait until the goodbye of an ending of ours is written, or can no longer be."""
        ending = self._subscriber.ending
        if ending is None or ending.is_gone or self._finishing is not None or not self._wire.is_open:
            return
        self.finished = asyncio.get_running_loop().create_future()
        self.set()
        await asyncio.wait({self.finished}, timeout=self._hub.limits.farewell_s)

    def _wait(self) -> None:
        if self._subscriber.writing_since is None:
            self._subscriber.writing_since = self._hub.attentive_s()
        if self._subscriber.ending is not None:
            self._wire.abort_after(self._hub.limits.farewell_s)

    def _resume(self) -> None:
        since = self._subscriber.writing_since
        if since is not None:
            self._subscriber.writing_since = None
            self._subscriber.wrote(self._hub.attentive_s() - since)
        self.set()

    def _close(self, ending: Ending) -> None:
        if self._finishing is None and not ending.is_gone:
            self._wire.abort_after(self._hub.limits.farewell_s)
            self._finishing = asyncio.ensure_future(self._finish(ending))
        if self.finished is not None and not self.finished.done():
            self.finished.set_result(None)
