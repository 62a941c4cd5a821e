"""Chaikin money flow."""

from __future__ import annotations

from papertape.testkit.candles import assert_equal, candle, candles, each, flat, values_of, windows

BARS = candles(300)


def test_it_is_the_flow_of_money_over_volume() -> None:
    flows = [
        0.0
        if bar.high == bar.low
        else ((bar.close - bar.low) - (bar.high - bar.close)) / (bar.high - bar.low) * bar.volume
        for bar in BARS
    ]
    volumes = windows([bar.volume for bar in BARS], 20, sum)

    assert_equal(values_of("cmf", BARS), each(lambda a, b: a / b, windows(flows, 20, sum), volumes))


def test_closes_at_the_high_give_1_and_at_the_low_minus_1() -> None:
    assert values_of("cmf", [candle(3.0, 3.0, 1.0)] * 2, period=2) == [None, 1.0]
    assert values_of("cmf", [candle(1.0, 3.0, 1.0)] * 2, period=2) == [None, -1.0]


def test_without_a_range_or_without_volume_it_is_0() -> None:
    assert values_of("cmf", flat(1.0, 2.0, 3.0), period=2) == [None, 0.0, 0.0]
    assert values_of("cmf", [candle(3.0, 3.0, 1.0, volume=0.0)] * 2, period=2) == [None, 0.0]


def test_a_great_volume_leaves_nothing_behind() -> None:
    bars = [candle(3.0, 3.0, 1.0, volume=1e15), *[candle(3.0, 3.0, 1.0, volume=1e-9)] * 2]

    assert values_of("cmf", bars, period=2)[-1] == 1.0
