"""One indicator over rows of a file, bars or trades, in float64; and fed by hand, quotes too."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import NamedTuple

from papertape.errors import Invalid
from papertape.indicators.bars import Bar, BarBuilder
from papertape.indicators.catalogue import canonical_params, find_kind, make_indicator
from papertape.indicators.indicator import Indicator
from papertape.indicators.kind import Input
from papertape.indicators.prints import LIMIT, Prints

Row = tuple[int, float | None]
"""A time in microseconds UTC and the indicator's value as of it, None while it has none."""

MAX_DECIMALS = 8
"""The most decimals of a price or a size that are told apart."""


class TradeRow(NamedTuple):
    """One public print: time in microseconds UTC, price, size, and whether the aggressor bought."""

    ts: int
    price: float
    size: float
    is_buy: bool


class Meter:
    """One indicator fed with prices and sizes in float64, which it takes in whole units of these decimals."""

    __slots__ = ("indicator", "prints")

    def __init__(
        self,
        kind: str,
        params: Mapping[str, float],
        *,
        price_decimals: int = 4,
        size_decimals: int = 4,
        limit: int = LIMIT,
    ) -> None:
        self.indicator: Indicator = make_indicator(kind, params)
        self.prints = Prints(price_decimals, size_decimals, limit)
        self.indicator.attach(self.prints)

    def on_trade(self, ts: int, price: float, size: float, is_buy: bool) -> None:
        """Take a public print; its time is that of the newest event or reading at least."""
        now = max(ts, self.indicator.now)
        units = round(price * self.prints.price_scale)
        lots = round(size * self.prints.size_scale)
        self.prints.add(now, units, lots if is_buy else -lots)
        self.indicator.on_trade(now, units / self.prints.price_scale, lots if is_buy else -lots)

    def on_quote(self, ts: int, bid: float, bid_size: float, ask: float, ask_size: float) -> None:
        """Take the best bid and ask with their sizes."""
        prints = self.prints
        prints.bid, prints.ask = round(bid * prints.price_scale), round(ask * prints.price_scale)
        prints.bid_lots, prints.ask_lots = round(bid_size * prints.size_scale), round(ask_size * prints.size_scale)
        now = max(ts, self.indicator.now)
        if now >= self.indicator.until:
            self.indicator.on_time(now)
        self.indicator.on_quote(now, bid, bid_size, ask, ask_size)

    def value(self, ts: int) -> float | None:
        """Return the value as of `ts`, None while there is none."""
        value = self.indicator.value(ts)
        return value if value == value else None

    def reason(self, ts: int) -> str | None:
        """Return why there is no value as of `ts`, None when there is one."""
        return self.indicator.reason(ts)


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
        value = indicator.value(bar.ts_close)
        rows.append((bar.ts_close, value if value == value else None))
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
    trades = list(trades)
    price_decimals, size_decimals = decimals_of(trades)
    meter = Meter(kind, params, price_decimals=price_decimals, size_decimals=size_decimals)
    rows: list[Row] = []
    for ts, price, size, is_buy in trades:
        meter.on_trade(ts, price, size, is_buy)
        rows.append((ts, meter.value(ts)))
    return rows


def decimals_of(trades: list[TradeRow]) -> tuple[int, int]:
    """Return the decimals of price and size: those of the shortest numbers, fewer where the turnover would not fit."""
    price_decimals = max((_decimals(trade.price) for trade in trades), default=0)
    size_decimals = max((_decimals(trade.size) for trade in trades), default=0)
    turnover = sum(trade.price * trade.size for trade in trades)
    # Half of the limit leaves room for rounding to whole units.
    while turnover * 10.0 ** (price_decimals + size_decimals) > 2.0**61 and price_decimals + size_decimals:
        if size_decimals >= price_decimals:
            size_decimals -= 1
        else:
            price_decimals -= 1
    return price_decimals, size_decimals


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


def _decimals(number: float) -> int:
    exponent = Decimal(repr(number)).normalize().as_tuple().exponent
    return min(max(-exponent, 0), MAX_DECIMALS) if isinstance(exponent, int) else 0


def _require_input(kind: str, given: Input) -> None:
    inputs = find_kind(kind).inputs
    if given not in inputs:
        raise Invalid(
            f"{kind} is computed from {' and '.join(inputs)}, not from {given}; give it a file of {inputs[0]}.",
            code="indicator.wrong_input",
            path="input",
        )
