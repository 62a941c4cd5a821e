"""All indicators of one instrument: each computation once, fed from one stream of market events in integers."""
# kernel: compiled by scripts/kernel_build.py

from __future__ import annotations

from collections.abc import Mapping

from papertape.indicators.bars import Bar, BarBuilder, piece_of
from papertape.indicators.catalogue import canonical_params, find_kind
from papertape.indicators.indicator import AFTER_ALL, BEFORE_ALL, Indicator
from papertape.indicators.prints import LIMIT, Prints
from papertape.indicators.run import Run
from papertape.indicators.series import BarSeries
from papertape.model.instrument import Instrument

_SECOND = 1_000_000


class BarLane:
    """The bars of one interval and the indicators over them."""

    __slots__ = ("builder", "first", "following", "interval")

    interval: int
    builder: BarBuilder
    first: Indicator | None
    following: BarLane | None

    def __init__(self, interval_us: int, size_scale: float) -> None:
        self.interval = interval_us
        self.builder = BarBuilder(interval_us, size_scale)
        self.first = None
        self.following = None

    def deliver(self) -> None:
        """Give the bars just closed to every indicator over them."""
        bar: Bar
        for bar in self.builder.closed:
            indicator = self.first
            while indicator is not None:
                indicator.on_bar(bar)
                indicator = indicator.next_barred


class IndicatorBank:
    """The indicators of one instrument, one computation per kind and canonical parameters, and its bars for charts.

    Prices and sizes are the instrument's integers, times microseconds UTC. Time never goes back: an event older than
    the newest one is taken at that one's time, except that trades which a venue bar has counted stay out of bars.
    History of the venue must come in order of time (a bar at its close). `series` has the bars for charts. Before `due`
    no indicator over trades or quotes has anything to do unless one comes.
    """

    __slots__ = ("by_identity", "due", "lanes", "now", "prints", "quoted", "series", "timed", "traded")

    now: int
    due: int
    prints: Prints
    series: BarSeries
    traded: Indicator | None
    quoted: Indicator | None
    timed: Indicator | None
    lanes: BarLane | None
    by_identity: dict[tuple[str, tuple[tuple[str, float], ...]], Indicator]

    def __init__(self, instrument: Instrument, limit: int = LIMIT) -> None:
        self.now = BEFORE_ALL
        self.due = BEFORE_ALL
        self.prints = Prints(instrument.price_decimals, instrument.size_decimals, limit)
        self.series = BarSeries(self.prints.size_scale)
        self.traded = None
        self.quoted = None
        self.timed = None
        self.lanes = None
        self.by_identity = {}

    def require(self, kind: str, params: Mapping[str, float]) -> Indicator:
        """Return the indicator of this kind and parameters, the same one for whoever asks.

        One required late sees events from then on.

        Raises:
            Invalid: as `canonical_params`.
        """
        canonical = canonical_params(kind, params)
        found = self.by_identity.get((kind, canonical))
        if found is not None:
            return found
        declared = find_kind(kind)
        indicator: Indicator = declared.make(dict(canonical))
        indicator.attach(self.prints)
        self.by_identity[kind, canonical] = indicator
        self._chain(indicator, declared.inputs, dict(canonical))
        self.due = BEFORE_ALL
        return indicator

    def on_trade(self, ts: int, units: int, lots: int, price: float) -> None:
        """Take a public print at `units`, which are `price`; `lots` is below 0 when the aggressor sold."""
        if ts > self.now:
            self.now = ts
        now = self.now
        indicator = self.traded
        if indicator is not None and self.prints.is_read:
            self.prints.add(now, units, lots)
        due = AFTER_ALL
        while indicator is not None:
            indicator.on_trade(now, price, lots)
            due = min(due, indicator.until)
            indicator = indicator.next_traded
        indicator = self.timed
        while indicator is not None:
            if now >= indicator.until:
                indicator.on_time(now)
            due = min(due, indicator.until)
            indicator = indicator.next_timed
        self.due = due
        lane = self.lanes
        while lane is not None:
            if lane.builder.on_trade(ts, price, lots):
                self._deliver(lane)
            lane = lane.following
        self.series.on_trade(ts, price, lots)

    def is_of_trades(self) -> bool:
        """Return whether every indicator is fed by trades alone, and none looks back at prints."""
        return self.quoted is None and self.timed is None and self.lanes is None and not self.prints.is_read

    def on_run(self, run: Run) -> None:
        """Take a run of nothing but trades, not older than anything before, for the bars of charts.

        Its indicators, which must be `is_of_trades`, take it one by one by their `on_run`.
        """
        self.now = run.times[run.count - 1]
        self.due = BEFORE_ALL
        self.series.on_run(run)

    def on_quote(self, ts: int, bid: int, bid_lots: int, ask: int, ask_lots: int) -> None:
        """Take the best bid and ask with their sizes."""
        self.on_time(ts)
        indicator = self.quoted
        if indicator is None:
            return
        prints = self.prints
        prints.bid = bid
        prints.bid_lots = bid_lots
        prints.ask = ask
        prints.ask_lots = ask_lots
        bid_price = float(bid) / prints.price_scale
        ask_price = float(ask) / prints.price_scale
        bid_size = float(bid_lots) / prints.size_scale
        ask_size = float(ask_lots) / prints.size_scale
        now = self.now
        while indicator is not None:
            indicator.on_quote(now, bid_price, bid_size, ask_price, ask_size)
            self.due = min(self.due, indicator.until)
            indicator = indicator.next_quoted

    def on_venue_bar(
        self,
        open_ts: int,
        interval_us: int,
        open: int,  # noqa: A002 - the field's own word
        high: int,
        low: int,
        close: int,
        volume: int,
    ) -> None:
        """Take a closed bar of the venue's history."""
        scale = self.prints.price_scale
        piece = piece_of(
            open_ts,
            open_ts + interval_us,
            float(open) / scale,
            float(high) / scale,
            float(low) / scale,
            float(close) / scale,
            volume,
        )
        self.series.on_venue_bar(piece)
        lane = self.lanes
        while lane is not None:
            if lane.builder.on_venue_bar(piece):
                self._deliver(lane)
            lane = lane.following
        self.on_time(open_ts + interval_us)

    def on_gap(self, ts: int) -> None:
        """Take note that market data is missing from here: what is known of the book is void."""
        self.on_time(ts)
        indicator = self.quoted
        while indicator is not None:
            indicator.on_gap(self.now)
            self.due = min(self.due, indicator.until)
            indicator = indicator.next_quoted

    def on_time(self, ts: int) -> None:
        """Close the bars that end at or before `ts`, and let windows slide to it."""
        if ts > self.now:
            self.now = ts
        now = self.now
        self.series.on_time(ts)
        lane = self.lanes
        while lane is not None:
            if ts >= lane.builder.due and lane.builder.advance(ts):
                self._deliver(lane)
            lane = lane.following
        if now < self.due:
            return
        due = AFTER_ALL
        indicator = self.traded
        while indicator is not None:
            if now >= indicator.until:
                indicator.on_time(now)
            due = min(due, indicator.until)
            indicator = indicator.next_traded
        indicator = self.timed
        while indicator is not None:
            if now >= indicator.until:
                indicator.on_time(now)
            due = min(due, indicator.until)
            indicator = indicator.next_timed
        self.due = due

    def _deliver(self, lane: BarLane) -> None:
        lane.deliver()
        self.due = BEFORE_ALL  # one over bars and trades may be due sooner now

    def _chain(self, indicator: Indicator, inputs: tuple[str, ...], params: dict[str, float]) -> None:
        if "trades" in inputs:
            indicator.next_traded = self.traded
            self.traded = indicator
        elif "quotes" in inputs:
            indicator.next_timed = self.timed
            self.timed = indicator
        if "quotes" in inputs:
            indicator.next_quoted = self.quoted
            self.quoted = indicator
        if "bars" in inputs:
            lane = self._lane(int(params["interval"]) * _SECOND)
            indicator.next_barred = lane.first
            lane.first = indicator

    def _lane(self, interval_us: int) -> BarLane:
        lane = self.lanes
        while lane is not None:
            if lane.interval == interval_us:
                return lane
            lane = lane.following
        made = BarLane(interval_us, self.prints.size_scale)
        made.following = self.lanes
        self.lanes = made
        return made
