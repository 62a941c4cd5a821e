"""backtrader: every trade is a bar. Inside the clock: averages (computed at once, its fastest way) and the run."""

from __future__ import annotations

import importlib
import time
from typing import Any

from peers.columns import Columns, read_columns
from peers.load import CAPITAL, FEE, LOTS, PRICE_UNIT, SIZE_UNIT
from peers.runner import Asked, Measured, run

backtrader: Any = importlib.import_module("backtrader")

_FIRST_DAY = 738_000.0
_DAY_S = 86_400


class Trades(backtrader.feed.DataBase):  # type: ignore[misc]  # backtrader has no types
    """The trades of one symbol as bars of one price."""

    params = (("times", ()), ("prices", ()))

    def start(self) -> None:
        """Begin at the first trade."""
        super().start()
        self._next = 0

    def _load(self) -> bool:
        index = self._next
        if index == len(self.p.times):
            return False
        self._next = index + 1
        price = self.p.prices[index]
        self.lines.datetime[0] = self.p.times[index]
        self.lines.open[0] = self.lines.high[0] = self.lines.low[0] = self.lines.close[0] = price
        self.lines.volume[0] = self.lines.openinterest[0] = 0.0
        return True


class Cross(backtrader.Strategy):  # type: ignore[misc]  # backtrader has no types
    """The load, on every symbol."""

    params = (("fast", 0), ("slow", 0))

    def __init__(self) -> None:
        average = backtrader.indicators.ExponentialMovingAverage
        self.averages = [
            (one, average(one.close, period=self.p.fast), average(one.close, period=self.p.slow)) for one in self.datas
        ]
        self.seen = [0] * len(self.datas)
        self.fills = 0
        self.started = 0.0

    def start(self) -> None:
        """Start the clock: the bars are loaded, nothing is computed."""
        self.started = time.perf_counter()

    def notify_order(self, order: Any) -> None:
        """Count fills."""
        self.fills += order.status == order.Completed

    def prenext(self) -> None:
        """Go on although another symbol is not warm yet."""
        self.next()

    def next(self) -> None:
        """Look at the symbols that have traded."""
        seen, need = self.seen, self.p.slow
        for index, (bars, fast, slow) in enumerate(self.averages):
            length = len(bars)
            if length == seen[index]:
                continue
            seen[index] = length
            if length < need:
                continue
            if self.getposition(bars).size:
                if fast[0] < slow[0]:
                    self.sell(bars, size=LOTS * SIZE_UNIT)
            elif length > need and fast[0] > slow[0] and fast[-1] <= slow[-1]:
                self.buy(bars, size=LOTS * SIZE_UNIT)


def measure(asked: Asked) -> Measured:
    """Run once."""
    columns = read_columns(asked.folder, asked.events)
    cerebro = backtrader.Cerebro(stdstats=False)
    bars = _bars(columns, asked.symbols)
    at_once = all(len(prices) > asked.load.slow for _, prices in bars)  # it fails on a shorter symbol
    for times, prices in bars:
        cerebro.adddata(Trades(times=times, prices=prices, timeframe=backtrader.TimeFrame.Ticks))
    cerebro.addstrategy(Cross, fast=asked.load.fast, slow=asked.load.slow)
    cerebro.broker.setcash(float(CAPITAL))
    cerebro.broker.setcommission(commission=FEE)
    strategy = cerebro.run(runonce=at_once)[0]
    seconds = time.perf_counter() - strategy.started
    equity = float(cerebro.broker.getvalue())
    note = "a bar for each trade, so its next bar's open is the next event's price; on fewer trades, for it is slow"
    if not at_once:
        note += "; averages bar by bar, for a symbol has fewer trades than the slow one takes"
    return Measured(
        asked.events, seconds, strategy.fills, equity, "next bar's open", "mean of the first prices", note
    )  # fmt: skip


def _bars(columns: Columns, symbols: int) -> list[tuple[list[float], list[float]]]:
    """Return times and prices of each symbol; a second apart, since its times cannot tell trades of 10 us apart."""
    bars: list[tuple[list[float], list[float]]] = [([], []) for _ in range(symbols)]
    for row, (symbol, price) in enumerate(zip(columns.symbol, columns.price, strict=True)):
        times, prices = bars[symbol]
        times.append(_FIRST_DAY + row / _DAY_S)
        prices.append(price * PRICE_UNIT)
    return bars


if __name__ == "__main__":
    run("backtrader", "backtrader", measure)
