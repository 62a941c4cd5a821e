"""What an order can take from a market, and what a trade gives to a queued order. Nothing is booked here."""

# kernel: compiled by scripts/kernel_build.py

from __future__ import annotations

from papertape.broker.exact import product
from papertape.broker.lifecycle import TAKE_PROFIT
from papertape.broker.market import NOTHING, ON_BOOK, ON_TRADES, Market
from papertape.broker.owner import NO_PRICE, UNKNOWN, Order
from papertape.model.buffers import Exact

WALK_BOOK, AT_TOUCH, TOUCH_BEYOND, LAST_TRADE, TRADE_THROUGH, QUEUE_CLEARED, CROSSED_BEST = 0, 1, 2, 3, 4, 5, 6
STOP_TRIGGERED, TARGET_TRIGGERED = 7, 8
RULES = (
    "walk_book",
    "touch",
    "touch_beyond",
    "last_trade",
    "trade_through",
    "queue_cleared",
    "crossed_best",
    "stop_triggered",
    "target_triggered",
)
"""The rule by which an execution has its price."""

ENOUGH, EXHAUSTED, AT_LIMIT, TOO_FAR, NO_TRADE, TRADE_TOO_FAR = 0, 1, 2, 3, 4, 5
"""Why a plan takes no more."""

_BPS = 10_000


class Take:
    """One execution to come.

    `rule` is why it has its price, `shown_rule` what it met. It uses `level` of the market (`NO_PRICE`: no displayed
    level), where `displayed` was shown; with `LAST_TRADE` both are the trade and its spread in basis points. What a
    trade gives to a queue is told by the queue `before` and `after`.
    """

    __slots__ = ("after", "before", "displayed", "level", "price", "rule", "shown_rule", "size")
    rule: int
    shown_rule: int
    price: int
    size: int
    level: int
    displayed: int
    before: int
    after: int

    def __init__(self) -> None:
        self.rule = self.shown_rule = self.price = self.size = self.displayed = self.before = self.after = 0
        self.level = NO_PRICE


class Plan:
    """What an order takes now: the first `count` of `takes`, and why there is no more."""

    __slots__ = ("count", "shortage", "takes")
    takes: list[Take]
    count: int
    shortage: int

    def __init__(self) -> None:
        self.takes = []
        self.count = 0
        self.shortage = ENOUGH

    def clear(self) -> None:
        """Take nothing."""
        self.count = 0
        self.shortage = ENOUGH

    def put(self, rule: int, price: int, size: int, level: int, displayed: int) -> Take:
        """Take one more."""
        if self.count == len(self.takes):
            self.takes.append(Take())
        take: Take = self.takes[self.count]
        self.count += 1
        take.rule = take.shown_rule = rule
        take.price = price
        take.size = size
        take.level = level
        take.displayed = displayed
        return take

    def size(self) -> int:
        """Return how much it takes."""
        total = 0
        take: Take
        for index in range(self.count):
            take = self.takes[index]
            total += take.size
        return total

    def price_lots(self) -> Exact:
        """Return `Σ price × size`."""
        take: Take = self.takes[0]
        total = product(take.price, take.size)
        for index in range(1, self.count):
            take = self.takes[index]
            total = total + product(take.price, take.size)
        return total

    def make(
        self,
        market: Market,
        grade: int,
        size: int,
        is_buy: bool,
        limit: int,
        protection_bps: int,
        spread_bps: int,
    ) -> None:
        """Plan what `size` takes from the opposite side now.

        Level by level, no worse than `limit` (or, without one, than `protection_bps` from the touch), nothing twice.
        """
        self.clear()
        if grade == ON_TRADES:
            self._on_trades(market, size, is_buy, limit, spread_bps)
            return
        sign = 1 if is_buy else -1
        left = size
        touch = NO_PRICE
        market.begin_levels(grade, is_buy)
        while market.next_level(is_buy):
            price = market.next_price
            if touch == NO_PRICE:
                touch = price
            if limit != NO_PRICE:
                if (price - limit) * sign > 0:
                    self.shortage = AT_LIMIT
                    return
            elif (price - touch) * sign * _BPS > touch * protection_bps:
                self.shortage = TOO_FAR
                return
            # A displayed size may be finer than the increment; an execution never is.
            taken = min(left, market.available(price, market.next_lots, is_buy)) // market.step * market.step
            if taken:
                rule = WALK_BOOK if grade == ON_BOOK else AT_TOUCH if price == touch else TOUCH_BEYOND
                self.put(rule, price, taken, price, market.next_lots)
                left -= taken
                if left == 0:
                    return
        self.shortage = EXHAUSTED

    def _on_trades(self, market: Market, size: int, is_buy: bool, limit: int, spread_bps: int) -> None:
        last = market.trade_price
        if last == 0:
            self.shortage = NO_TRADE
            return
        tick = market.tick
        # The spread is rounded away from the last trade to whole price increments, in integers.
        if is_buy:
            price = -(-last * (_BPS + spread_bps) // (_BPS * tick)) * tick
        else:
            price = max(tick, last * (_BPS - spread_bps) // (_BPS * tick) * tick)
        if limit != NO_PRICE and (price > limit if is_buy else price < limit):
            self.shortage = TRADE_TOO_FAR
            return
        take = self.put(LAST_TRADE, price, size, NO_PRICE, spread_bps)
        take.before = last

    def triggered(self, order: Order, trade_price: int) -> None:
        """Make it the plan of a triggered order: never better than its trade, where that is newer than the depth."""
        rule = TARGET_TRIGGERED if order.purpose == TAKE_PROFIT else STOP_TRIGGERED
        take: Take
        for index in range(self.count):
            take = self.takes[index]
            take.rule = rule
            if trade_price != NO_PRICE:
                take.price = max(take.price, trade_price) if order.is_buy else min(take.price, trade_price)

    def crossed(self, limit: int) -> None:
        """Make it the plan of a resting order that the opposite best crosses: it fills at its limit."""
        take: Take
        for index in range(self.count):
            take = self.takes[index]
            take.rule = CROSSED_BEST
            take.price = limit

    def cap(self, allowed: int) -> None:
        """Take no more than `allowed` in all."""
        take: Take
        for index in range(self.count):
            take = self.takes[index]
            take.size = min(take.size, allowed)
            allowed -= take.size
            if take.size == 0:
                self.count = index
                return

    def queue(self, order: Order, market: Market, used: int) -> None:
        """Plan what the last trade gives to a resting limit order, of which `used` went to own orders before it.

        A trade through the limit price fills at the limit; an opposite aggressor at the limit price first clears the
        queue ahead, and only the excess fills, in whole increments. Moves `order.ahead`.
        """
        self.clear()
        limit = order.limit
        if limit == NO_PRICE:
            return
        ahead = order.ahead
        lots = abs(market.trade_lots)
        behind = limit - market.trade_price if order.is_buy else market.trade_price - limit
        if behind > 0:
            order.ahead = 0
            size = min(order.remaining(), lots - used)
        elif behind < 0 or ahead == UNKNOWN or (market.trade_lots < 0) != order.is_buy:
            return
        else:
            order.ahead = max(0, ahead - lots)
            size = min(order.remaining(), lots - ahead - used)
        size = size // market.step * market.step
        if size > 0:
            take = self.put(TRADE_THROUGH if behind > 0 else QUEUE_CLEARED, limit, size, NO_PRICE, 0)
            take.before = ahead
            take.after = order.ahead


def is_triggered(order: Order, price: int) -> bool:
    """Return whether a trade at `price` triggers an armed order."""
    if order.trigger == NO_PRICE:
        return False
    return price >= order.trigger if order.fires_upwards() else price <= order.trigger


def use_trade(market: Market, grade: int) -> None:
    """Take the last trade's own volume from the levels it hit, so that the stops it triggers cannot use it again."""
    if grade in (NOTHING, ON_TRADES):
        return
    is_ask = market.trade_lots > 0
    sign = 1 if is_ask else -1
    left = abs(market.trade_lots)
    market.begin_levels(grade, is_ask)
    while left > 0 and market.next_level(is_ask):
        price = market.next_price
        if (price - market.trade_price) * sign > 0:
            return
        displayed = market.next_lots
        used = min(left, market.available(price, displayed, is_ask))
        if used:
            market.use(price, displayed, used, is_ask)
            left -= used
