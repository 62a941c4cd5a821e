"""All indicators of one instrument: each computation once, fed from one stream of market events."""

from __future__ import annotations

from collections.abc import Mapping

from papertape.indicators.bars import BarBuilder, Piece
from papertape.indicators.catalogue import canonical_params, find_kind
from papertape.indicators.indicator import BEFORE_ALL, Indicator
from papertape.indicators.series import BarSeries
from papertape.model.entries import BookGap, MarketEvent, Quote, Trade, VenueBar
from papertape.model.instrument import Instrument

_SECOND = 1_000_000


class _Lane:
    __slots__ = ("builder", "indicators")

    def __init__(self, interval_us: int, units: float) -> None:
        self.builder = BarBuilder(interval_us, units)
        self.indicators: list[Indicator] = []

    def deliver(self) -> None:
        for bar in self.builder.closed:
            for indicator in self.indicators:
                indicator.on_bar(bar)


class IndicatorBank:
    """The indicators of one instrument, one computation per kind and canonical parameters, and its bars for charts.

    Time never goes back: an event older than the newest one is taken at that one's time, except that trades which a
    venue bar has counted stay out of bars. History of the venue must come in order of time (a bar at its close).
    """

    __slots__ = ("_by_identity", "_instrument", "_lanes", "_now", "_quoted", "_traded", "_units", "series")

    def __init__(self, instrument: Instrument) -> None:
        self._units = 10.0**instrument.size_decimals
        self.series = BarSeries(self._units)
        """The bars of the instrument, of any interval, for charts."""
        self._instrument = instrument
        self._now = BEFORE_ALL
        self._by_identity: dict[tuple[str, tuple[tuple[str, float], ...]], Indicator] = {}
        self._traded: list[Indicator] = []
        self._quoted: list[Indicator] = []
        self._lanes: dict[int, _Lane] = {}

    def require(self, kind: str, params: Mapping[str, float]) -> Indicator:
        """Return the indicator of this kind and parameters, the same one for whoever asks.

        One required late sees events from then on.

        Raises:
            Invalid: as `canonical_params`.
        """
        canonical = canonical_params(kind, params)
        found = self._by_identity.get((kind, canonical))
        if found is not None:
            return found
        declared = find_kind(kind)
        indicator = declared.make(dict(canonical))
        self._by_identity[kind, canonical] = indicator
        if "trades" in declared.inputs:
            self._traded.append(indicator)
        if "quotes" in declared.inputs:
            self._quoted.append(indicator)
        if "bars" in declared.inputs:
            interval_us = int(dict(canonical)["interval"]) * _SECOND
            self._lanes.setdefault(interval_us, _Lane(interval_us, self._units)).indicators.append(indicator)
        return indicator

    def on_event(self, event: MarketEvent) -> None:
        """Take one market event of the instrument; others than trades, quotes, venue bars and gaps are ignored."""
        if isinstance(event, Trade):
            self._on_trade(event)
        elif isinstance(event, Quote):
            self._on_quote(event)
        elif isinstance(event, VenueBar):
            self._on_venue_bar(event)
        elif isinstance(event, BookGap):
            self.on_time(event.ts)
            for indicator in self._quoted:
                indicator.on_gap(self._now)

    def on_time(self, ts: int) -> None:
        """Close the bars that end at or before `ts`, microseconds UTC."""
        if ts > self._now:
            self._now = ts
        self.series.on_time(ts)
        for lane in self._lanes.values():
            if lane.builder.advance(ts):
                lane.deliver()

    def _on_trade(self, trade: Trade) -> None:
        ts = trade.ts
        if ts > self._now:
            self._now = ts
        price = self._instrument.price_float(trade.price)
        size = self._instrument.size_float(trade.size)
        is_buy = trade.side == "buy"
        for indicator in self._traded:
            indicator.on_trade(self._now, price, size, is_buy)
        for lane in self._lanes.values():
            if lane.builder.on_trade(ts, price, trade.size):
                lane.deliver()
        self.series.on_trade(ts, price, trade.size)

    def _on_quote(self, quote: Quote) -> None:
        self.on_time(quote.ts)
        if not self._quoted:
            return
        instrument = self._instrument
        bid = instrument.price_float(quote.bid)
        ask = instrument.price_float(quote.ask)
        bid_size = instrument.size_float(quote.bid_size)
        ask_size = instrument.size_float(quote.ask_size)
        for indicator in self._quoted:
            indicator.on_quote(self._now, bid, bid_size, ask, ask_size)

    def _on_venue_bar(self, event: VenueBar) -> None:
        instrument = self._instrument
        piece = Piece(
            event.open_ts,
            event.open_ts + event.interval_s * _SECOND,
            instrument.price_float(event.open),
            instrument.price_float(event.high),
            instrument.price_float(event.low),
            instrument.price_float(event.close),
            event.volume,
        )
        self.series.on_venue_bar(piece)
        for lane in self._lanes.values():
            if lane.builder.on_venue_bar(piece):
                lane.deliver()
        self.on_time(event.ts)
