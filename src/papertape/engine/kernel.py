"""The loop of the engine: market events, ticks of the clock and commands through venue, indicators and machines."""

# kernel: compiled by scripts/kernel_build.py

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from msgspec.structs import astuple

from papertape.broker.broker import Broker
from papertape.broker.lifecycle import EMERGENCY_EXIT, EXIT
from papertape.engine.alerts import write_alert
from papertape.engine.entry_order import EntryDesk
from papertape.engine.instance import Instance
from papertape.engine.lane import Lane
from papertape.engine.session_state import SessionState
from papertape.engine.stepper import Actor, Stepper
from papertape.engine.stretch import Stretch
from papertape.engine.tally import Tally
from papertape.errors import Broken
from papertape.model.columns import QUOTE, TRADE, BarColumns, MarketCursor, QuoteColumns, TradeColumns
from papertape.model.entries import (
    AlertNote,
    Batch,
    BookGap,
    BookUpdate,
    ClockTick,
    CloseAll,
    ClosePosition,
    Entry,
    LifecycleChange,
    PauseEntries,
    Quote,
    ResumeEntries,
    Ticker,
    Trade,
    VenueBar,
)
from papertape.model.fact_log import FactLog
from papertape.model.fact_rows import FactRows
from papertape.model.instrument import Instrument, InstrumentId
from papertape.model.session import SimulationProfile
from papertape.strategy.program import Program
from papertape.strategy.risk import terms_of

SECOND = 1_000_000


class Kernel:
    """One session's lanes and instances, and the log they write."""

    __slots__ = (
        "broker",
        "by_id",
        "instances",
        "is_live",
        "lanes",
        "log",
        "next_tick",
        "session",
        "stepper",
        "tally",
    )
    broker: Broker
    log: FactLog
    session: SessionState
    stepper: Stepper
    tally: Tally
    lanes: list[Lane]
    instances: list[Instance]
    by_id: dict[InstrumentId, Lane]
    is_live: bool
    next_tick: int

    def __init__(
        self,
        instruments: Sequence[Instrument],
        profile: SimulationProfile,
        capital: Decimal,
        currency: str,
        programs: Sequence[Program],
    ) -> None:
        self.log = FactLog()
        self.tally = Tally()
        self.broker = Broker(instruments, profile, capital, currency, self.log)
        self.session = SessionState(self.broker)
        self.lanes = []
        self.by_id = {}
        lane: Lane
        for index, instrument in enumerate(instruments):
            lane = Lane(index, instrument, self.broker.market(index), profile.stale_book_us)
            self.lanes.append(lane)
            self.by_id[instrument.id] = lane
        desk = EntryDesk(self.broker, profile.stale_book_us)
        self.stepper = Stepper(self.broker, self.log, self.session, desk)
        self.instances = []
        lasts: list[Instance | None] = [None] * len(self.lanes)
        for program in programs:
            for lane in self.lanes:
                money = self.broker.money_decimals
                terms = terms_of(program.definition, lane.instrument, money, profile.taker_fee)
                instance = Actor(program, lane, self.session, terms, self.stepper)
                self.broker.add_owner(instance)
                self.instances.append(instance)
                last = lasts[lane.index]
                if last is None:
                    lane.first = instance
                else:
                    last.following = instance
                lasts[lane.index] = instance
        self.is_live = False
        self.next_tick = 0

    def take(self, batch: Batch) -> bool:
        """Take consecutive entries and return whether they left rows in the log; raises `Broken` as `Engine.step`."""
        session, log = self.session, self.log
        seq: int = batch.first_seq
        is_warmup: bool = batch.is_warmup
        for entry in batch.entries:
            ts: int = entry.ts
            log.begin(seq, ts)
            if is_warmup:
                self._warm(entry)
            else:
                if ts >= session.day_end:
                    self._begin(ts)
                self._take(entry, ts)
                if ts >= session.mark_due:
                    self._mark(ts)
            seq += 1
        if is_warmup:
            lane: Lane
            for lane in self.lanes:
                lane.refresh()
                lane.revision += 1
            self._begin_at(log.ts)
        return log.row_count > 0

    def scan(self, cursor: MarketCursor, rows: int) -> int:
        """Take the next `rows` of columns, with a clock tick for each second begun, and return how many entries.

        Entries are numbered on from the newest one; the first scan begins the session's running state before.
        """
        first = self.log.entry_seq
        if self.next_tick == 0:
            ts = cursor.next_ts()
            self.next_tick = ts - ts % SECOND + SECOND
        stretch = Stretch(self.broker, self.log, self.lanes, cursor.market.quotes)
        left = min(rows, cursor.market.count() - cursor.done())
        while left > 0:
            end_ts = min(self.next_tick, self.session.mark_due, self.session.day_end)
            taken = stretch.take(cursor, left, end_ts) if self.is_live else 0
            if taken == 0:
                self._scan_one(cursor)
                taken = 1
            left -= taken
        return self.log.entry_seq - first

    def drain(self) -> FactRows:
        """Give away the rows since the last call, counted."""
        self.tally.take(self.log)
        return self.log.drain()

    def _scan_one(self, cursor: MarketCursor) -> None:
        ts = cursor.next_ts()
        if ts >= self.next_tick:
            self._tick_until(ts)
        self.log.next(ts)
        self._begin(ts)
        kind = cursor.next_kind()
        if kind == TRADE:
            trades: TradeColumns = cursor.market.trades
            at = cursor.trade
            self._on_trade(self.lanes[trades.lane[at]], ts, ts, trades.price[at], trades.lots[at], "")
            cursor.trade = at + 1
        elif kind == QUOTE:
            quotes: QuoteColumns = cursor.market.quotes
            at = cursor.quote
            lane: Lane = self.lanes[quotes.lane[at]]
            self._on_quote(lane, ts, ts, quotes.bid[at], quotes.bid_lots[at], quotes.ask[at], quotes.ask_lots[at])
            cursor.quote = at + 1
        else:
            self._on_bar(cursor.market.bars, cursor.bar)
            cursor.bar += 1
        self._mark(ts)

    def _tick_until(self, ts: int) -> None:
        while ts >= self.next_tick:
            tick = self.next_tick
            self.log.next(tick)
            self._begin(tick)
            self._on_clock(tick)
            self._mark(tick)
            self.next_tick = tick + SECOND

    def _begin(self, ts: int) -> None:
        if not self.is_live:
            self.is_live = True
            self._begin_at(ts)
        if ts >= self.session.day_end:
            self.session.begin_day(ts)

    def _mark(self, ts: int) -> None:
        if ts >= self.session.mark_due:
            self.broker.mark(ts)
            self.session.take_mark(ts)

    def _begin_at(self, ts: int) -> None:
        instance: Instance
        for instance in self.instances:
            instance.since = ts
            instance.lane.revision += 1

    def _on_trade(self, lane: Lane, ts: int, recv_ts: int, price: int, lots: int, trade_id: str) -> None:
        self.broker.on_trade(lane.market, ts, price, lots, trade_id)
        lane.on_trade(ts, recv_ts, price, lots, False)
        _think(lane)

    def _on_quote(self, lane: Lane, ts: int, recv_ts: int, bid: int, bid_lots: int, ask: int, ask_lots: int) -> None:
        self.broker.on_quote(lane.market, ts, bid, bid_lots, ask, ask_lots)
        lane.on_quote(ts, recv_ts, bid, bid_lots, ask, ask_lots)
        _think(lane)

    def _on_bar(self, bars: BarColumns, at: int) -> None:
        # A bar of a file stands for its last print, which is what an order meets; its venue's history meets none.
        ts = bars.ts[at]
        lane: Lane = self.lanes[bars.lane[at]]
        self.broker.on_trade(lane.market, ts, bars.close[at], bars.volume[at], "")
        lane.on_venue_bar(
            ts,
            ts,
            bars.open_ts[at],
            bars.interval_us[at],
            bars.open[at],
            bars.high[at],
            bars.low[at],
            bars.close[at],
            bars.volume[at],
        )
        _think(lane)

    def _on_clock(self, ts: int) -> None:
        self.broker.on_time(ts)
        lane: Lane
        for lane in self.lanes:
            lane.on_time(ts)
        for lane in self.lanes:
            _think(lane)

    def _take(self, entry: Entry, ts: int) -> None:
        # One call for all fields: each that is read by its name is a look-up of its own.
        lots: int
        if type(entry) is Trade:
            _, recv_ts, instrument, price, lots, side, trade_id = astuple(entry)
            self._on_trade(self._lane(instrument), ts, recv_ts, price, lots if side == "buy" else -lots, trade_id)
        elif type(entry) is Quote:
            _, recv_ts, instrument, bid, bid_lots, ask, ask_lots = astuple(entry)
            self._on_quote(self._lane(instrument), ts, recv_ts, bid, bid_lots, ask, ask_lots)
        elif type(entry) is ClockTick:
            self._on_clock(ts)
        elif type(entry) is BookUpdate or type(entry) is Ticker:
            self._on_depth(self._lane(entry.instrument), entry)
        elif type(entry) is BookGap:
            lane = self._lane(entry.instrument)
            self.broker.on_gap(lane.market, ts)
            lane.on_gap(ts)
            _think(lane)
        elif type(entry) is VenueBar:
            lane = self._lane(entry.instrument)
            self._on_history(lane, entry)
            _think(lane)
        else:
            self._on_command(entry)

    def _on_depth(self, lane: Lane, entry: BookUpdate | Ticker) -> None:
        if type(entry) is BookUpdate:
            self.broker.on_book(lane.market, entry)
            lane.on_depth(entry.ts, entry.recv_ts)
        elif type(entry) is Ticker:
            lane.on_ticker(entry.ts, entry.recv_ts, entry.change_pct, entry.volume_quote)
        if self._is_watching(lane):
            # neither changes a value or an order of an instance that only watches: no reason to think
            lane.refresh()
        else:
            _think(lane)

    def _is_watching(self, lane: Lane) -> bool:
        follower = lane.first
        while follower is not None:
            if not follower.is_watching():
                return False
            follower = follower.following
        return True

    def _on_history(self, lane: Lane, bar: VenueBar) -> None:
        ts, recv_ts, _, open_ts, interval_s, open_, high, low, close, volume = astuple(bar)
        lane.on_venue_bar(ts, recv_ts, open_ts, interval_s * SECOND, open_, high, low, close, volume)

    def _warm(self, entry: Entry) -> None:
        if isinstance(entry, ClockTick):
            for lane in self.lanes:
                lane.on_time(entry.ts)
            return
        if not isinstance(entry, (Trade, Quote, BookUpdate, Ticker, VenueBar, BookGap)):
            raise Broken(
                f"Entry {self.log.entry_seq} is a {type(entry).__name__} inside the warm-up, which holds market "
                "history only; keep the journal and report it.",
                code="engine.warmup_command",
            )
        lane = self._lane(entry.instrument)
        has_traded = False
        if type(entry) is Trade:
            lots = entry.size if entry.side == "buy" else -entry.size
            has_traded = self.broker.on_trade(lane.market, entry.ts, entry.price, lots, entry.trade_id)
            lane.on_trade(entry.ts, entry.recv_ts, entry.price, lots, True)
        elif type(entry) is Quote:
            bid, bid_lots, ask, ask_lots = entry.bid, entry.bid_size, entry.ask, entry.ask_size
            has_traded = self.broker.on_quote(lane.market, entry.ts, bid, bid_lots, ask, ask_lots)
            lane.on_quote(entry.ts, entry.recv_ts, bid, bid_lots, ask, ask_lots)
        elif type(entry) is BookUpdate:
            has_traded = self.broker.on_book(lane.market, entry)
            lane.on_depth(entry.ts, entry.recv_ts)
        elif type(entry) is Ticker:
            lane.on_ticker(entry.ts, entry.recv_ts, entry.change_pct, entry.volume_quote)
        elif type(entry) is VenueBar:
            self._on_history(lane, entry)
        else:
            self.broker.on_gap(lane.market, entry.ts)
            lane.on_gap(entry.ts)
        if has_traded:
            raise Broken(
                f"Entry {self.log.entry_seq} belongs to the warm-up and would have traded; "
                "keep the journal and report it.",
                code="engine.warmup_traded",
            )
        lane.refresh()

    def _lane(self, instrument: InstrumentId) -> Lane:
        lane: Lane | None = self.by_id.get(instrument)
        if lane is None:
            raise Broken(
                f"Entry {self.log.entry_seq} is about {instrument}, which this session does not trade; it has "
                f"{', '.join(self.by_id)}. Keep the journal and report it.",
                code="engine.unknown_instrument",
            )
        return lane

    def _on_command(self, entry: Entry) -> None:
        session = self.session
        if isinstance(entry, LifecycleChange):
            session.change(entry)
            session.write(self.log, entry.trigger, entry.reason)
        elif isinstance(entry, PauseEntries):
            session.pause(True, entry.reason)
            session.write(self.log, "pause_entries", entry.reason)
        elif isinstance(entry, ResumeEntries):
            session.pause(False, entry.reason)
            session.is_closing = False
            session.write(self.log, "resume_entries", entry.reason)
        elif isinstance(entry, ClosePosition):
            lane = self._lane(entry.instrument)
            for one in self.instances:
                if one.lane is lane and one.position is not None:
                    self.stepper.command(one, entry.reason, EXIT)
        elif isinstance(entry, CloseAll):
            session.is_closing = True
            for one in self.instances:
                self.stepper.command(one, entry.reason, EMERGENCY_EXIT if entry.is_emergency else EXIT)
        elif isinstance(entry, AlertNote):
            write_alert(self.log, entry.code, entry.severity, entry.message, entry.stage, entry.instrument or "")
        for lane in self.lanes:
            lane.revision += 1


def _think(lane: Lane) -> None:
    lane.refresh()
    follower = lane.first
    while follower is not None:
        follower.think()
        follower = follower.following
