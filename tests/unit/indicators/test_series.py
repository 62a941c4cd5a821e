"""The bars a chart shows."""

from __future__ import annotations

import pytest

from papertape.errors import Invalid
from papertape.indicators.bars import Piece, piece_of
from papertape.indicators.series import SECONDS_KEPT, BarSeries, ChartBar

SECOND = 1_000_000
MINUTE = 60 * SECOND


def venue_bar(start: int, price: float, volume: float) -> Piece:
    return piece_of(start, start + MINUTE, price, price + 2, price - 2, price + 1, int(volume))


def test_a_series_without_events_has_no_bars() -> None:
    assert BarSeries().bars(60, 100) == []


def test_any_interval_is_answered_from_the_same_trades_and_the_newest_bar_is_partial() -> None:
    series = BarSeries()
    for ts, price in ((1, 10.0), (2, 12.0), (65, 9.0), (125, 11.0)):
        series.on_trade(ts * SECOND, price, 1)

    assert series.bars(60, 10) == [
        ChartBar(0, 10.0, 12.0, 10.0, 12.0, 2.0, is_partial=False),
        ChartBar(MINUTE, 9.0, 9.0, 9.0, 9.0, 1.0, is_partial=False),
        ChartBar(2 * MINUTE, 11.0, 11.0, 11.0, 11.0, 1.0, is_partial=True),
    ]
    assert series.bars(90, 10) == [
        ChartBar(0, 10.0, 12.0, 9.0, 9.0, 3.0, is_partial=False),
        ChartBar(90 * SECOND, 11.0, 11.0, 11.0, 11.0, 1.0, is_partial=True),
    ]


def test_an_interval_without_trades_is_flat_and_time_alone_opens_the_next_bar() -> None:
    series = BarSeries()
    series.on_trade(SECOND, 10.0, 1)
    series.on_time(4 * SECOND)

    assert series.bars(1, 10) == [
        ChartBar(SECOND, 10.0, 10.0, 10.0, 10.0, 1.0, is_partial=False),
        ChartBar(2 * SECOND, 10.0, 10.0, 10.0, 10.0, 0.0, is_partial=False),
        ChartBar(3 * SECOND, 10.0, 10.0, 10.0, 10.0, 0.0, is_partial=False),
        ChartBar(4 * SECOND, 10.0, 10.0, 10.0, 10.0, 0.0, is_partial=True),
    ]


def test_volume_is_counted_in_lots_and_shown_in_base_units() -> None:
    series = BarSeries(1_000.0)
    for lots in (1, -1, 1):
        series.on_trade(SECOND, 10.0, lots)

    assert series.bars(1, 1)[0].volume == 0.003


def test_a_limit_keeps_the_newest_bars() -> None:
    series = BarSeries()
    for second in range(10):
        series.on_trade(second * SECOND, float(second), 1)

    assert [bar.open for bar in series.bars(1, 3)] == [7.0, 8.0, 9.0]
    assert series.bars(1, 0) == []


def test_a_quiet_market_still_shows_as_many_flat_bars_as_asked_for() -> None:
    series = BarSeries()
    series.on_trade(SECOND, 10.0, 1)
    series.on_time(100 * SECOND)

    assert series.bars(1, 2) == [
        ChartBar(99 * SECOND, 10.0, 10.0, 10.0, 10.0, 0.0, is_partial=False),
        ChartBar(100 * SECOND, 10.0, 10.0, 10.0, 10.0, 0.0, is_partial=True),
    ]


def test_history_of_the_venue_gives_bars_from_before_the_start_and_is_not_counted_twice() -> None:
    series = BarSeries()
    series.on_trade(70 * SECOND, 999.0, 5)
    series.on_venue_bar(venue_bar(0, 10.0, 1.0))
    series.on_venue_bar(venue_bar(MINUTE, 20.0, 2.0))
    series.on_trade(130 * SECOND, 30.0, 3)

    assert series.bars(60, 10) == [
        ChartBar(0, 10.0, 12.0, 8.0, 11.0, 1.0, is_partial=False),
        ChartBar(MINUTE, 20.0, 22.0, 18.0, 21.0, 2.0, is_partial=False),
        ChartBar(2 * MINUTE, 30.0, 30.0, 30.0, 30.0, 3.0, is_partial=True),
    ]
    assert series.bars(120, 10) == [
        ChartBar(0, 10.0, 22.0, 8.0, 21.0, 3.0, is_partial=False),
        ChartBar(2 * MINUTE, 30.0, 30.0, 30.0, 30.0, 3.0, is_partial=True),
    ]
    assert [bar.open for bar in series.bars(30, 10) if bar.volume] == [999.0, 30.0]


def test_seconds_are_forgotten_after_hours_while_minutes_remain() -> None:
    series = BarSeries()
    for second in range(SECONDS_KEPT + 600):
        series.on_trade(second * SECOND, 1.0, 1)

    assert series.bars(1, 10_000_000)[0].open_ts > 0
    assert len(series.bars(60, 10_000)) == (SECONDS_KEPT + 600) // 60
    assert sum(bar.volume for bar in series.bars(60, 10_000)) == SECONDS_KEPT + 600


def test_an_interval_below_a_second_is_refused() -> None:
    with pytest.raises(Invalid) as refused:
        BarSeries().bars(0, 10)

    assert (refused.value.code, refused.value.path) == ("bars.interval_out_of_range", "interval")
