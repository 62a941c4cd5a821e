"""A backtest over columns gives the facts of the same events fed one by one, with a tick for every second."""

from __future__ import annotations

from array import array
from collections.abc import Sequence

import msgspec
import pytest

from papertape.errors import Broken
from papertape.model.columns import MarketColumns, QuoteColumns, TradeColumns
from papertape.model.entries import ClockTick, Entry, LifecycleChange, Quote, Trade
from papertape.model.events import AnyEvent, encode_canonical
from papertape.session import column_backtest
from papertape.session.column_backtest import ColumnBacktest
from papertape.session.core import SessionCore
from papertape.testkit.engine_run import session_plan
from papertape.testkit.fake_source import make_instrument
from papertape.testkit.session_bench import SIMPLE_STRATEGY

BTC, ETH = make_instrument("BTCUSDT"), make_instrument("ETHUSDT")
PLAN = msgspec.structs.replace(session_plan(SIMPLE_STRATEGY, instruments=(BTC, ETH)), mode="BACKTEST")
START = 1_700_000_000_000_000
SECOND = 1_000_000


def market(count: int = 40) -> MarketColumns:
    times = [START + at * 700_000 for at in range(count)]
    lanes = [at % 2 for at in range(count)]
    prices = [10_000 + 37 * (at % 11) - 5 * at for at in range(count)]
    lots = [5 if at % 3 else -7 for at in range(count)]
    trades = TradeColumns(*(array("q", each) for each in (times, lanes, prices, lots)))
    bids, asks = [price - 1 for price in prices], [price + 1 for price in prices]
    sizes = [1_000] * count
    quotes = QuoteColumns(*(array("q", each) for each in (times, lanes, bids, sizes, asks, sizes)))
    return MarketColumns((BTC, ETH), trades, quotes)


def by_hand(columns: MarketColumns, live_from: int) -> list[bytes]:
    ids = [BTC.id, ETH.id]
    core = SessionCore(PLAN)
    facts: list[AnyEvent] = []
    next_tick = 0
    trades = [
        Trade(ts=ts, recv_ts=ts, instrument=ids[lane], price=price, size=abs(lots), trade_id="",
              side="buy" if lots > 0 else "sell")
        for ts, lane, price, lots in zip(*columns.trades.columns(), strict=True)
    ]  # fmt: skip
    quotes = [
        Quote(ts=ts, recv_ts=ts, instrument=ids[lane], bid=bid, bid_size=bid_size, ask=ask, ask_size=ask_size)
        for ts, lane, bid, bid_size, ask, ask_size in zip(*columns.quotes.columns(), strict=True)
    ]
    events: list[Trade | Quote] = [*trades, *quotes]
    for event in sorted(events, key=lambda each: (each.ts, isinstance(each, Quote))):
        entries: list[Entry] = []
        if event.ts < live_from:
            core.feed([event], is_warmup=True)
            continue
        if next_tick == 0:
            next_tick = event.ts - event.ts % SECOND + SECOND
            entries.append(
                LifecycleChange(ts=event.ts, recv_ts=event.ts, state="running", trigger="start",
                                reason="The backtest started.", is_degraded=False, entries_paused=False)
            )  # fmt: skip
        while event.ts >= next_tick:
            entries.append(ClockTick(ts=next_tick, recv_ts=event.ts))
            next_tick += SECOND
        facts += core.feed([*entries, event])[1]
    return [encode_canonical(fact) for fact in facts]


def run(columns: MarketColumns, live_from: int = 0) -> tuple[list[bytes], list[int]]:
    facts: list[AnyEvent] = []
    told: list[int] = []

    def take(chunk: Sequence[AnyEvent]) -> None:
        facts.extend(chunk)

    summary = ColumnBacktest(PLAN, columns, live_from).run(told.append, take)
    assert summary.facts == len(facts)
    return [encode_canonical(fact) for fact in facts], told


@pytest.mark.parametrize("live_from", [0, START + 9 * SECOND])
def test_the_facts_are_those_of_the_events_one_by_one(live_from: int) -> None:
    facts, told = run(market(), live_from)
    assert facts == by_hand(market(), live_from)
    assert told[-1] == 80


def test_the_facts_do_not_depend_on_how_many_rows_are_taken_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    whole, _ = run(market(), START + 5 * SECOND)
    monkeypatch.setattr(column_backtest, "_ROWS_AT_ONCE", 3, raising=False)
    assert run(market(), START + 5 * SECOND)[0] == whole


def test_a_market_without_a_row_is_no_result() -> None:
    with pytest.raises(Broken, match="saw no market data"):
        run(MarketColumns((BTC, ETH)))
