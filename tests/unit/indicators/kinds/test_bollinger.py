"""Bollinger bands."""

from __future__ import annotations

import statistics

from papertape.indicators.catalogue import make_indicator
from papertape.testkit.candles import assert_equal, candles, flat, values_of


def band(name: str, closes: list[float], period: int = 2) -> list[float | None]:
    return values_of(f"bollinger_{name}", flat(*closes), period=period)


def test_bands_stand_at_two_population_deviations() -> None:
    closes = [10.0, 12.0]

    assert [band(name, closes)[-1] for name in ("upper", "middle", "lower")] == [13.0, 11.0, 9.0]
    assert values_of("bollinger_upper", flat(*closes), period=2, deviations=0.5)[-1] == 11.5


def test_percent_b_is_a_place_and_bandwidth_a_share() -> None:
    assert band("percent_b", [10.0, 12.0]) == [None, 0.75]
    assert band("bandwidth", [10.0, 12.0]) == [None, 4.0 / 11.0]


def test_equal_closes_leave_no_band_to_be_in() -> None:
    indicator = make_indicator("bollinger_percent_b", {"period": 3})
    for bar in flat(*[0.1] * 5):
        indicator.on_bar(bar)

    assert indicator.reason(indicator.now) == "the bands meet"
    assert band("bandwidth", [0.1] * 5, 3)[-1] == 0.0
    assert [band(name, [0.1] * 5, 3)[-1] for name in ("upper", "middle", "lower")] == [0.1] * 3


def test_a_price_of_zero_has_no_bandwidth() -> None:
    indicator = make_indicator("bollinger_bandwidth", {"period": 1})
    indicator.on_bar(flat(0.0)[0])

    assert indicator.reason(0) == "the middle band is zero"


def test_they_equal_the_formula() -> None:
    bars = candles(300)
    closes = [bar.close for bar in bars]
    slow: list[float | None] = [None] * 19
    for at in range(19, len(closes)):
        held = closes[at - 19 : at + 1]
        slow.append(statistics.fmean(held) - 2.0 * statistics.pstdev(held))

    assert_equal(values_of("bollinger_lower", bars), slow)
