"""Measure the kernel: events a second on arrays, one event a call, many instances, and what grows with fills. JSON.

The rich load is 8 indicators, 10 conditions and 4 strategies over trades and quotes of one instrument, with fills.
Times are of the process, the least of `--rounds`; ratios are of one run. `--only NAME` measures one figure.
"""

from __future__ import annotations

import argparse
import json
import platform
import random
import resource
import subprocess
import sys
import time
from array import array
from collections.abc import Callable
from decimal import Decimal

from papertape import kernel
from papertape.engine.engine import Engine
from papertape.model.columns import MarketColumns, MarketCursor, QuoteColumns, TradeColumns
from papertape.model.entries import Batch, ClockTick, Entry, LifecycleChange, Quote, Trade
from papertape.model.instrument import Instrument
from papertape.model.session import SessionPlan, SimulationProfile
from papertape.strategy.parse import parse_definition, version_of

_START = 1_766_854_702_000_000
_SECOND = 1_000_000

_RICH = (
    """
name: cross-of-averages
indicators:
  fast: {kind: trade_ema, params: {period: 50}}
  slow: {kind: trade_ema, params: {period: 200}}
sections:
  S1: {conditions: [{indicator: fast, op: crosses_above, other: slow}]}
  Z1: {order: {side: long, size: {quote: 600}}}
  ZE1: {conditions: [{indicator: fast, op: "<", other: slow}]}
cooldown: {after_exit: 1s, after_cancel: 1s}
""",
    """
name: surge
indicators:
  rise: {kind: pump_magnitude_pct, params: {t1: 60}}
  surge: {kind: volume_surge_ratio, params: {current: 10, baseline: 120}}
sections:
  S1: {conditions: [{indicator: rise, op: ">=", threshold: 0.05}, {indicator: surge, op: ">=", threshold: 1.05}]}
  Z1: {order: {side: long, size: {quote: 600}}}
  ZE1: {conditions: [{indicator: position_age_s, op: ">=", threshold: 5}]}
cooldown: {after_exit: 1s, after_cancel: 1s}
""",
    """
name: flow
indicators:
  flow: {kind: order_flow_imbalance, params: {t1: 20}}
  spread: {kind: spread_pct}
sections:
  S1: {conditions: [{indicator: flow, op: ">=", threshold: 0.02}]}
  Z1: {conditions: [{indicator: spread, op: "<=", threshold: 0.1}], order: {side: long, size: {quote: 600}}}
  ZE1: {conditions: [{indicator: flow, op: "<", threshold: 0}]}
cooldown: {after_exit: 1s, after_cancel: 1s}
""",
    """
name: book
indicators:
  volume: {kind: sum_volume, params: {t1: 30}}
  lean: {kind: bid_ask_imbalance}
sections:
  S1: {conditions: [{indicator: volume, op: ">", threshold: 100}]}
  Z1: {order: {side: long, size: {quote: 600}}}
  E1: {conditions: [{indicator: lean, op: "<=", threshold: -0.99, for: 50ms}]}
cooldown: {after_exit: 1s, after_cancel: 1s}
""",
)

_CROSS = """
name: cross
indicators:
  fast: {kind: trade_ema, params: {period: 20}}
  slow: {kind: trade_ema, params: {period: 50}}
sections:
  S1: {conditions: [{indicator: fast, op: crosses_above, other: slow}]}
  Z1: {order: {side: long, size: {quote: 610}}}
  ZE1: {conditions: [{indicator: fast, op: "<", other: slow}]}
cooldown: {after_exit: 0s, after_cancel: 0s}
"""


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", choices=list(_FIGURES), default=None)
    arguments = parser.parse_args()
    names = [arguments.only] if arguments.only else list(_FIGURES)
    figures = {name: _FIGURES[name](arguments.seed, arguments.rounds) for name in names}
    told = {
        "what": "the kernel by itself",
        "kernel": kernel.told(),
        "seed": arguments.seed,
        "machine": f"{platform.machine()}, Python {platform.python_version()}",
        "figures": figures,
    }
    json.dump(told, sys.stdout, indent=2)
    sys.stdout.write("\n")


def _rich_on_arrays(seed: int, rounds: int) -> dict[str, object]:
    market = _market(seed, 400_000, 1)
    texts = list(_RICH)
    seconds, engine = min((_scan(market, texts) for _ in range(rounds)), key=lambda run: run[0])
    return {
        "ns_per_event": round(seconds / market.count() * 1e9, 1), "target_ns": 110, "events": market.count(),
        "fills": engine.summary().fills, "facts": engine.last_event_seq,
    }  # fmt: skip


def _rich_one_a_call(seed: int, rounds: int) -> dict[str, object]:
    market = _market(seed, 50_000, 1)
    entries = _entries(market)
    texts = list(_RICH)
    seconds = min(_step(market, texts, entries) for _ in range(rounds))
    return {"ns_per_event": round(seconds / len(entries) * 1e9, 1), "target_ns": 250, "events": len(entries)}


def _ten_times_the_fills(seed: int, rounds: int) -> dict[str, object]:
    few, many = _market(seed, 2_000_000, 1, quotes=False), _market(seed, 20_000_000, 1, quotes=False)
    rates, fills = [], []
    for market in (few, many):
        seconds, engine = min((_scan(market, [_CROSS]) for _ in range(rounds)), key=lambda run: run[0])
        rates.append(market.count() / seconds)
        fills.append(engine.summary().fills)
    return {"fills": fills, "events_per_s": [round(rate) for rate in rates],
            "ratio": round(rates[1] / rates[0], 3), "target_ratio": 0.9}  # fmt: skip


def _memory_beside_the_data(seed: int, _: int) -> dict[str, object]:
    market = _market(seed, 2_000_000, 1, quotes=False)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    _scan(market, [_CROSS])
    return {"mb_above_the_data": round((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024, 1),
            "target_mb": 60, "data_mb": round(market.count() * 32 / 1e6)}  # fmt: skip


def _many_instances(seed: int, rounds: int) -> dict[str, object]:
    symbols, seconds = 2_000, 5
    market = _market(seed, 20_000 * seconds, symbols, quotes=False, gap_us=50)
    texts = [text.replace("name: ", f"name: n{copy}-", 1) for copy in range(3) for text in _RICH][:10]
    busy, _ = min((_scan(market, texts) for _ in range(rounds)), key=lambda run: run[0])
    return {"instances": symbols * 10, "events_per_s": 20_000, "share_of_a_core": round(busy / seconds, 3),
            "target_share": 0.6}  # fmt: skip


def _first_event(_: int, rounds: int) -> dict[str, object]:
    code = "import sys; sys.path.insert(0, 'bench'); import kernel as bench; print(bench.first_event_s())"
    times = [
        float(subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout)
        for _ in range(rounds)
    ]
    return {"seconds_after_import": round(min(times), 4), "target_s": 0.15}


def first_event_s() -> float:
    """Return how long it takes from a definition's text to the first event taken, everything imported."""
    market = _market(1, 10, 1)
    started = time.perf_counter()
    _scan(market, list(_RICH))
    return time.perf_counter() - started


_FIGURES: dict[str, Callable[[int, int], dict[str, object]]] = {
    "rich_on_arrays": _rich_on_arrays,
    "rich_one_event_a_call": _rich_one_a_call,
    "ten_times_the_fills": _ten_times_the_fills,
    "memory": _memory_beside_the_data,
    "many_instances": _many_instances,
    "first_event": _first_event,
}


def _instrument(number: int) -> Instrument:
    return Instrument(
        id=f"C{number}USDT.TEST", symbol=f"C{number}USDT", venue="TEST", kind="spot", base=f"C{number}", quote="USDT",
        price_decimals=2, size_decimals=3, price_increment=Decimal("0.01"), size_increment=Decimal("0.001"),
        min_quantity=Decimal("0.001"), min_notional=Decimal(5),
    )  # fmt: skip


def _market(seed: int, events: int, symbols: int, *, quotes: bool = True, gap_us: int = 1_000) -> MarketColumns:
    draw = random.Random(seed).random
    trades: list[array[int]] = [array("q") for _ in range(4)]
    shown: list[array[int]] = [array("q") for _ in range(6)]
    prices, ts = [6_000_000] * symbols, _START
    for _ in range(events):
        ts += 1 + int(draw() * 2 * gap_us)
        lane = int(draw() * symbols)
        price = prices[lane] = prices[lane] + int(draw() * 51) - 25
        if quotes and draw() < 0.5:
            for column, number in zip(
                shown, (ts, lane, price - 5, 1 + int(draw() * 900), price + 5, 1_000), strict=True
            ):
                column.append(number)
        else:
            lots = 1 + int(draw() * 200)
            for column, number in zip(trades, (ts, lane, price, lots if draw() < 0.5 else -lots), strict=True):
                column.append(number)
    instruments = tuple(_instrument(number) for number in range(symbols))
    return MarketColumns(instruments, TradeColumns(*trades), QuoteColumns(*shown))


def _plan(market: MarketColumns, texts: list[str]) -> SessionPlan:
    return SessionPlan(
        mode="BACKTEST", strategies=tuple(version_of(parse_definition(text)) for text in texts),
        instruments=market.instruments, capital=Decimal(100_000_000), currency="USDT",
        profile=SimulationProfile(taker_fee=Decimal("0.001"), trade_only_spread_bps=0),
    )  # fmt: skip


def _scan(market: MarketColumns, texts: list[str]) -> tuple[float, Engine]:
    engine = Engine(_plan(market, texts))
    engine.step(Batch(first_seq=1, entries=(_running(market.first_ts()),)))
    cursor = MarketCursor(market)
    started = time.process_time()
    while engine.scan(cursor, 65_536):
        engine.drain()
    return time.process_time() - started, engine


def _step(market: MarketColumns, texts: list[str], entries: list[Entry]) -> float:
    engine = Engine(_plan(market, texts))
    batches = [Batch(first_seq=number, entries=(entry,)) for number, entry in enumerate(entries, 1)]
    started = time.process_time()
    for batch in batches:
        engine.step(batch)
    return time.process_time() - started


def _entries(market: MarketColumns) -> list[Entry]:
    events: list[Entry] = [
        Trade(ts=ts, recv_ts=ts, instrument=market.instruments[lane].id, price=price, size=abs(lots),
              side="buy" if lots > 0 else "sell", trade_id="")
        for ts, lane, price, lots in zip(*market.trades.columns(), strict=True)
    ]  # fmt: skip
    events += [
        Quote(ts=ts, recv_ts=ts, instrument=market.instruments[lane].id, bid=bid, bid_size=bid_lots, ask=ask,
              ask_size=ask_lots)
        for ts, lane, bid, bid_lots, ask, ask_lots in zip(*market.quotes.columns(), strict=True)
    ]  # fmt: skip
    events.sort(key=lambda event: event.ts)
    last = events[-1].ts
    ticks = [ClockTick(ts=ts, recv_ts=ts) for ts in range(_START // _SECOND * _SECOND + _SECOND, last, _SECOND)]
    return [_running(events[0].ts), *sorted([*events, *ticks], key=lambda event: event.ts)]


def _running(ts: int) -> LifecycleChange:
    return LifecycleChange(
        ts=ts, recv_ts=ts, state="running", trigger="start", reason="The measurement started.",
        is_degraded=False, entries_paused=False,
    )  # fmt: skip


if __name__ == "__main__":
    main()
