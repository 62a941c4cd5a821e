"""Money flow index."""

from __future__ import annotations

from papertape.testkit.candles import assert_equal, candle, candles, flat, values_of

BARS = candles(300)


def test_it_is_the_share_of_rising_turnover() -> None:
    typical = [(bar.high + bar.low + bar.close) / 3 for bar in BARS]
    expected: list[float | None] = [None] * 14
    for end in range(14, 300):
        span = range(end - 13, end + 1)
        rising = sum(typical[at] * BARS[at].volume for at in span if typical[at] > typical[at - 1])
        falling = sum(typical[at] * BARS[at].volume for at in span if typical[at] < typical[at - 1])
        expected.append(100 * rising / (rising + falling))

    assert_equal(values_of("mfi", BARS), expected, scale=100.0)


def test_small_turnovers_by_hand() -> None:
    bars = [candle(1.0, 1.0, 1.0), candle(2.0, 2.0, 2.0, volume=3.0), candle(1.0, 1.0, 1.0, volume=2.0)]

    assert values_of("mfi", bars, period=2) == [None, None, 75.0]
    assert values_of("mfi", bars, period=1) == [None, 100.0, 0.0]


def test_without_turnover_or_change_it_is_50() -> None:
    assert values_of("mfi", flat(*[5.0] * 16))[-1] == 50.0
    assert values_of("mfi", flat(*range(1, 17), volume=0.0))[-1] == 50.0


def test_a_turnover_below_1_counts() -> None:
    assert values_of("mfi", flat(1e-6, 2e-6, 3e-6, volume=1e-3), period=2)[-1] == 100.0


def test_great_turnovers_leave_nothing_behind() -> None:
    bars = flat(1e6, 2e6, 1e6, volume=1e9) + flat(1e-6, 2e-6, 3e-6, volume=1e-9)

    assert values_of("mfi", bars, period=2)[-1] == 100.0


def test_equal_means_of_other_prices_are_no_change_whatever_their_rounding() -> None:
    bars = [candle(1.0154, 1.0163, 1.0131), candle(1.0149, 1.0163, 1.0136)]

    assert values_of("mfi", bars, period=1) == [None, 50.0]
