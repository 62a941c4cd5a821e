"""How one instrument is quoted and traded around its coin's value: spread, touch, book, and clustered trades.

Trades excite trades (a Hawkes process with exponential kernel, A. G. Hawkes, Biometrika 58, 1971), aggressors repeat
their side, sizes have a heavy tail, and a trade prints at the touch that was quoted before it.
"""

from __future__ import annotations

import math
from random import Random

from papertape.feeds.simulated.coins import Listing
from papertape.feeds.simulated.episodes import STEP_US, STEPS_PER_S, Influence
from papertape.feeds.simulated.ladder import DEPTH, Ladder, Levels
from papertape.model.entries import BookUpdate, MarketEvent, Quote, Side, Trade
from papertape.model.instrument import Instrument

_BRANCHING = 0.55
_EXCITATION_DECAY = math.exp(-1.0 / STEPS_PER_S)
_MAX_TRADES, _MAX_SWEPT = 8, 3
_REPEAT_SIDE = 0.35
_IMPACT_OF_SPREAD = 0.12
_BOOK_EVERY, _SNAPSHOT_EVERY = 5, 60 * STEPS_PER_S
_REQUOTE_CHANCE = 0.1


class OrderFlow:
    """The market of one instrument, stepped; all numbers in its events are integers in increments."""

    def __init__(self, rng: Random, instrument: Instrument, listing: Listing, price: float) -> None:
        """Open the market around a price in quote units."""
        self.instrument = instrument
        self.traded_value = 0.0
        self._rng = rng
        self._listing = listing
        self._price_unit = 10.0**instrument.price_decimals
        self._size_unit = 10.0**instrument.size_decimals
        self._width = price * listing.spread_bps * 1e-4 * self._price_unit
        self._excitation = 0.0
        self._side: Side = "buy"
        self._trades = 0
        self._ts, self._gap = 0, 1
        self._price = price
        spacing = max(1, round(price * listing.level_bps * 1e-4 * self._price_unit))
        self._bids = Ladder(is_bid=True, spacing=spacing, draw_size=self._draw_level)
        self._asks = Ladder(is_bid=False, spacing=spacing, draw_size=self._draw_level)
        self._place_touch(price * self._price_unit)
        self._book_touch = (0, 0)

    @property
    def usual_daily_value(self) -> float:
        """What is traded here on a usual day, in quote units: rate × mean trade, a log-normal one of width 1."""
        return self._listing.trade_rate * 86_400 * self._listing.trade_value * math.exp(0.5)

    def step(self, step: int, ts: int, price: float, influence: Influence) -> tuple[list[MarketEvent], float]:
        """Return the events of the step that begins at `ts`, and the log impact of its trades on the value."""
        self._price = price
        events: list[MarketEvent] = []
        self._breathe(influence)
        fair = price * self._price_unit
        count = self._arrivals(influence)
        self._spread_times(ts, 2 * _MAX_SWEPT * count + 2)
        if self._should_requote(fair):
            self._place_touch(fair)
            events.append(self.quote(self._next_ts()))
        pressure = 0.0
        for _ in range(count):
            pressure += self._trade(events, influence)
        if self._is_book_due(step):
            events.append(self._book(is_snapshot=step % _SNAPSHOT_EVERY == 0))
        return events, pressure

    def quote(self, ts: int) -> Quote:
        """Return the touch as a quote."""
        bids, asks = self._bids, self._asks
        return Quote(
            ts=ts,
            recv_ts=ts,
            instrument=self.instrument.id,
            bid=bids.touch,
            bid_size=bids.touch_size,
            ask=asks.touch,
            ask_size=asks.touch_size,
        )

    def snapshot(self, ts: int) -> BookUpdate:
        """Return the whole book as last published: the updates that follow apply to it."""
        return self._book_event(ts, self._bids.shown(), self._asks.shown(), is_snapshot=True)

    def _spread_times(self, ts: int, most_events: int) -> None:
        self._ts = ts + int(self._rng.random() * STEP_US / 2)
        self._gap = STEP_US // 2 // (most_events + 1)

    def _next_ts(self) -> int:
        self._ts += 1 + int(self._rng.random() * self._gap)
        return self._ts

    def _breathe(self, influence: Influence) -> None:
        wanted = self._price * self._listing.spread_bps * 1e-4 * self._price_unit * influence.spread
        self._width += 0.06 * (wanted - self._width) + 0.05 * self._width * self._rng.gauss(0.0, 1.0)
        self._width = max(1.0, min(self._width, 4 * wanted))

    def _should_requote(self, fair: float) -> bool:
        distance = abs(fair - (self._bids.touch + self._asks.touch) / 2)
        patience = max(0.45 * self._width, fair * self._listing.patience_bps * 1e-4)
        return distance > patience or self._rng.random() < _REQUOTE_CHANCE

    def _place_touch(self, fair: float) -> None:
        bid = max(1, math.floor(fair - self._width / 2))
        ask = bid + max(1, round(self._width))
        self._bids.move(bid, self._draw_touch())
        self._asks.move(ask, self._draw_touch())

    def _lots(self, value: float) -> int:
        return max(1, int(value / self._price * self._size_unit))

    def _draw_touch(self) -> int:
        return self._lots(self._listing.touch_value * self._rng.lognormvariate(0.0, 0.6))

    def _draw_level(self) -> int:
        return self._lots(self._listing.touch_value * 1.6 * self._rng.lognormvariate(0.0, 0.5))

    def _draw_trade(self, influence: Influence) -> int:
        value = self._listing.trade_value * influence.size * self._rng.lognormvariate(0.0, 1.0)
        if self._rng.random() < 0.03:
            value *= min(self._rng.paretovariate(1.3), 30.0)
        return self._lots(value)

    def _arrivals(self, influence: Influence) -> int:
        calm = self._listing.trade_rate * influence.rate * (1 - _BRANCHING)
        limit = math.exp(-(calm + self._excitation) / STEPS_PER_S)
        count, product = 0, self._rng.random()
        while product > limit and count < _MAX_TRADES:
            count += 1
            product *= self._rng.random()
        self._excitation = self._excitation * _EXCITATION_DECAY + count * _BRANCHING
        return count

    def _trade(self, events: list[MarketEvent], influence: Influence) -> float:
        if self._rng.random() > _REPEAT_SIDE:
            self._side = "buy" if self._rng.random() < influence.buy else "sell"
        ladder, sign = (self._asks, 1) if self._side == "buy" else (self._bids, -1)
        left = self._draw_trade(influence)
        for _ in range(_MAX_SWEPT):
            size = min(left, ladder.touch_size)
            events.append(self._print(ladder.touch, size))
            if size < ladder.touch_size:
                ladder.take(size)
            else:
                ladder.sweep()
            events.append(self.quote(self._next_ts()))
            left -= size
            if not left:
                break
        return sign * _IMPACT_OF_SPREAD * self._listing.spread_bps * 1e-4

    def _print(self, price: int, size: int) -> Trade:
        self._trades += 1
        self.traded_value += price / self._price_unit * size / self._size_unit
        ts = self._next_ts()
        return Trade(
            ts=ts,
            recv_ts=ts,
            instrument=self.instrument.id,
            price=price,
            size=size,
            side=self._side,
            trade_id=str(self._trades),
        )

    def _is_book_due(self, step: int) -> bool:
        return step % _BOOK_EVERY == 0 or (self._bids.touch, self._asks.touch) != self._book_touch

    def _book(self, *, is_snapshot: bool) -> BookUpdate:
        for ladder in (self._bids, self._asks):
            ladder.resize(self._rng.randrange(1, DEPTH), self._draw_level())
        self._book_touch = (self._bids.touch, self._asks.touch)
        changes = (self._bids.changes(), self._asks.changes())
        if is_snapshot:
            return self.snapshot(self._next_ts())
        return self._book_event(self._next_ts(), *changes, is_snapshot=False)

    def _book_event(self, ts: int, bids: Levels, asks: Levels, *, is_snapshot: bool) -> BookUpdate:
        return BookUpdate(
            ts=ts, recv_ts=ts, instrument=self.instrument.id, is_snapshot=is_snapshot, bids=bids, asks=asks
        )
