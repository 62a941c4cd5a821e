"""The judge of a storm: it sees what is given twice, out of order, out of nowhere or not at all."""

from __future__ import annotations

import random

import pytest

from papertape.testkit.storm.desk import StormDesk
from papertape.testkit.storm.witness import Witness
from papertape.testkit.stream_probe import session_topic
from papertape.wire.stream import Pub, Snap

FILLS = session_topic("fills")
WATCHLIST = session_topic("watchlist")


def snap(epoch: str, *seqs: int, at: int | None = None, page: int = 1, of: int = 1) -> Snap:
    rows = [{"seq": seq} for seq in seqs]
    return Snap(topic=FILLS, epoch=epoch, seq=seqs[-1] if at is None else at, page=page, of=of, data=rows)


def pub(epoch: str, seq: int) -> Pub:
    return Pub(topic=FILLS, epoch=epoch, seq=seq, ts=0, data={}, prev=0)


@pytest.fixture
def desk() -> StormDesk:
    desk = StormDesk(random.Random(1))
    desk.write(100, 10)
    return desk


def witness_of(*updates: Snap | Pub) -> Witness:
    witness = Witness("w", [FILLS])
    for update in updates:
        witness.take(update)
    return witness


def test_a_snapshot_and_every_fact_after_it_leave_no_gap(desk: StormDesk) -> None:
    fills = desk.journal("fills")
    first, rest = fills[:5], fills[5:]
    witness = witness_of(
        snap(desk.epoch, *first[:3], at=first[-1], of=2),
        snap(desk.epoch, *first[3:], page=2, of=2),
        *(pub(desk.epoch, seq) for seq in rest),
    )
    assert (witness.wrong, witness.gaps(desk), witness.snapshots) == ([], [], 1)


@pytest.mark.parametrize("missing", [5, -1])
def test_a_fact_that_never_came_is_a_gap_in_the_middle_and_at_the_end(desk: StormDesk, missing: int) -> None:
    fills = desk.journal("fills")
    lost = fills.pop(missing)
    witness = witness_of(snap(desk.epoch, fills[0]), *(pub(desk.epoch, seq) for seq in fills[1:]))
    (gap,) = witness.gaps(desk)
    assert "the journal's last are other" in gap
    assert str(lost) in gap


def test_a_snapshot_that_is_too_short_is_a_gap(desk: StormDesk) -> None:
    (gap,) = witness_of(snap(desk.epoch, *desk.journal("fills")[-3:])).gaps(desk)
    assert gap == f"fills: 3 facts, the journal has {len(desk.journal('fills'))}"


def test_another_epoch_is_a_gap(desk: StormDesk) -> None:
    witness = witness_of(snap(desk.epoch, *desk.journal("fills")))
    before = desk.epoch
    desk.lose_history()
    assert witness.gaps(desk) == [f"fills: at epoch {before}, the desk is at {desk.epoch}"]


def test_what_comes_twice_late_out_of_nowhere_or_of_another_epoch_is_written_down() -> None:
    witness = witness_of(
        pub("e", 1), snap("e", 2), pub("e", 4), pub("e", 4), pub("e", 3), pub("f", 5), snap("e", 3), snap("f", 1)
    )
    assert witness.wrong == [
        "w, fills: fact 1 before any snapshot",
        "w, fills: fact 4 again or late, after 4",
        "w, fills: fact 3 again or late, after 4",
        "w, fills: fact 5 of epoch f after a snapshot of e",
        "w, fills: a snapshot at 3 behind 4",
    ]


def test_values_are_compared_key_by_key_and_a_null_removes_one(desk: StormDesk) -> None:
    witness = Witness("w", [WATCHLIST])
    desk.change("watchlist")
    ((key, value),) = desk.views["watchlist"].items()
    shown = {"key": key, "value": getattr(value, "value", None), "text": getattr(value, "text", None)}
    data = {"gone": {}, key: shown}
    witness.take(Snap(topic=WATCHLIST, epoch="b", seq=1, page=1, of=1, data=data))
    assert witness.gaps(desk) == [f"{WATCHLIST}: values differ from the desk's"]
    witness.take(Pub(topic=WATCHLIST, epoch="b", seq=2, ts=0, data={"gone": None}))
    assert witness.gaps(desk) == []
