"""One instrument's part of a stretch: its rows, how far its market has taken them, and the instances that read them."""

# kernel: compiled by scripts/kernel_build.py

from __future__ import annotations

from papertape.broker.market import BEFORE_ALL, NEVER, Market
from papertape.engine.lane import Lane
from papertape.engine.stepper import Actor
from papertape.indicators.run import Run
from papertape.model.buffers import Floats, Ints, ints
from papertape.model.columns import QuoteColumns


class Strip:
    """The rows of one lane; `rows` are their numbers in the stretch, `sources` those in their columns.

    A source is the row of a trade, or -1 - the row of a quote. The market stands after the first `applied` of them; of
    the rest it needs to know only when it is asked. Each actor has thought of the rows before its place in `aheads`,
    and at its row of the stretch in `stops` it may move; `stop` is the first of those. Times and last price are the
    lane's from before the stretch.
    """

    __slots__ = (
        "actors",
        "aheads",
        "applied",
        "lane",
        "last_units",
        "market",
        "quote_count",
        "quote_ts",
        "rows",
        "run",
        "sources",
        "stop",
        "stops",
        "trade_ts",
    )

    lane: Lane
    market: Market
    actors: list[Actor]
    aheads: Ints
    stops: Ints
    stop: int
    run: Run
    rows: Ints
    sources: Ints
    quote_count: int
    applied: int
    trade_ts: int
    quote_ts: int
    last_units: int

    def __init__(self, lane: Lane) -> None:
        self.lane = lane
        self.market = lane.market
        self.actors = []
        follower = lane.first
        while follower is not None:
            if isinstance(follower, Actor):
                self.actors.append(follower)
            follower = follower.following
        self.aheads = ints(len(self.actors))
        self.stops = ints(len(self.actors))
        self.stop = NEVER
        self.run = Run(max(1, len(lane.slots)))
        self.rows = ints(self.run.room)
        self.sources = ints(self.run.room)
        self.quote_count = 0
        self.applied = 0
        self.trade_ts = self.quote_ts = 0
        self.last_units = -1

    def is_marked(self) -> bool:
        """Return whether its actors' orders may depend on what positions are worth, or its positions in others."""
        return not self.market.is_spot or any(actor.terms.needs_equity() for actor in self.actors)

    def begin(self, ts: int, end_ts: int) -> bool:
        """Begin without rows; return whether the lane can take them from `ts` to before `end_ts` ahead of its market.

        It cannot while a value is missing whose reason may change with every event, or a sample is due.
        """
        lane = self.lane
        if lane.is_touch_void or lane.sample_due < end_ts or lane.bank.now > ts:
            return False
        is_of_trades = lane.bank.is_of_trades()
        slot = lane.top
        while slot is not None:
            indicator = slot.indicator
            if indicator.current != indicator.current and not (is_of_trades and indicator.can_note()):
                return False
            slot = slot.following
        self.run.clear()
        self.quote_count = 0
        self.applied = 0
        self.trade_ts = lane.trade_ts
        self.quote_ts = lane.quote_ts
        self.last_units = lane.last_units
        self.stop = NEVER
        for index in range(len(self.stops)):
            self.aheads[index] = 0
            self.stops[index] = NEVER
        return True

    def add(self, row: int, source: int, ts: int, units: int, lots: int) -> None:
        """Take a row of the stretch; `units` and `lots` are a trade's."""
        run = self.run
        at = run.count
        if at == run.room:
            self._grow()
        self.rows[at] = row
        self.sources[at] = source
        run.times[at] = ts
        run.units[at] = units
        run.lots[at] = lots
        run.count = at + 1
        if source < 0:
            self.quote_count += 1

    def feed(self, quotes: QuoteColumns) -> None:
        """Let the lane see every row, and its indicators have their value after each."""
        lane, run = self.lane, self.run
        if self.quote_count == 0 and lane.bank.is_of_trades():
            lane.on_run(run)
            return
        for at in range(run.count):
            source = self.sources[at]
            ts = run.times[at]
            if source >= 0:
                lane.on_trade(ts, ts, run.units[at], run.lots[at], False)
            else:
                row = -1 - source
                lane.on_quote(ts, ts, quotes.bid[row], quotes.bid_lots[row], quotes.ask[row], quotes.ask_lots[row])
            lane.note(run, at)

    def run_ahead(self, horizon: int) -> None:
        """Let every actor that does not wait at its stop think ahead to before a row of the stretch."""
        until = self.first_from(horizon)
        self.stop = NEVER
        actor: Actor
        for index in range(len(self.stops)):
            if self.stops[index] == NEVER and self.aheads[index] < until:
                actor = self.actors[index]
                at = self.aheads[index]
                if actor.is_free():
                    at = actor.run_ahead(self.run, at, until)
                    self.aheads[index] = min(at + 1, until)
                if at < until:
                    self.stops[index] = self.rows[at]
            self.stop = min(self.stop, self.stops[index])

    def act(self, at: int) -> None:
        """Let every actor that has not thought of a row do so, and those that wait there move."""
        row = self.rows[at]
        actor: Actor
        for index in range(len(self.stops)):
            is_there = self.stops[index] == row
            if is_there:
                self.stops[index] = NEVER
            if self.aheads[index] <= at:
                self.aheads[index] = at + 1
                actor = self.actors[index]
                actor.think()
            elif is_there:
                actor = self.actors[index]
                actor.act()

    def first_from(self, row: int) -> int:
        """Return the place of the first of its rows at or after a row of the stretch."""
        low, high = 0, self.run.count
        if high == 0 or self.rows[high - 1] < row:
            return high
        while low < high:
            middle = (low + high) // 2
            if self.rows[middle] < row:
                low = middle + 1
            else:
                high = middle
        return low

    def first_met(self, row: int, limit: int) -> int:
        """Return the first row from `row` on at which the market meets an order, `limit` when none before it does."""
        market, run = self.market, self.run
        if market.fires_below == BEFORE_ALL and market.fires_above == NEVER and not market.meets_depth:
            return limit
        for at in range(self.first_from(row), run.count):
            if self.rows[at] >= limit:
                return limit
            if self.sources[at] < 0:
                if market.meets_depth:
                    return self.rows[at]
            elif not market.fires_below < run.units[at] < market.fires_above:
                return self.rows[at]
        return limit

    def apply(self, until: int, quotes: QuoteColumns) -> None:
        """Let the market stand after the first `until` rows, none of which meets an order."""
        market, run = self.market, self.run
        trade = quote = -1
        for at in range(self.applied, until) if self.quote_count else range(max(self.applied, until - 1), until):
            if self.sources[at] >= 0:
                trade = at
            elif market.has_used:
                self._quote(at, quotes)
            else:
                quote = at
        if quote >= 0:
            self._quote(quote, quotes)
        if trade >= 0:
            market.take_trade(run.times[trade], run.units[trade], run.lots[trade], "")
        self.applied = max(self.applied, until)

    def stand(self, at: int) -> None:
        """Let the lane stand as of a row."""
        lane, run = self.lane, self.run
        lane.run = run
        lane.run_at = at
        lane.ts = lane.recv_ts = lane.event_ts = run.times[at]
        trade = self._newest(at, True)
        lane.trade_ts = run.times[trade] if trade >= 0 else self.trade_ts
        lane.last_units = run.units[trade] if trade >= 0 else self.last_units
        if lane.last_units >= 0:
            lane.last = float(lane.last_units) / lane.price_scale
        quote = self._newest(at, False) if self.quote_count else -1
        lane.quote_ts = run.times[quote] if quote >= 0 else self.quote_ts
        values: Floats = lane.values
        known: Floats = run.values
        base = at * run.width
        for index in range(len(lane.slots)):
            values[index] = known[base + index]

    def _newest(self, at: int, is_trade: bool) -> int:
        while at >= 0 and (self.sources[at] >= 0) != is_trade:
            at -= 1
        return at

    def _quote(self, at: int, quotes: QuoteColumns) -> None:
        row = -1 - self.sources[at]
        bid, ask = quotes.bid[row], quotes.ask[row]
        self.market.take_quote(self.run.times[at], bid, quotes.bid_lots[row], ask, quotes.ask_lots[row])

    def _grow(self) -> None:
        room = self.run.room
        rows, sources = ints(2 * room), ints(2 * room)
        for at in range(room):
            rows[at] = self.rows[at]
            sources[at] = self.sources[at]
        self.rows, self.sources = rows, sources
        self.run.grow()
