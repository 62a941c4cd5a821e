"""Sealed files and the journal's tail are read as one tape, whatever is sealed meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from papertape.errors import Broken, NotFound
from papertape.model.entries import Batch
from papertape.model.tables import TAPE, TapeRow
from papertape.store import sqlite_sql as sql
from papertape.store.history import open_history
from papertape.store.readers import Readers
from papertape.store.rows import decode_rows
from papertape.store.schema import Scalar
from papertape.store.segments.joined import read_joined
from papertape.testkit.store_contract import SESSION, ticks

from .conftest import SealedStore, fours


def _partly_sealed(sealed: SealedStore) -> list[Batch]:
    batches = fours(30)
    sealed.add(*batches)
    sealed.sealer(live_entries=40).seal_now()
    return batches


def test_files_and_tail_are_one_tape(sealed: SealedStore) -> None:
    batches = _partly_sealed(sealed)
    assert (sealed.sealed()[0], sealed.in_journal()[-1]) == ((1, 8), (117, 120))
    assert list(sealed.store.batches(SESSION)) == batches
    assert sealed.store.last_entry_seq(SESSION) == 120


def test_reading_from_any_seq_is_as_if_nothing_was_sealed(sealed: SealedStore) -> None:
    batches = _partly_sealed(sealed)
    for seq in range(122):
        assert list(sealed.store.batches(SESSION, after_seq=seq)) == [b for b in batches if b.first_seq > seq]


def test_a_reader_beside_the_desk_reads_the_same(sealed: SealedStore) -> None:
    batches = _partly_sealed(sealed)
    history = open_history(sealed.store.path)
    assert (list(history.batches(SESSION)), history.last_entry_seq(SESSION)) == (batches, 120)
    history.close()


def test_the_last_seq_is_known_when_all_is_sealed(sealed: SealedStore) -> None:
    sealed.add(*fours(3))
    sealed.add(ticks(1, 1), session_id="exec_other")
    sealed.enter("stopped")
    sealed.sealer().seal_now()
    assert (sealed.in_journal(), sealed.store.last_entry_seq(SESSION)) == ([], 12)
    assert list(sealed.store.batches(SESSION, after_seq=12)) == []


@pytest.mark.parametrize("read_before", [1, 2, 63, 64, 65, 130])
def test_what_is_sealed_between_two_pages_is_read_once(sealed: SealedStore, read_before: int) -> None:
    batches = fours(150)
    sealed.add(*batches)
    reading = sealed.store.batches(SESSION)
    found = [next(reading) for _ in range(read_before)]
    assert len(sealed.sealer(live_entries=20).seal_now().sealed) > 30
    assert found + list(reading) == batches


@pytest.mark.parametrize("is_sealed_first", [True, False])
def test_what_is_sealed_beside_any_look_at_the_tail_is_read_once(sealed: SealedStore, is_sealed_first: bool) -> None:
    batches = fours(12)
    sealed.add(*batches)
    readers = Readers(sealed.store.path, size=1)
    sealers = [sealed.sealer(live_entries=live) for live in (34, 22, 10, 4)]

    def tail(after: int) -> list[TapeRow]:
        if is_sealed_first and sealers:
            sealers.pop(0).seal_now()
        bindings: dict[str, Scalar] = {"session_id": SESSION, "after": after, "limit": 1}
        rows = decode_rows(TAPE, readers.rows(sql.BATCHES, bindings))
        if sealers:
            sealers.pop(0).seal_now()
        return rows

    assert list(read_joined(SESSION, 0, 0, tail, sealed.store.segments)) == batches
    assert len(sealed.sealed()) == 5
    readers.close()


def test_a_file_merged_while_it_is_about_to_be_read_is_read_from_the_larger_one(sealed: SealedStore) -> None:
    batches = fours(12)
    sealed.add(*batches)
    sealed.add(ticks(1, 1), session_id="exec_other")
    sealed.enter("stopped")
    sealed.sealer().seal_now()
    old = sealed.store.segments.of_session(SESSION)
    reading = sealed.store.batches(SESSION)
    first = next(reading)
    assert len(sealed.sealer(segment_entries=1000).seal_now().merged) == 1
    assert [first, *reading] == batches
    assert list(sealed.store.segments.batches(old[2])) == batches[4:6]
    assert sealed.store.segments.rows(old[2], columns=["seq"])["seq"].to_list() == list(range(17, 25))


def test_a_session_is_read_whole_while_a_thread_seals_and_merges_it(sealed: SealedStore) -> None:
    batches = fours(200)
    sealed.add(*batches)
    sealed.add(ticks(1, 1), session_id="exec_other")
    sealed.enter("stopped")
    done = threading.Event()

    def seal() -> None:
        try:
            for size in (10, 40, 200, 1000):
                sealed.sealer(segment_entries=size).seal_now()
        finally:
            done.set()

    thread = threading.Thread(target=seal)
    thread.start()
    reads = 0
    while not done.is_set() or reads == 0:
        assert list(sealed.store.batches(SESSION)) == batches
        reads += 1
    thread.join()
    assert (sealed.sealed(), sealed.in_journal()) == ([(1, 800)], [])
    assert list(sealed.store.batches(SESSION)) == batches


@pytest.mark.parametrize("hole", [3, 12])
def test_a_hole_at_or_after_the_border_is_found(sealed: SealedStore, hole: int) -> None:
    batches = fours(20)
    del batches[hole]
    sealed.add(*batches)
    sealed.sealer(live_entries=80 - 4 * (hole + 1)).seal_now()
    with pytest.raises(Broken, match=f"a batch was expected at seq {4 * hole + 1}, the next one .* at {4 * hole + 5}"):
        list(sealed.store.batches(SESSION))
    with pytest.raises(Broken, match=f"expected at seq {4 * hole + 1}"):
        list(sealed.store.batches(SESSION, after_seq=4 * hole))


def _spoil(path: Path, content: bytes | None) -> None:
    if content is None:
        path.unlink()
    else:
        path.write_bytes(content)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda _: None, "store.segment_missing"),
        (lambda content: content[:-7], "store.segment_damaged"),
        (lambda content: content[:100] + bytes([content[100] ^ 1]) + content[101:], "store.segment_damaged"),
    ],
    ids=["missing", "truncated", "one bit"],
)
def test_a_spoilt_file_is_said_and_the_rest_is_read(sealed: SealedStore, change: object, code: str) -> None:
    batches = _partly_sealed(sealed)
    sealed.add(*fours(2), session_id="exec_other")
    second = sealed.store.segments.of_session(SESSION)[1]
    path = sealed.path / second.file
    spoilt = change(path.read_bytes())  # type: ignore[operator]  # one of the three above
    _spoil(path, spoilt)
    reading = sealed.store.batches(SESSION)
    assert [next(reading), next(reading)] == batches[:2]
    with pytest.raises(Broken, match=f"with entries 9 to 16 of session {SESSION} is") as caught:
        next(reading)
    assert caught.value.code == code
    assert list(sealed.store.batches(SESSION, after_seq=16)) == batches[4:]
    assert list(sealed.store.batches("exec_other")) == fours(2)
    assert (path.read_bytes() if path.exists() else None) == spoilt


def test_what_retention_removed_is_said_with_its_day(sealed: SealedStore) -> None:
    sealed.add(*fours(6))
    sealed.add(ticks(1, 1), session_id="exec_other")
    sealed.enter("stopped")
    sealed.sealer().seal_now()
    old = sealed.store.segments.of_session(SESSION)
    reading = sealed.store.batches(SESSION)
    next(reading)
    sealed.now += 86_400_000_000
    sealed.sealer(keep_days=0.5).seal_now()
    segments = sealed.store.segments
    reads: list[Callable[[], Iterator[Batch]]] = [
        lambda: reading,
        lambda: sealed.store.batches(SESSION),
        lambda: segments.batches(old[0]),
    ]
    for read in reads:
        with pytest.raises(NotFound, match=r"was removed on 1970-01-02 by retention.* Its facts are kept"):
            list(read())
    assert sealed.store.last_entry_seq(SESSION) == 24
