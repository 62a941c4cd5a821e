"""Every windowed measure equals a slow, obvious computation over real trades."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache

import polars as pl
import pytest

from papertape.indicators.catalogue import CATALOGUE, make_indicator
from papertape.indicators.compute import TradeRow
from papertape.testkit.shared_data import shared_data

SECOND = 1_000_000
Slow = Callable[[list[TradeRow], int, Mapping[str, float]], float | None]


@cache
def real_trades() -> tuple[TradeRow, ...]:
    """Return four minutes of spot BTCUSDT, times in whole milliseconds, many of them repeated."""
    path = shared_data("binance-raw-ws-2024-08") / "normalized" / "trades.parquet"
    frame = (
        pl.scan_parquet(path)
        .filter(pl.col("venue") == "binance-spot", pl.col("symbol") == "BTCUSDT")
        .sort("trade_id")
        .select(pl.col("trade_ts_ms") * 1000, "price", "size", pl.col("aggressor") == "buy")
        .head(6_000)
        .collect()
    )
    return tuple(TradeRow(*row) for row in frame.iter_rows())


def within(trades: list[TradeRow], now: int, t1: float, t2: float) -> list[TradeRow]:
    return [trade for trade in trades if now - t1 * SECOND < trade.ts <= now - t2 * SECOND]


def window(trades: list[TradeRow], now: int, params: Mapping[str, float]) -> list[TradeRow]:
    return within(trades, now, params["t1"], params["t2"])


def slow_twpa(trades: list[TradeRow], now: int, t1: float, t2: float) -> float:
    start, end = now - int(t1 * SECOND), now - int(t2 * SECOND)
    ends = [trade.ts for trade in trades[1:]] + [end]
    area = 0.0
    for trade, until in zip(trades, ends, strict=True):
        area += trade.price * max(min(until, end) - max(trade.ts, start), 0)
    return area / (end - start)


def slow_velocity(trades: list[TradeRow], now: int, params: Mapping[str, float]) -> float:
    length, gap = params["window"], params["gap"]
    new = slow_twpa(trades, now, length, 0)
    old = slow_twpa(trades, now, length + gap, gap)
    return (new / old - 1) * 100


def slow_vwap(trades: list[TradeRow], now: int, params: Mapping[str, float]) -> float | None:
    inside = window(trades, now, params)
    volume = sum(trade.size for trade in inside)
    return sum(trade.price * trade.size for trade in inside) / volume if volume else None


def slow_imbalance(trades: list[TradeRow], now: int, params: Mapping[str, float]) -> float | None:
    inside = window(trades, now, params)
    bought = sum(trade.size for trade in inside if trade.is_buy)
    sold = sum(trade.size for trade in inside if not trade.is_buy)
    return (bought - sold) / (bought + sold) if inside else None


def slow_surge(trades: list[TradeRow], now: int, params: Mapping[str, float]) -> float | None:
    current, baseline = params["current"], params["baseline"]
    new = sum(trade.size for trade in within(trades, now, current, 0)) / current
    old = sum(trade.size for trade in within(trades, now, current + baseline, current)) / baseline
    return new / old if old else None


def slow_magnitude(trades: list[TradeRow], now: int, params: Mapping[str, float]) -> float | None:
    prices = [trade.price for trade in window(trades, now, params)]
    return (prices[-1] / min(prices) - 1) * 100 if prices else None


def slow_drawdown(trades: list[TradeRow], now: int, params: Mapping[str, float]) -> float | None:
    prices = [trade.price for trade in window(trades, now, params)]
    return (1 - prices[-1] / max(prices)) * 100 if prices else None


def slow_change(trades: list[TradeRow], now: int, params: Mapping[str, float]) -> float | None:
    prices = [trade.price for trade in window(trades, now, params)]
    return (prices[-1] / prices[0] - 1) * 100 if prices else None


def slow_last(trades: list[TradeRow], now: int, params: Mapping[str, float]) -> float | None:
    prices = [trade.price for trade in window(trades, now, params)]
    return prices[-1] if prices else None


def slow_rate(trades: list[TradeRow], now: int, params: Mapping[str, float]) -> float:
    return len(window(trades, now, params)) / (params["t1"] - params["t2"])


def slow_count(trades: list[TradeRow], now: int, params: Mapping[str, float]) -> float:
    return float(len(window(trades, now, params)))


def slow_volume(trades: list[TradeRow], now: int, params: Mapping[str, float]) -> float:
    return sum(trade.size for trade in window(trades, now, params))


WINDOWED: dict[str, Slow] = {
    "drawdown_pct": slow_drawdown,
    "last_price": slow_last,
    "order_flow_imbalance": slow_imbalance,
    "price_change_pct": slow_change,
    "pump_magnitude_pct": slow_magnitude,
    "sum_volume": slow_volume,
    "trade_count": slow_count,
    "trade_rate": slow_rate,
    "twpa": lambda trades, now, params: slow_twpa(trades, now, params["t1"], params["t2"]),
    "vwap": slow_vwap,
}
CASES: list[tuple[str, Slow, dict[str, float]]] = [
    *(
        (kind, slow, {"t1": t1, "t2": t2})
        for kind, slow in WINDOWED.items()
        for t1, t2 in ((20, 0), (0.25, 0), (45, 15))
    ),
    ("price_velocity", slow_velocity, {"window": 3, "gap": 20}),
    ("price_velocity", slow_velocity, {"window": 20, "gap": 5}),
    ("volume_surge_ratio", slow_surge, {"current": 5, "baseline": 30}),
]


def test_every_indicator_over_trades_has_a_slow_reference() -> None:
    expected = {name for name, kind in CATALOGUE.items() if "trades" in kind.inputs}

    assert {kind for kind, _, _ in CASES} == expected


@pytest.mark.parametrize(("kind", "slow", "params"), CASES, ids=lambda case: str(case) if not callable(case) else "")
def test_a_windowed_measure_over_real_trades_equals_the_slow_reference(
    kind: str, slow: Slow, params: dict[str, float]
) -> None:
    trades = real_trades()
    indicator = make_indicator(kind, params)
    compared = 0
    for at, trade in enumerate(trades):
        indicator.on_trade(*trade)
        later = trades[at + 1].ts if at + 1 < len(trades) else trade.ts + 10 * SECOND
        # Both at a trade and between two, but never once a trade of the same instant is still to come.
        now = (trade.ts + later) // 2
        if at % 97 == 0 and later > trade.ts and indicator.reason(now) is None:
            assert indicator.value(now) == pytest.approx(slow(list(trades[: at + 1]), now, params), rel=1e-10, abs=1e-9)
            compared += 1
    assert compared > 5


def test_a_sum_over_a_million_passing_trades_leaves_no_rounding_behind() -> None:
    indicator = make_indicator("sum_volume", {"t1": 1})
    for ts in range(0, 2 * SECOND, 10):
        indicator.on_trade(ts, 1.0, 0.1 if ts % 20 else 12_345.678, True)
    indicator.on_trade(10 * SECOND, 1.0, 0.3, True)

    assert indicator.value(10 * SECOND) == 0.3
