"""Volume-weighted average price of the day."""

from __future__ import annotations

import math

from papertape.indicators.bars import Bar
from papertape.indicators.catalogue import make_indicator
from papertape.testkit.candles import assert_equal, candles, values_of

HOUR = 3_600_000_000


def hourly(rows: list[tuple[int, float, float]]) -> list[Bar]:
    return [Bar(at * HOUR, (at + 1) * HOUR, price, price, price, price, volume) for at, price, volume in rows]


def test_it_begins_anew_at_midnight_utc() -> None:
    bars = hourly([(22, 10.0, 1.0), (23, 20.0, 3.0), (24, 40.0, 1.0), (25, 50.0, 1.0)])

    assert values_of("session_vwap", bars) == [10.0, 17.5, 40.0, 45.0]


def test_a_day_without_volume_yet_has_none() -> None:
    bars = hourly([(23, 20.0, 3.0), (24, 40.0, 0.0), (25, 50.0, 2.0), (26, 60.0, 0.0)])

    assert values_of("session_vwap", bars) == [20.0, None, 50.0, 50.0]


def test_it_weighs_the_middle_of_high_low_and_close() -> None:
    bars = [Bar(0, HOUR, 1.0, 9.0, 3.0, 6.0, 2.0)]

    assert values_of("session_vwap", bars) == [6.0]


def test_it_equals_the_sums_of_the_day() -> None:
    bars = candles(1_440)
    slow: list[float | None] = []
    for at in range(len(bars)):
        volume = math.fsum(bar.volume for bar in bars[: at + 1])
        turnover = math.fsum((bar.high + bar.low + bar.close) / 3.0 * bar.volume for bar in bars[: at + 1])
        slow.append(turnover / volume if volume else None)

    assert_equal(values_of("session_vwap", bars), slow)


def test_the_reason_names_what_is_missing() -> None:
    indicator = make_indicator("session_vwap", {})
    indicator.on_bar(hourly([(24, 40.0, 0.0)])[0])

    assert indicator.reason(0) == "no volume since 00:00 UTC"
