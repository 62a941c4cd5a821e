"""Books what happens to orders: their places, executions, reserves, and the brackets of positions."""

# kernel: compiled by scripts/kernel_build.py

from __future__ import annotations

from papertape.broker.account import Account
from papertape.broker.brackets import Fractions, bracket_order
from papertape.broker.exact import product, worth
from papertape.broker.fees import FeeRate
from papertape.broker.lifecycle import (
    ACCEPT,
    ARMED,
    CANCEL,
    DONE,
    ENTRY,
    IN_FLIGHT,
    RESTING,
    STOP_LOSS,
    TAKE_PROFIT,
    WAITING,
)
from papertape.broker.market import BEFORE_ALL, NEVER, Market
from papertape.broker.matching import Plan, Take
from papertape.broker.owner import NO_PRICE, Order, Owner, Position
from papertape.broker.rows import Rows
from papertape.broker.rules import not_enough, too_little
from papertape.model.buffers import Exact
from papertape.model.session import SimulationProfile


class Booking:
    """Working orders and the account they fill into. Finished orders are forgotten.

    `now` is the time of the entry being handled; `plan` is what the order at hand takes. Fees are fractions of money,
    rounded to the account's unit of fees.
    """

    __slots__ = (
        "account",
        "currency",
        "fractions",
        "maker_fee",
        "money_decimals",
        "now",
        "order_count",
        "plan",
        "rows",
        "taker_fee",
        "working_count",
    )
    account: Account
    currency: str
    money_decimals: int
    rows: Rows
    plan: Plan
    fractions: Fractions
    now: int
    order_count: int
    working_count: int
    maker_fee: FeeRate
    taker_fee: FeeRate

    def __init__(self, profile: SimulationProfile, account: Account, rows: Rows, currency: str, decimals: int) -> None:
        self.account = account
        self.rows = rows
        self.currency = currency
        self.money_decimals = decimals
        self.plan = Plan()
        self.fractions = Fractions()
        self.now = self.order_count = self.working_count = 0
        self.maker_fee = FeeRate(profile.maker_fee, account.fee_unit)
        self.taker_fee = FeeRate(profile.taker_fee, account.fee_unit)

    def next_number(self) -> int:
        """Return the number of the next order."""
        self.order_count += 1
        return self.order_count

    def finish(self, order: Order, trigger: int, said: str) -> None:
        """End a working order without a further fill."""
        order.move(trigger, said)
        self._leave(order)
        self.rows.order(order)

    def _refuse_value(self, order: Order, price: int, price_lots: Exact, size: int) -> str:
        market = order.owner.market
        if order.filled == 0:
            amount = worth(price, order.quantity, market.factor)
            if amount < market.min_notional:
                return too_little(market, amount, self.money_decimals)
        opening = size - min(size, opposite(order))
        if opening == 0:
            return ""
        available = self.account.free_beside(order)
        amount = price_lots * market.factor
        # surely enough: nothing commits more than its amount, and what is rounded up is so by less than a unit, twice
        if amount + self.taker_fee.of(amount) + 2 * self.account.fee_unit <= available:
            return ""
        needed = self.account.share(self._cash_needed(market, price_lots, order.leverage), opening, size)
        if needed <= available:
            return ""
        return not_enough(needed, available, self.currency, self.money_decimals)

    def _cash_needed(self, market: Market, price_lots: Exact, leverage: int) -> Exact:
        # What opening for `Σ price × size` commits and costs: its cost or margin, and the taker fee.
        amount = price_lots * market.factor
        return self.account.commitment(market, amount, leverage) + self.taker_fee.of(amount)

    def _execute(self, order: Order, market: Market, ts: int, is_maker: bool) -> None:
        has_closed = False
        take: Take
        for index in range(self.plan.count):
            take = self.plan.takes[index]
            if self._book(order, market, take, ts, is_maker):
                has_closed = True
            if take.level != NO_PRICE:
                market.use(take.level, take.displayed, take.size, order.is_buy)
        self.rows.order(order)
        if not order.is_working():
            self._leave(order)
        if has_closed and order.owner.orders:
            self._withdraw_reducing(order.owner)
        position = order.owner.position
        if position is not None:
            self._keep_brackets(order, position)

    def _book(self, order: Order, market: Market, take: Take, ts: int, is_maker: bool) -> bool:
        price_lots = product(take.price, take.size)
        rate = self.maker_fee if is_maker else self.taker_fee
        paid = rate.of(worth(take.price, take.size, market.factor))
        before = order.remaining()
        order.fill(take.price, take.size)
        if order.reserve:
            self.account.reserve(order, self.account.share(order.reserve, order.remaining(), before))
        has_closed = self._settle(order, take, price_lots, paid)
        self.rows.fill(order, market, take, paid, is_maker, ts)
        return has_closed

    def _settle(self, order: Order, take: Take, price_lots: Exact, paid: Exact) -> bool:
        # A position that closes is told before the one that replaces it.
        account = self.account
        size = take.size
        position = order.owner.position
        has_closed = False
        if position is not None and position.is_long != order.is_buy:
            closing = min(size, position.quantity)
            own = paid
            closing_lots = price_lots
            if closing < size:
                # A fill that turns a position around is shared by both: the closing part pays its share of the fee.
                own = account.share(paid, closing, size)
                closing_lots = product(take.price, closing)
            account.reduce(position, closing_lots, closing, own, self.now)
            position.because = order
            self.rows.position(position)
            has_closed = position.quantity == 0
            size -= closing
            paid = paid - own
            price_lots = price_lots - closing_lots
        if size:
            position = order.owner.position
            if position is None:
                position = account.open(order, self.now)
            position.leverage = order.leverage
            account.add(position, price_lots, size, paid)
            self.rows.position(position)
        return has_closed

    def _withdraw_reducing(self, owner: Owner) -> None:
        order: Order
        for order in list(owner.orders):
            if order.purpose != ENTRY:
                self._withdraw(order, "position_closed: The position it protected or reduced is closed.")

    def _keep_brackets(self, order: Order, position: Position) -> None:
        wants = order.stop_loss_pct == order.stop_loss_pct or order.take_profit_pct == order.take_profit_pct
        if wants and not order.has_brackets and position.is_long == order.is_buy:
            order.has_brackets = True
            self._place_brackets(order, position)
        other: Order
        for other in order.owner.orders:
            if other.is_protective():
                # A triggered stop of a former pair keeps its size, as long as that much is open.
                is_of_pair = other is position.stop or other is position.target
                left = other.remaining()
                if left != position.quantity and (is_of_pair or left > position.quantity):
                    other.quantity = other.filled + position.quantity
                    self.rows.order(other)

    def _place_brackets(self, entry: Order, position: Position) -> None:
        if position.stop is not None and not position.stop.is_triggered:
            self._withdraw(position.stop, "replaced: A newer entry brought its own stop and target.")
        if position.target is not None and not position.target.is_triggered:
            self._withdraw(position.target, "replaced: A newer entry brought its own stop and target.")
        if entry.stop_loss_pct == entry.stop_loss_pct:
            position.stop = self._place_bracket(entry, position, STOP_LOSS, entry.stop_loss_pct)
        if entry.take_profit_pct == entry.take_profit_pct:
            position.target = self._place_bracket(entry, position, TAKE_PROFIT, entry.take_profit_pct)

    def _place_bracket(self, entry: Order, position: Position, purpose: int, pct: float) -> Order:
        order = bracket_order(self.next_number(), entry, position, purpose, pct, self.fractions)
        self._join(order)
        order.move(ACCEPT, "")  # placed by the venue itself with the fill: no way to travel
        self._place(order, entry.owner.market, ARMED)
        self.rows.order(order)
        return order

    def _withdraw(self, order: Order | None, said: str) -> None:
        if order is not None and order.is_working():
            self.finish(order, CANCEL, said)

    def _join(self, order: Order) -> None:
        owner = order.owner
        owner.orders.append(order)
        self.working_count += 1
        if order.purpose == ENTRY:
            owner.live_entries += 1
            self.account.weigh(owner)

    def _leave(self, order: Order) -> None:
        owner = order.owner
        self._place(order, owner.market, DONE)
        if order.reserve:
            self.account.reserve(order, 0)
        if owner.orders[len(owner.orders) - 1] is order:
            owner.orders.pop()
        else:
            owner.orders.remove(order)
        self.working_count -= 1
        if order.purpose == ENTRY:
            owner.live_entries -= 1
            self.account.weigh(owner)

    def _place(self, order: Order, market: Market, phase: int) -> None:
        # Move a working order to where it waits for its next phase.
        before = order.phase
        if before == phase:
            return
        order.phase = phase
        if before == ARMED:
            market.armed.remove(order)
        elif before == WAITING:
            market.waiting.remove(order)
        elif before == RESTING:
            market.resting.remove(order)
        if phase == ARMED:
            market.armed.append(order)
        elif phase == WAITING:
            market.waiting.append(order)
        elif phase == RESTING:
            market.resting.append(order)
        elif before == IN_FLIGHT:
            return
        _aim(market)


def opposite(order: Order) -> int:
    """Return how much of a position an order would close."""
    position = order.owner.position
    return position.quantity if position is not None and position.is_long != order.is_buy else 0


def _aim(market: Market) -> None:
    # What a trade or a quote must do to be worth a look: reach one of the two nearest triggers, or come at all.
    market.meets_depth = bool(market.resting or market.waiting)
    if market.resting or (market.waiting and not market.has_depth):
        market.fires_above = BEFORE_ALL
        market.fires_below = NEVER
        return
    above = NEVER
    below = BEFORE_ALL
    order: Order
    for order in market.armed:
        if order.fires_upwards():
            above = min(above, order.trigger)
        else:
            below = max(below, order.trigger)
    market.fires_above = above
    market.fires_below = below
