"""What holds of every indicator over bars, on any stream of bars."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from papertape.indicators.bars import Bar
from papertape.indicators.catalogue import CATALOGUE, make_indicator
from papertape.indicators.kind import IndicatorKind
from papertape.testkit.candles import MINUTE, bars_of, candles, values_of

OVER_BARS = [name for name, kind in CATALOGUE.items() if "bars" in kind.inputs]
FORGETFUL = [
    "bollinger_bandwidth",
    "bollinger_lower",
    "bollinger_middle",
    "bollinger_percent_b",
    "bollinger_upper",
    "donchian_lower",
    "donchian_middle",
    "donchian_upper",
    "hma",
    "ichimoku_chikou",
    "ichimoku_kijun",
    "ichimoku_senkou_a",
    "ichimoku_senkou_b",
    "ichimoku_tenkan",
    "linear_regression",
    "linear_regression_slope",
    "sma",
    "standard_deviation",
    "true_range",
    "variance",
    "vwma",
    "wma",
]
"""Kinds whose value is made of the newest bars alone, however many came before."""

PRICES = st.one_of(st.sampled_from((1e-12, 0.1, 1.0, 60_000.01, 1e12)), st.floats(1e-9, 1e9))
VOLUMES = st.one_of(st.just(0.0), st.sampled_from((1e-12, 1.0, 1e15)), st.floats(0.0, 1e6))
PERIODS = st.integers(1, 9)


@st.composite
def bars(draw: st.DrawFn) -> list[Bar]:
    """Return bars with and without a range and volume, any gap between them, some of them repeated."""
    rows = draw(st.lists(st.tuples(PRICES, PRICES, PRICES, VOLUMES, st.integers(1, 4)), min_size=1, max_size=30))
    return bars_of(
        [(max(a, b, c), min(a, b, c), b, volume) for a, b, c, volume, repeats in rows for _ in range(repeats)]
    )


def short_params(kind: IndicatorKind, period: int) -> dict[str, float]:
    """Return parameters that are warm after a few bars."""
    params = {
        param.name: float(max(param.minimum, period))
        for param in kind.params
        if param.unit == "bars" and param.name != "interval"
    }
    for greater, less in kind.ordered:
        if params[greater] <= params[less]:
            params[greater] = params[less] + 1.0
    return params


@pytest.mark.parametrize("name", OVER_BARS)
@settings(max_examples=25)
@given(bars(), PERIODS)
def test_a_value_is_finite_or_has_a_reason(name: str, stream: list[Bar], period: int) -> None:
    indicator = make_indicator(name, short_params(CATALOGUE[name], period))
    for bar in stream:
        indicator.on_bar(bar)
        value = indicator.value(bar.ts_close)

        assert not math.isinf(value)
        assert (indicator.reason(bar.ts_close) is None) == math.isfinite(value)


@pytest.mark.parametrize("name", FORGETFUL)
@pytest.mark.parametrize("price", [60_000.0, 1e-9, 1e11])
def test_after_many_bars_a_value_is_what_the_newest_bars_alone_give(name: str, price: float) -> None:
    stream = candles(5_000, price=price)
    indicator = make_indicator(name, {})
    warm = int(indicator.warmup(0).need)
    long = values_of(name, stream)
    for end in range(4_000, 5_000, 97):
        fresh = values_of(name, stream[end - warm : end])[-1]

        if fresh is None:
            assert long[end - 1] is None
        else:
            assert long[end - 1] == pytest.approx(fresh, rel=1e-12)


@pytest.mark.parametrize("name", OVER_BARS)
def test_reading_between_bars_changes_nothing(name: str) -> None:
    params = short_params(CATALOGUE[name], 5)
    stream = candles(120)
    indicator = make_indicator(name, params)
    read: list[float | None] = []
    for bar in stream:
        indicator.value(bar.ts_open)
        indicator.on_bar(bar)
        for later in (0, 1, MINUTE // 2):
            value = indicator.value(bar.ts_close + later)
        read.append(value if value == value else None)

    assert read == values_of(name, stream, **params)
