"""Columns taken many rows at once give the bytes that the same rows give as entries, one at a time."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from papertape.engine.engine import Engine
from papertape.model.columns import MarketColumns, MarketCursor, QuoteColumns, TradeColumns
from papertape.model.entries import Batch, ClockTick, Entry, LifecycleChange, Quote, Trade
from papertape.model.events import encode_canonical
from papertape.model.session import SessionPlan
from papertape.testkit.engine_run import START_TS, session_plan
from papertape.testkit.venue import PERPETUAL, SPOT

SECOND = 1_000_000
INSTRUMENTS = (PERPETUAL, SPOT)

NERVOUS = """
name: nervous
indicators:
  price: {kind: mid_price}
  rise: {kind: price_change_pct, params: {t1: 2}}
  flow: {kind: order_flow_imbalance, params: {t1: 1}}
sections:
  S1:
    conditions:
      - any:
          - {indicator: price, op: ">", threshold: 100.5, for: 500ms}
          - {indicator: rise, op: ">=", threshold: 0.2, within: 1s}
          - {indicator: price, op: crosses_above, threshold: 100}
  O1: {timeout: 1s, conditions: [{indicator: price, op: "<", threshold: 99}]}
  Z1:
    conditions: [{indicator: flow, op: ">=", threshold: -0.5}]
    order: {side: long, size: {equity_pct: 20}, stop_loss_pct: 0.5, take_profit_pct: 0.7}
  ZE1:
    conditions:
      - any:
          - {indicator: runup_pct, op: ">=", threshold: 0.3}
          - {indicator: loss_today_pct, op: ">", threshold: 1}
  E1: {conditions: [{indicator: unrealized_pnl_pct, op: "<=", threshold: -0.3}]}
cooldown: {after_exit: 1s, after_cancel: 500ms}
limits: {max_open_positions: 1, max_trades_per_day: 50}
"""
CROSS = """
name: cross
indicators:
  fast: {kind: trade_ema, params: {period: 3}}
  slow: {kind: trade_ema, params: {period: 9}}
sections:
  S1: {conditions: [{indicator: fast, op: crosses_above, other: slow}]}
  Z1: {order: {side: long, size: {quote: 600}, stop_loss_pct: 0.2}}
  ZE1: {conditions: [{indicator: fast, op: "<", other: slow}]}
cooldown: {after_exit: 0s, after_cancel: 0s}
"""
FADE = """
name: fade
indicators:
  last: {kind: last_price}
  slow: {kind: trade_ema, params: {period: 20}}
  bars: {kind: ema, params: {period: 2, interval: 1}}
sections:
  S1: {conditions: [{indicator: last, op: ">", other: slow, for: 100ms}]}
  O1: {timeout: 300ms, conditions: [{indicator: last, op: "<", other: bars}]}
  Z1: {conditions: [{indicator: signal_age_s, op: ">", threshold: 0.05}], order: {side: short, size: {quote: 500}}}
  ZE1: {conditions: [{indicator: position_age_s, op: ">=", threshold: 0.4}]}
cooldown: {after_exit: 300ms, after_cancel: 100ms}
"""
PATIENT = """
name: patient
indicators:
  fast: {kind: trade_ema, params: {period: 2}}
  slow: {kind: trade_ema, params: {period: 5}}
sections:
  S1: {conditions: [{indicator: fast, op: "<", other: slow, within: 200ms}]}
  Z1:
    order:
      side: long
      type: limit
      limit: {offset_pct: 0.05, expires_after: 400ms}
      size: {quote: 700}
      take_profit_pct: 0.1
  ZE1: {conditions: [{indicator: fast, op: ">", other: slow, for: 50ms}]}
  E1: {conditions: [{indicator: drawdown_from_peak_pct, op: ">", threshold: 0.2}]}
cooldown: {after_exit: 50ms, after_cancel: 50ms}
"""


def _market(seed: int, rows: int, quotes_pct: int) -> MarketColumns:
    random = Random(seed)
    trades: list[tuple[int, ...]] = []
    quotes: list[tuple[int, ...]] = []
    ts, prices = START_TS, [10_000, 10_000]
    longest = random.choice((2_000, 20_000, 200_000))
    for _ in range(rows):
        ts += random.randrange(longest) if random.random() < 0.9 else 0
        lane = random.randrange(2)
        prices[lane] += random.randrange(-12, 13)
        price = prices[lane]
        if random.randrange(100) < quotes_pct:
            quotes.append((ts, lane, price - 1, random.randrange(1, 5_000), price + 1, random.randrange(1, 5_000)))
        else:
            trades.append((ts, lane, price, random.choice((-1, 1)) * random.randrange(0, 3_000)))
    return MarketColumns(
        INSTRUMENTS,
        TradeColumns(*[array("q", column) for column in _columns(trades, 4)]),
        QuoteColumns(*[array("q", column) for column in _columns(quotes, 6)]),
    )


def _columns(rows: list[tuple[int, ...]], count: int) -> list[list[int]]:
    return [[row[at] for row in rows] for at in range(count)]


def _entries(market: MarketColumns) -> Iterator[Entry]:
    trades, quotes = market.trades, market.quotes
    rows: list[tuple[int, int, Entry]] = [
        (trades.ts[at], 0, Trade(
            ts=trades.ts[at], recv_ts=trades.ts[at], instrument=INSTRUMENTS[trades.lane[at]].id,
            price=trades.price[at], size=abs(trades.lots[at]), side="sell" if trades.lots[at] < 0 else "buy",
            trade_id="",
        ))
        for at in range(trades.count)
    ]  # fmt: skip
    rows += [
        (quotes.ts[at], 1, Quote(
            ts=quotes.ts[at], recv_ts=quotes.ts[at], instrument=INSTRUMENTS[quotes.lane[at]].id,
            bid=quotes.bid[at], bid_size=quotes.bid_lots[at], ask=quotes.ask[at], ask_size=quotes.ask_lots[at],
        ))
        for at in range(quotes.count)
    ]  # fmt: skip
    rows.sort(key=lambda row: row[:2])
    tick = START_TS
    for ts, _, entry in rows:
        if tick == START_TS:
            tick = ts - ts % SECOND + SECOND
        while ts >= tick:
            yield ClockTick(ts=tick, recv_ts=tick)
            tick += SECOND
        yield entry


def _running() -> LifecycleChange:
    return LifecycleChange(
        ts=START_TS, recv_ts=START_TS, state="running", trigger="start", reason="The test started.",
        is_degraded=False, entries_paused=False,
    )  # fmt: skip


def _one_by_one(plan: SessionPlan, market: MarketColumns) -> list[bytes]:
    engine = Engine(plan)
    facts = engine.step(Batch(first_seq=1, entries=(_running(),)))
    facts += engine.step(Batch(first_seq=2, entries=tuple(_entries(market))))
    return [encode_canonical(fact) for fact in facts]


def _scanned(plan: SessionPlan, market: MarketColumns, at_once: Iterator[int]) -> tuple[list[bytes], bytes]:
    engine = Engine(plan)
    facts = engine.step(Batch(first_seq=1, entries=(_running(),)))
    cursor = MarketCursor(market)
    while engine.scan(cursor, next(at_once)):
        pass
    facts += engine.facts(engine.drain())
    return [encode_canonical(fact) for fact in facts], engine.freeze()


def _all() -> Iterator[int]:
    while True:
        yield 1 << 20


def _some(seed: int) -> Iterator[int]:
    random = Random(seed)
    while True:
        yield random.choice((1, 3, 17, 400))


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 1 << 30),
    st.integers(1, 400),
    st.sampled_from((0, 0, 10, 50)),
    st.lists(st.sampled_from((NERVOUS, CROSS, FADE, PATIENT)), min_size=1, max_size=4, unique=True),
    st.sampled_from((0, 3_000, 150_000)),
)
def test_many_rows_at_once_give_the_same_bytes(
    seed: int, rows: int, quotes_pct: int, definitions: list[str], latency_us: int
) -> None:
    plan = session_plan(*definitions, instruments=INSTRUMENTS, entry_latency_us=latency_us)
    market = _market(seed, rows, quotes_pct)
    facts, frozen = _scanned(plan, market, _all())
    assert facts == _one_by_one(plan, market)
    assert (facts, frozen) == _scanned(plan, market, _some(seed))


def test_time_that_goes_back_is_named() -> None:
    market = _market(1, 50, 0)
    market.trades.ts[30] = market.trades.ts[29] - 1
    with pytest.raises(Exception, match="before the one before"):
        _scanned(session_plan(CROSS, instruments=INSTRUMENTS), market, _all())
