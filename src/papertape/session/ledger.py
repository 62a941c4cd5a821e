"""Commits on their way to the store: what is submitted, what is durable, and who waits for it."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from papertape.journal.ports import Appender, Commit
from papertape.model.tables import TABLE_OF


class CommitLedger:
    """Submits the commits of one session in order and reports each once it is durable, on the event loop."""

    def __init__(
        self,
        appender: Appender,
        clock: Callable[[], int],
        on_durable: Callable[[Commit], None],
        on_failed: Callable[[BaseException], None],
    ) -> None:
        self._appender = appender
        self._clock = clock
        self._on_durable = on_durable
        self._on_failed = on_failed
        self._loop = asyncio.get_running_loop()
        self._pending: deque[int] = deque()
        self._submitted = 0
        self._durable = 0
        self._waiters: deque[tuple[int, asyncio.Future[None]]] = deque()
        self._failure: BaseException | None = None
        self.durable_ts: int | None = None
        self.durable_seq = 0
        self.heads: dict[str, int] = {}

    @property
    def undurable_since(self) -> int | None:
        """When the oldest commit that is not durable yet was submitted (our clock), None when all are durable."""
        return self._pending[0] if self._pending else None

    def start_after(self, durable_seq: int, heads: dict[str, int]) -> None:
        """Take over the durable position of a session that is resumed."""
        self.durable_seq = durable_seq
        self.heads = dict(heads)

    def submit(self, commit: Commit) -> None:
        """Hand a commit to the store; raises `Broken` when the store's queue is full."""

        def settle_soon(error: BaseException | None) -> None:
            self._loop.call_soon_threadsafe(self._settle, commit, error)

        self._appender.submit(commit, settle_soon)
        self._pending.append(self._clock())
        self._submitted += 1

    async def barrier(self) -> None:
        """Return once everything submitted so far is durable; raises the failure when it never will be."""
        if self._failure is not None:
            raise self._failure
        if self._durable >= self._submitted:
            return
        waiter: asyncio.Future[None] = self._loop.create_future()
        self._waiters.append((self._submitted, waiter))
        await waiter

    def _settle(self, commit: Commit, error: BaseException | None) -> None:
        if error is not None:
            self._fail(error)
            return
        self._pending.popleft()
        self._durable += 1
        self.durable_ts = self._clock()
        if commit.events:
            self.durable_seq = commit.events[-1].seq
            self._note_heads(commit)
        self._on_durable(commit)
        while self._waiters and self._waiters[0][0] <= self._durable:
            _, waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_result(None)

    def _note_heads(self, commit: Commit) -> None:
        for event in commit.events:
            topic = TABLE_OF[type(event)].topic
            if topic is not None:
                self.heads[topic] = event.seq

    def _fail(self, error: BaseException) -> None:
        self._failure = error
        self._on_failed(error)
        while self._waiters:
            _, waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_exception(error)
