"""hftbacktest: a compiled strategy over its Rust engine. Inside the clock: the loop with its orders, not compiling."""

from __future__ import annotations

import importlib
import time
from typing import Any

from peers.columns import read_columns
from peers.load import CAPITAL, FEE, LOTS, PRICE_UNIT, SIZE_UNIT, Load
from peers.reference import SPREAD
from peers.runner import Asked, Measured, run

numba: Any = importlib.import_module("numba")
numpy: Any = importlib.import_module("numpy")
hft: Any = importlib.import_module("hftbacktest")

_NANO = 1000
_QUANTITY = LOTS * SIZE_UNIT
_FOREVER = 10**18
_BUY, _SELL = 0, 1


def _cross(
    market: Any, of: Any, fast_period: int, slow_period: int, fast: Any, slow: Any, have: Any, above: Any, long: Any
) -> int:
    """Run the load; return the orders sent. `of` says which symbol trades next: the engine does not."""
    fast_share, slow_share = 2.0 / (fast_period + 1), 2.0 / (slow_period + 1)
    orders = 0
    for row in range(len(of)):
        if market.wait_next_feed(False, _FOREVER) == 1:
            break
        symbol = of[row]
        trades = market.last_trades(symbol)
        price = trades[len(trades) - 1].px
        market.clear_last_trades(symbol)
        have[symbol] += 1
        if have[symbol] == 1:
            fast[symbol] = slow[symbol] = price
            continue
        fast[symbol] += fast_share * (price - fast[symbol])
        slow[symbol] += slow_share * (price - slow[symbol])
        if have[symbol] < slow_period:
            continue
        is_above = fast[symbol] > slow[symbol]
        if long[symbol]:
            if fast[symbol] < slow[symbol]:
                orders += 1
                long[symbol] = False
                market.submit_sell_order(symbol, orders, price, _QUANTITY, hft.GTC, hft.MARKET, False)
        elif is_above and above[symbol] == 0:
            orders += 1
            long[symbol] = True
            market.submit_buy_order(symbol, orders, price, _QUANTITY, hft.GTC, hft.MARKET, False)
        if orders % 64 == 63:
            market.clear_inactive_orders(symbol)
        above[symbol] = 1 if is_above else 0
    market.elapse(_NANO)
    return orders


compiled: Any = numba.njit(_cross)


def measure(asked: Asked) -> Measured:
    """Run twice and measure the second time: the first compiles."""
    columns = read_columns(asked.folder, asked.events)
    of = numpy.frombuffer(columns.symbol, dtype=numpy.int64)
    prices = numpy.frombuffer(columns.price, dtype=numpy.int64)
    feeds = [_feed(columns, of == symbol) for symbol in range(asked.symbols)]
    lowest, highest = (float(edge) * PRICE_UNIT for edge in (prices.min() - 100, prices.max() + 100))
    first, market = _once(feeds, of, asked.load, lowest, highest)
    market.close()
    seconds, market = _once(feeds, of, asked.load, lowest, highest)
    fills, equity = 0, float(CAPITAL)
    for symbol in range(asked.symbols):
        state = market.state_values(symbol)
        last = float(prices[of == symbol][-1]) * PRICE_UNIT
        fills += int(state.num_trades)
        equity += float(state.balance) - float(state.fee) + float(state.position) * last
    market.close()
    rows = sum(len(feed) for feed in feeds)
    note = f"second run, the first took {first - seconds:.2f} s longer (compilation)"
    note += f"; {rows:,} rows fed: each trade and its quote"
    if asked.symbols > 1:
        note += "; which symbol trades next is told from the data"
    return Measured(asked.events, seconds, fills, equity, "at the quote", "first price", note)


def _once(feeds: list[Any], of: Any, load: Load, lowest: float, highest: float) -> tuple[float, Any]:
    market = hft.ROIVectorMarketDepthBacktest([_asset(feed, lowest, highest) for feed in feeds])
    count = len(feeds)
    averages = (numpy.zeros(count), numpy.zeros(count), numpy.zeros(count, dtype=numpy.int64))
    memory = (numpy.full(count, -1, dtype=numpy.int64), numpy.zeros(count, dtype=numpy.bool_))
    started = time.perf_counter()
    compiled(market, of, load.fast, load.slow, *averages, *memory)
    return time.perf_counter() - started, market


def _asset(feed: Any, lowest: float, highest: float) -> Any:
    return (
        hft.BacktestAsset()
        .data(feed)
        .linear_asset(1.0)
        .constant_order_latency(0, 0)
        .risk_adverse_queue_model()
        .no_partial_fill_exchange()
        .trading_value_fee_model(FEE, FEE)
        .tick_size(PRICE_UNIT)
        .lot_size(SIZE_UNIT)
        .roi_lb(lowest)
        .roi_ub(highest)
        .last_trades_capacity(16)
    )


def _feed(columns: Any, chosen: Any) -> Any:
    """Return three rows a trade: bid and ask for the exchange alone, and the trade for the strategy alone.

    A level that a quote has left stays in the book, where it is never the best: the new quote is one tick wide.
    """
    ts, price, size, side = (
        numpy.frombuffer(getattr(columns, name), dtype=numpy.int64)[chosen] for name in ("ts", "price", "size", "side")
    )
    rows = numpy.zeros(3 * len(ts), dtype=hft.types.event_dtype)
    bid, ask, trade = rows[0::3], rows[1::3], rows[2::3]
    for part in (bid, ask, trade):
        part["exch_ts"] = part["local_ts"] = ts * _NANO
        part["qty"] = size * SIZE_UNIT
    bought = side > 0
    bid["ev"] = hft.DEPTH_EVENT | hft.EXCH_EVENT | hft.BUY_EVENT
    bid["px"] = (price - SPREAD * bought) * PRICE_UNIT
    ask["ev"] = hft.DEPTH_EVENT | hft.EXCH_EVENT | hft.SELL_EVENT
    ask["px"] = (price + SPREAD * ~bought) * PRICE_UNIT
    trade["ev"] = hft.TRADE_EVENT | hft.LOCAL_EVENT | numpy.where(bought, hft.BUY_EVENT, hft.SELL_EVENT)
    trade["px"] = price * PRICE_UNIT
    return rows


if __name__ == "__main__":
    run("hftbacktest", "hftbacktest", measure)
