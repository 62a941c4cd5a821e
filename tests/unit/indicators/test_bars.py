"""Bars from trades and from the venue's history."""

from __future__ import annotations

import polars as pl

from papertape.indicators.bars import MAX_FLAT_BARS, Bar, BarBuilder, Piece, piece_of
from papertape.indicators.compute import TradeRow, bars_of_trades
from papertape.testkit.shared_data import shared_data

SECOND = 1_000_000
MINUTE = 60 * SECOND


UNITS = 1_000.0


def lots(volume: float) -> int:
    return round(volume * UNITS)


def builder_of(interval: int) -> BarBuilder:
    return BarBuilder(interval, UNITS)


def trade(builder: BarBuilder, ts: int, price: float, volume: float) -> list[Bar]:
    return builder.closed if builder.on_trade(ts, price, lots(volume)) else []


def closed_at(builder: BarBuilder, ts: int) -> list[Bar]:
    return builder.closed if builder.advance(ts) else []


def closed_by(builder: BarBuilder, piece: Piece) -> list[Bar]:
    return builder.closed if builder.on_venue_bar(piece) else []


def venue_bar(start: int, price: float, volume: float, length: int = MINUTE) -> Piece:
    return piece_of(start, start + length, price, price + 2, price - 2, price + 1, lots(volume))


def test_bars_are_aligned_to_the_epoch_and_close_when_time_reaches_their_end() -> None:
    builder = builder_of(MINUTE)

    assert trade(builder, 70 * SECOND, 10.0, 1.0) == []
    assert trade(builder, 80 * SECOND, 12.0, 2.0) == []
    assert trade(builder, 119_999_999, 9.0, 3.0) == []
    assert closed_at(builder, 119_999_999) == []
    assert closed_at(builder, 120 * SECOND) == [Bar(MINUTE, 2 * MINUTE, 10.0, 12.0, 9.0, 9.0, 6.0)]


def test_a_trade_at_the_end_of_a_bar_belongs_to_the_next_one() -> None:
    builder = builder_of(MINUTE)
    trade(builder, 0, 10.0, 1.0)

    assert trade(builder, MINUTE, 11.0, 1.0) == [Bar(0, MINUTE, 10.0, 10.0, 10.0, 10.0, 1.0)]
    assert closed_at(builder, 2 * MINUTE) == [Bar(MINUTE, 2 * MINUTE, 11.0, 11.0, 11.0, 11.0, 1.0)]


def test_an_interval_without_trades_gives_a_flat_bar_at_the_last_close() -> None:
    builder = builder_of(MINUTE)
    trade(builder, 0, 10.0, 1.0)

    assert closed_at(builder, 3 * MINUTE) == [
        Bar(0, MINUTE, 10.0, 10.0, 10.0, 10.0, 1.0),
        Bar(MINUTE, 2 * MINUTE, 10.0, 10.0, 10.0, 10.0, 0.0),
        Bar(2 * MINUTE, 3 * MINUTE, 10.0, 10.0, 10.0, 10.0, 0.0),
    ]


def test_no_bar_is_made_before_the_first_trade() -> None:
    assert closed_at(builder_of(MINUTE), 1_000 * MINUTE) == []


def test_a_silence_of_any_length_makes_a_limited_number_of_flat_bars() -> None:
    builder = builder_of(SECOND)
    trade(builder, 0, 10.0, 1.0)

    closed = closed_at(builder, 1_000_000 * SECOND + 5)

    assert len(closed) == 1 + MAX_FLAT_BARS
    assert closed[-1] == Bar(999_999 * SECOND, 1_000_000 * SECOND, 10.0, 10.0, 10.0, 10.0, 0.0)
    assert builder.due == 1_000_001 * SECOND


def test_a_silence_just_within_the_limit_leaves_no_hole() -> None:
    builder = builder_of(SECOND)
    trade(builder, 0, 10.0, 1.0)

    closed = closed_at(builder, (MAX_FLAT_BARS + 1) * SECOND)

    assert [bar.ts_open for bar in closed] == [at * SECOND for at in range(MAX_FLAT_BARS + 1)]


def test_a_trade_older_than_the_newest_event_is_taken_at_that_ones_time() -> None:
    builder = builder_of(MINUTE)
    trade(builder, 65 * SECOND, 10.0, 1.0)
    trade(builder, 10 * SECOND, 11.0, 1.0)

    assert closed_at(builder, 2 * MINUTE) == [Bar(MINUTE, 2 * MINUTE, 10.0, 11.0, 10.0, 11.0, 2.0)]


def test_the_side_of_a_trade_in_the_sign_of_its_lots_counts_for_nothing() -> None:
    builder = builder_of(MINUTE)
    builder.on_trade(0, 10.0, 1_500)
    builder.on_trade(1, 10.0, -500)

    assert closed_at(builder, MINUTE) == [Bar(0, MINUTE, 10.0, 10.0, 10.0, 10.0, 2.0)]


def test_volume_is_exact_up_to_the_last_lot_that_64_bits_hold() -> None:
    builder = BarBuilder(MINUTE)
    builder.on_trade(0, 10.0, 1 << 62)
    builder.on_trade(1, 10.0, (1 << 62) - 1)

    assert closed_at(builder, MINUTE)[0].volume == float((1 << 63) - 1)


def test_a_venue_bar_replaces_what_trades_made_of_its_time() -> None:
    builder = builder_of(MINUTE)
    trade(builder, 30 * SECOND, 500.0, 7.0)
    builder.on_venue_bar(venue_bar(0, 10.0, 4.0))
    trade(builder, 59 * SECOND, 600.0, 9.0)

    assert closed_at(builder, MINUTE) == [Bar(0, MINUTE, 10.0, 12.0, 8.0, 11.0, 4.0)]


def test_longer_bars_join_venue_bars_and_the_trades_after_them_without_counting_twice() -> None:
    builder = builder_of(5 * MINUTE)
    trade(builder, 50 * SECOND, 999.0, 9.0)
    builder.on_venue_bar(venue_bar(0, 10.0, 1.0))
    trade(builder, 90 * SECOND, 998.0, 9.0)
    builder.on_venue_bar(venue_bar(MINUTE, 20.0, 2.0))
    trade(builder, 130 * SECOND, 15.0, 0.5)
    trade(builder, 250 * SECOND, 16.0, 0.25)

    assert closed_at(builder, 5 * MINUTE) == [Bar(0, 5 * MINUTE, 10.0, 22.0, 8.0, 16.0, 3.75)]


def test_the_open_of_a_flat_venue_bar_is_not_the_open_of_a_longer_bar_with_trades() -> None:
    builder = builder_of(2 * MINUTE)
    builder.on_venue_bar(piece_of(0, MINUTE, 50.0, 50.0, 50.0, 50.0, 0))
    trade(builder, MINUTE, 40.0, 1.0)

    assert closed_at(builder, 2 * MINUTE) == [Bar(0, 2 * MINUTE, 40.0, 40.0, 40.0, 40.0, 1.0)]


def test_venue_bars_alone_close_bars_of_their_own_and_of_longer_intervals() -> None:
    short, long = builder_of(MINUTE), builder_of(3 * MINUTE)
    closed_short = [bar for at in range(7) for bar in closed_by(short, venue_bar(at * MINUTE, 10.0 + at, 1.0))]
    closed_long = [bar for at in range(7) for bar in closed_by(long, venue_bar(at * MINUTE, 10.0 + at, 1.0))]

    assert [bar.close for bar in closed_short] == [11.0, 12.0, 13.0, 14.0, 15.0, 16.0]
    assert closed_long == [
        Bar(0, 3 * MINUTE, 10.0, 14.0, 8.0, 13.0, 3.0),
        Bar(3 * MINUTE, 6 * MINUTE, 13.0, 17.0, 11.0, 16.0, 3.0),
    ]


def test_a_venue_bar_that_does_not_divide_the_interval_or_comes_late_is_left_out() -> None:
    builder = builder_of(90 * SECOND)
    trade(builder, 100 * SECOND, 10.0, 1.0)
    builder.on_venue_bar(venue_bar(120 * SECOND, 50.0, 5.0))
    builder.on_venue_bar(venue_bar(0, 60.0, 6.0, length=90 * SECOND))

    assert closed_at(builder, 180 * SECOND) == [Bar(90 * SECOND, 180 * SECOND, 10.0, 10.0, 10.0, 10.0, 1.0)]


def test_minute_bars_of_real_trades_equal_the_candles_a_peer_makes_of_them() -> None:
    folder = shared_data("freqtrade-testdata")
    trades = pl.read_parquet(folder / "XRP_ETH_trades.parquet")
    candles = pl.read_parquet(folder / "XRP_ETH_1m.parquet")
    rows = [
        TradeRow(ms * 1_000, price, size, side == "buy")
        for ms, price, size, side in trades.select("timestamp", "price", "amount", "side").iter_rows()
    ]
    rows.append(TradeRow(rows[-1].ts + MINUTE, rows[-1].price, 0.0, True))

    made = pl.DataFrame(
        [
            (bar.ts_open, bar.open, bar.high, bar.low, bar.close, bar.volume)
            for bar in bars_of_trades(60, rows)
            if bar.volume
        ],
        schema=["ts", "open", "high", "low", "close", "volume"],
        orient="row",
    )

    columns = ["open", "high", "low", "close"]
    assert made.select(columns).equals(candles.select(columns))
    assert (made["volume"] - candles["volume"]).abs().max() < 1e-8  # type: ignore[operator]  # a float column
