"""One indicator over rows of a file: bars, trades or quotes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from papertape.errors import Invalid
from papertape.indicators.bars import Bar, BarBuilder
from papertape.indicators.catalogue import canonical_params, find_kind, make_indicator
from papertape.indicators.indicator import Indicator
from papertape.indicators.kind import Input

Row = tuple[int, float | None]
"""A time in microseconds UTC and the indicator's value as of it, None while it has none."""


class TradeRow(NamedTuple):
    """One public print: time in microseconds UTC, price, size, and whether the aggressor bought."""

    ts: int
    price: float
    size: float
    is_buy: bool


class QuoteRow(NamedTuple):
    """Best bid and ask with their sizes at a time in microseconds UTC."""

    ts: int
    bid: float
    bid_size: float
    ask: float
    ask_size: float


def compute_over_bars(kind: str, params: Mapping[str, float], bars: Iterable[Bar]) -> list[Row]:
    """Return the value at each bar's close, one row per bar; the bars are taken as they are, whatever their interval.

    Raises:
        Invalid: the kind or a parameter is wrong, or the kind is not computed from bars.
    """
    _require_input(kind, "bars")
    indicator = make_indicator(kind, params)
    rows: list[Row] = []
    for bar in bars:
        indicator.on_bar(bar)
        rows.append(_row(indicator, bar.ts_close))
    return rows


def compute_over_trades(kind: str, params: Mapping[str, float], trades: Iterable[TradeRow]) -> list[Row]:
    """Return the value after each trade, one row per trade; for a kind over bars, one row per bar closed by them.

    Raises:
        Invalid: the kind or a parameter is wrong, or the kind is computed from quotes.
    """
    if "bars" in find_kind(kind).inputs:
        return compute_over_bars(
            kind, params, bars_of_trades(int(dict(canonical_params(kind, params))["interval"]), trades)
        )
    _require_input(kind, "trades")
    indicator = make_indicator(kind, params)
    rows: list[Row] = []
    for ts, price, size, is_buy in trades:
        indicator.on_trade(ts, price, size, is_buy)
        rows.append(_row(indicator, ts))
    return rows


def compute_over_quotes(kind: str, params: Mapping[str, float], quotes: Iterable[QuoteRow]) -> list[Row]:
    """Return the value after each quote, one row per quote.

    Raises:
        Invalid: the kind or a parameter is wrong, or the kind is not computed from quotes.
    """
    _require_input(kind, "quotes")
    indicator = make_indicator(kind, params)
    rows: list[Row] = []
    for ts, bid, bid_size, ask, ask_size in quotes:
        indicator.on_quote(ts, bid, bid_size, ask, ask_size)
        rows.append(_row(indicator, ts))
    return rows


def bars_of_trades(interval_s: int, trades: Iterable[TradeRow]) -> list[Bar]:
    """Return the closed bars of trades; the last one, which no trade closes, is left out.

    Sizes are counted to nine decimals, or fewer where their sum would have more than fifteen digits.
    """
    rows = list(trades)
    total = sum(trade.size for trade in rows)
    units = 1e9
    while total * units > 1e15:
        units /= 10.0
    builder = BarBuilder(interval_s * 1_000_000, units)
    bars: list[Bar] = []
    for trade in rows:
        if builder.on_trade(trade.ts, trade.price, round(trade.size * units)):
            bars.extend(builder.closed)
    return bars


def _row(indicator: Indicator, ts: int) -> Row:
    value = indicator.value(ts)
    return ts, value if value == value else None


def _require_input(kind: str, given: Input) -> None:
    inputs = find_kind(kind).inputs
    if given not in inputs:
        raise Invalid(
            f"{kind} is computed from {' and '.join(inputs)}, not from {given}; give it a file of {inputs[0]}.",
            code="indicator.wrong_input",
            path="input",
        )
