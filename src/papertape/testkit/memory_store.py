"""A store without a disk that behaves as the drivers do; it can hold commits back and can fail on request."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from papertape.errors import Broken, Unavailable
from papertape.journal.ports import Commit, Filter, Mirror, StoreStatus
from papertape.model.entries import Batch
from papertape.model.samples import Samples
from papertape.model.session import SessionRow
from papertape.model.tables import EVENT_TABLES, SAMPLES, SESSIONS, TABLES, TAPE, SampleRow, Table, TapeRow, ViewsRow
from papertape.store.rows import Row, decode_rows, filter_value, read_batches, rows_of, samples_of
from papertape.store.schema import CODECS, Scalar

OnDurable = Callable[[BaseException | None], None]
_Key = tuple[Scalar, ...]


class MemoryStore:
    """Implements `Appender` and `History`. Commits are durable, and acknowledged, within `submit` unless held."""

    def __init__(self, clock: Callable[[], int]) -> None:
        self._clock = clock
        self._rows: dict[str, dict[_Key, Row]] = {table.name: {} for table in TABLES}
        self._views: dict[str, ViewsRow] = {}
        self._waiting: deque[tuple[Commit, list[tuple[Table, Row]], int, OnDurable]] = deque()
        self._halted: dict[str, Broken] = {}
        self._failure: Broken | None = None
        self._refusal: Broken | None = None
        self._is_held = False
        self.mirror: Mirror | None = None
        self._last_error: str | None = None
        self._last_durable_ts: int | None = None
        self._rows_total = 0
        self._lag_us = 0

    def hold(self) -> None:
        """Stop making commits durable: they wait."""
        self._is_held = True

    def release(self) -> None:
        """Make what waits durable, in order, and go on."""
        self._is_held = False
        while self._waiting:
            self._write(*self._waiting.popleft())

    def fail(self, message: str) -> None:
        """Fail for good: what waits gets the failure, and nothing more is taken or read."""
        self._failure = Broken(message, code="store.write_failed")
        self._last_error = message
        while self._waiting:
            self._waiting.popleft()[-1](self._failure)

    def refuse_next(self, message: str) -> None:
        """Refuse the next commit, as a full queue does, and take those after it."""
        self._refusal = Broken(message, code="store.queue_full")

    def submit(self, commit: Commit, on_durable: OnDurable) -> None:
        """Take a commit; see `Appender.submit`."""
        rows = rows_of(commit)
        refusal = self._failure or self._halted.get(commit.session_id) or self._refusal
        self._refusal = None
        if refusal is not None:
            raise refusal
        self._waiting.append((commit, rows, self._clock(), on_durable))
        if not self._is_held:
            self.release()

    def probe(self) -> None:
        """Raise when the store has failed; see `Appender.probe`."""
        self._check()

    def status(self) -> StoreStatus:
        """Return how the store is doing now."""
        waiting = self._clock() - self._waiting[0][2] if self._waiting else 0
        return StoreStatus(
            driver="memory",
            location="memory",
            is_healthy=self._failure is None,
            last_error=self._last_error,
            last_durable_ts=self._last_durable_ts,
            rows_total=self._rows_total,
            queue_length=len(self._waiting),
            lag_ms=max(waiting, self._lag_us) / 1000,
            detail="kept in memory",
            mirror=None if self.mirror is None else self.mirror.status(),
        )

    def events(
        self,
        table: Table,
        session_id: str,
        *,
        after: int = 0,
        until: int | None = None,
        limit: int = 1000,
        filters: Sequence[Filter] = (),
        newest_first: bool = False,
    ) -> list[Any]:
        """Return records of one event table; see `History.events`."""
        self._check()
        names = [column.name for column in CODECS[table.name].columns]
        wanted = [
            (names.index(table.column(each.column)), filter_value(table, each.column, each.value)) for each in filters
        ]
        seq = names.index(table.column("seq"))
        rows = [
            row
            for row in self._of(table, session_id)
            if _number(row[seq]) > after
            and (until is None or _number(row[seq]) <= until)
            and all(row[index] == value for index, value in wanted)
        ]
        rows.sort(key=lambda row: _number(row[seq]), reverse=newest_first)
        return decode_rows(table, rows[: max(0, limit)])

    def samples(self, session_id: str) -> list[Samples]:
        """Return the samples of a session in order."""
        rows: list[SampleRow] = decode_rows(SAMPLES, self._of(SAMPLES, session_id))
        return [samples_of(row) for row in sorted(rows, key=lambda row: row.entry_seq)]

    def batches(self, session_id: str, *, after_seq: int = 0) -> Iterator[Batch]:
        """Yield the journalled batches; see `History.batches`."""
        self._check()
        tape = self._tape(session_id)
        before = max((row.last_seq for row in tape if row.first_seq <= after_seq), default=0)
        return read_batches(session_id, after_seq, before, lambda after: [r for r in tape if r.first_seq > after])

    def last_event_seq(self, session_id: str) -> int:
        """Return the highest durable fact seq; see `History.last_event_seq`."""
        self._check()
        return max((_number(row[1]) for table in EVENT_TABLES for row in self._of(table, session_id)), default=0)

    def last_entry_seq(self, session_id: str) -> int:
        """Return the highest durable entry seq; see `History.last_entry_seq`."""
        self._check()
        return max((row.last_seq for row in self._tape(session_id)), default=0)

    def session(self, session_id: str) -> SessionRow | None:
        """Return the newest revision of a session's row; see `History.session`."""
        return next((row for row in self._newest(None) if row.session_id == session_id), None)

    def sessions(self, *, limit: int = 200) -> list[SessionRow]:
        """Return the newest revision of every session; see `History.sessions`."""
        return self._newest(None)[: max(0, limit)]

    def session_by_idempotency_key(self, key: str) -> SessionRow | None:
        """Return the session started with this key; see `History.session_by_idempotency_key`."""
        return next(iter(self._newest(key)), None)

    def views(self, session_id: str) -> bytes | None:
        """Return the saved last views; see `History.views`."""
        self._check()
        row = self._views.get(session_id)
        return None if row is None else row.payload

    def save_views(self, session_id: str, saved_ts: int, payload: bytes) -> None:
        """Replace the saved last views; see `History.save_views`."""
        self._check()
        if session_id in self._halted:
            raise self._halted[session_id]
        self._views[session_id] = ViewsRow(session_id=session_id, saved_ts=saved_ts, payload=payload)

    def close(self) -> None:
        """Make what waits durable."""
        self.release()

    def _check(self) -> None:
        if self._failure is not None:
            raise Unavailable(self._failure.message, code="store.unavailable")

    def _of(self, table: Table, session_id: str) -> list[Row]:
        return [row for row in self._rows[table.name].values() if row[0] == session_id]

    def _tape(self, session_id: str) -> list[TapeRow]:
        rows: list[TapeRow] = decode_rows(TAPE, self._of(TAPE, session_id))
        return sorted(rows, key=lambda row: row.first_seq)

    def _newest(self, key: str | None) -> list[SessionRow]:
        self._check()
        rows: list[SessionRow] = decode_rows(SESSIONS, list(self._rows[SESSIONS.name].values()))
        if key is not None:
            rows = [row for row in rows if row.idempotency_key == key]
        newest = {row.session_id: row for row in sorted(rows, key=lambda row: row.revision)}
        return sorted(newest.values(), key=lambda row: (row.created_ts, row.session_id), reverse=True)

    def _write(self, commit: Commit, rows: list[tuple[Table, Row]], submitted_ts: int, on_durable: OnDurable) -> None:
        keyed = [(table, _key(table, row), row) for table, row in rows]
        is_new = len({(table.name, key) for table, key, _ in keyed}) == len(keyed)
        if not is_new or any(key in self._rows[table.name] for table, key, _ in keyed):
            self._halt(commit.session_id)
        if commit.session_id in self._halted:
            on_durable(self._halted[commit.session_id])
            return
        for table, key, row in keyed:
            self._rows[table.name][key] = row
        self._last_durable_ts = self._clock()
        self._lag_us = max(0, self._last_durable_ts - submitted_ts)
        self._rows_total += len(rows)
        on_durable(None)

    def _halt(self, session_id: str) -> None:
        message = f"A commit of session {session_id} was refused: a seq was written before; the session must halt."
        self._halted.setdefault(session_id, Broken(message, code="store.commit_refused"))
        self._last_error = message


def _key(table: Table, row: Row) -> _Key:
    names = [column.name for column in CODECS[table.name].columns]
    return tuple(row[names.index(name)] for name in table.key)


def _number(value: Scalar) -> int:
    return value if isinstance(value, int) else 0
