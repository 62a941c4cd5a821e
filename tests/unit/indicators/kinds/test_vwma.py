"""Volume-weighted moving average."""

from __future__ import annotations

import math

import pytest

from papertape.indicators.catalogue import make_indicator
from papertape.testkit.candles import assert_equal, bars_of, candles, values_of


def test_closes_weigh_by_their_volume() -> None:
    bars = bars_of([(1.0, 1.0, 1.0, 3.0), (2.0, 2.0, 2.0, 1.0), (6.0, 6.0, 6.0, 1.0)])

    assert values_of("vwma", bars, period=2) == [None, 1.25, 4.0]


def test_without_volume_there_is_none_however_great_the_volume_was() -> None:
    bars = bars_of([(1.0, 1.0, 1.0, 1e9), (0.3, 0.3, 0.3, 0.7), *[(2.0, 2.0, 2.0, 0.0)] * 4, (3.0, 3.0, 3.0, 1.0)])

    assert values_of("vwma", bars, period=3)[2:] == [pytest.approx(1.0), 0.3, None, None, 3.0]


def test_it_does_not_drift() -> None:
    bars = candles(2_000)
    slow: list[float | None] = [None] * 19
    for at in range(19, len(bars)):
        held = bars[at - 19 : at + 1]
        slow.append(math.fsum(bar.close * bar.volume for bar in held) / math.fsum(bar.volume for bar in held))

    assert_equal(values_of("vwma", bars), slow)


def test_the_reason_names_what_is_missing() -> None:
    indicator = make_indicator("vwma", {"period": 2})
    for volume, reason in ((1.0, "warming up 1/2 bars"), (0.0, None), (0.0, "no volume in the last 2 bars")):
        indicator.on_bar(bars_of([(2.0, 2.0, 2.0, volume)])[0])

        assert indicator.reason(0) == reason
