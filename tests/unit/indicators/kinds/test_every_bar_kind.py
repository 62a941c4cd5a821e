"""Every indicator over bars: always a finite value once warm, whatever the bars, and nothing left of bars gone by."""

from __future__ import annotations

from math import isfinite

import pytest

from papertape.indicators.bars import Bar
from papertape.indicators.catalogue import CATALOGUE, make_indicator
from papertape.testkit.candles import assert_equal, candle, candles, flat, values_of

KINDS = [kind.name for kind in CATALOGUE.values() if kind.inputs == ("bars",)]

AWKWARD: dict[str, list[Bar]] = {
    "one price": flat(*[0.1] * 200),
    "no volume": [Bar(0, 1, bar.open, bar.high, bar.low, bar.close, 0.0) for bar in candles(200)],
    "no range": flat(*(bar.close for bar in candles(200))),
    "no price at first": flat(*[0.0] * 100, *[1.0] * 100),
    "only rises": [candle(at + 1.0, at + 1.0, float(at), float(at)) for at in range(1, 201)],
    "to and fro": flat(*[1.0, 2.0] * 100),
    "a gap up": candles(100) + candles(100, price=1e9),
    "a gap down": candles(100, price=1e9) + candles(100, price=1e-6),
    "tiny": candles(200, price=1e-12),
    "huge": [Bar(0, 1, bar.open, bar.high, bar.low, bar.close, bar.volume * 1e15) for bar in candles(200, price=1e15)],
    "silence": candles(100) + flat(*[5.0] * 2_000, volume=0.0) + candles(100),
}

UNDEFINED = {"bollinger_bandwidth", "bollinger_percent_b", "natr", "session_vwap", "vwma"}
"""Kinds that have no value where nothing traded, price is zero or bands meet: any number would be invented."""

WINDOWED = {
    "aroon_down": {},
    "aroon_oscillator": {},
    "aroon_up": {},
    "awesome_oscillator": {},
    "bop": {},
    "cci": {},
    "choppiness": {},
    "cmf": {},
    "mfi": {},
    "momentum": {},
    "ppo": {"plain": 1.0},
    "roc": {},
    "stochastic_d": {},
    "stochastic_fast_d": {},
    "trima": {},
    "ultimate_oscillator": {},
    "vortex_minus": {},
    "vortex_plus": {},
    "williams_r": {},
}


@pytest.mark.parametrize("bars", AWKWARD.values(), ids=AWKWARD)
@pytest.mark.parametrize("kind", KINDS)
def test_it_has_a_finite_value_once_warm_and_a_reason_before(kind: str, bars: list[Bar]) -> None:
    indicator = make_indicator(kind, {})
    need = indicator.warmup(0).need
    for have, bar in enumerate(bars, 1):
        indicator.on_bar(bar)
        has_value = isfinite(indicator.current)
        assert has_value is (have >= need) or (kind in UNDEFINED and have >= need), (have, indicator.current)
        assert (indicator.reason(0) is None) is has_value


@pytest.mark.parametrize("kind", WINDOWED)
def test_nothing_is_left_of_bars_outside_the_window(kind: str) -> None:
    bars = candles(1_000) + candles(100, price=1e9) + candles(400, seed=7)
    need = int(make_indicator(kind, WINDOWED[kind]).warmup(0).need)

    assert_equal(
        values_of(kind, bars, **WINDOWED[kind])[-1:], values_of(kind, bars[-need:], **WINDOWED[kind])[-1:], scale=100.0
    )
