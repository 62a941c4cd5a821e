"""Books and prints are kept complete and in order by the venue's ids."""

from __future__ import annotations

import pytest

from papertape.feeds.binance.book_sync import BookSync
from papertape.feeds.binance.clock_offset import ClockOffset
from papertape.feeds.binance.frames import DepthFrame
from papertape.feeds.binance.trade_sync import Print, Resolution, TradeSync
from papertape.model.entries import Trade


def spot(first: int, last: int) -> DepthFrame:
    return DepthFrame("BTCUSDT", 1, first, last, (), ())


def usdm(first: int, last: int, previous: int) -> DepthFrame:
    return DepthFrame("BTCUSDT", 1, first, last, (), (), previous)


def trade(trade_id: int) -> Trade:
    return Trade(ts=trade_id, recv_ts=0, instrument="X.BINANCE", price=1, size=1, side="buy", trade_id=str(trade_id))


def found(trade_id: int) -> Print:
    return Print(trade_id, trade(trade_id))


def test_spot_updates_are_held_until_the_snapshot_and_then_continue_it() -> None:
    sync = BookSync()
    frames = [spot(1, 5), spot(6, 9), spot(10, 12)]
    assert [sync.take(frame) for frame in frames] == ["held", "held", "held"]
    assert sync.join(7) == frames[1:]
    assert (sync.take(spot(13, 13)), sync.take(spot(13, 13)), sync.is_live) == ("apply", "stale", True)


@pytest.mark.parametrize(
    ("snapshot_id", "joined"),
    [(100, [usdm(101, 110, 100)]), (105, [usdm(101, 110, 100)]), (110, [usdm(101, 110, 100)][:0]), (90, None)],
)
def test_usdm_updates_join_the_snapshot_they_span_or_directly_follow(
    snapshot_id: int, joined: list[DepthFrame] | None
) -> None:
    sync = BookSync()
    sync.take(usdm(101, 110, 100))
    assert sync.join(snapshot_id) == joined


def test_a_hole_voids_the_book_and_the_update_after_it_is_kept_for_the_next_snapshot() -> None:
    sync = BookSync()
    sync.join(10)
    assert [sync.take(frame) for frame in (spot(11, 12), spot(14, 15), spot(16, 16))] == ["apply", "hole", "held"]
    assert (sync.is_live, sync.join(14)) == (False, [spot(14, 15), spot(16, 16)])


def test_a_snapshot_older_than_what_was_held_is_refused_and_nothing_is_lost() -> None:
    sync = BookSync()
    sync.take(spot(20, 25))
    assert (sync.join(10), sync.is_live, sync.join(22)) == (None, False, [spot(20, 25)])


def test_prints_in_order_are_delivered_and_repeats_dropped() -> None:
    sync = TradeSync()
    assert [sync.take(trade_id) for trade_id in (5, 6, 6, 5, 7)] == [
        "deliver",
        "deliver",
        "duplicate",
        "duplicate",
        "deliver",
    ]


def test_prints_after_a_hole_are_held_and_come_in_order_with_what_was_fetched() -> None:
    sync = TradeSync()
    sync.take(5)
    assert sync.take(8) == "hole"
    sync.begin_recovery()
    for trade_id in (8, 9):
        assert sync.take(trade_id) == "held"
        sync.hold(found(trade_id))
    resolution = sync.resolve([found(5), found(6), found(7), found(8), found(10)])
    assert resolution == Resolution([trade(n) for n in (6, 7, 8, 9, 10)], 0)
    assert (sync.take(10), sync.take(11)) == ("duplicate", "deliver")


def test_prints_that_cannot_be_fetched_are_counted_as_missing() -> None:
    sync = TradeSync()
    sync.take(5)
    sync.begin_recovery()
    sync.hold(found(8))
    assert sync.resolve([found(6)]) == Resolution([trade(6), trade(8)], 1)


def test_the_clock_offset_is_the_largest_of_event_minus_received_in_the_recent_past() -> None:
    clock = ClockOffset()
    for event_us, recv_us in [(1_270_000, 10_000), (1_300_000, 20_000), (1_310_000, 60_000)]:
        clock.observe(event_us, recv_us)
    assert clock.offset_us == 1_280_000


def test_the_clock_offset_follows_a_clock_that_was_set_back() -> None:
    clock = ClockOffset()
    clock.observe(5_000_000, 0)
    for second in (31, 62):
        clock.observe(second * 1_000_000 - 2_000_000, second * 1_000_000)
    assert clock.offset_us == -2_000_000
