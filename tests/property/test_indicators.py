"""What holds of every indicator on any stream of events."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from decimal import Decimal
from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from papertape.indicators.bank import IndicatorBank
from papertape.indicators.catalogue import CATALOGUE
from papertape.indicators.indicator import Indicator
from papertape.model.instrument import Instrument

SECOND = 1_000_000
PENNY = Instrument(
    id="PEPEUSDT.BINANCE",
    symbol="PEPEUSDT",
    venue="BINANCE",
    kind="spot",
    base="PEPE",
    quote="USDT",
    price_decimals=3,
    size_decimals=2,
    price_increment=Decimal("0.001"),
    size_increment=Decimal("0.01"),
    min_quantity=Decimal(1),
    min_notional=Decimal(5),
)
Entry = Callable[[IndicatorBank], object]
"""What gives one event to a bank."""

# Small numbers repeat, meet at zero and at equal prices; large ones reach the limits of int64.
_AMOUNTS = st.one_of(st.integers(0, 5), st.integers(0, 10**6), st.integers(0, 2**63 - 1))
# Mostly small steps so that windows fill; equal times, long silences, and times that go back.
_STEPS = st.one_of(st.just(0), st.integers(0, 2 * SECOND), st.integers(0, 400 * SECOND), st.integers(-SECOND, 0))

SHORT_WINDOWS: dict[str, float] = {
    "t1": 3,
    "t2": 1,
    "window": 1,
    "gap": 2,
    "before": 2,
    "step": 0.5,
    "scale": 0.01,
    "current": 1,
    "baseline": 2,
    "interval": 2,
}


@st.composite
def entries(draw: st.DrawFn) -> list[tuple[int, Entry]]:
    ts = 1_700_000_000 * SECOND
    made: list[tuple[int, Entry]] = []
    for step, kind in draw(st.lists(st.tuples(_STEPS, st.sampled_from("tttttqqbgc")), max_size=40)):
        ts = max(ts + step, 0)
        made.append((ts, _entry(draw, kind, ts)))
    return made


def _entry(draw: st.DrawFn, kind: str, ts: int) -> Entry:
    one, two, three, four = (draw(_AMOUNTS) for _ in range(4))
    match kind:
        case "t":
            lots = two if draw(st.booleans()) else -two
            return lambda bank: bank.on_trade(ts, one, lots, one / 10**PENNY.price_decimals)
        case "q":
            return lambda bank: bank.on_quote(ts, one, two, three, four)
        case "b":
            start = ts - ts % (2 * SECOND) - 2 * SECOND
            low, close, high = sorted((one, two, three))
            # Bars sum lots in 64 bits.
            return lambda bank: bank.on_venue_bar(start, 2 * SECOND, low, high, low, close, four % 10**15)
        case "g":
            return lambda bank: bank.on_gap(ts)
        case _:
            return lambda bank: bank.on_time(ts)


def params_of(kind: str) -> dict[str, float]:
    """Return short windows, and of every number of bars or trades the least."""
    return {
        param.name: SHORT_WINDOWS.get(param.name, param.minimum if param.is_integer else param.default)
        for param in CATALOGUE[kind].params
    }


@settings(deadline=None)
@given(entries())
def test_a_value_is_finite_or_none_with_a_reason_and_warm_up_never_exceeds_its_need(
    stream: list[tuple[int, Entry]],
) -> None:
    bank = IndicatorBank(PENNY)
    indicators = [bank.require(kind, params) for kind in CATALOGUE for params in ({}, params_of(kind))]
    for ts, entry in stream:
        entry(bank)
        for indicator in indicators:
            value, reason = indicator.value(ts), indicator.reason(ts)
            warmup = indicator.warmup(ts)
            assert (value != value) == bool(reason)
            assert value != value or math.isfinite(value)
            assert 0 <= warmup.have <= warmup.need


@settings(deadline=None)
@given(entries(), st.lists(st.sampled_from(sorted(CATALOGUE)), min_size=1, max_size=3))
def test_sharing_a_bank_and_being_read_often_changes_no_value(stream: list[tuple[int, Entry]], few: list[str]) -> None:
    shared, quiet, alone = IndicatorBank(PENNY), IndicatorBank(PENNY), IndicatorBank(PENNY)
    watched = {kind: shared.require(kind, params_of(kind)) for kind in CATALOGUE}
    unread = {kind: quiet.require(kind, params_of(kind)) for kind in CATALOGUE}
    by_itself = {kind: alone.require(kind, params_of(kind)) for kind in few}
    for ts, entry in stream:
        for bank in (shared, quiet, alone):
            entry(bank)
        for indicator in watched.values():
            indicator.value(ts)
    now = max((ts for ts, _ in stream), default=0)
    expected = answers(unread, now)

    assert answers(watched, now) == expected
    assert answers(by_itself, now) == {kind: expected[kind] for kind in by_itself}


def answers(indicators: dict[str, Indicator], now: int) -> dict[str, tuple[str, str | None]]:
    return {kind: (repr(indicator.value(now)), indicator.reason(now)) for kind, indicator in indicators.items()}


_TRADES = st.lists(
    st.tuples(st.integers(0, 3 * SECOND), st.integers(1, 50), st.integers(0, 9), st.booleans()), min_size=1, max_size=60
)


@given(_TRADES, st.integers(0, 5 * SECOND), st.integers(0, 2))
def test_incremental_sums_and_averages_equal_exact_fractions_over_the_whole_stream(
    steps: list[tuple[int, int, int, bool]], rest: int, t2: int
) -> None:
    bank = IndicatorBank(PENNY)
    params = {"t1": 4.0, "t2": float(t2)}
    kinds = ("vwap", "sum_volume", "trade_count", "order_flow_imbalance", "twpa", "pump_magnitude_pct")
    indicators = {kind: bank.require(kind, params) for kind in kinds}
    ts, stream = 0, []
    for step, price, size, is_buy in steps:
        ts += step
        stream.append((ts, price, size, is_buy))
        bank.on_trade(
            ts, price * 1_000, size * 100 if is_buy else -size * 100, price * 1_000 / 10**PENNY.price_decimals
        )
    now = ts + rest
    if now - stream[0][0] < 4 * SECOND:
        assert {repr(indicator.value(now)) for indicator in indicators.values()} == {"nan"}
        return

    found = {kind: None if indicator.reason(now) else indicator.value(now) for kind, indicator in indicators.items()}
    assert found == exact(stream, now, t2)


def exact(stream: Sequence[tuple[int, int, int, bool]], now: int, t2: int) -> dict[str, float | None]:
    start, end = now - 4 * SECOND, now - t2 * SECOND
    inside = [row for row in stream if start < row[0] <= end]
    volume = sum(size for _, _, size, _ in inside)
    bought = sum(size for _, _, size, is_buy in inside if is_buy)
    area = 0
    for at, (ts, price, _, _) in enumerate(stream):
        until = stream[at + 1][0] if at + 1 < len(stream) else end
        area += price * max(min(until, end) - max(ts, start), 0)
    low = min((price for _, price, _, _ in inside), default=0)
    return {
        "vwap": float(Fraction(sum(p * s for _, p, s, _ in inside), volume)) if volume else None,
        "sum_volume": float(volume),
        "trade_count": float(len(inside)),
        "order_flow_imbalance": float(Fraction(2 * bought - volume, volume)) if volume else None,
        "twpa": float(Fraction(area, end - start)),
        "pump_magnitude_pct": (inside[-1][1] - low) / low * 100.0 if inside else None,
    }
