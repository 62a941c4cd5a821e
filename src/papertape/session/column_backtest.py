"""A backtest over columns: the core of a paper session, fed from arrays with one clock tick a second of market time."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from papertape.model.backtest import BacktestSummary
from papertape.model.columns import BAR, NOTHING, QUOTE, TRADE, MarketColumns, MarketCursor
from papertape.model.entries import LifecycleChange, MarketEvent, Quote, Trade, VenueBar
from papertape.model.events import AnyEvent
from papertape.model.session import SessionPlan
from papertape.session.core import SessionCore

_SECOND_US = 1_000_000
_ROWS_AT_ONCE = 65_536


def _begun(ts: int) -> LifecycleChange:
    return LifecycleChange(
        ts=ts, recv_ts=ts, state="running", trigger="start", reason="The backtest started.",
        is_degraded=False, entries_paused=False,
    )  # fmt: skip


class ColumnBacktest:
    """One plan over columns whose lanes are the plan's instruments.

    Args:
        plan: what runs.
        columns: the market, in the order of `MarketCursor`.
        live_from: rows before it only warm up, microseconds UTC.
    """

    def __init__(self, plan: SessionPlan, columns: MarketColumns, live_from: int = 0) -> None:
        self.core = SessionCore(plan)
        self._columns = columns
        self._live_from = live_from
        self._ids = [instrument.id for instrument in plan.instruments]

    def run(
        self, on_progress: Callable[[int], None], on_chunk: Callable[[Sequence[AnyEvent]], None] | None = None
    ) -> BacktestSummary:
        """Run from the first to the last row.

        Args:
            on_progress: is told the number of rows so far.
            on_chunk: gets the facts, in order, a part at a time; without it none are made.

        Raises:
            Broken: there was no row.
        """
        cursor = MarketCursor(self._columns)
        while cursor.next_ts() < self._live_from and cursor.next_kind() != NOTHING:
            self.core.feed(self._next_rows(cursor), is_warmup=True)
            on_progress(cursor.done())
        if cursor.next_kind() != NOTHING:
            begun = self.core.feed([_begun(cursor.next_ts())])[1]
            if on_chunk is not None:
                on_chunk(begun)
        while cursor.next_kind() != NOTHING:
            rows = self.core.scan(cursor, _ROWS_AT_ONCE)
            if on_chunk is not None:
                on_chunk(self.core.engine.facts(rows))
            on_progress(cursor.done())
        return self.core.engine.summary()

    def _next_rows(self, cursor: MarketCursor) -> list[MarketEvent]:
        events: list[MarketEvent] = []
        while len(events) < _ROWS_AT_ONCE and cursor.next_ts() < self._live_from:
            kind = cursor.next_kind()
            if kind == TRADE:
                events.append(self._trade(cursor.trade))
                cursor.trade += 1
            elif kind == QUOTE:
                events.append(self._quote(cursor.quote))
                cursor.quote += 1
            elif kind == BAR:
                events.append(self._bar(cursor.bar))
                cursor.bar += 1
            else:
                break
        return events

    def _trade(self, at: int) -> Trade:
        trades = self._columns.trades
        ts, lots = trades.ts[at], trades.lots[at]
        return Trade(
            ts=ts, recv_ts=ts, instrument=self._ids[trades.lane[at]], price=trades.price[at], size=abs(lots),
            side="buy" if lots > 0 else "sell", trade_id="",
        )  # fmt: skip

    def _quote(self, at: int) -> Quote:
        quotes = self._columns.quotes
        ts = quotes.ts[at]
        return Quote(
            ts=ts, recv_ts=ts, instrument=self._ids[quotes.lane[at]], bid=quotes.bid[at], bid_size=quotes.bid_lots[at],
            ask=quotes.ask[at], ask_size=quotes.ask_lots[at],
        )  # fmt: skip

    def _bar(self, at: int) -> VenueBar:
        bars = self._columns.bars
        ts = bars.ts[at]
        return VenueBar(
            ts=ts, recv_ts=ts, instrument=self._ids[bars.lane[at]], open_ts=bars.open_ts[at],
            interval_s=bars.interval_us[at] // _SECOND_US, open=bars.open[at], high=bars.high[at], low=bars.low[at],
            close=bars.close[at], volume=bars.volume[at],
        )  # fmt: skip
