"""vectorbt: no events, arrays at once. Inside the clock: averages, crosses, simulation and final value."""

from __future__ import annotations

import importlib
import time
import warnings
from typing import Any

from peers.columns import read_columns
from peers.load import CAPITAL, FEE, LOTS, PRICE_UNIT, SIZE_UNIT, Load
from peers.runner import Asked, Measured, run

numpy: Any = importlib.import_module("numpy")
pandas: Any = importlib.import_module("pandas")
vectorbt: Any = importlib.import_module("vectorbt")


def measure(asked: Asked) -> Measured:
    """Run twice and measure the second time: the first compiles."""
    prices, lengths = _matrix(asked)
    warnings.simplefilter("ignore")
    started = time.perf_counter()
    _simulate(prices, lengths, asked.load)
    first = time.perf_counter() - started
    started = time.perf_counter()
    fills, profit = _simulate(prices, lengths, asked.load)
    seconds = time.perf_counter() - started
    shape = "" if asked.symbols == 1 else f"; {asked.symbols} columns side by side, each with an account of its own"
    note = f"second run, the first took {first - seconds:.2f} s longer (compilation){shape}"
    return Measured(asked.events, seconds, fills, CAPITAL + profit, "same tick's price", "first price", note)


def _matrix(asked: Asked) -> tuple[Any, list[int]]:
    """Return the n-th trade of each symbol in row n; a shorter column ends with its last price."""
    columns = read_columns(asked.folder, asked.events)
    prices = numpy.frombuffer(columns.price, dtype=numpy.int64) * PRICE_UNIT
    of = numpy.frombuffer(columns.symbol, dtype=numpy.int64)
    found = [prices[of == symbol] for symbol in range(asked.symbols)]
    lengths = [len(one) for one in found]
    padded = [numpy.pad(one, (0, max(lengths) - len(one)), mode="edge") for one in found]
    return pandas.DataFrame(numpy.column_stack(padded)), lengths


def _simulate(prices: Any, lengths: list[int], load: Load) -> tuple[int, float]:
    fast = vectorbt.MA.run(prices, load.fast, ewm=True, short_name="fast")
    slow = vectorbt.MA.run(prices, load.slow, ewm=True, short_name="slow")
    above = fast.ma.to_numpy() > slow.ma.to_numpy()
    below = fast.ma.to_numpy() < slow.ma.to_numpy()
    entries = above.copy()
    entries[1:] &= ~above[:-1]
    entries[: load.slow] = False  # the first comparison has nothing to cross from
    for column, length in enumerate(lengths):
        entries[length:, column] = below[length:, column] = False
    portfolio = vectorbt.Portfolio.from_signals(
        prices, entries, below, size=LOTS * SIZE_UNIT, fees=FEE, init_cash=float(CAPITAL)
    )
    return int(portfolio.orders.count().sum()), float((portfolio.final_value() - CAPITAL).sum())


if __name__ == "__main__":
    run("vectorbt", "vectorbt", measure)
