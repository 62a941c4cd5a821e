"""What may happen to a QuestDB while the journal is copied to it: nothing is lost, nothing is doubled."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import msgspec
import pytest

from papertape.errors import Invalid
from papertape.model.tables import WatermarkRow
from papertape.session.clock import wall_clock
from papertape.store.folder import open_folder
from papertape.store.outbox import Outbox
from papertape.store.questdb.address import QuestAddress
from papertape.store.questdb.link import QuestLink
from papertape.store.questdb.mirror import QuestMirror, open_mirror
from papertape.store.questdb.pace import MirrorPace
from papertape.store.readers import Readers
from papertape.store.segments.sealer import Sealer, SealPolicy
from papertape.store.segments.work import carry_out
from papertape.store.sqlite import open_store
from papertape.testkit.fault_proxy import FaultProxy
from papertape.testkit.journal_load import JournalLoad, assert_copied
from papertape.testkit.manual_time import ManualTime
from papertape.testkit.mirrored_journal import QUICK, MirroredJournal, Writing, hold_ticks
from papertape.testkit.questdb_runtime import find_runtime
from papertape.testkit.questdb_server import QuestServer, drop_tables
from papertape.testkit.store_contract import OTHER

pytestmark = pytest.mark.questdb


def busy_load(*, ticks: int = 10) -> JournalLoad:
    return JournalLoad(wall_clock(), ticks=ticks)


def test_everything_a_session_writes_is_copied(quest: QuestAddress, tmp_path: Path) -> None:
    load = busy_load()
    with MirroredJournal(tmp_path, quest) as journal:
        load.write(journal.store, 100)
        journal.wait_until_copied()
        status = journal.wait_for(lambda status: sum(table.unapplied for table in status.tables) == 0)
        assert_copied(quest, load)
        assert (status.state, status.is_healthy, status.version) == ("live", True, find_runtime().version)
        assert journal.store.status().mirror is not None


def test_a_server_killed_in_the_midst_of_batches_gets_every_row_once(quest_server: QuestServer, tmp_path: Path) -> None:
    load = busy_load()
    with MirroredJournal(tmp_path, quest_server.address) as journal:
        for _ in range(2):
            with Writing(journal, load, per_s=400):
                journal.wait_for(lambda status: status.state == "live" and status.waiting_rows > 0)
                quest_server.kill()
                journal.wait_for(lambda status: status.state == "unreachable")
                quest_server.start()
        journal.wait_until_copied()
        assert_copied(quest_server.address, load)


def test_a_server_that_comes_up_later_gets_what_was_written_before(tmp_path: Path) -> None:
    server = QuestServer(tmp_path / "questdb", is_brief=True)
    load = busy_load()
    with MirroredJournal(tmp_path / "desk", server.address) as journal:
        assert journal.mirror.status().state == "unreachable"
        load.write(journal.store, 20)
        try:
            server.start()
            journal.wait_until_copied()
            assert_copied(server.address, load)
        finally:
            server.kill()


def test_an_hour_without_the_server_is_made_up_for(quest_server: QuestServer, tmp_path: Path) -> None:
    times = ManualTime(wall_clock())
    load = busy_load(ticks=20)
    with MirroredJournal(tmp_path, quest_server.address, clock=times.clock) as journal:
        journal.wait_for(lambda status: status.state == "live")
        quest_server.kill()
        for _ in range(30):
            load.write(journal.store, 50)
            times.advance(120)
        status = journal.wait_for(lambda status: status.waiting_rows >= 3_000)
        assert (status.state, status.is_healthy) == ("unreachable", False)
        assert status.waiting_since is not None
        assert times.clock() - status.waiting_since >= 3_500_000_000
        assert journal.store.status().is_healthy
        quest_server.start()
        journal.wait_until_copied()
        assert_copied(quest_server.address, load)


def test_a_frozen_server_does_not_hold_the_mirror_and_gets_all_once_thawed(
    quest_server: QuestServer, tmp_path: Path
) -> None:
    load = busy_load()
    with MirroredJournal(tmp_path, quest_server.address) as journal:
        load.write(journal.store, 20)
        journal.wait_until_copied()
        quest_server.freeze()
        load.write(journal.store, 20)
        journal.wait_for(lambda status: status.state == "unreachable")
        quest_server.thaw()
        load.write(journal.store, 20)
        journal.wait_until_copied()
        assert_copied(quest_server.address, load)


async def test_a_slow_connection_and_a_black_hole_end_in_time_and_lose_nothing(
    quest: QuestAddress, tmp_path: Path
) -> None:
    load = busy_load()
    async with FaultProxy(quest.http_port, latency_s=0.03) as proxy:
        behind = msgspec.structs.replace(quest, http_port=proxy.port)
        journal = await asyncio.to_thread(MirroredJournal, tmp_path, behind)
        with Writing(journal, load, per_s=100):
            await asyncio.to_thread(journal.wait_for, lambda status: status.rows_total > 0)
            proxy.heal()
            assert proxy.cut("black_hole") > 0
            await asyncio.to_thread(journal.wait_for, lambda status: status.state == "unreachable")
            await asyncio.to_thread(journal.wait_for, lambda status: status.state == "live")
            proxy.cut("reset")
        await asyncio.to_thread(journal.wait_until_copied)
        await asyncio.to_thread(journal.close)
    assert_copied(quest, load)


def test_a_suspended_table_is_said_resumed_and_complete(quest_server: QuestServer, tmp_path: Path) -> None:
    load = busy_load()
    with MirroredJournal(tmp_path, quest_server.address) as journal:
        load.write(journal.store, 20)
        journal.wait_until_copied()
        written_at = wall_clock()
        # What the server still applies would end a suspension as soon as it is done.
        journal.wait_for(lambda _: journal.mirror.visible_until > written_at)
        quest_server.execute("ALTER TABLE trades SUSPEND WAL")
        suspended_at = wall_clock()
        load.write(journal.store, 20)
        status = journal.wait_for(lambda status: status.state == "suspended" and status.waiting_rows == 0)
        assert not status.is_healthy
        assert "has suspended trades" in status.detail
        assert journal.mirror.visible_until < wall_clock()
        assert journal.mirror.resume_suspended() == ["trades"]
        journal.wait_for(lambda status: status.state == "live" and journal.mirror.visible_until > suspended_at)
        assert_copied(quest_server.address, load)


def test_a_full_disk_at_the_server_stops_nothing_and_all_comes_after_it(
    quest_server: QuestServer, tmp_path: Path
) -> None:
    load = busy_load(ticks=50)
    with MirroredJournal(tmp_path, quest_server.address) as journal:
        load.write(journal.store, 20)
        journal.wait_until_copied()
        quest_server.limit_file_size(64_000)
        until = time.monotonic() + 15
        while journal.mirror.status().is_healthy:
            assert time.monotonic() < until, f"the full disk was not noticed: {journal.mirror.status()}"
            load.write(journal.store, 10)
        assert journal.store.status().is_healthy
        quest_server.limit_file_size(None)
        journal.wait_for(lambda status: status.state in ("live", "suspended"))
        journal.mirror.resume_suspended()
        journal.wait_until_copied()
        assert_copied(quest_server.address, load)


def test_a_disk_that_is_full_from_the_start_is_said_and_all_comes_after_it(
    quest_server: QuestServer, tmp_path: Path
) -> None:
    load = busy_load(ticks=50)
    with MirroredJournal(tmp_path, quest_server.address) as journal:
        journal.wait_for(lambda status: status.state == "live")
        quest_server.limit_file_size(64_000)
        load.write(journal.store, 20)
        status = journal.wait_for(lambda status: not status.is_healthy)
        assert "No space left" in status.detail
        quest_server.limit_file_size(None)
        journal.wait_until_copied()
        assert_copied(quest_server.address, load)


def test_tables_dropped_while_the_desk_runs_are_filled_again(quest: QuestAddress, tmp_path: Path) -> None:
    load = busy_load()
    with MirroredJournal(tmp_path, quest) as journal:
        load.write(journal.store, 30)
        journal.wait_until_copied()
        drop_tables(quest)
        load.write(journal.store, 30)
        expected = {name: len(rows) for name, rows in load.expected.items()}
        journal.wait_for(lambda status: {each.table: each.rows for each in status.tables if each.rows} == expected)
        journal.wait_until_copied()
        assert_copied(quest, load)


def test_a_wrong_password_is_refused_at_the_start(quest: QuestAddress, tmp_path: Path) -> None:
    folder = open_folder(tmp_path)
    store = open_store(folder, wall_clock)
    with pytest.raises(Invalid) as refused:
        open_mirror(msgspec.structs.replace(quest, password="wrong"), store, wall_clock)
    assert refused.value.code == "store.mirror_credentials"
    assert "wrong" not in refused.value.message.replace("wrongly", "")
    assert store.mirror is None
    store.close()
    folder.close()


def test_a_crash_between_acknowledged_and_watermark_doubles_nothing(quest: QuestAddress, tmp_path: Path) -> None:
    load = busy_load()
    folder = open_folder(tmp_path)
    store = open_store(folder, wall_clock)
    load.write(store, 50)
    readers = Readers(folder.database)
    watermarks: list[WatermarkRow] = []  # none of them becomes durable
    outbox = Outbox(quest.location, readers, store, watermarks.extend)
    link = QuestLink(quest, timeout_s=5)
    abandoned = QuestMirror(quest.location, outbox, link, wall_clock)
    while abandoned.step() < QUICK.step_s or abandoned.status().waiting_rows:
        pass
    assert watermarks
    for each in (link, readers, store, folder):
        each.close()
    with MirroredJournal(tmp_path, quest) as journal:
        assert journal.mirror.status().rows_total == 0
        load.write(journal.store, 20)
        journal.wait_until_copied()
        assert_copied(quest, load)


def test_a_copy_asked_for_later_gets_what_was_sealed_before(quest: QuestAddress, tmp_path: Path) -> None:
    folder = open_folder(tmp_path)
    store = open_store(folder, wall_clock)
    loads = [busy_load(), JournalLoad(wall_clock(), session_id=OTHER, seed=2)]
    for _ in range(20):
        for load in loads:
            load.write(store, 5)
    sealer = Sealer(store, wall_clock, SealPolicy(segment_entries=200, live_entries=300), work=carry_out)
    assert len(sealer.seal_now().sealed) >= 4
    for each in (sealer, store, folder):
        each.close()
    with MirroredJournal(tmp_path, quest) as journal:
        loads[0].write(journal.store, 20)
        journal.wait_until_copied()
        assert_copied(quest, *loads)


def test_three_thousand_ticks_a_second_are_held(quest: QuestAddress, tmp_path: Path) -> None:
    load = busy_load(ticks=30)
    with MirroredJournal(tmp_path, quest, pace=MirrorPace()) as journal:
        held = hold_ticks(journal, load, per_s=3_000, seconds=5)
        assert_copied(quest, load)
    assert held.ticks >= 14_000
    assert held.drained_s < 10  # 2 s on a machine that does nothing else
