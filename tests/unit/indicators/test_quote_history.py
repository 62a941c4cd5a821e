"""Measures that compare the newest quote with the time-weighted mean of those before."""

from __future__ import annotations

import random
from typing import NamedTuple

import pytest

from papertape.indicators.compute import Meter
from papertape.indicators.indicator import Warmup

SECOND = 1_000_000
T1 = 10.0


class QuoteRow(NamedTuple):
    ts: int
    bid: float
    bid_size: float
    ask: float
    ask_size: float


def made_up_quotes() -> list[QuoteRow]:
    draw = random.Random(7)
    ts, bid, quotes = 0, 100_00, []
    for _ in range(500):
        ts += draw.choice((0, 1, 50_000, 700_000, 3_000_000))
        bid += draw.choice((-3, 0, 0, 2))
        ask = bid + draw.choice((1, 1, 1, 2, 9, 30))
        quotes.append(QuoteRow(ts, bid / 100, draw.randint(1, 999) / 10, ask / 100, draw.randint(1, 999) / 10))
    return quotes


def spread(row: QuoteRow) -> float:
    return row.ask - row.bid


def liquidity(row: QuoteRow) -> float:
    return row.bid * row.bid_size + row.ask * row.ask_size


def mean(weights: list[float], times: list[int], now: int) -> float:
    start = now - T1 * SECOND
    ends = [*times[1:], now]
    lasted = [max(until - max(ts, start), 0) for ts, until in zip(times, ends, strict=True)]
    return sum(weight * us for weight, us in zip(weights, lasted, strict=True)) / sum(lasted)


@pytest.mark.parametrize("kind", ["spread_widening_ratio", "liquidity_drain_pct"])
def test_equals_a_slow_mean_over_all_quotes(kind: str) -> None:
    quotes = made_up_quotes()
    meter = Meter(kind, {"t1": T1}, price_decimals=2, size_decimals=1)
    compared = 0
    for at, row in enumerate(quotes):
        meter.on_quote(*row)
        now = (row.ts + (quotes[at + 1].ts if at + 1 < len(quotes) else row.ts + 20 * SECOND)) // 2
        if meter.reason(now):
            continue
        seen, times = quotes[: at + 1], [row.ts for row in quotes[: at + 1]]
        if kind == "spread_widening_ratio":
            expected = spread(row) / mean([spread(row) for row in seen], times, now)
        else:
            usual = mean([liquidity(row) for row in seen], times, now)
            expected = (usual - liquidity(row)) / usual * 100
        assert meter.value(now) == pytest.approx(expected, rel=1e-9, abs=1e-9)
        compared += 1
    assert compared > 400


def test_history_warms_up_from_the_first_quote_and_anew_after_a_gap() -> None:
    meter = Meter("spread_widening_ratio", {"t1": T1}, price_decimals=0)
    assert meter.reason(0) == "no quotes yet"
    meter.on_quote(0, 100.0, 1.0, 101.0, 1.0)
    assert (meter.reason(4 * SECOND), meter.indicator.warmup(4 * SECOND)) == (
        "warming up 4/10 s",
        Warmup(4.0, 10.0, "s"),
    )
    assert meter.value(10 * SECOND) == 1.0
    meter.on_quote(15 * SECOND, 100.0, 1.0, 103.0, 1.0)
    assert meter.value(15 * SECOND) == 3.0
    assert meter.value(20 * SECOND) == 3.0 / 2.0
    meter.indicator.on_gap(21 * SECOND)
    assert meter.reason(22 * SECOND) == "no quotes since the gap"
    meter.on_quote(23 * SECOND, 100.0, 1.0, 101.0, 1.0)

    assert meter.reason(32 * SECOND) == "warming up 9/10 s"
    assert meter.value(33 * SECOND) == 1.0


def test_an_empty_side_of_the_book_ends_the_history() -> None:
    meter = Meter("liquidity_drain_pct", {"t1": T1})
    meter.on_quote(0, 100.0, 1.0, 101.0, 1.0)
    meter.on_quote(11 * SECOND, 100.0, 1.0, 101.0, 0.0)
    assert meter.reason(11 * SECOND) == "the book has no ask"
    meter.on_quote(12 * SECOND, 100.0, 1.0, 100.0, 1.0)

    assert meter.reason(13 * SECOND) == "warming up 1/10 s"
    assert meter.value(22 * SECOND) == 0.0


def test_a_spread_of_nothing_and_a_liquidity_without_bounds_have_no_ratio() -> None:
    locked = Meter("spread_widening_ratio", {"t1": T1})
    locked.on_quote(0, 100.0, 1.0, 100.0, 1.0)
    rich = Meter("liquidity_drain_pct", {"t1": T1}, price_decimals=0, size_decimals=0)
    rich.on_quote(0, 1e12, 1e12, 1e12, 1e12)

    assert locked.reason(10 * SECOND) == "the mean spread is not above zero"
    assert rich.reason(10 * SECOND) == "the newest quote is too large to be averaged"


def test_the_touch_tells_microprice_and_liquidity() -> None:
    found = {}
    for kind in ("microprice", "total_liquidity"):
        meter = Meter(kind, {})
        meter.on_quote(0, 99.0, 3.0, 101.0, 1.0)
        found[kind] = meter.value(0)

    assert found == {"microprice": 100.5, "total_liquidity": 398.0}
