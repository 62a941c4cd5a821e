"""Collects what one call did, and writes it to the log: orders, fills, positions, the account; `telling` reads it."""

# kernel: compiled by scripts/kernel_build.py

from __future__ import annotations

from papertape.broker.account import Account
from papertape.broker.market import UNSEEN, Market
from papertape.broker.matching import LAST_TRADE, QUEUE_CLEARED, TRADE_THROUGH, Take
from papertape.broker.owner import BY_INTENT, BY_TRIGGER, NO_PRICE, Order, Position
from papertape.model.buffers import Exact, Ints
from papertape.model.fact_log import ACCOUNT, EQUITY, FILL, NO_REASON, ORDER, POSITION, FactLog

SAID, MEANT, CLOSING, PROTECTS, TRIGGERED = 0, 1, 2, 3, 4
"""How a row gives its reason: a text; a reason's place; the same of a closing; a bracket; a trigger."""

NO_REFERENCE, IS_MAKER = 1, 2
"""Why a fill has no slippage; 0: it has one."""


class Fill:
    """One execution until its row is written: the take, and the market it met."""

    __slots__ = (
        "age_us",
        "ask",
        "bid",
        "fee",
        "kind",
        "number",
        "order",
        "print_lots",
        "print_price",
        "slippage",
        "take",
        "trade_id",
    )
    number: int
    order: Order
    take: Take
    fee: Exact
    bid: int
    ask: int
    age_us: int
    kind: int
    slippage: int
    print_lots: int
    print_price: int
    trade_id: str

    def __init__(self, order: Order) -> None:
        self.number = 0
        self.order = order
        self.take = Take()
        self.fee = 0
        self.bid = self.ask = self.age_us = self.kind = self.slippage = self.print_lots = self.print_price = 0
        self.trade_id = ""


class Rows:
    """What changed since the last `write`: each order and position once, each fill."""

    __slots__ = ("fill_count", "filled_count", "fills", "log", "orders", "positions", "refused")
    log: FactLog
    refused: list[Order]
    orders: list[Order]
    fills: list[Fill]
    fill_count: int
    filled_count: int
    positions: list[Position]

    def __init__(self, log: FactLog) -> None:
        self.log = log
        self.refused = []
        self.orders = []
        self.fills = []
        self.fill_count = 0
        self.filled_count = 0
        self.positions = []

    def order(self, order: Order) -> None:
        """Note that an order changed."""
        if not order.is_touched:
            order.is_touched = True
            self.orders.append(order)

    def position(self, position: Position) -> None:
        """Note that a position changed."""
        if not position.is_touched:
            position.is_touched = True
            self.positions.append(position)

    def fill(self, order: Order, market: Market, take: Take, fee: Exact, is_maker: bool, ts: int) -> None:
        """Note an execution and the market it met.

        Slippage is the price paid beyond the opposite touch (the last trade where there is no touch), negative when
        better; 0 for a maker. The age is that of what showed the touch.
        """
        if self.fill_count == len(self.fills):
            self.fills.append(Fill(order))
        fill: Fill = self.fills[self.fill_count]
        self.fill_count += 1
        self.filled_count += 1
        fill.number = self.filled_count
        fill.order = order
        fill.fee = fee
        _copy(take, fill.take)
        fill.bid = market.bid_price()
        fill.ask = market.ask_price()
        reference = fill.ask if order.is_buy else fill.bid
        if reference == 0:
            reference = market.trade_price
        fill.kind = IS_MAKER if is_maker else NO_REFERENCE if reference == 0 else 0
        fill.slippage = take.price - reference if order.is_buy else reference - take.price
        shown_ts = market.shown_ts()
        if shown_ts == UNSEEN and market.trade_price:
            shown_ts = market.trade_ts
        fill.age_us = UNSEEN if shown_ts == UNSEEN else ts - shown_ts
        if take.shown_rule in (TRADE_THROUGH, QUEUE_CLEARED):
            fill.trade_id = market.trade_id
            fill.print_lots = abs(market.trade_lots)
            fill.print_price = market.trade_price

    def write(self, account: Account) -> bool:
        """Write the rows, tell their owners, and start afresh; return whether there were any."""
        if not self.orders and not self.refused:
            return False
        order: Order
        for order in self.refused:
            self._write_order(order)
        for order in self.orders:
            order.is_touched = False
            self._write_order(order)
        while self.refused:  # popping is cheaper here than clearing: they are few
            self.refused.pop()
        while self.orders:
            self.orders.pop()
        if self.fill_count:
            self._write_fills(account)
        return True

    def _write_fills(self, account: Account) -> None:
        fill: Fill
        for index in range(self.fill_count):
            fill = self.fills[index]
            self._write_fill(fill)
            fill.order.owner.note_fill(fill.order)
        self.fill_count = 0
        position: Position
        for position in self.positions:
            position.is_touched = False
            self._write_position(position)
            position.owner.note_position(position)
        while self.positions:
            self.positions.pop()
        log = self.log
        log.open(ACCOUNT)
        at = log.room(10)
        log.set_exact(at + 0, account.cash)
        log.set_exact(at + 3, account.realized)
        log.set_exact(at + 6, account.fees)
        log.ints[at + 9] = len(account.positions)
        log.int_count = at + 10

    def _write_order(self, order: Order) -> None:
        log = self.log
        place = self._place(order, order.said)
        log.open(ORDER)
        at = log.room(13)
        ints: Ints = log.ints
        ints[at] = order.number
        ints[at + 1] = order.owner.index
        ints[at + 2] = order.is_buy
        ints[at + 3] = order.order_type
        ints[at + 4] = order.purpose
        ints[at + 5] = order.quantity
        ints[at + 6] = order.limit
        ints[at + 7] = order.trigger
        ints[at + 8] = order.status
        ints[at + 9] = order.filled
        log.set_exact(at + 10, order.price_lots)
        log.int_count = at + 13
        if order.said:
            log.put_int(SAID)
            log.put_text(order.said)
        elif order.withdrawn is not None:
            log.put_int(CLOSING if order.is_closing else MEANT)
            log.put_int(place)
        else:
            self._put_cause(order, place)
        order.owner.note_order(order)

    def _place(self, order: Order, said: str) -> int:
        if said:
            return NO_REASON
        if order.withdrawn is not None:
            return self.log.place(order.withdrawn)
        return self.log.place(order.intent) if order.cause == BY_INTENT else NO_REASON

    def _put_cause(self, order: Order, place: int) -> None:
        log = self.log
        if order.cause == BY_INTENT:
            log.put_int(MEANT)
            log.put_int(place)
        elif order.cause == BY_TRIGGER:
            log.put_int(TRIGGERED)
            log.put_int(order.purpose)
            log.put_int(order.trigger_trade)
            log.put_int(order.trigger)
        else:
            log.put_int(PROTECTS)
            log.put_int(order.purpose)
            log.put_int(order.entry_number)
            log.put_int(order.is_above)
            log.put_float(order.pct)

    def _write_fill(self, fill: Fill) -> None:
        log, order, take = self.log, fill.order, fill.take
        log.open(FILL)
        at = log.room(17)
        ints: Ints = log.ints
        ints[at] = fill.number
        ints[at + 1] = order.number
        ints[at + 2] = order.owner.index
        ints[at + 3] = order.is_buy
        ints[at + 4] = order.purpose
        ints[at + 5] = take.price
        ints[at + 6] = take.size
        log.set_exact(at + 7, fill.fee)
        ints[at + 10] = fill.kind
        ints[at + 11] = fill.slippage
        ints[at + 12] = fill.bid
        ints[at + 13] = fill.ask
        ints[at + 14] = fill.age_us
        ints[at + 15] = take.rule
        ints[at + 16] = take.shown_rule
        log.int_count = at + 17
        if take.shown_rule in (TRADE_THROUGH, QUEUE_CLEARED):
            log.put_text(fill.trade_id)
            log.put_int(fill.print_lots)
            log.put_int(fill.print_price)
            log.put_int(take.before)
            log.put_int(take.after)
        else:
            log.put_int(take.before if take.shown_rule == LAST_TRADE else take.level)
            log.put_int(take.displayed)

    def _write_position(self, position: Position) -> None:
        log, because = self.log, position.because
        place = log.place(because.intent) if because.cause == BY_INTENT else NO_REASON
        log.open(POSITION)
        at = log.room(21)
        ints: Ints = log.ints
        ints[at] = position.number
        ints[at + 1] = position.owner.index
        ints[at + 2] = position.is_long
        ints[at + 3] = position.quantity
        log.set_exact(at + 4, position.average)
        log.set_exact(at + 7, position.exit_cost)
        ints[at + 10] = position.exit_quantity
        ints[at + 11] = _trigger(position.stop) if position.quantity else NO_PRICE
        ints[at + 12] = _trigger(position.target) if position.quantity else NO_PRICE
        log.set_exact(at + 13, position.gross)
        log.set_exact(at + 16, position.fees)
        ints[at + 19] = position.opened_ts
        ints[at + 20] = position.closed_ts
        log.int_count = at + 21
        self._put_cause(because, place)

    def mark(self, account: Account, equity: Exact, unrealized: Exact) -> None:
        """Write the account marked now."""
        log = self.log
        drawdown = account.drawdown_pct(equity)
        exposure = account.exposure()
        log.open(EQUITY)
        log.put_exact(equity)
        log.put_exact(account.cash)
        log.put_exact(unrealized)
        log.put_exact(exposure)
        log.put_float(drawdown)


def _copy(take: Take, into: Take) -> None:
    into.rule = take.rule
    into.shown_rule = take.shown_rule
    into.price = take.price
    into.size = take.size
    into.level = take.level
    into.displayed = take.displayed
    into.before = take.before
    into.after = take.after


def _trigger(order: Order | None) -> int:
    if order is None or not order.is_working():
        return NO_PRICE
    return order.trigger
