"""Moves old batches from the journal's tape into sealed files, in the background, and lets go of what is not kept.

The order in which it happens loses nothing and leaves nothing twice, wherever it is cut off: the file is durable and
compared first, then one transaction enters it in the manifest and deletes its rows; a file that goes is taken out of
the manifest first. What the manifest does not name is removed at the next start.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import msgspec

from papertape.errors import Broken, PapertapeError, Unavailable
from papertape.model.entries import Lifecycle
from papertape.model.session import SessionId
from papertape.model.tables import SEGMENTS, SegmentRow
from papertape.store import sqlite_sql as sql
from papertape.store.readers import Readers
from papertape.store.schema import CODECS, Scalar
from papertape.store.segments.catalogue import Segments
from papertape.store.segments.child import SealingProcess
from papertape.store.segments.disk import FOLDER, SegmentDisk, is_ours
from papertape.store.segments.retention import expired_sessions, mergeable
from papertape.store.segments.work import MergeTask, SealTask, Task
from papertape.store.sqlite import SqliteStore

ENDED: frozenset[Lifecycle] = frozenset({"stopped", "failed"})
"""States that nothing leaves; a test compares them with the session's own table."""

_NO_LIMIT = 2**63 - 1
_FIRST_SEQ = 2
_MERGED_BYTES = 12_000_000
_LOOK_AGAIN_S = 0.2
_NOTHING_WRITTEN = frozenset({"store.commit_refused", "store.queue_full"})


class SealPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """When batches are sealed and how long they are kept.

    A session that goes on keeps its newest `live_entries` in the journal and gives whole files of `segment_entries`;
    one that has ended gives all. `keep_days` and `keep_bytes` are for market data of ended sessions; None keeps it
    for ever.
    """

    segment_entries: int = 100_000
    live_entries: int = 100_000
    keep_days: float | None = None
    keep_bytes: int | None = None
    pause_s: float = 60.0
    patience_s: float = 3_600.0


class SealReport(msgspec.Struct, frozen=True, kw_only=True):
    """What one look did: the files made, the larger files made of smaller ones, those removed, and what failed."""

    sealed: tuple[SegmentRow, ...] = ()
    merged: tuple[SegmentRow, ...] = ()
    removed: tuple[SegmentRow, ...] = ()
    failures: tuple[str, ...] = ()


class Sealer:
    """Seals in a thread of its own; the files are made elsewhere, by `work`.

    Args:
        store: The journal; its data folder's lock is held by the caller, who closes this before the store.
        clock: Our wall clock, microseconds UTC.
        policy: What is sealed, and kept.
        highest_place: The last place that may leave the journal: what a copy elsewhere has acknowledged. None is all.
        work: Makes a file; a process of its own by default.
        disk: Removes files.
        pause: Waits that many seconds between looks, or until it is closed.
    """

    def __init__(
        self,
        store: SqliteStore,
        clock: Callable[[], int],
        policy: SealPolicy | None = None,
        *,
        highest_place: Callable[[], int | None] = lambda: None,
        work: Callable[[Task], SegmentRow | None] | None = None,
        disk: SegmentDisk | None = None,
        pause: Callable[[float], object] | None = None,
    ) -> None:
        self._store = store
        self._folder = store.path.parent / FOLDER
        self._readers = Readers(store.path, size=1)
        self._segments = Segments(store.path.parent, self._readers)
        self._clock = clock
        self._policy = policy or SealPolicy()
        self._highest_place = highest_place
        self._process = SealingProcess()
        self._work = work or self._process
        self._disk = disk or SegmentDisk()
        self._closing = threading.Event()
        self._pause = pause or self._closing.wait
        self._looking = threading.Lock()
        self._given_up: dict[SessionId, int] = {}
        self._troubles: dict[SessionId, str] = {}
        self._report = SealReport()
        self._thread = threading.Thread(target=self._run, name="papertape-sealer", daemon=True)

    @property
    def last_report(self) -> SealReport:
        """What the last look did."""
        return self._report

    def start(self) -> None:
        """Remove what is not in the manifest and start to look for what is due."""
        self.sweep()
        self._thread.start()

    def close(self) -> None:
        """Stop; a file that is being made is left, and removed at the next start. Idempotent."""
        self._closing.set()
        self._process.close()
        if self._thread.ident is not None:
            self._thread.join()
        self._readers.close()

    def sweep(self) -> list[Path]:
        """Remove files of the sealer that the manifest does not name, left by a crash, and return them."""
        known = {row.file for row in self._kept()}
        found = sorted(path for path in self._folder.glob("*") if is_ours(path.name))
        unknown = [path for path in found if f"{FOLDER}/{path.name}" not in known]
        for path in unknown:
            self._disk.remove(path)
        return unknown

    def seal_now(self) -> SealReport:
        """Do everything that is due and say what was done; what fails is said and tried again later."""
        with self._looking:
            done = _Done()
            self._attempt("", done, lambda: self._seal_all(done))
            self._attempt("", done, lambda: self._merge_all(done))
            self._attempt("", done, lambda: self._remove_expired(done))
            self._report = done.report()
            self._store.sealing_error = next(iter(self._troubles.values()), None)
            return self._report

    def _run(self) -> None:
        while not self._closing.is_set():
            self.seal_now()
            self._pause(self._policy.pause_s)

    def _attempt(self, subject: str, done: _Done, step: Callable[[], None]) -> None:
        now = self._clock()
        if self._closing.is_set() or now < self._given_up.get(subject, now):
            return
        try:
            step()
        except Broken as error:
            self._given_up[subject] = now + int(self._policy.patience_s * 1_000_000)
            self._troubles[subject] = error.message
            done.failures.append(error.message)
        except (PapertapeError, OSError) as error:
            self._troubles[subject] = str(error)
            done.failures.append(str(error))
        else:
            self._troubles.pop(subject, None)

    def _seal_all(self, done: _Done) -> None:
        for (session_id,) in self._readers.rows(sql.TAPE_SESSIONS, {"limit": _NO_LIMIT}):
            self._attempt(str(session_id), done, partial(self._seal, str(session_id), done))

    def _merge_all(self, done: _Done) -> None:
        for run in mergeable(self._kept(), self._policy.segment_entries, _MERGED_BYTES):
            session_id = run[0].session_id
            if self._has_ended(session_id):
                self._attempt(session_id, done, partial(self._merge, run, done))

    def _kept(self) -> list[SegmentRow]:
        return [row for row in self._segments.all() if row.removed_ts is None]

    def _limit(self) -> int:
        # The newest row stays: a place is the number after the highest there is, and would be given out again.
        newest = int(self._readers.rows(sql.NEWEST_TAPE_PLACE, {"limit": 1})[0][0] or 0)
        highest = self._highest_place()
        return newest - 1 if highest is None else min(newest - 1, highest)

    def _has_ended(self, session_id: SessionId) -> bool:
        row = self._store.session(session_id)
        return row is not None and row.state in ENDED

    def _seal(self, session_id: SessionId, done: _Done) -> None:
        policy, has_ended = self._policy, self._has_ended(session_id)
        until_seq = self._store.last_entry_seq(session_id) - (0 if has_ended else policy.live_entries)
        least = 1 if has_ended else policy.segment_entries + 1
        while not self._closing.is_set():
            limit = self._limit()
            first = self._first_waiting(session_id, limit)
            if first is None or until_seq - first + 1 < least:
                return
            task = SealTask(
                database=str(self._store.path),
                session_id=session_id,
                after_seq=first - 1,
                until_seq=until_seq,
                until_place=limit,
                most_entries=policy.segment_entries,
                is_whole=not has_ended,
                token=secrets.token_hex(4),
                sealed_ts=self._clock(),
            )
            segment = self._work(task)
            if segment is None:
                return
            span = (segment.first_seq, segment.last_seq, segment.first_row, segment.last_row)
            self._enter(segment, (sql.DELETE_SEALED, (session_id, *span)))
            done.sealed.append(segment)

    def _first_waiting(self, session_id: SessionId, limit: int) -> int | None:
        bindings: dict[str, Scalar] = {"session_id": session_id, "after": -1, "until": limit, "limit": 1}
        rows = self._readers.rows(sql.SEALABLE, bindings)
        return int(rows[0][_FIRST_SEQ] or 0) if rows else None

    def _merge(self, run: tuple[SegmentRow, ...], done: _Done) -> None:
        merged = self._work(MergeTask(database=str(self._store.path), segments=run, token=secrets.token_hex(4)))
        if merged is not None:
            self._enter(merged, *((sql.DELETE_SEGMENT, (row.session_id, row.first_seq)) for row in run))
            self._remove_files(run)
            done.merged.append(merged)

    def _remove_expired(self, done: _Done) -> None:
        policy = self._policy
        if policy.keep_days is None and policy.keep_bytes is None:
            return
        kept, now = self._kept(), self._clock()
        expired = expired_sessions(
            kept, self._removable(kept), now=now, keep_days=policy.keep_days, keep_bytes=policy.keep_bytes
        )
        for session_id in expired:
            gone = [row for row in kept if row.session_id == session_id]
            self._transact(session_id, (sql.MARK_REMOVED, (now, session_id)))
            self._remove_files(gone)
            done.removed.extend(msgspec.structs.replace(row, removed_ts=now) for row in gone)

    def _removable(self, kept: Sequence[SegmentRow]) -> dict[SessionId, int]:
        limit = self._limit()
        on_tape = {str(row[0]) for row in self._readers.rows(sql.TAPE_SESSIONS, {"limit": _NO_LIMIT})}
        held_back = {row.session_id for row in kept if row.last_row > limit} | on_tape
        sessions = (self._store.session(session_id) for session_id in {row.session_id for row in kept} - held_back)
        return {row.session_id: row.updated_ts for row in sessions if row is not None and row.state in ENDED}

    def _remove_files(self, segments: Sequence[SegmentRow]) -> None:
        for row in segments:
            self._disk.remove(self._segments.path(row))
        self._disk.sync(self._folder)

    def _enter(self, segment: SegmentRow, *before: tuple[str, tuple[Scalar, ...]]) -> None:
        insertion = (sql.INSERTS[SEGMENTS.name], CODECS[SEGMENTS.name].encode(segment.session_id, segment))
        try:
            self._transact(segment.session_id, *before, insertion)
        except Broken as error:
            # After a disk that failed, a commit may still turn out to be durable: then the file is all there is.
            if error.code in _NOTHING_WRITTEN:
                self._disk.remove(self._segments.path(segment))
            raise

    def _transact(self, session_id: SessionId, *statements: tuple[str, tuple[Scalar, ...]]) -> None:
        answered = threading.Event()
        failures: list[BaseException] = []  # what the writer answered with: nothing was changed then

        def on_done(error: BaseException | None) -> None:
            if error is not None:
                failures.append(error)
            answered.set()

        self._store.transact(f"sealer of {session_id}", statements, on_done)
        # A full disk can hold it up for long, and it stays queued: waiting is the only way to know what became of it.
        while not answered.wait(_LOOK_AGAIN_S):
            if self._closing.is_set():
                raise Unavailable("The sealer was closed before its transaction was answered.", code="store.closed")
        if failures:
            raise failures[0]


class _Done:
    def __init__(self) -> None:
        self.sealed: list[SegmentRow] = []
        self.merged: list[SegmentRow] = []
        self.removed: list[SegmentRow] = []
        self.failures: list[str] = []

    def report(self) -> SealReport:
        return SealReport(
            sealed=tuple(self.sealed),
            merged=tuple(self.merged),
            removed=tuple(self.removed),
            failures=tuple(self.failures),
        )
