"""What the venue shows of one instrument: book, quote and last trade, and how much of it was already used.

Book and quote are two views of the same depth; where they disagree at the touch, the one that came later in the
journal wins: a newer quote hides book levels better than its price and replaces the size at it; a newer book update
makes the book count alone.

No liquidity is used twice: what own orders took from a level is remembered with the size displayed then, and is
forgotten when a different size is displayed there. With quotes only, any change of the touch is fresh liquidity.

Prices stay below 2^49 and sizes below 2^62, in the instrument's integers; products of both are exact whatever they are.
"""

# kernel: compiled by scripts/kernel_build.py

from __future__ import annotations

from typing import Any

from papertape.broker.book import NO_LEVEL, BookSide
from papertape.model.buffers import Exact
from papertape.model.entries import BookUpdate
from papertape.model.instrument import Instrument
from papertape.model.trading_rules import average_scale, money_factor, smallest_lots, smallest_notional

NEVER = 9_223_372_036_854_775_807
BEFORE_ALL = -9_223_372_036_854_775_807

NOTHING, ON_TRADES, ON_QUOTES, ON_BOOK = 0, 1, 2, 3
"""How good the data is that an order meets; each grade is used only where no better one was ever seen or is fresh."""

BEYOND_LEVELS = 100
"""With quotes only, how many price increments past the touch a displayed size is assumed to repeat."""

AVERAGE_UNITS = 100_000_000
"""How many units of an average price make one of a price."""

UNSEEN = -1
"""The time of what was never seen, and the size displayed where nothing is known."""


class Market:
    """The market of one instrument and the working orders that it may meet, by what they wait for.

    Sizes of trades are signed by their aggressor. `factor` is how many units of money one unit of price × size is
    worth; `is_settled`: in the account's currency. A trade above `fires_below` and below `fires_above` meets nothing;
    `meets_depth` says whether a quote may.
    `next_price` and `next_lots` are the level that `next_level` found. The lists hold orders, whose kind comes later.
    """

    __slots__ = (
        "armed",
        "ask",
        "ask_lots",
        "asks",
        "average_scale",
        "bid",
        "bid_lots",
        "bids",
        "book_ts",
        "factor",
        "fires_above",
        "fires_below",
        "has_book",
        "has_depth",
        "has_quote",
        "has_used",
        "index",
        "instrument",
        "is_quote_newest",
        "is_quote_valid",
        "is_settled",
        "is_spot",
        "is_trade_valid",
        "max_leverage",
        "meets_depth",
        "min_notional",
        "min_quantity",
        "next_lots",
        "next_price",
        "quote_ts",
        "resting",
        "step",
        "tick",
        "trade_id",
        "trade_lots",
        "trade_price",
        "trade_ts",
        "used_asks",
        "used_bids",
        "waiting",
        "walk_at",
        "walk_grade",
        "walk_prices",
        "walk_touch",
    )
    index: int
    instrument: Instrument
    is_spot: bool
    is_settled: bool
    max_leverage: int
    tick: int
    step: int
    min_quantity: int
    min_notional: Exact
    factor: Exact
    average_scale: Exact
    bids: BookSide
    asks: BookSide
    has_book: bool
    has_depth: bool
    book_ts: int
    has_quote: bool
    quote_ts: int
    bid: int
    bid_lots: int
    ask: int
    ask_lots: int
    is_quote_newest: bool
    is_quote_valid: bool
    trade_ts: int
    trade_price: int
    trade_lots: int
    trade_id: str
    is_trade_valid: bool
    has_used: bool
    used_bids: dict[int, tuple[int, int]]
    used_asks: dict[int, tuple[int, int]]
    armed: list[Any]
    waiting: list[Any]
    resting: list[Any]
    fires_above: int
    fires_below: int
    meets_depth: bool
    next_price: int
    next_lots: int
    walk_at: int
    walk_grade: int
    walk_touch: int
    walk_prices: list[int] | None

    def __init__(self, index: int, instrument: Instrument, money_decimals: int, currency: str) -> None:
        self.index = index
        self.instrument = instrument
        self.is_spot = instrument.kind == "spot"
        self.is_settled = instrument.quote == currency
        self.max_leverage = 1 if instrument.kind == "spot" else instrument.max_leverage
        self.tick = instrument.price_int(instrument.price_increment)
        self.step = instrument.size_int(instrument.size_increment)
        self.min_quantity = smallest_lots(instrument)
        self.min_notional = smallest_notional(instrument, money_decimals)
        self.factor = money_factor(instrument, money_decimals)
        self.average_scale = average_scale(instrument)
        self.bids = BookSide(-1)
        self.asks = BookSide(1)
        self.has_book = self.has_depth = self.has_quote = self.is_quote_newest = self.is_quote_valid = False
        self.book_ts = self.quote_ts = self.trade_ts = 0
        self.bid = self.bid_lots = self.ask = self.ask_lots = self.trade_price = self.trade_lots = 0
        self.trade_id = ""
        self.is_trade_valid = self.has_used = self.meets_depth = False
        self.used_bids = {}
        self.used_asks = {}
        self.armed = []
        self.waiting = []
        self.resting = []
        self.fires_above = NEVER
        self.fires_below = BEFORE_ALL
        self.next_price = self.next_lots = self.walk_at = self.walk_grade = self.walk_touch = 0
        self.walk_prices = None

    def take_trade(self, ts: int, price: int, lots: int, trade_id: str) -> None:
        """Take a public print."""
        self.trade_ts = ts
        self.trade_price = price
        self.trade_lots = lots
        self.trade_id = trade_id
        self.is_trade_valid = True

    def take_quote(self, ts: int, bid: int, bid_lots: int, ask: int, ask_lots: int) -> None:
        """Take a quote."""
        if self.has_used:
            self._refresh_by_quote(bid, bid_lots, ask, ask_lots)
        self.quote_ts = ts
        self.bid = bid
        self.bid_lots = bid_lots
        self.ask = ask
        self.ask_lots = ask_lots
        self.has_quote = self.is_quote_newest = self.is_quote_valid = self.has_depth = True

    def take_book(self, update: BookUpdate) -> bool:
        """Take a snapshot or changed levels; return whether it counts: changes before a snapshot do not."""
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
        if self.has_used:
            _forget_changed(self.used_asks, self.asks, update.asks, self.ask if self.has_quote else UNSEEN)
            _forget_changed(self.used_bids, self.bids, update.bids, self.bid if self.has_quote else UNSEEN)
        return True

    def take_gap(self) -> None:
        """Make everything void until something newer comes."""
        self.bids.replace(())
        self.asks.replace(())
        self.has_book = self.is_quote_newest = self.is_quote_valid = self.is_trade_valid = False
        self._forget_used()

    def grade(self, ts: int, stale_us: int) -> int:
        """Return the best grade of data that is at most `stale_us` old at `ts`, or NOTHING that may be met."""
        if self.has_book and ts - self.book_ts <= stale_us:
            return ON_BOOK
        if self.has_quote and self.is_quote_valid and ts - self.quote_ts <= stale_us:
            return ON_QUOTES
        if not self.has_depth and self.is_trade_valid and ts - self.trade_ts <= stale_us:
            return ON_TRADES
        return NOTHING

    def depth_ts(self) -> int:
        """Return when the newest quote or book came."""
        return max(self.book_ts, self.quote_ts)

    def is_by_quote(self) -> bool:
        """Return whether the touch is the quote's: it is newer than the book, or there is no book.

        After a gap the last known quote counts until something newer comes: good for a mark, never for a fill.
        """
        return self.has_quote and (self.is_quote_newest or not self.has_book)

    def bid_price(self) -> int:
        """Return the best bid by the newer of book and quote; 0 for an empty side."""
        if self.has_quote and (self.is_quote_newest or not self.has_book):
            return self.bid if self.bid > 0 and self.bid_lots > 0 else 0
        return self.bids.best()

    def ask_price(self) -> int:
        """Return the best ask by the newer of book and quote; 0 for an empty side."""
        if self.has_quote and (self.is_quote_newest or not self.has_book):
            return self.ask if self.ask > 0 and self.ask_lots > 0 else 0
        return self.asks.best()

    def touch(self, is_ask: bool) -> int:
        """Return the best price of one side; 0 for an empty one."""
        return self.ask_price() if is_ask else self.bid_price()

    def touch_lots(self, is_ask: bool) -> int:
        """Return the size displayed at the touch, 0 for an empty side."""
        price = self.touch(is_ask)
        if price == 0:
            return 0
        if self.is_by_quote():
            return self.ask_lots if is_ask else self.bid_lots
        return self.asks.size_at(price) if is_ask else self.bids.size_at(price)

    def shown_ts(self) -> int:
        """Return when what shows the touch came, `UNSEEN` before anything did."""
        if self.is_by_quote():
            return self.quote_ts
        return self.book_ts or UNSEEN

    def displayed(self, price: int, is_ask: bool) -> int:
        """Return the size displayed at a price; 0 where it would improve the touch; `UNSEEN` where nothing is known."""
        touch = self.touch(is_ask)
        if touch:
            behind = price - touch if is_ask else touch - price
            if behind <= 0:
                return self.touch_lots(is_ask) if behind == 0 else 0
        elif not self.has_book and self.has_quote:
            return 0  # quotes say that this side is empty
        if not self.has_book:
            return UNSEEN
        return self.asks.size_at(price) if is_ask else self.bids.size_at(price)

    def begin_levels(self, grade: int, is_ask: bool) -> None:
        """Begin to walk one side, best level first, as data of this grade shows it."""
        self.walk_grade = grade
        self.walk_at = -1
        self.walk_prices = None
        self.walk_touch = self.touch(is_ask) if self.is_quote_newest or grade == ON_QUOTES else 0

    def next_level(self, is_ask: bool) -> bool:
        """Find the next level of the walk; return False when there is no more."""
        self.walk_at += 1
        if self.walk_at == 0 and self.walk_touch:
            self.next_price = self.walk_touch
            self.next_lots = self.touch_lots(is_ask)
            return True
        if self.walk_grade == ON_BOOK:
            return self._next_of_book(self.asks if is_ask else self.bids)
        if self.walk_touch == 0 or self.walk_at > BEYOND_LEVELS:
            return False
        price = self.walk_touch + self.walk_at * self.tick * (1 if is_ask else -1)
        self.next_price = price
        return price > 0

    def _next_of_book(self, side: BookSide) -> bool:
        if self.walk_at == 0:  # the best level alone is known without sorting
            self.next_price = side.best()
            self.next_lots = side.size_at(self.next_price)
            return self.next_price != NO_LEVEL
        if self.walk_prices is None:
            from_price = self.walk_touch or side.best()
            self.walk_prices = [price for price in side.prices() if (price - from_price) * side.sign > 0]
        prices = self.walk_prices
        if self.walk_at > len(prices):
            return False
        self.next_price = prices[self.walk_at - 1]
        self.next_lots = side.size_at(self.next_price)
        return True

    def available(self, price: int, displayed: int, is_ask: bool) -> int:
        """Return how much of a displayed level own orders have not used yet."""
        if not self.has_used:
            return displayed
        seen = (self.used_asks if is_ask else self.used_bids).get(price)
        if seen is None:
            return displayed
        used: int = seen[1]
        return displayed - used if displayed > used else 0

    def use(self, price: int, displayed: int, size: int, is_ask: bool) -> None:
        """Remember that `size` of a displayed level is gone."""
        used = self.used_asks if is_ask else self.used_bids
        seen = used.get(price) if self.has_used else None
        used[price] = (displayed, size if seen is None else size + seen[1])
        self.has_used = True

    def _forget_used(self) -> None:
        self.used_asks.clear()
        self.used_bids.clear()
        self.has_used = False

    def _refresh_by_quote(self, bid: int, bid_lots: int, ask: int, ask_lots: int) -> None:
        if self.has_book:
            _forget_level(self.used_asks, ask, ask_lots)
            _forget_level(self.used_bids, bid, bid_lots)
        else:
            if not self.has_quote or ask != self.ask or ask_lots != self.ask_lots:
                self.used_asks.clear()
            if not self.has_quote or bid != self.bid or bid_lots != self.bid_lots:
                self.used_bids.clear()
        self.has_used = bool(self.used_asks or self.used_bids)


def _forget_level(used: dict[int, tuple[int, int]], price: int, size: int) -> None:
    seen = used.get(price)
    if seen is not None and seen[0] != size:
        del used[price]


def _forget_changed(
    used: dict[int, tuple[int, int]], side: BookSide, changes: tuple[tuple[int, int], ...], quoted: int
) -> None:
    changed = dict(changes)
    for price, seen in list(used.items()):
        is_gone = price != quoted and price not in side.levels
        if is_gone or changed.get(price, seen[0]) != seen[0]:
            del used[price]
