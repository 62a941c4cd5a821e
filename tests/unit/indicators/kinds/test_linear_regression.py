"""End of the line through closes."""

from __future__ import annotations

import statistics

from papertape.testkit.candles import assert_equal, candles, flat, values_of


def test_it_is_where_the_line_ends() -> None:
    assert values_of("linear_regression", flat(*[1.0, 3.0, 5.0, 4.0]), period=3) == [None, None, 5.0, 4.5]


def test_it_equals_least_squares() -> None:
    bars = candles(500)
    closes = [bar.close for bar in bars]
    steps = [float(at) for at in range(14)]
    slow: list[float | None] = [None] * 13
    for at in range(13, len(closes)):
        line = statistics.linear_regression(steps, closes[at - 13 : at + 1])
        slow.append(line.intercept + 13.0 * line.slope)

    assert_equal(values_of("linear_regression", bars), slow)
