"""What holds of bars on any stream of trades."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from papertape.indicators.bars import Bar, BarBuilder, Piece, piece_of
from papertape.indicators.compute import TradeRow, bars_of_trades
from papertape.indicators.series import BarSeries

SECOND = 1_000_000
MINUTE = 60 * SECOND


@st.composite
def trades(draw: st.DrawFn) -> list[TradeRow]:
    """Return trades in order of time, with repeated times and silences of minutes."""
    ts = draw(st.integers(0, 10 * MINUTE))
    made = []
    steps = st.one_of(st.just(0), st.integers(0, 20 * SECOND), st.integers(0, 4 * MINUTE))
    for step, price, size in draw(
        st.lists(st.tuples(steps, st.integers(1, 9), st.integers(1, 9)), min_size=1, max_size=40)
    ):
        ts += step
        made.append(TradeRow(ts, float(price), float(size), True))
    return made


_INTERVALS = st.sampled_from((1, 7, 60, 90, 120, 300))


def closed_by(interval_s: int, stream: list[TradeRow], end: int) -> list[Bar]:
    return bars_of_trades(interval_s, [*stream, TradeRow(end, 1.0, 0.0, True)])


def closed(builder: BarBuilder, has_closed: bool) -> list[Bar]:
    return builder.closed if has_closed else []


@given(trades(), _INTERVALS)
def test_bars_hold_every_trade_once_and_follow_each_other_without_a_hole(
    stream: list[TradeRow], interval_s: int
) -> None:
    end = stream[-1].ts + interval_s * SECOND
    bars = closed_by(interval_s, stream, end)

    assert sum(bar.volume for bar in bars) == sum(trade.size for trade in stream)
    assert [bar.ts_open for bar in bars[1:]] == [bar.ts_close for bar in bars[:-1]]
    assert all(bar.low <= min(bar.open, bar.close) <= max(bar.open, bar.close) <= bar.high for bar in bars)
    assert all(bar.ts_open % (interval_s * SECOND) == 0 for bar in bars)


@given(trades(), _INTERVALS)
def test_how_often_time_is_told_changes_no_bar(stream: list[TradeRow], interval_s: int) -> None:
    builder = BarBuilder(interval_s * SECOND)
    bars: list[Bar] = []
    for trade in stream:
        bars.extend(closed(builder, builder.on_trade(trade.ts, trade.price, int(trade.size))))
        bars.extend(closed(builder, builder.advance(trade.ts + SECOND // 2 - trade.ts % (SECOND // 2) - 1)))

    assert bars == bars_of_trades(interval_s, stream)


@given(trades(), _INTERVALS)
def test_a_chart_shows_the_bars_indicators_see(stream: list[TradeRow], interval_s: int) -> None:
    series = BarSeries()
    for trade in stream:
        series.on_trade(trade.ts, trade.price, int(trade.size))
    shown = [
        Bar(bar.open_ts, bar.open_ts + interval_s * SECOND, bar.open, bar.high, bar.low, bar.close, bar.volume)
        for bar in series.bars(interval_s, 1_000_000)
        if not bar.is_partial
    ]
    made = bars_of_trades(interval_s, stream)

    assert shown == made[-len(shown) :] if shown else not made


@given(trades(), _INTERVALS, st.integers(1, 20))
def test_a_limit_shows_the_newest_of_the_same_bars(stream: list[TradeRow], interval_s: int, limit: int) -> None:
    series = BarSeries()
    for trade in stream:
        series.on_trade(trade.ts, trade.price, int(trade.size))

    assert series.bars(interval_s, limit) == series.bars(interval_s, 1_000_000)[-limit:]


@given(trades(), st.sampled_from((60, 120, 300)), st.integers(0, 60), st.data())
def test_venue_bars_in_place_of_trades_give_the_same_bars(
    stream: list[TradeRow], interval_s: int, venue_minutes: int, data: st.DataObject
) -> None:
    end = stream[-1].ts - stream[-1].ts % (interval_s * SECOND) + interval_s * SECOND
    minutes = closed_by(60, stream, end)[:venue_minutes]
    builder, series, reference = BarBuilder(interval_s * SECOND), BarSeries(), BarSeries()
    bars: list[Bar] = []
    rest = list(stream)
    for minute in minutes:
        inside = [trade for trade in rest if trade.ts < minute.ts_close]
        rest = rest[len(inside) :]
        for trade in inside:
            # The recent trades a venue still hands out begin anywhere.
            if data.draw(st.booleans()):
                bars.extend(closed(builder, builder.on_trade(trade.ts, trade.price, int(trade.size))))
                series.on_trade(trade.ts, trade.price, int(trade.size))
        piece = venue_piece(minute)
        bars.extend(closed(builder, builder.on_venue_bar(piece)))
        series.on_venue_bar(piece)
    for trade in rest:
        bars.extend(closed(builder, builder.on_trade(trade.ts, trade.price, int(trade.size))))
        series.on_trade(trade.ts, trade.price, int(trade.size))
    bars.extend(closed(builder, builder.advance(end)))
    series.on_time(end)
    for trade in stream:
        reference.on_trade(trade.ts, trade.price, int(trade.size))
    reference.on_time(end)

    assert bars == closed_by(interval_s, stream, end)
    assert series.bars(interval_s, 10_000) == reference.bars(interval_s, 10_000)


def venue_piece(bar: Bar) -> Piece:
    return piece_of(bar.ts_open, bar.ts_close, bar.open, bar.high, bar.low, bar.close, int(bar.volume))
