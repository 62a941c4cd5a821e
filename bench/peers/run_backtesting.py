"""backtesting.py: every trade is a bar, one symbol a run. Inside the clock: `Backtest.run`, statistics included."""

from __future__ import annotations

import importlib
import time
import warnings
from typing import Any

from peers.columns import Columns, read_columns
from peers.load import CAPITAL, FEE, LOTS, PRICE_UNIT, SIZE_UNIT, Load
from peers.runner import Asked, Measured, run

numpy: Any = importlib.import_module("numpy")
pandas: Any = importlib.import_module("pandas")
backtesting: Any = importlib.import_module("backtesting")


def _average(prices: Any, period: int, need: int) -> Any:
    return pandas.Series(prices).ewm(span=period, adjust=False, min_periods=need).mean()


class Cross(backtesting.Strategy):  # type: ignore[misc]  # backtesting.py has no types
    """The load on one symbol."""

    load: Load

    def init(self) -> None:
        """Compute the averages at once."""
        need = self.load.slow
        self.fast = self.I(_average, self.data.Close, self.load.fast, need, plot=False)
        self.slow = self.I(_average, self.data.Close, need, need, plot=False)

    def next(self) -> None:
        """Look at one trade."""
        fast, slow = self.fast, self.slow
        if self.position:
            if fast[-1] < slow[-1]:
                self.position.close()
        elif fast[-1] > slow[-1] and fast[-2] <= slow[-2]:
            self.buy(size=LOTS)


def measure(asked: Asked) -> Measured:
    """Run every symbol after the other."""
    warnings.simplefilter("ignore")
    columns = read_columns(asked.folder, asked.events)
    seconds, fills, equity = 0.0, 0, float(CAPITAL)
    for symbol in range(asked.symbols):
        frame = _frame(columns.of_symbol(symbol))
        if len(frame) <= asked.load.slow:
            continue
        cross = type("OfLoad", (Cross,), {"load": asked.load})
        test = backtesting.Backtest(frame, cross, cash=CAPITAL, commission=FEE)
        started = time.perf_counter()
        result = test.run()
        seconds += time.perf_counter() - started
        fills += 2 * len(result["_trades"]) + len(result["_strategy"].trades)
        equity += float(result["Equity Final [$]"]) - CAPITAL
    if not seconds:
        raise SystemExit(
            f"no symbol has more trades than its slow average takes, {asked.load.slow}: give more --events"
        )
    note = "a bar for each trade, so its next bar's open is the next event's price; on fewer trades, for it is slow"
    if asked.symbols > 1:
        note += "; it knows one symbol, so the symbols run one after the other"
    return Measured(asked.events, seconds, fills, equity, "next bar's open", "first price", note)


def _frame(columns: Columns) -> Any:
    """Return bars of one price each, for one unit of size: it trades whole units only."""
    price = numpy.frombuffer(columns.price, dtype=numpy.int64) * (PRICE_UNIT * SIZE_UNIT)
    index = pandas.to_datetime(numpy.frombuffer(columns.ts, dtype=numpy.int64), unit="us")
    return pandas.DataFrame({"Open": price, "High": price, "Low": price, "Close": price}, index=index)


if __name__ == "__main__":
    run("backtesting", "backtesting", measure)
