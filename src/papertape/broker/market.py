"""What the venue shows of one instrument: book, quote and last trade, and how much of it was already used.

Book and quote are two views of the same depth; where they disagree at the touch, the one that came later in the
journal wins: a newer quote hides book levels better than its price and replaces the size at it; a newer book update
makes the book count alone.

No liquidity is used twice: what own orders took from a level is remembered with the size displayed then, and is
forgotten when a different size is displayed there. With quotes only, any change of the touch is fresh liquidity.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Literal

import msgspec

from papertape.broker.book import BookSide
from papertape.broker.order import NEVER, Order, Phase
from papertape.model.entries import BookGap, BookUpdate, MarketEvent, Quote, Trade
from papertape.model.instrument import Instrument

Grade = Literal["book", "quotes", "trades"]
"""How good the data is that an order meets; each grade is used only where no better one was ever seen or is fresh."""

BEYOND_LEVELS = 100
"""With quotes only, how many price increments past the touch a displayed size is assumed to repeat."""


class MarketState(msgspec.Struct, frozen=True, kw_only=True):
    """The touch and the last trade. Prices in quote units, sizes in base units, times in microseconds UTC.

    None: not seen yet, or that side is empty.
    """

    bid: Decimal | None
    bid_size: Decimal | None
    ask: Decimal | None
    ask_size: Decimal | None
    last: Decimal | None
    quote_ts: int | None
    trade_ts: int | None


class Market:
    """The market of one instrument and the working orders that it may meet, by what they wait for."""

    __slots__ = (
        "armed",
        "asks",
        "bids",
        "book_ts",
        "fires_above",
        "fires_below",
        "has_book",
        "has_depth",
        "instrument",
        "is_quote_newest",
        "is_quote_valid",
        "is_trade_valid",
        "quote",
        "resting",
        "step",
        "tick",
        "trade",
        "used",
        "waiting",
    )

    def __init__(self, instrument: Instrument) -> None:
        self.instrument = instrument
        self.tick = instrument.price_int(instrument.price_increment)
        self.step = instrument.size_int(instrument.size_increment)
        self.bids = BookSide(-1)
        self.asks = BookSide(1)
        self.has_book = False
        self.has_depth = False
        self.book_ts = 0
        self.quote: Quote | None = None
        self.is_quote_newest = False
        self.is_quote_valid = False
        self.trade: Trade | None = None
        self.is_trade_valid = False
        self.used: dict[tuple[bool, int], tuple[int, int]] = {}
        self.armed: dict[str, Order] = {}
        self.waiting: dict[str, Order] = {}
        self.resting: dict[str, Order] = {}
        self.fires_above = NEVER
        self.fires_below = -1

    def apply(self, event: MarketEvent) -> bool:
        """Take an event; return True when a working order may meet it."""
        if type(event) is Quote:  # by identity: the fastest of the tests, on the hottest of the paths
            return self._apply_quote(event)
        if type(event) is Trade:
            self.trade = event
            self.is_trade_valid = True
            if self.resting or event.price >= self.fires_above or event.price <= self.fires_below:
                return True
            return bool(self.waiting) and not self.has_depth
        if type(event) is BookUpdate:
            return self._apply_book(event)
        if type(event) is BookGap:
            self._apply_gap()
        return False

    def _apply_quote(self, quote: Quote) -> bool:
        if self.used:
            self._refresh_by_quote(quote)
        self.quote = quote
        self.is_quote_newest = self.is_quote_valid = self.has_depth = True
        return bool(self.resting or self.waiting)

    def _apply_book(self, update: BookUpdate) -> bool:
        if update.is_snapshot:
            self.bids.replace(update.bids)
            self.asks.replace(update.asks)
            self.has_book = self.has_depth = True
        elif self.has_book:
            self.bids.change(update.bids)
            self.asks.change(update.asks)
        else:
            return False
        self.book_ts = update.ts
        self.is_quote_newest = False
        if self.used:
            self._refresh_by_book(update)
        return bool(self.resting or self.waiting)

    def _apply_gap(self) -> None:
        self.bids.replace(())
        self.asks.replace(())
        self.has_book = self.is_quote_newest = self.is_quote_valid = self.is_trade_valid = False
        self.used.clear()

    def _refresh_by_quote(self, quote: Quote) -> None:
        former = self.quote
        for is_ask, price, size in ((True, quote.ask, quote.ask_size), (False, quote.bid, quote.bid_size)):
            if self.has_book:
                seen = self.used.get((is_ask, price))
                if seen is not None and seen[0] != size:
                    del self.used[is_ask, price]
            elif former is None or (price, size) != _touch_of(former, is_ask):
                self.used = {key: value for key, value in self.used.items() if key[0] is not is_ask}

    def _refresh_by_book(self, update: BookUpdate) -> None:
        for is_ask, side, changes in ((True, self.asks, update.asks), (False, self.bids, update.bids)):
            changed = dict(changes)
            quoted = None if self.quote is None else _touch_of(self.quote, is_ask)[0]
            for key, (seen, _) in tuple(self.used.items()):
                if key[0] is not is_ask:
                    continue
                is_gone = key[1] != quoted and key[1] not in side.levels
                if is_gone or changed.get(key[1], seen) != seen:
                    del self.used[key]

    def grade(self, ts: int, stale_us: int) -> Grade | None:
        """Return the best grade of data that is at most `stale_us` old at `ts`, or None when nothing may be met."""
        if self.has_book and ts - self.book_ts <= stale_us:
            return "book"
        if self.quote is not None and self.is_quote_valid and ts - self.quote.ts <= stale_us:
            return "quotes"
        if not self.has_depth and self.trade is not None and self.is_trade_valid and ts - self.trade.ts <= stale_us:
            return "trades"
        return None

    def depth_ts(self) -> int:
        """Return when the newest quote or book came."""
        return max(self.book_ts, 0 if self.quote is None else self.quote.ts)

    def touch(self, *, is_ask: bool) -> tuple[int, int] | None:
        """Return the best price and its displayed size by the newer of book and quote; None for an empty side.

        After a gap the last known quote is returned until something newer comes: good for a mark, never for a fill.
        """
        if self.quote is not None and (self.is_quote_newest or not self.has_book):
            price, size = _touch_of(self.quote, is_ask)
            return (price, size) if price > 0 and size > 0 else None
        side = self.asks if is_ask else self.bids
        best = side.best()
        return None if best is None else (best, side.levels[best])

    def levels(self, grade: Grade, *, is_ask: bool) -> Iterator[tuple[int, int]]:
        """Yield price and displayed size of one side, best first, as data of this grade shows it."""
        side = self.asks if is_ask else self.bids
        touch = self.touch(is_ask=is_ask) if self.is_quote_newest or grade == "quotes" else None
        if touch is not None:
            yield touch
        if grade == "book":
            for price in side.prices():
                if touch is None or (price - touch[0]) * side.sign > 0:
                    yield price, side.levels[price]
        elif touch is not None:
            for step in range(1, BEYOND_LEVELS + 1):
                price = touch[0] + step * self.tick * side.sign
                if price > 0:
                    yield price, touch[1]

    def available(self, price: int, displayed: int, *, is_ask: bool) -> int:
        """Return how much of a displayed level own orders have not used yet."""
        seen = self.used.get((is_ask, price))
        return displayed if seen is None else max(0, displayed - seen[1])

    def use(self, price: int, displayed: int, size: int, *, is_ask: bool) -> None:
        """Remember that `size` of a displayed level is gone."""
        seen = self.used.get((is_ask, price))
        self.used[is_ask, price] = (displayed, size + (0 if seen is None else seen[1]))

    def displayed(self, price: int, *, is_ask: bool) -> int | None:
        """Return the size displayed at a price; 0 where it would improve the touch; None where nothing is known."""
        touch = self.touch(is_ask=is_ask)
        side = self.asks if is_ask else self.bids
        if touch is not None:
            behind = (price - touch[0]) * side.sign
            if behind <= 0:
                return touch[1] if behind == 0 else 0
        elif not self.has_book and self.quote is not None:
            return 0  # quotes say that this side is empty
        return side.levels.get(price, 0) if self.has_book else None

    def place(self, order: Order, phase: Phase) -> None:
        """Move a working order to where it waits for its next phase."""
        if order.phase != phase:
            self.remove(order)
            order.phase = phase
            if phase == "armed":
                self.armed[order.order_id] = order
                self._aim()
            elif phase == "waiting":
                self.waiting[order.order_id] = order
            elif phase == "resting":
                self.resting[order.order_id] = order

    def remove(self, order: Order) -> None:
        """Take an order away from where it waits."""
        if order.phase == "armed":
            del self.armed[order.order_id]
            self._aim()
        elif order.phase == "waiting":
            del self.waiting[order.order_id]
        elif order.phase == "resting":
            del self.resting[order.order_id]

    def _aim(self) -> None:
        # The two nearest triggers: a trade between them costs two comparisons.
        armed = [(order.trigger, order.fires_upwards) for order in self.armed.values() if order.trigger is not None]
        self.fires_above = min((trigger for trigger, is_upwards in armed if is_upwards), default=NEVER)
        self.fires_below = max((trigger for trigger, is_upwards in armed if not is_upwards), default=-1)

    def state(self) -> MarketState:
        """Return the touch and the last trade in Decimal."""
        rules = self.instrument
        bid = self.touch(is_ask=False)
        ask = self.touch(is_ask=True)
        is_by_quote = self.quote is not None and (self.is_quote_newest or not self.has_book)
        return MarketState(
            bid=None if bid is None else rules.price_decimal(bid[0]),
            bid_size=None if bid is None else rules.size_decimal(bid[1]),
            ask=None if ask is None else rules.price_decimal(ask[0]),
            ask_size=None if ask is None else rules.size_decimal(ask[1]),
            last=None if self.trade is None else rules.price_decimal(self.trade.price),
            quote_ts=self.quote.ts if is_by_quote and self.quote is not None else self.book_ts or None,
            trade_ts=None if self.trade is None else self.trade.ts,
        )


def _touch_of(quote: Quote, is_ask: bool) -> tuple[int, int]:
    return (quote.ask, quote.ask_size) if is_ask else (quote.bid, quote.bid_size)
