"""Copies the journal to QuestDB: one thread that sends what waits, and goes on by itself after every trouble.

The journal never waits for it. Rows are dropped nowhere: the watermark moves only over rows the server has
acknowledged, and what was sent twice is the same row there.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import msgspec

from papertape.errors import Broken, PapertapeError, Unavailable
from papertape.model.tables import WatermarkRow
from papertape.model.views import MirrorState, MirrorStatus
from papertape.store.outbox import SOURCES, Outbox, Page, Position, sources_of
from papertape.store.questdb.address import QuestAddress
from papertape.store.questdb.attempt import Attempt
from papertape.store.questdb.health import TableHealth
from papertape.store.questdb.link import Link, QuestLink
from papertape.store.questdb.pace import MirrorPace
from papertape.store.questdb.progress import Progress
from papertape.store.questdb.sentences import detail_of
from papertape.store.sqlite import SqliteStore

_UNREACHABLE = "store.mirror_unreachable"
_REJECTED = "store.mirror_rejected"
_UNWRITABLE = "store.mirror_unwritable"
_UNAPPLIED = "store.mirror_unapplied"
_HEALTHY: tuple[MirrorState, ...] = ("connecting", "live")


class _Refusal(msgspec.Struct, frozen=True):
    error: PapertapeError
    retry_at: float


class QuestMirror:
    """Implements `Mirror`.

    Args:
        location: The server's address without its password.
        outbox: What waits in the journal.
        link: The server.
        clock: Our wall clock, microseconds UTC.
        monotonic: Seconds that never go back.
        pace: How often it does what.
    """

    def __init__(
        self,
        location: str,
        outbox: Outbox,
        link: Link,
        clock: Callable[[], int],
        *,
        monotonic: Callable[[], float] = time.monotonic,
        pace: MirrorPace | None = None,
    ) -> None:
        self._location = location
        self._outbox = outbox
        self._link = link
        self._clock = clock
        self._monotonic = monotonic
        self._pace = pace or MirrorPace()
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="papertape-questdb-mirror", daemon=True)
        self._first = Attempt(self.connect)
        self._state: MirrorState = "connecting"
        self._last_error: str | None = None
        self._version: str | None = None
        self._is_connected = False
        self._delay_s = self._pace.first_retry_s
        self._health = TableHealth()
        self._progress = Progress(clock())
        self._marks: dict[str, WatermarkRow] | None = None
        self._positions = dict.fromkeys(SOURCES, Position())
        self._newest = dict.fromkeys(SOURCES, 0)
        self._page_rows = dict.fromkeys(SOURCES, self._pace.page.rows)
        self._refusals: dict[str, _Refusal] = {}
        self._round: dict[str, tuple[Position, int]] = {}
        self._acknowledged_ts: int | None = None
        self._ask_at = self._sizes_at = 0.0

    @property
    def visible_until(self) -> int:
        """Every commit durable before this moment is visible to QuestDB's readers; 0 when that is not known."""
        with self._lock:
            return self._progress.visible_until

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def close(self) -> None:
        """Send what waits as far as 2 s suffice, stop the thread and let go of the server; idempotent."""
        self._closing.set()
        if self._thread.ident is not None:
            self._thread.join(2 * self._pace.farewell_s)
        elif not self._first.is_running:
            self._link.close()

    def status(self) -> MirrorStatus:
        """Return how the copy is doing; see `Mirror.status`."""
        with self._lock:
            now = self._clock()
            since = self._progress.waiting_since
            waiting_s = 0.0 if since is None else max(0, now - since) / 1e6
            state = self._shown_state(waiting_s)
            status = MirrorStatus(
                driver="questdb",
                location=self._location,
                state=state,
                is_healthy=state in ("connecting", "live")
                or (state == "behind" and waiting_s <= self._pace.unhealthy_s),
                detail="",
                last_error=next((each.error.message for each in self._refusals.values()), self._last_error),
                version=self._version,
                last_acknowledged_ts=self._acknowledged_ts,
                waiting_rows=self._waiting_rows(),
                waiting_since=since,
                rows_total=sum(mark.rows for mark in (self._marks or {}).values()),
                lag_ms=self._progress.lag(now) / 1000,
                visible_lag_ms=self._progress.visible_lag(now) / 1000,
                tables=self._health.tables(),
            )
        return msgspec.structs.replace(status, detail=detail_of(status, waiting_s, self._pace.refused_retry_s))

    def resume_suspended(self) -> list[str]:
        """Let QuestDB go on with the tables it has suspended; see `Mirror.resume_suspended`."""
        try:
            resumed = self._link.resume()
        except PapertapeError as error:
            raise Unavailable(error.message, code=_UNREACHABLE) from error
        self._ask_at = 0.0
        return resumed

    def connect(self) -> None:
        """Verify the server's tables and take up where the watermarks are; one that does not answer is tried later.

        Raises:
            Invalid: it is no QuestDB, or refuses the password.
            Broken: its tables differ from the declaration in a way that needs a decision.
        """
        try:
            self._connect()
        except Unavailable as error:
            self._suffer(error)

    def connect_at_start(self) -> None:
        """Connect as `connect` does, and leave a server that takes longer than `start_s` to the mirror's thread."""
        self._first.begin(self._pace.start_s)

    def step(self) -> float:
        """Do what is due, and return after how many seconds the next step is."""
        started = self._monotonic()
        try:
            self._look()
            if not self._is_connected:
                self._connect()
            is_more = self._send_round()
            self._ask()
        except PapertapeError as error:
            return self._suffer(error)
        with self._lock:
            self._state = "refused" if self._refusals else "live"
            self._delay_s = self._pace.first_retry_s
        # Half of the time is left to the sessions, whose thread shares the interpreter with this one.
        return min(self._monotonic() - started, self._pace.step_s) if is_more else self._pace.step_s

    def _connect(self) -> None:
        self._load_marks()
        found = self._link.verify(self._refill)
        with self._lock:
            self._version = found.version
        lost = self._health.ask_transactions(self._link)
        self._refill((*lost, *self._emptied()))
        self._ask_at = self._sizes_at = 0.0
        self._is_connected = True

    def _run(self) -> None:
        try:
            self._first.wait()
            pause_s = 0.0
            while not self._closing.wait(pause_s):
                pause_s = self._guarded_step()
            self._bid_farewell()
        finally:
            self._link.close()

    def _bid_farewell(self) -> None:
        until = self._monotonic() + self._pace.farewell_s
        while self._is_connected and self._monotonic() < until:
            self._guarded_step()
            if not self._waiting_rows() or self._refusals:
                return

    def _guarded_step(self) -> float:
        try:
            return self.step()
        except Exception as error:  # noqa: BLE001  a supervisor: the copy may fail, the journal's process goes on
            return self._suffer(Broken(f"The copy failed unexpectedly ({error!r}); report this.", code="store.mirror"))

    def _suffer(self, error: PapertapeError) -> float:
        with self._lock:
            self._last_error = error.message
            if not isinstance(error, Unavailable) or error.code == _UNAPPLIED:
                self._is_connected, self._state = False, "refused"
                return self._pace.refused_retry_s
            if error.code == _UNREACHABLE:  # otherwise it is the journal that cannot be read or written now
                self._is_connected, self._state = False, "unreachable"
            delay_s = self._delay_s
            self._delay_s = min(2 * delay_s, self._pace.longest_retry_s)
            return delay_s

    def _look(self) -> None:
        now = self._clock()
        newest = self._outbox.newest_places()
        self._load_marks()
        with self._lock:
            self._newest = newest
            self._progress.look(now, newest, self._sent())

    def _load_marks(self) -> None:
        if self._marks is not None:
            return
        newest = self._outbox.newest_places()
        marks = self._outbox.watermarks()
        with self._lock:
            for source, mark in marks.items():
                if source in SOURCES and mark.acknowledged <= newest[source]:  # else the journal was put back
                    self._positions[source] = Position(mark.acknowledged)
            self._marks = marks

    def _refill(self, tables: tuple[str, ...]) -> None:
        if not tables:
            return
        sources = sources_of(tables)
        self._record({source: (Position(), 0) for source in sources})
        for source in sources:
            self._round.pop(source, None)
        with self._lock:
            self._health.forget_transactions()
            self._progress.forget()

    def _emptied(self) -> list[str]:
        """Return tables that took nothing though rows were sent: made anew by one who did not live to say so."""
        untouched = self._health.untouched
        marks = self._marks or {}
        return [
            table.name
            for source, tables in SOURCES.items()
            if source in marks and marks[source].rows and all(each.name in untouched for each in tables)
            for table in tables
        ]

    def _send_round(self) -> bool:
        self._round = {}
        is_more = False
        try:
            for source in SOURCES:
                page = self._next_page(source)
                if page is not None and self._send(page):
                    self._round[source] = (page.end, page.rows)
                is_more = is_more or (page is not None and page.is_full)
        finally:
            self._record(self._round)
        return is_more

    def _next_page(self, source: str) -> Page | None:
        start = self._positions[source]
        refusal = self._refusals.get(source)
        is_due = refusal is None or refusal.retry_at <= self._monotonic()
        if not is_due or start.place >= self._newest[source]:
            return None
        limits = msgspec.structs.replace(self._pace.page, rows=self._page_rows[source])
        try:
            return self._outbox.page(source, start, limits)
        except Broken as error:
            self._refuse(source, error)
            return None

    def _send(self, page: Page) -> bool:
        try:
            for table, rows in page.flushes:
                self._link.send(table, rows)
        except (Broken, Unavailable) as error:
            if error.code == _UNWRITABLE:
                self._refuse(page.source, error)
            elif error.code == _REJECTED:
                self._reject(page, error)
            else:
                raise
            return False
        with self._lock:
            self._refusals.pop(page.source, None)
        self._page_rows[page.source] = min(2 * self._page_rows[page.source], self._pace.page.rows)
        return True

    def _reject(self, page: Page, error: PapertapeError) -> None:
        """Find out why rows were refused: tables that are gone, or one row, which is closed in on by halves."""
        if self._link.verify(self._refill).unfilled:
            return
        if page.journal_rows > 1:
            self._page_rows[page.source] = max(1, page.journal_rows // 2)
            return
        where = f"the row at place {page.end.place} of the journal's table {page.source}"
        self._refuse(page.source, Broken(f"It refuses {where}: {error.message}", code=_REJECTED))

    def _refuse(self, source: str, error: PapertapeError) -> None:
        with self._lock:
            self._last_error = error.message
            self._refusals[source] = _Refusal(error, self._monotonic() + self._pace.refused_retry_s)

    def _record(self, sent: dict[str, tuple[Position, int]]) -> None:
        """Move positions, durably where a place was passed: 0 starts a source again."""
        if not sent:
            return
        now = self._clock()
        marks = dict(self._marks or {})
        for source, (end, rows) in sent.items():
            before = marks[source].rows if source in marks else 0
            marks[source] = WatermarkRow(
                mirror=self._outbox.mirror,
                source=source,
                acknowledged=end.place,
                rows=before + rows,
                acknowledged_ts=now,
            )
        self._outbox.acknowledge([marks[source] for source in sent])
        with self._lock:
            self._marks = marks
            self._positions.update({source: end for source, (end, _) in sent.items()})
            if any(rows for _, rows in sent.values()):
                self._acknowledged_ts = now
            self._progress.acknowledge(now, self._sent())

    def _ask(self) -> None:
        now = self._monotonic()
        is_due = now >= self._ask_at
        if not is_due and not self._progress.is_unseen:
            return
        health = self._health
        lost = health.ask_transactions(self._link)
        if lost:
            self._refill(tuple(lost))  # first, as nobody tells of them again
            self._link.verify(self._refill)
            return
        with self._lock:
            self._progress.show(self._clock(), health.transactions)
        if is_due:
            health.ask_rows(self._link)
            self._ask_at = now + self._pace.ask_s
        if now >= self._sizes_at:
            health.ask_sizes(self._link)
            self._sizes_at = now + self._pace.sizes_s

    def _sent(self) -> dict[str, int]:
        return {source: position.place for source, position in self._positions.items()}

    def _waiting_rows(self) -> int:
        """Return about how many rows of the journal wait: places, of which a few may be empty."""
        return sum(max(0, self._newest[source] - position.place) for source, position in self._positions.items())

    def _shown_state(self, waiting_s: float) -> MirrorState:
        if self._state != "live":
            return self._state
        if self._health.suspended:
            return "suspended"
        return "behind" if waiting_s > self._pace.behind_s else "live"


def open_mirror(
    address: QuestAddress, store: SqliteStore, clock: Callable[[], int], *, pace: MirrorPace | None = None
) -> QuestMirror:
    """Prepare the copy of a store in a QuestDB and make it the store's mirror; `start` starts it.

    A server that does not answer now, or is slow to, is no error: the mirror keeps trying.

    Raises:
        Invalid: what answers is no QuestDB, or refuses the password.
        Broken: its tables differ from the declaration in a way that needs a decision.
    """
    pace = pace or MirrorPace()
    link = QuestLink(address, timeout_s=pace.request_s)
    mirror = QuestMirror(address.location, store.outbox(address.location), link, clock, pace=pace)
    try:
        mirror.connect_at_start()
    except PapertapeError:
        mirror.close()
        raise
    store.mirror = mirror
    return mirror
