"""One instrument inside the engine: its indicators, its newest market in float64, and what charts and lists show of it.

Staleness, by exchange time: all values are stale when nothing at all has come for the profile's `stale_book_us` (where
an order would wait as well); values from quotes also when the newest quote is older than `QUOTE_STALE_US`, values from
trades or bars when the newest trade is older than `TRADE_STALE_US` or twice the bar's interval.
"""

from __future__ import annotations

from collections import deque

from papertape.broker import Broker
from papertape.indicators.bank import IndicatorBank
from papertape.indicators.catalogue import CATALOGUE, canonical_params
from papertape.indicators.indicator import Indicator
from papertape.model.entries import BookGap, BookUpdate, MarketEvent, Quote, Ticker, Trade, VenueBar
from papertape.model.instrument import Instrument
from papertape.strategy.definition import IndicatorUse

SECOND = 1_000_000
QUOTE_STALE_US = 30 * SECOND
TRADE_STALE_US = 120 * SECOND
SPARK_POINTS = 60
_SPARK_US = 5 * SECOND


class Slot:
    """One computation of a lane, shared by every strategy that uses it: its newest value and its last minute."""

    __slots__ = ("identity", "indicator", "is_quoted", "samples", "stale_us")

    def __init__(self, indicator: Indicator, use: IndicatorUse) -> None:
        kind = CATALOGUE[use.kind]
        params = canonical_params(use.kind, use.params)
        self.indicator = indicator
        self.identity = (use.kind, params)
        self.is_quoted = "quotes" in kind.inputs
        interval = int(dict(params).get("interval", 0.0)) if "bars" in kind.inputs else 0
        self.stale_us = QUOTE_STALE_US if self.is_quoted else max(TRADE_STALE_US, 2 * interval * SECOND)
        self.samples: deque[float] = deque(maxlen=SPARK_POINTS)


class Lane:
    """The state of one instrument, fed in journal order. Times are microseconds UTC."""

    __slots__ = (
        "_is_touch_old",
        "_sample_due",
        "_spark_due",
        "ask",
        "bank",
        "bid",
        "change_24h_pct",
        "direction",
        "event_ts",
        "first_price",
        "instrument",
        "last",
        "last_units",
        "quote_ts",
        "recv_ts",
        "revision",
        "slots",
        "spark",
        "stale_us",
        "trade_ts",
        "ts",
        "values",
        "volume_24h_quote",
        "volume_session_quote",
    )

    def __init__(self, instrument: Instrument, stale_us: int) -> None:
        self.instrument = instrument
        self.bank = IndicatorBank(instrument)
        self.stale_us = stale_us
        self.slots: list[Slot] = []
        self.values: list[float | None] = []
        self.ts = 0
        self.recv_ts: int | None = None
        self.event_ts: int | None = None
        self.trade_ts: int | None = None
        self.quote_ts: int | None = None
        self.last: float | None = None
        self.last_units: int | None = None
        self.bid: float | None = None
        self.ask: float | None = None
        self.direction = 0
        self.first_price: float | None = None
        self.volume_session_quote = 0.0
        self.change_24h_pct: float | None = None
        self.volume_24h_quote: float | None = None
        self.spark: deque[float] = deque(maxlen=SPARK_POINTS)
        self.revision = 0
        self._spark_due = 0
        self._sample_due = 0
        self._is_touch_old = False

    def require(self, use: IndicatorUse) -> int:
        """Return the index of the value of an indicator, made once however many strategies use it."""
        indicator = self.bank.require(use.kind, use.params)
        for index, slot in enumerate(self.slots):
            if slot.indicator is indicator:
                return index
        self.slots.append(Slot(indicator, use))
        self.values.append(None)
        return len(self.slots) - 1

    def on_market(self, event: MarketEvent, *, is_warmup: bool) -> None:
        """Take a market event of this instrument."""
        self.ts = event.ts
        if not isinstance(event, BookGap):
            self.event_ts, self.recv_ts = event.ts, event.recv_ts
        if isinstance(event, Trade):
            self._on_trade(event, is_warmup)
        elif isinstance(event, Quote):
            self.quote_ts = event.ts
            self.bid = self.instrument.price_float(event.bid) if event.bid_size else None
            self.ask = self.instrument.price_float(event.ask) if event.ask_size else None
            self._is_touch_old = False
        elif isinstance(event, BookUpdate):
            self._is_touch_old = True
        elif isinstance(event, Ticker):
            self.change_24h_pct = event.change_pct
            self.volume_24h_quote = event.volume_quote
        elif isinstance(event, VenueBar):
            self.trade_ts = event.ts
            self._price(event.close)
        elif isinstance(event, BookGap):
            self.bid = self.ask = None
        self.bank.on_event(event)

    def on_time(self, ts: int) -> None:
        """Take note of the time."""
        self.ts = ts
        self.bank.on_time(ts)

    def refresh(self) -> None:
        """Compute the value of every indicator as of now; None where it has none or its data is stale."""
        ts, values = self.ts, self.values
        if self.age(self.event_ts) > self.stale_us:
            values[:] = [None] * len(values)
            return
        quote_age, trade_age = self.age(self.quote_ts), self.age(self.trade_ts)
        for index, slot in enumerate(self.slots):
            is_stale = (quote_age if slot.is_quoted else trade_age) > slot.stale_us
            values[index] = None if is_stale else slot.indicator.value(ts)

    def sample(self) -> None:
        """Keep one value a second of every indicator and one price every 5 s, for sparklines; bump the revision."""
        self.revision += 1
        if self.ts >= self._sample_due:
            self._sample_due = self.ts - self.ts % SECOND + SECOND
            for slot in self.slots:
                value = slot.indicator.value(self.ts)
                if value is not None:
                    slot.samples.append(value)
        if self.ts >= self._spark_due and self.last is not None:
            self._spark_due = self.ts - self.ts % _SPARK_US + _SPARK_US
            self.spark.append(self.last)

    def touch(self, broker: Broker) -> tuple[float | None, float | None]:
        """Return best bid and ask; after a book update the venue's merged view is asked, once."""
        if self._is_touch_old:
            market = broker.market(self.instrument.id)
            self.bid = None if market.bid is None else float(market.bid)
            self.ask = None if market.ask is None else float(market.ask)
            self._is_touch_old = False
        return self.bid, self.ask

    def age(self, ts: int | None) -> int:
        """Return how long ago, in microseconds of exchange time; 0 for what never was (it has its own reason)."""
        return 0 if ts is None else self.ts - ts

    def reason(self, index: int) -> str:
        """Return why a value is missing: stale, or the indicator's own reason."""
        slot = self.slots[index]
        if self.age(self.event_ts) > self.stale_us:
            return f"stale {self.age(self.event_ts) // SECOND} s"
        age = self.age(self.quote_ts if slot.is_quoted else self.trade_ts)
        if age > slot.stale_us:
            return f"stale {age // SECOND} s"
        return slot.indicator.reason(self.ts) or "no value yet"

    def data_ts(self, index: int) -> int | None:
        """Return the time of the newest market event behind a value."""
        return self.quote_ts if self.slots[index].is_quoted else self.trade_ts

    def _on_trade(self, trade: Trade, is_warmup: bool) -> None:
        self.trade_ts = trade.ts
        price = self._price(trade.price)
        if not is_warmup:
            self.volume_session_quote += price * self.instrument.size_float(trade.size)
            if self.first_price is None:
                self.first_price = price

    def _price(self, units: int) -> float:
        price = self.instrument.price_float(units)
        if self.last is not None and price != self.last:
            self.direction = 1 if price > self.last else -1
        self.last, self.last_units = price, units
        return price
