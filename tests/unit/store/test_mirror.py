"""The mirror, step by step, on a journal of its own and a server that is as the test says."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from papertape.errors import Invalid, Unavailable
from papertape.store.outbox import SOURCES, PageLimits
from papertape.store.questdb.pace import MirrorPace
from papertape.testkit.journal_load import JournalLoad
from papertape.testkit.stepped_mirror import LOCATION, SteppedMirror
from papertape.testkit.store_contract import OTHER, SESSION, facts, signal, write

PASSWORD = Invalid("QuestDB refuses the password; give the right one.", code="store.mirror_credentials")
SILENT = Unavailable("nothing listens there", code="store.mirror_unreachable")


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[SteppedMirror]:
    desk = SteppedMirror(tmp_path)
    yield desk
    desk.close()


def test_what_the_journal_holds_is_copied_and_the_watermarks_follow(desk: SteppedMirror) -> None:
    load = JournalLoad(desk.time.clock())
    load.write(desk.store, 30)
    desk.step(3)
    assert desk.copied() == dict(load.expected)
    assert desk.places() == desk.newest()
    status = desk.mirror.status()
    assert (status.state, status.is_healthy, status.waiting_rows, status.waiting_since) == ("live", True, 0, None)
    assert (status.version, status.rows_total) == ("9.3.4", sum(map(len, load.expected.values())))


def test_many_waiting_rows_are_sent_page_by_page_without_a_wait_between_them(tmp_path: Path) -> None:
    desk = SteppedMirror(tmp_path, MirrorPace(page=PageLimits(rows=5)))
    load = JournalLoad(desk.time.clock(), ticks=4)
    load.write(desk.store, 200)
    steps = 1
    while desk.step() == 0.0:
        steps += 1
    assert desk.copied() == dict(load.expected)
    assert (steps <= 45, desk.link.largest <= 20) == (True, True), (steps, desk.link.largest)
    desk.close()


def test_a_server_that_does_not_apply_a_change_of_its_tables_is_not_said_to_be_well(desk: SteppedMirror) -> None:
    desk.link.failure = Unavailable("It has suspended table signals.", code="store.mirror_unapplied")
    desk.mirror.connect()
    status = desk.mirror.status()
    assert (status.state, status.is_healthy) == ("refused", False)
    assert "does not take the copy: It has suspended table signals." in status.detail
    desk.link.failure = None
    desk.step()
    assert (desk.state, desk.mirror.status().is_healthy) == ("live", True)


def test_a_server_that_does_not_answer_is_tried_again_ever_more_slowly(desk: SteppedMirror) -> None:
    load = JournalLoad(desk.time.clock())
    load.write(desk.store, 3)
    desk.link.failure = SILENT
    assert [desk.step() for _ in range(8)] == [0.25, 0.5, 1.0, 2.0, 4.0, 5.0, 5.0, 5.0]
    status = desk.mirror.status()
    assert (status.state, status.is_healthy, status.waiting_rows) == ("unreachable", False, sum(desk.newest().values()))
    assert status.detail == (
        f"QuestDB at {LOCATION} does not answer, so 7 rows wait; the journal keeps them and sessions go on. Start "
        "QuestDB or look at the network; papertape goes on trying by itself. It said: nothing listens there"
    )
    desk.link.failure = None
    assert desk.step() == 0.25
    assert (desk.state, desk.copied()) == ("live", dict(load.expected))


def test_the_tables_are_verified_again_after_every_silence(desk: SteppedMirror) -> None:
    desk.step(3)
    assert desk.link.verified == 1
    desk.link.failure = SILENT
    desk.step()
    desk.time.advance(1)
    desk.step()
    desk.link.failure = None
    desk.step(2)
    assert desk.link.verified == 2


@pytest.mark.parametrize("has_silence", [False, True])
def test_a_wiped_server_is_filled_again_from_the_first_row(desk: SteppedMirror, *, has_silence: bool) -> None:
    load = JournalLoad(desk.time.clock())
    load.write(desk.store, 25)
    desk.step(3)
    desk.link.wipe()
    if has_silence:
        desk.link.failure = SILENT
        desk.step()
        desk.link.failure = None
    load.write(desk.store, 5)
    desk.step(8)
    assert desk.copied() == dict(load.expected)
    assert (desk.state, desk.places()) == ("live", desk.newest())


def test_a_server_put_back_to_an_older_state_is_filled_again(desk: SteppedMirror) -> None:
    load = JournalLoad(desk.time.clock())
    load.write(desk.store, 25)
    desk.step(3)
    desk.link.tables["signals"].clear()
    desk.link.acknowledged["signals"] -= 1
    desk.step(12)
    assert desk.copied() == dict(load.expected)


def test_while_a_wiped_server_is_filled_nothing_is_said_to_be_visible(desk: SteppedMirror) -> None:
    JournalLoad(desk.time.clock()).write(desk.store, 5)
    desk.step(3)
    assert desk.mirror.visible_until > 0
    desk.link.wipe()
    desk.link.is_applying = False
    desk.step(6)
    assert desk.mirror.visible_until == 0


def test_a_crash_between_acknowledged_and_watermark_sends_the_rows_again(desk: SteppedMirror) -> None:
    load = JournalLoad(desk.time.clock())
    load.write(desk.store, 5)
    desk.step(2)
    before = desk.link.acknowledged["trades"]
    marks = desk.store.outbox(LOCATION).watermarks()
    load.write(desk.store, 5)
    desk.step(2)
    desk.store.outbox(LOCATION).acknowledge(list(marks.values()))  # the journal as it was before the watermark
    desk.mirror_anew()
    desk.step(2)
    assert desk.link.acknowledged["trades"] == before + 2
    assert (desk.copied(), desk.places()) == (dict(load.expected), desk.newest())


def test_a_crash_between_making_tables_and_forgetting_watermarks_is_noticed(desk: SteppedMirror) -> None:
    load = JournalLoad(desk.time.clock())
    load.write(desk.store, 25)
    desk.step(3)
    desk.link.wipe()
    desk.link.verify(lambda _: None)  # by a process that ended there
    desk.mirror_anew()
    desk.step(3)
    assert (desk.copied(), desk.places()) == (dict(load.expected), desk.newest())


def test_a_watermark_beyond_the_journal_is_one_of_another_journal(desk: SteppedMirror) -> None:
    write(desk.store, facts(SESSION, signal(1)))
    desk.step(2)
    marks = desk.store.outbox(LOCATION).watermarks()
    beyond = [msgspec.structs.replace(mark, acknowledged=99) for mark in marks.values()]
    desk.store.outbox(LOCATION).acknowledge(beyond)
    desk.link.tables["signals"].clear()
    desk.mirror_anew()
    desk.step(2)
    assert len(desk.link.tables["signals"]) == 1


def test_a_row_that_the_server_refuses_is_named_and_the_rest_goes_on(desk: SteppedMirror) -> None:
    write(desk.store, *(facts(SESSION, signal(seq)) for seq in range(1, 21)), facts(OTHER, signal(1)))
    desk.step(2)
    rows = list(desk.link.tables["signals"])
    desk.link.wipe()
    desk.link.poison = ("signals", rows[12])
    desk.step(20)
    status = desk.mirror.status()
    assert (status.state, status.is_healthy) == ("refused", False)
    assert "It refuses the row at place 13 of the journal's table signals: no such table or row" in status.detail
    assert list(desk.link.tables["signals"]) == rows[:12]
    assert desk.step() >= 0.25
    desk.link.poison = None
    desk.time.advance(5)
    desk.step(5)
    assert (desk.state, list(desk.link.tables["signals"])) == ("live", rows)


def test_a_table_that_the_server_cannot_write_now_does_not_hold_the_others(desk: SteppedMirror) -> None:
    desk.step(2)
    desk.link.unwritable = "trades"
    load = JournalLoad(desk.time.clock())
    load.write(desk.store, 20)
    desk.step(3)
    status = desk.mirror.status()
    assert (status.state, status.is_healthy, status.waiting_rows) == ("refused", False, 20)
    assert "does not take the copy: cannot write trades: no space left" in status.detail
    assert desk.places() == {source: place for source, place in desk.newest().items() if source != "tape"}
    desk.link.unwritable = ""
    desk.time.advance(5)
    desk.step(2)
    assert (desk.state, desk.copied()) == ("live", dict(load.expected))


def test_a_password_that_is_refused_is_tried_again_every_five_seconds(desk: SteppedMirror) -> None:
    desk.link.failure = PASSWORD
    assert [desk.step(), desk.step()] == [5.0, 5.0]
    status = desk.mirror.status()
    assert (status.state, status.is_healthy) == ("refused", False)
    assert status.detail == (
        f"QuestDB at {LOCATION} does not take the copy: QuestDB refuses the password; give the right one. No row "
        "waits; the journal keeps them. It is tried again every 5 s."
    )


def test_a_suspended_table_is_said_and_resumed(desk: SteppedMirror) -> None:
    load = JournalLoad(desk.time.clock())
    load.write(desk.store, 5)
    desk.step(3)
    visible = desk.mirror.visible_until
    desk.link.suspended.add("signals")
    write(desk.store, facts(OTHER, signal(1)))
    desk.step(8)
    status = desk.mirror.status()
    assert (status.state, status.is_healthy, status.waiting_rows) == ("suspended", False, 0)
    assert "has suspended signals: it takes rows there and does not show them" in status.detail
    assert [(table.table, table.unapplied) for table in status.tables if table.is_suspended] == [("signals", 2)]
    assert desk.mirror.visible_until < desk.time.clock() - 1_000_000
    assert desk.mirror.visible_until >= visible
    assert desk.mirror.resume_suspended() == ["signals"]
    desk.step(8)
    assert (desk.state, desk.mirror.visible_until > desk.time.clock() - 1_000_000) == ("live", True)


def test_a_refusal_to_resume_is_unavailable_for_now(desk: SteppedMirror) -> None:
    desk.link.failure = PASSWORD
    with pytest.raises(Unavailable, match="refuses the password"):
        desk.mirror.resume_suspended()


def test_a_copy_that_waits_for_long_is_behind_and_then_unhealthy(desk: SteppedMirror) -> None:
    desk.step(2)
    write(desk.store, facts(SESSION, signal(1)))
    seen = []

    def watch() -> None:
        for seconds in (0, 6, 30):
            desk.time.advance(seconds)
            status = desk.mirror.status()
            seen.append((status.state, status.is_healthy, status.waiting_rows))

    desk.link.while_sending = watch
    desk.step()
    assert seen == [("live", True, 1), ("behind", True, 1), ("behind", False, 1)]


def test_lags_are_counted_from_the_commit_to_acknowledged_and_to_visible(desk: SteppedMirror) -> None:
    desk.step(3)
    desk.link.is_applying = False
    write(desk.store, facts(SESSION, signal(1)))
    desk.step(8)
    waiting = desk.mirror.status()
    assert (waiting.lag_ms, waiting.visible_lag_ms) == (250.0, 2_250.0)
    desk.link.is_applying = True
    desk.step(5)
    shown = desk.mirror.status()
    assert (shown.lag_ms, shown.visible_lag_ms) == (250.0, 2_250.0)
    desk.time.advance(61)
    assert (desk.mirror.status().lag_ms, desk.mirror.status().visible_lag_ms) == (0.0, 0.0)


def test_nothing_committed_after_a_look_is_said_to_be_visible(desk: SteppedMirror) -> None:
    desk.step(4)
    idle = desk.mirror.visible_until
    assert idle > 0
    desk.link.is_applying = False
    committed = desk.time.clock()
    write(desk.store, facts(SESSION, signal(1)))
    desk.step(8)
    assert desk.mirror.visible_until <= committed
    desk.link.is_applying = True
    desk.step(2)
    assert desk.mirror.visible_until > committed


def test_a_journal_that_cannot_be_read_now_does_not_make_the_server_unreachable(desk: SteppedMirror) -> None:
    desk.step(2)
    desk.store.close()
    assert desk.step() == 0.25
    assert desk.state == "live"
    assert "closed" in str(desk.mirror.status().last_error)


def test_a_batch_that_cannot_be_copied_is_named_and_other_tables_go_on(desk: SteppedMirror) -> None:
    load = JournalLoad(desk.time.clock())
    load.write(desk.store, 2)
    orphan = JournalLoad(desk.time.clock(), session_id=OTHER)
    (first,) = orphan.commits(1)
    write(desk.store, msgspec.structs.replace(first, row=None))
    write(desk.store, facts(SESSION, signal(900)))
    desk.step(3)
    assert desk.state == "refused"
    assert f"session {OTHER} is about" in desk.mirror.status().detail
    assert desk.places()["signals"] == desk.newest()["signals"]
    write(desk.store, msgspec.structs.replace(first, batch=None, events=()))
    desk.time.advance(5)
    desk.step(3)
    assert (desk.state, desk.places()) == ("live", desk.newest())


def test_the_status_of_the_store_shows_its_mirror(desk: SteppedMirror) -> None:
    assert desk.store.status().mirror is None
    desk.store.mirror = desk.mirror
    desk.step(2)
    assert desk.store.status().mirror == desk.mirror.status()


def test_a_closed_mirror_has_sent_what_waited(desk: SteppedMirror) -> None:
    desk.mirror.start()
    load = JournalLoad(desk.time.clock())
    load.write(desk.store, 20)
    desk.mirror.close()
    desk.mirror.close()
    assert desk.copied() == dict(load.expected)
    assert set(desk.places()) == set(desk.newest()) <= set(SOURCES)


def test_tables_put_back_to_an_old_state_are_filled_also_when_the_server_ends_right_then(desk: SteppedMirror) -> None:
    load = JournalLoad(desk.time.clock())
    load.write(desk.store, 10)
    desk.step(8)
    desk.link.tables["signals"].clear()
    desk.link.acknowledged["signals"] = desk.link.applied["signals"] = 0
    desk.link.acknowledged["trades"] -= 1
    desk.link.tables["trades"].clear()

    def end() -> None:
        desk.link.before_verifying = lambda: None
        raise SILENT

    desk.link.before_verifying = end
    desk.step(12)
    assert desk.copied() == dict(load.expected)


def test_a_start_waits_no_longer_than_it_may_for_a_server_that_takes_its_time(tmp_path: Path) -> None:
    desk = SteppedMirror(tmp_path, MirrorPace(start_s=0.01))
    answering = threading.Event()
    desk.link.before_verifying = lambda: assert_set(answering)
    desk.mirror.connect_at_start()
    assert (desk.state, desk.mirror.status().version) == ("connecting", None)
    desk.mirror.start()
    answering.set()
    until = time.monotonic() + 10
    while desk.state != "live":
        assert time.monotonic() < until, desk.mirror.status()
        time.sleep(0.01)
    desk.close()


def assert_set(event: threading.Event) -> None:
    assert event.wait(10), "nobody let the server answer"


def test_a_server_that_refuses_at_the_start_is_said_at_once(desk: SteppedMirror) -> None:
    desk.link.failure = PASSWORD
    with pytest.raises(Invalid, match="refuses the password"):
        desk.mirror.connect_at_start()
