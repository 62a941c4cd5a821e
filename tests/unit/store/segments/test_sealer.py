"""The sealer moves what is due and nothing else."""

from __future__ import annotations

from functools import partial
from itertools import pairwise
from pathlib import Path

import pytest

from papertape.errors import Broken, Unavailable
from papertape.journal.ports import Commit
from papertape.model.tables import SegmentRow
from papertape.session import lifecycle
from papertape.store.segments import sealer as module
from papertape.store.segments.child import SealingProcess
from papertape.store.segments.disk import SegmentDisk
from papertape.store.segments.sealer import SealReport
from papertape.store.segments.work import SealTask, Task, carry_out
from papertape.store.sqlite import SqliteStore
from papertape.store.writer import OnDurable, Statements
from papertape.testkit.store_contract import SESSION, ticks, write

from .conftest import DAY_US, SealedStore, fours

OTHER = "exec_other"


def _all() -> None:
    return None


def test_the_states_that_have_ended_are_those_that_nothing_leaves() -> None:
    assert module.ENDED == lifecycle.ENDED


def test_an_ended_session_is_sealed_wholly(sealed: SealedStore) -> None:
    sealed.add(*fours(6))
    sealed.add(ticks(1, 1), session_id=OTHER)
    sealed.enter("stopped")
    report = sealed.sealer().seal_now()
    assert (sealed.sealed(), sealed.in_journal()) == ([(1, 8), (9, 16), (17, 24)], [])
    assert report == SealReport(sealed=tuple(sealed.store.segments.of_session(SESSION)))
    assert [(row.first_row, row.last_row, row.first_ts, row.last_ts) for row in report.sealed] == [
        (1, 2, 1, 8),
        (3, 4, 9, 16),
        (5, 6, 17, 24),
    ]
    assert sealed.files() == sorted(row.file for row in report.sealed)


def test_the_newest_row_of_the_database_stays_so_that_places_keep_growing(sealed: SealedStore) -> None:
    sealed.add(*fours(3))
    sealed.enter("stopped")
    sealed.sealer().seal_now()
    assert (sealed.sealed(), sealed.in_journal()) == ([(1, 8)], [(9, 12)])
    sealed.add(ticks(1, 2), ticks(3, 3), session_id=OTHER)
    sealed.sealer().seal_now()
    places = [(row.first_row, row.last_row) for row in sealed.store.segments.of_session(SESSION)]
    assert (sealed.in_journal(), sealed.in_journal(OTHER)) == ([], [(1, 2), (3, 3)])
    assert places == [(1, 2), (3, 3)]


@pytest.mark.parametrize("state", ["starting", "running", "stopping", "suspended"])
def test_a_session_that_goes_on_keeps_its_newest_and_gives_whole_files(sealed: SealedStore, state: str) -> None:
    sealed.add(*fours(6))
    sealed.enter(state)  # type: ignore[arg-type]  # one of the lifecycle's states
    sealer = sealed.sealer(live_entries=7)
    sealer.seal_now()
    assert (sealed.sealed(), sealed.in_journal()) == ([(1, 8)], [(9, 12), (13, 16), (17, 20), (21, 24)])
    sealed.add(*fours(2, start=25))
    sealer.seal_now()
    assert sealed.sealed() == [(1, 8), (9, 16)]


def test_a_session_without_a_row_is_not_taken_for_ended(sealed: SealedStore) -> None:
    sealed.add(*fours(3))
    sealed.sealer(live_entries=100).seal_now()
    assert sealed.sealed() == []


def test_nothing_goes_beyond_what_a_copy_has_acknowledged(sealed: SealedStore) -> None:
    sealed.add(*fours(6))
    sealed.add(ticks(1, 1), session_id=OTHER)
    sealed.enter("stopped")
    found = []
    for acknowledged in (0, 3, None):
        sealed.sealer(highest_place=partial(int, acknowledged) if acknowledged is not None else _all).seal_now()
        found.append(sealed.sealed())
    assert found == [[], [(1, 8), (9, 12)], [(1, 8), (9, 12), (13, 20), (21, 24)]]


def test_the_last_seq_of_a_batch_larger_than_a_file_goes_alone(sealed: SealedStore) -> None:
    sealed.add(ticks(1, 50), ticks(51, 52), ticks(53, 54))
    sealed.enter("failed")
    sealed.sealer().seal_now()
    assert (sealed.sealed(), sealed.in_journal()) == ([(1, 50), (51, 52)], [(53, 54)])


def test_small_neighbours_of_an_ended_session_become_one_file(sealed: SealedStore) -> None:
    batches = fours(6)
    sealed.add(*batches)
    sealed.add(ticks(1, 1), session_id=OTHER)
    sealed.enter("stopped")
    sealed.sealer().seal_now()
    report = sealed.sealer(segment_entries=16).seal_now()
    assert report == SealReport(merged=(sealed.store.segments.of_session(SESSION)[0],))
    assert sealed.sealed() == [(1, 16), (17, 24)]
    assert (report.merged[0].first_row, report.merged[0].last_row) == (1, 4)
    assert sealed.files() == sorted(row.file for row in sealed.store.segments.of_session(SESSION))
    assert list(sealed.store.batches(SESSION)) == batches
    assert sealed.sealer(segment_entries=16).seal_now() == SealReport()


def _three_ended_sessions(sealed: SealedStore) -> list[str]:
    sessions = [f"exec_{number}" for number in (3, 1, 2)]
    for session_id in sessions:
        sealed.add(*fours(6), session_id=session_id)
        sealed.enter("stopped", session_id)
        sealed.now += DAY_US
    sealed.add(*fours(6))
    sealed.enter("running")
    sealed.sealer(segment_entries=12).seal_now()
    return sessions


def test_nothing_is_removed_unless_it_is_asked_for(sealed: SealedStore) -> None:
    _three_ended_sessions(sealed)
    sealed.now += 10_000 * DAY_US
    assert sealed.sealer(segment_entries=12).seal_now() == SealReport()


def test_market_data_is_removed_by_age_whole_sessions_at_a_time(sealed: SealedStore) -> None:
    first, second, third = _three_ended_sessions(sealed)
    report = sealed.sealer(segment_entries=12, keep_days=1.5).seal_now()
    gone = [*sealed.store.segments.of_session(first), *sealed.store.segments.of_session(second)]
    assert list(report.removed) == gone
    assert {row.removed_ts is None for row in gone} == {False}
    assert sealed.files() == sorted(
        row.file for each in (third, SESSION) for row in sealed.store.segments.of_session(each)
    )
    assert list(sealed.store.batches(third)) == fours(6)
    assert sealed.store.session(first) is not None


def test_market_data_is_removed_by_size_oldest_first_but_never_of_a_session_that_goes_on(sealed: SealedStore) -> None:
    first, second, third = _three_ended_sessions(sealed)
    sizes = {each: sum(row.size for row in sealed.store.segments.of_session(each)) for each in (first, second, third)}
    total = sum(row.size for row in sealed.store.segments.all())
    assert sealed.sealer(segment_entries=12, keep_bytes=total).seal_now().removed == ()
    fitting = total - sizes[first]
    assert {row.session_id for row in sealed.sealer(keep_bytes=fitting).seal_now().removed} == {first}
    assert {row.session_id for row in sealed.sealer(keep_bytes=0).seal_now().removed} == {second, third}
    assert list(sealed.store.batches(SESSION)) == fours(6)


def test_market_data_a_copy_has_not_acknowledged_is_not_removed(sealed: SealedStore) -> None:
    first, second, _ = _three_ended_sessions(sealed)
    last_place = sealed.store.segments.of_session(first)[-1].last_row
    sealer = sealed.sealer(segment_entries=12, keep_bytes=0, highest_place=lambda: last_place)
    assert {row.session_id for row in sealer.seal_now().removed} == {first}
    assert list(sealed.store.batches(second)) == fours(6)


def test_files_the_manifest_does_not_name_are_removed_at_start_and_others_left(sealed: SealedStore) -> None:
    sealed.add(*fours(6))
    sealed.enter("stopped")
    sealed.sealer().seal_now()
    known = sealed.files()
    folder = sealed.path / "segments"
    for name in ("a.1-2.x.parquet", "a.1-2.x.parquet.draft", "notes.txt"):
        (folder / name).write_text("left over")
    removed = sealed.sealer().sweep()
    assert removed == [folder / "a.1-2.x.parquet", folder / "a.1-2.x.parquet.draft"]
    assert sealed.files() == sorted([*known, "segments/notes.txt"])


def test_a_batch_that_cannot_be_read_stops_its_own_session_only(sealed: SealedStore) -> None:
    sealed.add(*fours(6))
    sealed.add(*fours(6), session_id=OTHER)
    sealed.add(ticks(1, 1), session_id="exec_last")
    for session_id in (SESSION, OTHER):
        sealed.enter("stopped", session_id)
    sealed.run("UPDATE tape SET payload = ? WHERE session_id = ? AND first_seq = 1", (b"\xc1", SESSION))
    tasks: list[Task] = []

    def work(task: Task) -> SegmentRow | None:
        tasks.append(task)
        return carry_out(task)

    sealer = sealed.sealer(work=work, patience_s=100.0)
    (failure,) = sealer.seal_now().failures
    assert failure.startswith(f"The batch at seq 1 of session {SESSION} cannot be read")
    assert (sealed.sealed(), sealed.sealed(OTHER)) == ([], [(1, 8), (9, 16), (17, 24)])
    assert sealer.seal_now() == SealReport()
    assert sealed.store.status().sealing_error == failure  # it is told for as long as it lasts
    sealed.now += 200_000_000
    assert sealer.seal_now().failures == (failure,)
    assert [task.session_id for task in tasks if isinstance(task, SealTask)].count(SESSION) == 2


class _FullDisk(SegmentDisk):
    def write_draft(self, path: Path, content: bytes) -> Path:
        draft = path.with_name(path.name + ".draft")
        draft.write_bytes(content[:10])
        raise OSError(28, "No space left on device")


class _ForgetfulDisk(SegmentDisk):
    def write_draft(self, path: Path, content: bytes) -> Path:
        return super().write_draft(path, content[:-50] + bytes(50))


def test_a_full_disk_is_said_and_tried_again_at_the_next_look(sealed: SealedStore) -> None:
    sealed.add(*fours(6))
    sealed.enter("stopped")
    disks = iter([_FullDisk(), *[SegmentDisk()] * 9])
    sealer = sealed.sealer(work=lambda task: carry_out(task, next(disks)))
    assert sealer.seal_now().failures == ("[Errno 28] No space left on device",)
    assert len(sealed.in_journal()) == 6
    assert len(sealer.seal_now().sealed) == 3
    assert list(sealed.store.batches(SESSION)) == fours(6)


def test_what_is_not_read_back_as_written_stays_in_the_journal(sealed: SealedStore) -> None:
    sealed.add(*fours(6))
    sealed.enter("stopped")
    report = sealed.sealer(work=lambda task: carry_out(task, _ForgetfulDisk())).seal_now()
    assert len(report.failures) == 1
    assert (sealed.sealed(), sealed.files(), len(sealed.in_journal())) == ([], [], 6)


def test_a_refused_transaction_halts_no_session_and_leaves_no_file(sealed: SealedStore) -> None:
    sealed.add(*fours(6))
    sealed.enter("stopped")
    twice = sealed.sealer(work=lambda task: carry_out(task))
    row = carry_out(
        SealTask(
            database=str(sealed.store.path),
            session_id=SESSION,
            after_seq=0,
            until_seq=8,
            until_place=2,
            most_entries=10,
            is_whole=False,
            token="first",
            sealed_ts=1,
        )
    )
    assert row is not None
    sealed.run("INSERT INTO segments VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", _values(row))
    (failure,) = twice.seal_now().failures
    assert "was refused by the database" in failure
    assert sealed.files() == [row.file]
    write(sealed.store, Commit(session_id=SESSION, batch=ticks(25, 26)))


class _FailingAtTheEnd(SqliteStore):
    """A journal on a disk that fails as a commit ends, when it is written already: nobody knows yet that it holds."""

    def __init__(self, store: SqliteStore) -> None:
        self.__dict__.update(store.__dict__)

    def transact(self, owner: str, statements: Statements, on_done: OnDurable) -> None:
        failure = Broken("The disk failed.", code="store.write_failed")
        super().transact(owner, statements, lambda _: on_done(failure))


def test_a_file_stays_when_its_transaction_may_have_become_durable_all_the_same(sealed: SealedStore) -> None:
    sealed.add(*fours(6))
    sealed.enter("stopped")
    sealed.store = _FailingAtTheEnd(sealed.store)
    assert sealed.sealer().seal_now().failures == ("The disk failed.",)
    assert sealed.sealer().sweep() == []
    assert [batch.first_seq for batch in sealed.store.batches(SESSION)] == [1, 5, 9, 13, 17, 21]


def _values(row: SegmentRow) -> tuple[str | int | None, ...]:
    return tuple(getattr(row, name) for name in row.__struct_fields__)


def test_the_thread_looks_again_after_each_pause_until_it_is_closed(sealed: SealedStore) -> None:
    sealed.add(*fours(2))
    sealed.enter("stopped")
    looks: list[list[tuple[int, int]]] = []

    def pause(_: float) -> None:
        looks.append(sealed.sealed())
        if len(looks) == 1:
            sealed.add(*fours(2, start=9))
        if len(looks) >= 2:
            sealer._closing.wait(10)  # noqa: SLF001  nothing else waits for the close

    sealer = module.Sealer(
        sealed.store, sealed.clock, module.SealPolicy(segment_entries=10), work=carry_out, pause=pause
    )
    sealer.start()
    for _ in pairwise(range(2000)):
        if len(looks) >= 2:
            break
        sealer._closing.wait(0.01)  # noqa: SLF001  a condition with a deadline
    sealer.close()
    assert looks == [[(1, 4)], [(1, 4), (5, 12)]]


def test_files_are_made_in_a_process_of_their_own(sealed: SealedStore) -> None:
    batches = fours(6)
    sealed.add(*batches)
    sealed.enter("stopped")
    process = SealingProcess()
    report = sealed.sealer(segment_entries=100, work=process).seal_now()
    assert (report.failures, sealed.sealed(), sealed.in_journal()) == ((), [(1, 20)], [(21, 24)])
    assert list(sealed.store.batches(SESSION)) == batches


def test_what_fails_in_the_process_is_said_here(tmp_path: Path) -> None:
    task = SealTask(
        database=str(tmp_path / "none" / "papertape.sqlite3"),
        session_id=SESSION,
        after_seq=0,
        until_seq=8,
        until_place=2,
        most_entries=10,
        is_whole=False,
        token="x",
        sealed_ts=1,
    )
    process = SealingProcess()
    with pytest.raises(Unavailable, match="cannot be used now"):
        process(task)
    with pytest.raises(Broken, match=r"ended with .* and no answer"):
        process("no task")  # type: ignore[arg-type]  # what no process understands
    process.close()
    with pytest.raises(Unavailable, match="closed"):
        process(task)
