"""What waits for a copy: the journal in the order of commits, page by page, from the watermark on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import apsw
import pytest

from papertape.errors import Broken
from papertape.journal.ports import Commit
from papertape.model.entries import Batch
from papertape.model.tables import SEGMENTS, SegmentRow, WatermarkRow
from papertape.store.folder import open_folder
from papertape.store.outbox import SOURCES, Outbox, Page, PageLimits, Position, sources_of
from papertape.store.readers import Readers, ReadPage
from papertape.store.rows import Row
from papertape.store.schema import CODECS, Scalar
from papertape.store.sqlite import SqliteStore, open_store
from papertape.store.sqlite_sql import INSERTS
from papertape.testkit.journal_load import JournalLoad
from papertape.testkit.memory_store import MemoryStore
from papertape.testkit.store_contract import OTHER, SESSION, facts, signal, write
from papertape.testkit.venue import SPOT, trade

START_US = 1_766_854_702_000_000
MIRROR = "questdb://127.0.0.1:9000"
FEW = PageLimits(rows=7)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    folder = open_folder(tmp_path)
    store = open_store(folder, lambda: 5)
    yield store
    store.close()
    folder.close()


def mark(source: str, place: int) -> WatermarkRow:
    return WatermarkRow(mirror=MIRROR, source=source, acknowledged=place, rows=place, acknowledged_ts=9)


def pages(outbox: Outbox, source: str, limits: PageLimits = FEW, start: Position | None = None) -> Iterator[Page]:
    position = start or Position()
    while (page := outbox.page(source, position, limits)).end != position:
        yield page
        position = page.end


def rows_sent(outbox: Outbox, limits: PageLimits = FEW) -> dict[str, list[Row]]:
    sent: dict[str, list[Row]] = {}
    for source in SOURCES:
        for page in pages(outbox, source, limits):
            for table, rows in page.flushes:
                sent.setdefault(table.name, []).extend(rows)
    return sent


def test_every_row_of_the_journal_is_read_once_in_the_order_of_commits(store: SqliteStore) -> None:
    load = JournalLoad(START_US)
    load.write(store, 45)
    assert rows_sent(store.outbox(MIRROR)) == dict(load.expected)


def test_the_rows_of_two_sessions_come_as_they_were_committed(store: SqliteStore) -> None:
    write(store, facts(SESSION, signal(1)), facts(OTHER, signal(1)), facts(SESSION, signal(2)))
    (page,) = pages(store.outbox(MIRROR), "signals")
    ((_, rows),) = page.flushes
    assert [(row[0], row[1]) for row in rows] == [(SESSION, 1), (OTHER, 1), (SESSION, 2)]


def test_a_page_holds_no_more_rows_and_hardly_more_bytes_than_allowed(store: SqliteStore) -> None:
    write(store, *(facts(SESSION, signal(seq, reason="r" * 1_000)) for seq in range(1, 31)))
    by_rows = list(pages(store.outbox(MIRROR), "signals", PageLimits(rows=10)))
    by_size = list(pages(store.outbox(MIRROR), "signals", PageLimits(size=5_000)))
    assert [(page.journal_rows, page.is_full) for page in by_rows] == [(10, True)] * 3
    assert [(page.journal_rows, page.is_full) for page in by_size] == [(5, True)] * 6


def test_the_newest_places_and_what_was_sent_tell_how_many_rows_wait(store: SqliteStore) -> None:
    outbox = store.outbox(MIRROR)
    assert outbox.newest_places() == dict.fromkeys(SOURCES, 0)
    write(store, facts(SESSION, signal(1), signal(2)), facts(SESSION, signal(3)))
    assert outbox.newest_places() == dict.fromkeys(SOURCES, 0) | {"signals": 3}


def test_watermarks_are_kept_for_each_mirror_and_replaced(store: SqliteStore) -> None:
    outbox, other = store.outbox(MIRROR), store.outbox("questdb://other:9000")
    outbox.acknowledge([mark("signals", 3), mark("tape", 8)])
    outbox.acknowledge([mark("signals", 5)])
    assert outbox.watermarks() == {"signals": mark("signals", 5), "tape": mark("tape", 8)}
    assert other.watermarks() == {}


def test_an_instrument_that_no_row_of_the_session_tells_stops_the_tape_by_name(store: SqliteStore) -> None:
    entry = trade(1, "1.00", "1.000", "buy", SPOT)
    write(store, Commit(session_id=SESSION, batch=Batch(first_seq=1, entries=(entry,))))
    with pytest.raises(Broken, match=f"Entry 1 of session {SESSION} is about {SPOT.id}"):
        store.outbox(MIRROR).page("tape", Position(), FEW)


def test_a_table_of_the_copy_knows_which_table_of_the_journal_feeds_it() -> None:
    assert sources_of(["quotes", "bars", "signals"]) == ("signals", "tape", "samples")


class Sealed:
    """A journal whose older batches of two sessions lie in sealed files, and a memory of all of them."""

    def __init__(self, store: SqliteStore, path: Path) -> None:
        self.memory = MemoryStore(lambda: 5)
        self.loads = [JournalLoad(START_US, session_id=name, seed=seed) for seed, name in enumerate((SESSION, OTHER))]
        for _ in range(40):  # odd places are the first session's, even ones the other's
            for load in self.loads:
                (made,) = load.commits(1)
                write(store, made)
                write(self.memory, made)
        self._connection = apsw.Connection(str(path / "papertape.sqlite3"))
        self.readers = Readers(path / "papertape.sqlite3")
        self.acknowledged: list[WatermarkRow] = []

    def seal(self, session_id: str, first_row: int, last_row: int) -> None:
        where = (session_id, first_row, last_row)
        found = self._connection.execute(
            "SELECT min(first_seq), max(last_seq) FROM tape WHERE session_id = ? AND rowid BETWEEN ? AND ?", where
        ).fetchall()
        first_seq, last_seq = (int(str(number)) for number in found[0])
        self._enter(session_id, first_seq, last_seq, first_row, last_row)
        self._connection.execute("DELETE FROM tape WHERE session_id = ? AND rowid BETWEEN ? AND ?", where)

    def _enter(self, session_id: str, first_seq: int, last_seq: int, first_row: int, last_row: int) -> None:
        row = SegmentRow(
            session_id=session_id, first_seq=first_seq, last_seq=last_seq, first_row=first_row, last_row=last_row,
            first_ts=0, last_ts=0, file=f"{session_id}-{first_seq}-{last_seq}", sha256="", size=1, sealed_ts=1,
        )  # fmt: skip
        self._connection.execute(INSERTS[SEGMENTS.name], CODECS[SEGMENTS.name].encode(session_id, row))

    def merge(self, session_id: str) -> None:
        spans = self._connection.execute(
            "SELECT min(first_seq), max(last_seq), min(first_row), max(last_row) FROM segments WHERE session_id = ?",
            (session_id,),
        ).fetchall()
        self._connection.execute("DELETE FROM segments WHERE session_id = ?", (session_id,))
        first_seq, last_seq, first_row, last_row = (int(str(number)) for number in spans[0])
        self._enter(session_id, first_seq, last_seq, first_row, last_row)

    def outbox(self) -> Outbox:
        return Outbox(MIRROR, self.readers, self.memory, self.acknowledged.extend)

    def close(self) -> None:
        self._connection.close()
        self.readers.close()


@pytest.fixture
def sealed(store: SqliteStore, tmp_path: Path) -> Iterator[Sealed]:
    sealed = Sealed(store, tmp_path)
    yield sealed
    sealed.close()


def _trades(sent: dict[str, list[Row]]) -> list[Row]:
    return sorted(sent["trades"], key=repr)


def _expected_trades(sealed: Sealed) -> list[Row]:
    return sorted((row for load in sealed.loads for row in load.expected["trades"]), key=repr)


def test_sealed_batches_are_read_too_and_none_between_them_is_skipped(sealed: Sealed) -> None:
    sealed.seal(SESSION, 1, 39)
    sealed.seal(OTHER, 22, 50)
    assert _trades(rows_sent(sealed.outbox())) == _expected_trades(sealed)


def test_reading_goes_on_in_the_middle_of_a_sealed_file_also_after_a_restart(sealed: Sealed) -> None:
    sealed.seal(SESSION, 1, 39)
    sent: list[Row] = []
    position = Position()
    while True:
        page = sealed.outbox().page("tape", position, FEW)  # a new outbox each time: nothing is remembered
        if page.end == position:
            break
        sent.extend(row for table, rows in page.flushes if table.name == "trades" for row in rows)
        position = page.end
    assert sorted(sent, key=repr) == _expected_trades(sealed)


def test_a_sealed_file_below_the_watermark_is_not_read_again(sealed: Sealed) -> None:
    sealed.seal(SESSION, 1, 39)
    (first, *_) = pages(sealed.outbox(), "tape", start=Position(39))
    assert first.end == Position(39 + FEW.rows)


def test_a_position_within_a_sealed_file_is_not_taken_for_its_place(sealed: Sealed) -> None:
    sealed.seal(SESSION, 1, 39)
    inside = [page.end for page in pages(sealed.outbox(), "tape") if page.end.offset]
    assert {position.place for position in inside} == {38}  # the newest of the other session's rows before its end


def test_what_was_taken_of_one_sealed_file_is_not_skipped_in_another_that_comes_first_after_a_merge(
    sealed: Sealed,
) -> None:
    sealed.seal(SESSION, 1, 19)
    sealed.seal(OTHER, 2, 30)
    sealed.seal(SESSION, 21, 39)
    outbox = sealed.outbox()
    begun = next(page for page in pages(outbox, "tape") if page.end.offset)
    sealed.merge(SESSION)
    rest = list(pages(outbox, "tape", start=begun.end))
    sent = {row for page in (begun, *rest) for table, rows in page.flushes if table.name == "trades" for row in rows}
    assert sorted(sent, key=repr) == _expected_trades(sealed)


class _SealedBeforeTheTailIsRead(Readers):
    """Lets the sealer come in between the look at the sealed files and the one at the tail, once."""

    def __init__(self, path: Path, seal: Callable[[], None]) -> None:
        super().__init__(path)
        self._seals = [seal]

    def page(self, sql: str, bindings: Mapping[str, Scalar], max_size: int) -> ReadPage:
        if self._seals:
            self._seals.pop()()
        return super().page(sql, bindings, max_size)


def test_batches_that_are_sealed_between_the_two_looks_are_sent_too(sealed: Sealed, tmp_path: Path) -> None:
    readers = _SealedBeforeTheTailIsRead(tmp_path / "papertape.sqlite3", lambda: sealed.seal(SESSION, 1, 5))
    outbox = Outbox(MIRROR, readers, sealed.memory, sealed.acknowledged.extend)
    sent = [row for page in pages(outbox, "tape") for table, rows in page.flushes if table.name == "trades"
            for row in rows]  # fmt: skip
    readers.close()
    assert sorted(sent, key=repr) == _expected_trades(sealed)


def test_a_watermark_ahead_of_a_journal_that_lost_rows_is_forgotten_before_places_are_given_out_again(
    tmp_path: Path,
) -> None:
    folder = open_folder(tmp_path / "ahead")
    store = open_store(folder, lambda: 5)
    write(store, facts(SESSION, signal(1)))
    store.outbox(MIRROR).acknowledge([mark("signals", 9), mark("equity", 0)])
    store.close()
    again = open_store(folder, lambda: 5)
    try:
        acknowledged = {source: each.acknowledged for source, each in again.outbox(MIRROR).watermarks().items()}
    finally:
        again.close()
        folder.close()
    assert acknowledged == {"signals": 0, "equity": 0}
