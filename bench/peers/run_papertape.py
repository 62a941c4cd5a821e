"""papertape: the engine over columns. Inside the clock: the run with its facts, exact accounts and traces.

What a run has caused is drained as rows while it goes on; objects are made of them outside of the clock, to be counted.
"""

from __future__ import annotations

import time
from array import array
from collections.abc import Iterator
from decimal import Decimal
from itertools import islice
from typing import Any, NamedTuple

from papertape import kernel
from papertape.engine.engine import Engine
from papertape.model.columns import MarketColumns, MarketCursor, TradeColumns
from papertape.model.entries import Batch, ClockTick, Entry, LifecycleChange, Side, Trade
from papertape.model.events import AnyEvent, OrderFilled
from papertape.model.instrument import Instrument
from papertape.model.session import SessionPlan, SimulationProfile, StrategyVersion
from papertape.strategy.parse import check_definition, definition_sha256, to_plain
from peers.columns import Columns, read_columns
from peers.load import CAPITAL, FEE_PER_MILLE, QUOTE_AMOUNT
from peers.runner import Asked, Measured, run

_ROWS = 65_536
_SECOND = 1_000_000


class Run(NamedTuple):
    """What a run came to; `facts` counts everything it caused."""

    seconds: float
    fills: int
    equity: float
    facts: int
    way: str


def measure(asked: Asked) -> Measured:
    """Run once."""
    columns = read_columns(asked.folder, asked.events)
    came = run_papertape(columns, asked.load.fast, asked.load.slow, asked.symbols)
    note = f"{came.way}; {came.facts:,} facts; {kernel.told()}"
    return Measured(
        asked.events, came.seconds, came.fills, came.equity, "one transition an event", "mean of the first prices", note
    )


def run_papertape(columns: Columns, fast: int, slow: int, symbols: int) -> Run:
    """Run the load over all trades, in columns where the engine takes them."""
    instruments = tuple(_instrument(number) for number in range(symbols))
    engine = Engine(_plan(instruments, fast, slow))
    scanning: Any = engine
    if hasattr(scanning, "scan"):
        return _scan(scanning, columns, instruments)
    return _step(engine, columns, instruments)


def _scan(engine: Any, columns: Columns, instruments: tuple[Instrument, ...]) -> Run:
    lots = array("q", [size * side for size, side in zip(columns.size, columns.side, strict=True)])
    trades = TradeColumns(columns.ts, columns.symbol, columns.price, lots)
    cursor = MarketCursor(MarketColumns(instruments, trades))
    begun = engine.step(Batch(first_seq=1, entries=(_running(columns.ts[0]),)))
    drained = []
    started = time.perf_counter()
    while engine.scan(cursor, _ROWS):
        drained.append(engine.drain())
    seconds = time.perf_counter() - started
    fills, facts = 0, len(begun)
    for rows in drained:
        made = engine.facts(rows)
        facts += len(made)
        fills += _fills(made)
    return Run(seconds, fills, float(engine.equity().equity), facts, "columns")


def _step(engine: Engine, columns: Columns, instruments: tuple[Instrument, ...]) -> Run:
    """Take the trades as entries, one object each, made before."""
    batches = list(_batches(columns, instruments))
    fills = facts = 0
    started = time.perf_counter()
    for batch in batches:
        caused = engine.step(batch)
        facts += len(caused)
        fills += _fills(caused)
    seconds = time.perf_counter() - started
    return Run(seconds, fills, float(engine.equity().equity), facts, "entries as objects")


def _batches(columns: Columns, instruments: tuple[Instrument, ...]) -> Iterator[Batch]:
    seq = 1
    coming = _entries(columns, instruments)
    while entries := tuple(islice(coming, _ROWS)):
        yield Batch(first_seq=seq, entries=entries)
        seq += len(entries)


def _entries(columns: Columns, instruments: tuple[Instrument, ...]) -> Iterator[Entry]:
    """Give the trades, and a tick of the clock for each second begun."""
    yield _running(columns.ts[0])
    second = columns.ts[0] // _SECOND
    sides: dict[int, Side] = {1: "buy", -1: "sell"}
    rows = zip(columns.ts, columns.symbol, columns.price, columns.size, columns.side, strict=True)
    for ts, symbol, price, size, side in rows:
        while second < ts // _SECOND:
            second += 1
            yield ClockTick(ts=second * _SECOND, recv_ts=second * _SECOND)
        yield Trade(
            ts=ts, recv_ts=ts, instrument=instruments[symbol].id, price=price, size=size, side=sides[side], trade_id=""
        )


def _running(ts: int) -> LifecycleChange:
    return LifecycleChange(
        ts=ts, recv_ts=ts, state="running", trigger="start", reason="The measurement started.",
        is_degraded=False, entries_paused=False,
    )  # fmt: skip


def _fills(facts: list[AnyEvent]) -> int:
    return sum(isinstance(fact, OrderFilled) for fact in facts)


def _plan(instruments: tuple[Instrument, ...], fast: int, slow: int) -> SessionPlan:
    definition = check_definition(
        {
            "name": "trade-ema-cross",
            "indicators": {
                "fast": {"kind": "trade_ema", "params": {"period": fast}},
                "slow": {"kind": "trade_ema", "params": {"period": slow}},
            },
            "sections": {
                "S1": {"conditions": [{"indicator": "fast", "op": "crosses_above", "other": "slow"}]},
                "Z1": {"order": {"side": "long", "size": {"quote": QUOTE_AMOUNT}}},
                "ZE1": {"conditions": [{"indicator": "fast", "op": "<", "other": "slow"}]},
            },
            "cooldown": {"after_exit": "0s", "after_cancel": "0s"},
        }
    )
    version = StrategyVersion(
        name=definition.name, version=1, sha256=definition_sha256(definition), definition=to_plain(definition)
    )
    fee = Decimal(FEE_PER_MILLE) / 1000
    return SessionPlan(
        mode="BACKTEST",
        strategies=(version,),
        instruments=instruments,
        capital=Decimal(CAPITAL),
        currency="USDT",
        profile=SimulationProfile(maker_fee=fee, taker_fee=fee, trade_only_spread_bps=0),
    )


def _instrument(number: int) -> Instrument:
    return Instrument(
        id=f"S{number:02d}USDT.SIMULATED",
        symbol=f"S{number:02d}USDT",
        venue="SIMULATED",
        kind="spot",
        base=f"S{number:02d}",
        quote="USDT",
        price_decimals=2,
        size_decimals=3,
        price_increment=Decimal("0.01"),
        size_increment=Decimal("0.001"),
        min_quantity=Decimal("0.001"),
        min_notional=Decimal(5),
    )


if __name__ == "__main__":
    run("papertape", "papertape", measure)
