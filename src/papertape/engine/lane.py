"""One instrument inside the engine: its indicators, its newest market in float64, and what charts and lists show of it.

Staleness, by exchange time: all values are stale when nothing at all has come for the profile's `stale_book_us` (where
an order would wait as well); values from quotes also when the newest quote is older than `QUOTE_STALE_US`, values from
trades or bars when the newest trade is older than `TRADE_STALE_US` or twice the bar's interval.
"""

# kernel: compiled by scripts/kernel_build.py

from __future__ import annotations

from math import nan

from papertape.broker.market import Market
from papertape.broker.owner import Owner
from papertape.engine.history import History
from papertape.indicators.bank import IndicatorBank
from papertape.indicators.catalogue import CATALOGUE, canonical_params
from papertape.indicators.indicator import NO_VALUE, Indicator
from papertape.indicators.run import Run
from papertape.model.buffers import Floats, Ints, floats
from papertape.model.instrument import Instrument
from papertape.strategy.definition import IndicatorUse

SECOND = 1_000_000
QUOTE_STALE_US = 30 * SECOND
TRADE_STALE_US = 120 * SECOND
SPARK_POINTS = 60
SPARK_US = 5 * SECOND
NEVER = -(1 << 62)


class Slot:
    """One computation of a lane, shared by every strategy that uses it, and the last minute of its values."""

    __slots__ = ("following", "identity", "index", "indicator", "is_quoted", "samples", "stale_us")
    indicator: Indicator
    identity: tuple[str, tuple[tuple[str, float], ...]]
    is_quoted: bool
    stale_us: int
    index: int
    samples: History
    following: Slot | None

    def __init__(self, index: int, indicator: Indicator, use: IndicatorUse) -> None:
        self.index = index
        kind = CATALOGUE[use.kind]
        params = canonical_params(use.kind, use.params)
        self.indicator = indicator
        self.identity = (use.kind, params)
        self.is_quoted = "quotes" in kind.inputs
        interval = int(dict(params).get("interval", 0.0)) if "bars" in kind.inputs else 0
        self.stale_us = QUOTE_STALE_US if self.is_quoted else max(TRADE_STALE_US, 2 * interval * SECOND)
        self.samples = History(SPARK_POINTS)
        self.following = None


class Lane:
    """The state of one instrument, fed in journal order. Times are microseconds UTC, `NEVER` before the first.

    `first` is the first of the instances that trade it. `values` holds the value of each slot as of the last `refresh`,
    NaN while there is none or its data is stale. `traded` is the session's volume, price × lots. While `run` is set,
    everything stands as of its event `run_at`, though indicators have seen all of it.
    """

    __slots__ = (
        "bank",
        "change_24h_pct",
        "direction",
        "event_ts",
        "first",
        "first_price",
        "index",
        "instrument",
        "is_touch_void",
        "last",
        "last_units",
        "market",
        "price_scale",
        "quote_ts",
        "recv_ts",
        "revision",
        "run",
        "run_at",
        "sample_due",
        "size_scale",
        "slots",
        "spark",
        "spark_due",
        "stale_us",
        "top",
        "trade_ts",
        "traded",
        "ts",
        "values",
        "volume_24h_quote",
    )
    index: int
    instrument: Instrument
    market: Market
    first: Owner | None
    bank: IndicatorBank
    stale_us: int
    price_scale: float
    size_scale: float
    slots: list[Slot]
    values: Floats
    top: Slot | None
    ts: int
    recv_ts: int
    event_ts: int
    trade_ts: int
    quote_ts: int
    is_touch_void: bool
    last: float
    last_units: int
    direction: int
    first_price: float
    traded: float
    change_24h_pct: float
    volume_24h_quote: float
    spark: History
    revision: int
    run: Run | None
    run_at: int
    spark_due: int
    sample_due: int

    def __init__(self, index: int, instrument: Instrument, market: Market, stale_us: int) -> None:
        self.index = index
        self.instrument = instrument
        self.market = market
        self.first = None
        self.bank = IndicatorBank(instrument)
        self.stale_us = stale_us
        self.price_scale = float(10**instrument.price_decimals)
        self.size_scale = float(10**instrument.size_decimals)
        self.slots = []
        self.values = floats(1)
        self.top = None
        self.ts = 0
        self.recv_ts = self.event_ts = self.trade_ts = self.quote_ts = NEVER
        self.last = self.first_price = self.change_24h_pct = self.volume_24h_quote = nan
        self.last_units = -1
        self.is_touch_void = False
        self.direction = 0
        self.traded = 0.0
        self.spark = History(SPARK_POINTS)
        self.revision = 0
        self.run = None
        self.run_at = 0
        self.spark_due = 0
        self.sample_due = 0

    def require(self, use: IndicatorUse) -> int:
        """Return the index of the slot of an indicator, made once however many strategies use it."""
        indicator = self.bank.require(use.kind, use.params)
        for index, known in enumerate(self.slots):
            if known.indicator is indicator:
                return index
        slot = Slot(len(self.slots), indicator, use)
        if self.slots:
            newest: Slot = self.slots[len(self.slots) - 1]
            newest.following = slot
        else:
            self.top = slot
        self.slots.append(slot)
        self.values = floats(len(self.slots))
        for index in range(len(self.slots)):
            self.values[index] = nan
        return slot.index

    def on_trade(self, ts: int, recv_ts: int, units: int, lots: int, is_warmup: bool) -> None:
        """Take a public print; `lots` is negative where the aggressor sold."""
        self.ts = self.event_ts = self.trade_ts = ts
        self.recv_ts = recv_ts
        price = float(units) / self.price_scale
        _take_price(self, units, price)
        if not is_warmup:
            self.traded += price * float(abs(lots))
            if self.first_price != self.first_price:
                self.first_price = price
        self.bank.on_trade(ts, units, lots, price)

    def on_run(self, run: Run) -> None:
        """Take a run of nothing but trades; the bank is `is_of_trades`, and it is not the warm-up.

        As after each of them `on_trade` and `refresh`, except that `values` and the times stay: `stand` sets them.
        """
        units: Ints = run.units
        lots: Ints = run.lots
        prices: Floats = run.prices
        last, traded, scale = self.last_units, self.traded, self.price_scale
        for at in range(run.count):
            prices[at] = float(units[at]) / scale
            traded += prices[at] * float(abs(lots[at]))
            if units[at] != last:
                if last >= 0:
                    self.direction = 1 if units[at] > last else -1
                last = units[at]
        self.traded = traded
        self.revision += run.count
        if self.first_price != self.first_price:
            self.first_price = prices[0]
        self.bank.on_run(run)
        slot = self.top
        while slot is not None:
            slot.indicator.on_run(run, slot.index)
            slot = slot.following

    def note(self, run: Run, at: int) -> None:
        """Write the values as of the event just taken to its row of a run, with the reason of each that is missing."""
        self.revision += 1
        base = at * run.width
        if _compute(self, run.values, base):
            for index in range(len(self.slots)):
                if run.values[base + index] != run.values[base + index]:
                    run.words[base + index] = self.reason(index)

    def on_quote(self, ts: int, recv_ts: int, bid: int, bid_lots: int, ask: int, ask_lots: int) -> None:
        """Take the best bid and ask."""
        self.ts = self.event_ts = self.quote_ts = ts
        self.recv_ts = recv_ts
        self.is_touch_void = False
        self.bank.on_quote(ts, bid, bid_lots, ask, ask_lots)

    def on_depth(self, ts: int, recv_ts: int) -> None:
        """Take note of a book update."""
        self.ts = self.event_ts = ts
        self.recv_ts = recv_ts
        self.is_touch_void = False

    def on_ticker(self, ts: int, recv_ts: int, change_pct: float, volume_quote: float) -> None:
        """Take the venue's own statistics."""
        self.ts = self.event_ts = ts
        self.recv_ts = recv_ts
        self.change_24h_pct = change_pct
        self.volume_24h_quote = volume_quote

    def on_venue_bar(
        self,
        ts: int,
        recv_ts: int,
        open_ts: int,
        interval_us: int,
        open_: int,
        high: int,
        low: int,
        close: int,
        volume: int,
    ) -> None:
        """Take a closed bar of the venue's history."""
        self.ts = self.event_ts = self.trade_ts = ts
        self.recv_ts = recv_ts
        _take_price(self, close, float(close) / self.price_scale)
        self.bank.on_venue_bar(open_ts, interval_us, open_, high, low, close, volume)
        self.bank.on_time(ts)

    def on_gap(self, ts: int) -> None:
        """Take note that market data is missing."""
        self.ts = ts
        self.is_touch_void = True
        self.bank.on_gap(ts)

    def on_time(self, ts: int) -> None:
        """Take note of the time."""
        self.ts = ts
        self.bank.on_time(ts)

    def refresh(self) -> None:
        """Compute the value of every indicator as of now, NaN where it has none or its data is stale; count it.

        One value a second of every indicator and one price every 5 s are kept for sparklines.
        """
        self.revision += 1
        _compute(self, self.values, 0)
        if self.ts >= self.sample_due:
            self.sample()

    def sample(self) -> None:
        """Keep what is due for sparklines; called when something is."""
        self.sample_due = self.ts - self.ts % SECOND + SECOND
        slot = self.top
        while slot is not None:
            value = slot.indicator.value(self.ts)
            if value == value:
                slot.samples.push(value)
            slot = slot.following
        if self.ts >= self.spark_due and self.last_units >= 0:
            self.spark_due = self.ts - self.ts % SPARK_US + SPARK_US
            self.spark.push(self.last)

    def bid(self) -> float:
        """Return the best bid, NaN while it is unknown."""
        return self._touch(False)

    def ask(self) -> float:
        """Return the best ask, NaN while it is unknown."""
        return self._touch(True)

    def _touch(self, is_ask: bool) -> float:
        if self.is_touch_void:
            return nan
        units = self.market.ask_price() if is_ask else self.market.bid_price()
        return float(units) / self.price_scale if units > 0 else nan

    def age(self, ts: int) -> int:
        """Return how long ago, in microseconds of exchange time; 0 for what never was (it has its own reason)."""
        return 0 if ts == NEVER else self.ts - ts

    def is_stale(self) -> bool:
        """Return whether nothing has come from the instrument for too long."""
        return self.age(self.event_ts) > self.stale_us

    def reason(self, index: int) -> str:
        """Return why a value is missing: stale, or the indicator's own reason."""
        slot: Slot = self.slots[index]
        if self.run is not None:
            place = self.run_at * self.run.width + index
            return self.run.words.get(place) or slot.indicator.noted(self.run.notes[place])
        if self.is_stale():
            return f"stale {self.age(self.event_ts) // SECOND} s"
        age = self.age(self.quote_ts if slot.is_quoted else self.trade_ts)
        if age > slot.stale_us:
            return f"stale {age // SECOND} s"
        return slot.indicator.reason(self.ts) or NO_VALUE


def _compute(lane: Lane, values: Floats, base: int) -> bool:
    # Writes the value of each slot as of now; returns whether any is missing.
    ts = lane.ts
    quote_age, trade_age = _age(lane, lane.quote_ts), _age(lane, lane.trade_ts)
    is_stale = _age(lane, lane.event_ts) > lane.stale_us
    missing = 0
    slot = lane.top
    while slot is not None:
        value = nan
        if not is_stale and (quote_age if slot.is_quoted else trade_age) <= slot.stale_us:
            indicator = slot.indicator
            if ts >= indicator.until:
                indicator.on_time(ts)
            value = indicator.current
        values[base + slot.index] = value
        if value != value:
            missing += 1
        slot = slot.following
    return missing > 0


def _take_price(lane: Lane, units: int, price: float) -> None:
    if units != lane.last_units:
        if lane.last_units >= 0:
            lane.direction = 1 if units > lane.last_units else -1
        lane.last = price
        lane.last_units = units


def _age(lane: Lane, ts: int) -> int:
    return 0 if ts == NEVER else lane.ts - ts
