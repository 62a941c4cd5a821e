"""Market data in columns, taken many rows at once where the venue has nothing to do.

What indicators and conditions become depends on the market alone, never on orders. So a lane takes all rows of a
stretch first, its indicators keep their value after each, and every instance thinks ahead to the row at which it may
move. Only those rows, and those at which an order meets the market or falls due, are then played, in order, with
everything as of that row. The facts are those of one row at a time.

A stretch ends before the next tick of the clock, mark of the account or bar, and before a row of a lane that cannot run
ahead (see `Strip.begin`).
"""

# kernel: compiled by scripts/kernel_build.py

from __future__ import annotations

from papertape.broker.broker import Broker
from papertape.broker.market import NEVER
from papertape.broker.owner import Position
from papertape.engine.lane import Lane
from papertape.engine.strip import Strip
from papertape.model.buffers import Ints, ints
from papertape.model.columns import BarColumns, MarketCursor, QuoteColumns, TradeColumns
from papertape.model.fact_log import FactLog

MOST = 1_024
"""The most rows of a stretch: what they need stays in the processor's caches."""
LEAST = 4
"""The fewest rows that are worth it."""


class Stretch:
    """The rows of a stretch, by their order and by their lane; empty between two calls.

    `is_marked`: whether an order may depend on what the positions on other instruments are worth.
    """

    __slots__ = (
        "broker",
        "count",
        "first_seq",
        "is_marked",
        "lanes",
        "log",
        "places",
        "quotes",
        "strips",
        "times",
        "touched",
    )

    broker: Broker
    log: FactLog
    quotes: QuoteColumns
    is_marked: bool
    strips: list[Strip]
    touched: list[Strip]
    lanes: Ints
    places: Ints
    times: Ints
    count: int
    first_seq: int

    def __init__(self, broker: Broker, log: FactLog, lanes: list[Lane], quotes: QuoteColumns) -> None:
        self.broker = broker
        self.log = log
        self.quotes = quotes
        self.strips = [Strip(lane) for lane in lanes]
        self.is_marked = any(strip.is_marked() for strip in self.strips)
        self.touched = []
        self.lanes = ints(MOST)
        self.places = ints(MOST)
        self.times = ints(MOST)
        self.count = 0
        self.first_seq = 0

    def take(self, cursor: MarketCursor, limit: int, end_ts: int) -> int:
        """Take the next rows, at most `limit` and from before `end_ts`; return how many.

        None where the next must be taken by itself.
        """
        trade, quote = cursor.trade, cursor.quote
        self._gather(cursor, min(limit, MOST), end_ts)
        count = self.count
        if count < LEAST:
            cursor.trade, cursor.quote = trade, quote
            count = 0
        else:
            self.first_seq = self.log.entry_seq + 1
            strip: Strip
            for strip in self.touched:
                strip.feed(self.quotes)
            self._play()
            self._end()
        self._clear()
        return count

    def _gather(self, cursor: MarketCursor, limit: int, end_ts: int) -> None:
        trades: TradeColumns = cursor.market.trades
        quotes: QuoteColumns = cursor.market.quotes
        bars: BarColumns = cursor.market.bars
        trade_times: Ints = trades.ts
        quote_times: Ints = quotes.ts
        trade_lanes: Ints = trades.lane
        prices: Ints = trades.price
        sizes: Ints = trades.lots
        times: Ints = self.times
        lanes: Ints = self.lanes
        places: Ints = self.places
        trade, quote = cursor.trade, cursor.quote
        if cursor.bar < bars.count:
            end_ts = min(end_ts, bars.ts[cursor.bar] + 1)  # at the same time trades and quotes come first
        newest = self.log.ts
        lane, count = -1, 0
        strip: Strip = self.strips[0]
        while count < limit:
            trade_ts = trade_times[trade] if trade < trades.count else NEVER
            quote_ts = quote_times[quote] if quote < quotes.count else NEVER
            is_trade = trade_ts <= quote_ts
            ts = trade_ts if is_trade else quote_ts
            if ts >= end_ts or ts < newest:
                break
            newest = ts
            on = trade_lanes[trade] if is_trade else quotes.lane[quote]
            if on != lane:
                lane = on
                strip = self.strips[lane]
            if strip.run.count == 0:
                if not strip.begin(ts, end_ts):
                    break
                self.touched.append(strip)
            times[count] = ts
            lanes[count] = lane
            places[count] = strip.run.count
            if is_trade:
                strip.add(count, trade, ts, prices[trade], sizes[trade])
                trade += 1
            else:
                strip.add(count, -1 - quote, ts, 0, 0)
                quote += 1
            count += 1
        cursor.trade, cursor.quote = trade, quote
        self.count = count

    def _play(self) -> None:
        horizon = self._horizon(0)
        strip: Strip
        for strip in self.touched:
            strip.run_ahead(horizon)
        row = self._next(horizon)
        while row < self.count:
            strip = self.strips[self.lanes[row]]
            self._act(strip, row, row == horizon)
            before, horizon = horizon, self._horizon(row + 1)
            if horizon == before:
                strip.run_ahead(horizon)
            else:
                for strip in self.touched:
                    strip.run_ahead(horizon)
            row = self._next(horizon)

    def _horizon(self, row: int) -> int:
        # The first row from this one on at which the venue has something to do.
        limit = self.count
        if self.broker.next_due <= self.times[limit - 1]:
            due = row
            while due < limit and self.times[due] < self.broker.next_due:
                due += 1
            limit = due
        if self.broker.working_count:
            strip: Strip
            for strip in self.touched:
                limit = strip.first_met(row, limit)
        return limit

    def _next(self, horizon: int) -> int:
        row = horizon
        strip: Strip
        for strip in self.touched:
            row = min(row, strip.stop)
        return row

    def _act(self, strip: Strip, row: int, is_met: bool) -> None:
        place = self.places[row]
        ts = self.times[row]
        self.log.entry_seq = self.first_seq + row
        self.log.ts = ts
        if is_met:
            self._meet(strip, row, place, ts)
        else:
            strip.apply(place + 1, self.quotes)
            if self.is_marked:
                position: Position
                for position in self.broker.account.positions:
                    self._apply(self.strips[position.owner.market.index], row)
        strip.stand(place)
        strip.act(place)

    def _meet(self, strip: Strip, row: int, place: int, ts: int) -> None:
        other: Strip
        for other in self.touched:
            self._apply(other, row)
        source = strip.sources[place]
        if source >= 0:
            self.broker.on_trade(strip.market, ts, strip.run.units[place], strip.run.lots[place], "")
        else:
            quotes: QuoteColumns = self.quotes
            at = -1 - source
            self.broker.on_quote(
                strip.market, ts, quotes.bid[at], quotes.bid_lots[at], quotes.ask[at], quotes.ask_lots[at]
            )
        strip.applied = place + 1

    def _apply(self, strip: Strip, row: int) -> None:
        # The rows before this one; an own row is the caller's.
        if strip.applied < strip.run.count and strip.rows[strip.applied] < row:
            strip.apply(strip.first_from(row), self.quotes)

    def _end(self) -> None:
        strip: Strip
        for strip in self.touched:
            strip.apply(strip.run.count, self.quotes)
            strip.stand(strip.run.count - 1)
            strip.lane.run, strip.lane.run_at = None, 0
        self.log.entry_seq = self.first_seq + self.count - 1
        self.log.ts = self.times[self.count - 1]

    def _clear(self) -> None:
        strip: Strip
        for strip in self.touched:
            strip.run.clear()
        self.touched.clear()
        self.count = 0
