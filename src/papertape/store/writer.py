"""The one thread that writes: drains its queue into group commits and acknowledges each commit once it is durable."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator

import apsw
import msgspec

from papertape.errors import Broken, PapertapeError
from papertape.store.commit_count import CommitCount
from papertape.store.faults import fault_of
from papertape.store.schema import Scalar

OnDurable = Callable[[BaseException | None], None]
Statements = tuple[tuple[str, tuple[Scalar, ...]], ...]
"""Statements with their values, in the order they are run."""


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """What becomes durable together. `size` (bytes) bounds the queue; `done` is called once, on the writer's thread."""

    session_id: str
    statements: Statements
    size: int
    submitted_ts: int
    done: OnDurable


class WriterLimits(msgspec.Struct, frozen=True, kw_only=True):
    """Bounds of the queue and of one group commit, and the waits between attempts on a transient fault, in seconds."""

    queue_jobs: int = 20_000
    queue_bytes: int = 256_000_000
    group_jobs: int = 512
    group_bytes: int = 8_000_000
    first_retry_s: float = 0.05
    longest_retry_s: float = 2.0


class WriterState(msgspec.Struct, frozen=True, kw_only=True):
    """How the writer is doing. Times: our clock, microseconds UTC."""

    is_healthy: bool
    last_error: str | None
    last_durable_ts: int | None
    rows_total: int
    queue_length: int
    lag_us: int
    retries: int


_LAG_WINDOW_US = 5_000_000


class Writer:
    """Owns the only connection that writes and checkpoints.

    A transient fault (busy, disk full) is retried for as long as it lasts: nothing is lost or reordered, and the queue
    fills visibly. A commit that the database refuses by itself halts its own session. Anything else stops the writer:
    every waiting commit gets the failure and `submit` refuses.
    """

    def __init__(
        self,
        connection: apsw.Connection,
        clock: Callable[[], int],
        *,
        limits: WriterLimits | None = None,
        pause: Callable[[float], object] | None = None,
        count: CommitCount | None = None,
    ) -> None:
        self._connection = connection
        self._count = count
        self._clock = clock
        self._limits = limits or WriterLimits()
        self._closing = threading.Event()
        self._pause = pause or self._closing.wait
        self._changed = threading.Condition()
        self._queue: deque[Job] = deque()
        self._in_flight: list[Job] = []
        self._queue_bytes = 0
        self._halted: dict[str, Broken] = {}
        self._failure: Broken | None = None
        self._fault: str | None = None
        self._last_error: str | None = None
        self._last_durable_ts: int | None = None
        self._rows_total = 0
        self._retries = 0
        self._lags: deque[tuple[int, int]] = deque()
        self._thread = threading.Thread(target=self._run, name="papertape-store-writer", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def close(self) -> None:
        """Write what is queued, stop the thread and close the connection; idempotent.

        While a transient fault lasts, one last attempt is made and what cannot be written gets the failure.
        """
        with self._changed:
            self._closing.set()
            self._changed.notify_all()
        if self._thread.ident is not None:
            self._thread.join()
        if self._count is not None:
            self._count.close()
            self._count = None
        self._connection.close()

    def submit(self, job: Job) -> None:
        """Queue a job.

        Raises:
            Broken: the queue is full, the session was halted, or the writer has stopped.
        """
        with self._changed:
            refusal = self._refusal(job)
            if refusal is not None:
                raise refusal
            self._queue.append(job)
            self._queue_bytes += job.size
            self._changed.notify_all()

    def state(self) -> WriterState:
        """Return how the writer is doing now; a commit that still waits counts into the lag."""
        with self._changed:
            now = self._clock()
            while self._lags and self._lags[0][0] < now - _LAG_WINDOW_US:
                self._lags.popleft()
            oldest = self._in_flight[0] if self._in_flight else self._queue[0] if self._queue else None
            waiting = now - oldest.submitted_ts if oldest else 0
            return WriterState(
                # A session that its own commit has halted is that session's failure, not the store's.
                is_healthy=self._failure is None and self._fault is None,
                last_error=self._last_error,
                last_durable_ts=self._last_durable_ts,
                rows_total=self._rows_total,
                queue_length=self._length(),
                lag_us=max(0, waiting, self._lags[0][1] if self._lags else 0),
                retries=self._retries,
            )

    def _length(self) -> int:
        return len(self._in_flight) + len(self._queue)

    def _refusal(self, job: Job) -> Broken | None:
        if self._closing.is_set():
            return Broken(
                "The store is closed and takes no more commits; start papertape again to go on.", code="store.closed"
            )
        if self._failure is not None:
            return self._failure
        if job.session_id in self._halted:
            return self._halted[job.session_id]
        limits = self._limits
        if self._length() >= limits.queue_jobs or self._queue_bytes + job.size > max(limits.queue_bytes, job.size):
            because = f" because: {self._fault}" if self._fault else "; the disk is slower than the market"
            return Broken(
                f"The store's queue is full: {self._length()} commits ({self._queue_bytes} bytes) wait to be "
                f"written{because}. Nothing was dropped: the session must halt; it resumes from its journal once the "
                "store keeps up.",
                code="store.queue_full",
            )
        return None

    def _run(self) -> None:
        try:
            while group := self._next_group():
                self._process(group)
        finally:
            self._stop(Broken("The store's writer stopped; start papertape again.", code="store.closed"))

    def _next_group(self) -> list[Job]:
        with self._changed:
            while not self._queue and not self._closing.is_set():
                self._changed.wait()
            size = 0
            while self._queue and len(self._in_flight) < self._limits.group_jobs and size < self._limits.group_bytes:
                job = self._queue.popleft()
                size += job.size
                self._in_flight.append(job)
            return list(self._in_flight)

    def _process(self, group: list[Job]) -> None:
        refused = [job for job in group if job.session_id in self._halted]
        ready = [job for job in group if job.session_id not in self._halted]
        for job in refused:
            self._settle([job], self._halted[job.session_id])
        error = self._attempt(ready) if ready else None
        if error is None:
            self._settle(ready, None)
        elif fault_of(error) != "commit":
            self._stop(self._stopped_by(error))
        elif len(ready) == 1:
            self._halt(ready[0], error)
        else:
            for job in ready:
                if self._failure is None:
                    self._process([job])

    def _attempt(self, jobs: list[Job]) -> Exception | None:
        delays = self._delays()
        while True:
            error = self._transact(jobs)
            if error is None or fault_of(error) != "transient" or self._closing.is_set():
                with self._changed:
                    self._fault = None
                return error
            with self._changed:
                self._retries += 1
                self._fault = self._last_error = f"the database cannot be written now ({error}); it is tried again"
            self._pause(next(delays))

    def _delays(self) -> Iterator[float]:
        delay = self._limits.first_retry_s
        while True:
            yield delay
            delay = min(2 * delay, self._limits.longest_retry_s)

    def _transact(self, jobs: list[Job]) -> Exception | None:
        execute = self._connection.execute
        try:
            execute("BEGIN IMMEDIATE")
            for job in jobs:
                for statement, row in job.statements:
                    execute(statement, row)
            execute("COMMIT")
            if self._count is not None:
                self._count.add(statement for job in jobs for statement, _ in job.statements)
        except (apsw.Error, OverflowError, TypeError, UnicodeError) as error:
            if self._connection.in_transaction:
                execute("ROLLBACK")
            return error
        return None

    def _settle(self, jobs: list[Job], error: PapertapeError | None) -> None:
        with self._changed:
            now = self._clock()
            settled = {id(job) for job in jobs}
            self._in_flight = [job for job in self._in_flight if id(job) not in settled]
            self._queue_bytes -= sum(job.size for job in jobs)
            if error is None and jobs:
                self._last_durable_ts = now
                self._rows_total += sum(len(job.statements) for job in jobs)
                self._note_lag(now, max(now - job.submitted_ts for job in jobs))
        for job in jobs:
            self._acknowledge(job, error)

    def _acknowledge(self, job: Job, error: PapertapeError | None) -> None:
        try:
            job.done(error)
        except RuntimeError as undelivered:  # an event loop that is closed already: its commit is durable all the same
            with self._changed:
                self._last_error = f"An acknowledgement of session {job.session_id} reached nobody: {undelivered}."

    def _note_lag(self, now: int, lag: int) -> None:
        while self._lags and self._lags[-1][1] <= lag:
            self._lags.pop()
        self._lags.append((now, lag))

    def _halt(self, job: Job, error: Exception) -> None:
        failure = Broken(
            f"A commit of session {job.session_id} was refused by the database ({error}). Expected rows that fit the "
            "declared tables and a seq that was not written before; the session must halt. Its journal is complete up "
            "to the commit before: start papertape again to resume from there.",
            code="store.commit_refused",
        )
        with self._changed:
            self._halted[job.session_id] = failure
            self._last_error = failure.message
        self._settle([job], failure)

    def _stopped_by(self, error: Exception) -> Broken:
        return Broken(
            f"The database {self._connection.filename} can no longer be written ({error}). Every acknowledged commit "
            "is kept; check the disk and the file's permissions, then start papertape again.",
            code="store.write_failed",
        )

    def _stop(self, failure: Broken) -> None:
        with self._changed:
            if self._failure is None:
                self._failure = failure
                if self._length():
                    self._last_error = failure.message
            self._in_flight.extend(self._queue)
            self._queue.clear()
            waiting = list(self._in_flight)
        self._settle(waiting, self._failure)
