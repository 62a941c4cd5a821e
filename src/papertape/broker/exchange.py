"""The simulated exchange: what happens to an order as it arrives, as the market moves, and as its time runs out."""

# kernel: compiled by scripts/kernel_build.py

from __future__ import annotations

from heapq import heapify, heappop, heappush

from papertape.broker.account import Account
from papertape.broker.brackets import Fractions, bracket_order
from papertape.broker.exact import half_up, product
from papertape.broker.lifecycle import (
    ACCEPT,
    ARMED,
    CANCEL,
    DONE,
    ENTRY,
    EXPIRE,
    IN_FLIGHT,
    REJECT,
    RESTING,
    STOP_LOSS,
    SUBMITTED,
    TAKE_PROFIT,
    WAITING,
)
from papertape.broker.market import NEVER, NOTHING, Market
from papertape.broker.matching import (
    AT_LIMIT,
    ENOUGH,
    EXHAUSTED,
    NO_TRADE,
    TOO_FAR,
    TRADE_TOO_FAR,
    Plan,
    Take,
    is_triggered,
    use_trade,
)
from papertape.broker.owner import BY_TRIGGER, NO_PRICE, UNKNOWN, Order, Owner, Position
from papertape.broker.rows import Rows
from papertape.broker.rules import not_enough, stale_reason, too_little
from papertape.model.buffers import Exact
from papertape.model.session import SimulationProfile

_NOTHING_TO_REDUCE = "order.nothing_to_reduce: The position it was to reduce is closed."
_STALE = "stale_book"
_FEW_DUE = 64
"""So many entries of the queue of times may be out of date before it is cleared."""


class Exchange:
    """Working orders, their markets and the account they fill into. Finished orders are forgotten.

    `now` is the time of the entry being handled; what an order meets is judged at its own time. Fees are fractions of
    money, rounded to the account's unit of fees.
    """

    __slots__ = (
        "account",
        "currency",
        "due",
        "fractions",
        "latency_us",
        "maker_fee",
        "money_decimals",
        "next_due",
        "now",
        "order_count",
        "per_fee",
        "plan",
        "protection_bps",
        "rows",
        "shortages",
        "spread_bps",
        "stale_us",
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
    next_due: int
    due: list[tuple[int, int, Order]]
    order_count: int
    working_count: int
    latency_us: int
    stale_us: int
    protection_bps: int
    spread_bps: int
    maker_fee: Exact
    taker_fee: Exact
    per_fee: Exact
    shortages: dict[int, str]

    def __init__(self, profile: SimulationProfile, account: Account, rows: Rows, currency: str, decimals: int) -> None:
        self.account = account
        self.rows = rows
        self.currency = currency
        self.money_decimals = decimals
        self.plan = Plan()
        self.fractions = Fractions()
        self.now = 0
        self.next_due = NEVER
        self.due = []
        self.order_count = self.working_count = 0
        self.latency_us = profile.entry_latency_us
        self.stale_us = profile.stale_book_us
        self.protection_bps = profile.protection_bps
        self.spread_bps = profile.trade_only_spread_bps
        maker, per_maker = profile.maker_fee.as_integer_ratio()
        taker, per_taker = profile.taker_fee.as_integer_ratio()
        self.maker_fee = maker * per_taker
        self.taker_fee = taker * per_maker
        self.per_fee = per_maker * per_taker * account.fee_unit
        self.shortages = {
            ENOUGH: _NOTHING_TO_REDUCE,
            EXHAUSTED: "liquidity.exhausted: The displayed liquidity was used up.",
            AT_LIMIT: "limit_reached: The rest is worse than the limit price.",
            TOO_FAR: "price_protection: The rest would have filled more than "
            f"{profile.protection_bps} basis points from the touch.",
            NO_TRADE: "liquidity.exhausted: Nothing has traded yet.",
            TRADE_TOO_FAR: "limit_reached: The last trade with its spread is worse than the limit price.",
        }

    def next_number(self) -> int:
        """Return the number of the next order."""
        self.order_count += 1
        return self.order_count

    def register(self, order: Order) -> None:
        """Take an order on its way to the venue; without latency it arrives at once."""
        self._join(order)
        self.rows.order(order)
        order.arrive_ts = self.now + self.latency_us
        if self.latency_us == 0 and self.next_due > self.now and order.expire_ts > self.now:
            self._arrive(order, self.now)
            self._plan_due(order)
        else:
            self._plan_due(order)
            self.run_due(self.now, False)

    def run_due(self, until: int, is_before_event: bool) -> None:
        """Let what is due up to and including `until` happen, in order of time, then of submission.

        Before an event of that same time orders expire, and do not arrive yet.
        """
        if self.next_due > until:
            return
        arrivals_until = until - 1 if is_before_event else until
        kept: list[Order] = []
        ready: list[Order] = []
        order: Order
        while self.due and self.due[0][0] <= until:
            item = heappop(self.due)
            order = item[2]
            if not order.is_working() or order.due_ts() != item[0]:
                continue
            if order.expire_ts <= until or (order.phase == IN_FLIGHT and order.arrive_ts <= arrivals_until):
                ready.append(order)
            else:
                kept.append(order)
        for order in ready:
            if order.is_working():
                self._fall_due(order, arrivals_until)
                self._plan_due(order)
        for order in kept:
            self._plan_due(order)
        self.next_due = self.due[0][0] if self.due else NEVER

    def meet_trade(self, market: Market, ts: int) -> None:
        """Let the last trade fill resting orders, then trigger armed ones that were there before it."""
        armed = list(market.armed)
        used = 0
        order: Order
        for order in list(market.resting):
            if order.is_working():
                self.plan.queue(order, market, used)
                if self.plan.count:
                    used += self._fill_resting(order, market, ts)
        is_volume_used = False
        for order in armed:
            if order.is_working() and order.phase == ARMED and is_triggered(order, market.trade_price):
                if not is_volume_used:
                    use_trade(market, market.grade(ts, self.stale_us))
                    is_volume_used = True
                self._trigger(order, market, ts)
        if not market.has_depth:
            self._retry(market, ts)

    def meet_depth(self, market: Market, ts: int) -> None:
        """Let a new quote or book move queues, fill resting orders that it crosses, and serve those that wait."""
        order: Order
        for order in list(market.resting):
            limit = order.limit
            if limit == NO_PRICE or not order.is_working():
                continue
            displayed = market.displayed(limit, not order.is_buy)
            if displayed != UNKNOWN and (order.ahead == UNKNOWN or displayed < order.ahead):
                order.ahead = displayed
            touch = market.touch(order.is_buy)
            if touch and (touch <= limit if order.is_buy else touch >= limit):
                grade = market.grade(ts, self.stale_us)
                if grade != NOTHING:
                    self._make_plan(order, market, grade, order.remaining())
                    if self.plan.count:
                        self.plan.crossed(limit)
                        self._fill_resting(order, market, ts)
        self._retry(market, ts)

    def finish(self, order: Order, trigger: int, said: str) -> None:
        """End a working order without a further fill."""
        order.move(trigger, said)
        self._leave(order)
        self.rows.order(order)

    def _fall_due(self, order: Order, arrivals_until: int) -> None:
        if order.phase == IN_FLIGHT and order.arrive_ts < order.expire_ts and order.arrive_ts <= arrivals_until:
            self._arrive(order, order.arrive_ts)
        if order.is_working() and order.expire_ts <= self.now:
            self.finish(order, EXPIRE, "expired: Its time was over before all of it filled.")

    def _plan_due(self, order: Order) -> None:
        if not order.is_working():
            return
        due_ts = order.due_ts()
        if due_ts == NEVER:
            return
        if len(self.due) >= _FEW_DUE and len(self.due) > 2 * self.working_count:
            self.due = [item for item in self.due if item[2].is_working() and item[2].due_ts() == item[0]]
            heapify(self.due)
        heappush(self.due, (due_ts, order.number, order))
        self.next_due = min(self.next_due, due_ts)

    def _arrive(self, order: Order, ts: int) -> None:
        market = order.owner.market
        if order.is_triggered:
            self._take(order, market, ts)
            return
        price = order.limit if order.limit != NO_PRICE else order.trigger
        if price != NO_PRICE and order.purpose == ENTRY:
            refusal = self._refuse_value(order, price, product(price, order.quantity), order.quantity)
            if refusal:
                self.finish(order, REJECT, refusal)
                return
            opening = order.quantity - min(order.quantity, _opposite(order))
            self.account.reserve(order, self._cash_needed(market, product(price, opening), order.leverage))
        if order.trigger != NO_PRICE:
            order.move(ACCEPT, "")
            self._place(order, market, ARMED)
        else:
            self._take(order, market, ts)

    def _retry(self, market: Market, ts: int) -> None:
        if market.waiting:
            order: Order
            for order in list(market.waiting):
                if order.is_working():
                    self._take(order, market, ts)

    def _trigger(self, order: Order, market: Market, ts: int) -> None:
        order.is_triggered = True
        order.trigger_ts = ts
        order.trigger_trade = market.trade_price
        order.cause = BY_TRIGGER
        order.said = ""
        self.rows.order(order)
        position = order.owner.position
        if position is not None:
            if order is position.stop:
                self._withdraw(position.target, "oco: The other order of the pair was triggered.")
            elif order is position.target:
                self._withdraw(position.stop, "oco: The other order of the pair was triggered.")
        order.arrive_ts = self.now + self.latency_us
        if order.arrive_ts > self.now:
            self._place(order, market, IN_FLIGHT)
            self._plan_due(order)
        else:
            self._take(order, market, ts)

    def _take(self, order: Order, market: Market, ts: int) -> None:
        grade = market.grade(ts, self.stale_us)
        if grade == NOTHING:
            if order.phase != WAITING or not order.said.startswith(_STALE):
                self._wait(order, market, stale_reason(market, ts))
            return
        allowed = _allowed(order)
        plan = self.plan
        self._make_plan(order, market, grade, allowed)
        if order.is_triggered:
            is_trade_newer = market.has_depth and market.depth_ts() <= order.trigger_ts
            plan.triggered(order, order.trigger_trade if is_trade_newer else NO_PRICE)
        refusal = self._refuse_plan(order, allowed)
        if refusal:
            self.finish(order, REJECT if order.status == SUBMITTED else CANCEL, refusal)
            return
        if order.status == SUBMITTED:
            order.move(ACCEPT, "")
        shortage = plan.shortage
        if plan.count:
            self._execute(order, market, ts, False)
        if order.is_working():
            self._keep_rest(order, market, self.shortages[shortage])

    def _keep_rest(self, order: Order, market: Market, shortage: str) -> None:
        if order.limit != NO_PRICE:
            self._place(order, market, RESTING)
            order.ahead = market.displayed(order.limit, not order.is_buy)
            order.said = ""
            self.rows.order(order)
        elif order.is_protective():
            # A stop or a target never gives up a position it was to close: the rest waits for fresh liquidity.
            self._wait(order, market, shortage)
        else:
            self.finish(order, CANCEL, shortage)

    def _wait(self, order: Order, market: Market, said: str) -> None:
        if order.status == SUBMITTED:
            order.move(ACCEPT, said)
        if order.phase != WAITING or order.said.partition(":")[0] != said.partition(":")[0]:
            order.said = said
            self.rows.order(order)
        self._place(order, market, WAITING)

    def _make_plan(self, order: Order, market: Market, grade: int, size: int) -> None:
        self.plan.make(market, grade, size, order.is_buy, order.limit, self.protection_bps, self.spread_bps)

    def _refuse_plan(self, order: Order, allowed: int) -> str:
        if allowed == 0:
            return _NOTHING_TO_REDUCE
        if order.purpose != ENTRY or self.plan.count == 0:
            return ""
        first: Take = self.plan.takes[0]
        return self._refuse_value(order, first.price, self.plan.price_lots(), self.plan.size())

    def _refuse_value(self, order: Order, price: int, price_lots: Exact, size: int) -> str:
        market = order.owner.market
        if order.filled == 0:
            amount = product(price, order.quantity) * market.factor
            if amount < market.min_notional:
                return too_little(market, amount, self.money_decimals)
        opening = size - min(size, _opposite(order))
        if opening == 0:
            return ""
        needed = self.account.share(self._cash_needed(market, price_lots, order.leverage), opening, size)
        available = self.account.free_beside(order)
        if needed <= available:
            return ""
        return not_enough(needed, available, self.currency, self.money_decimals)

    def _cash_needed(self, market: Market, price_lots: Exact, leverage: int) -> Exact:
        # What opening for `Σ price × size` commits and costs: its cost or margin, and the taker fee.
        amount = price_lots * market.factor
        return self.account.commitment(market, amount, leverage) + self._fee(amount, self.taker_fee)

    def _fee(self, amount: Exact, rate: Exact) -> Exact:
        # Rounded half-up to 8 decimals, each fill on its own.
        return half_up(amount * rate, self.per_fee) * self.account.fee_unit

    def _fill_resting(self, order: Order, market: Market, ts: int) -> int:
        self.plan.cap(_allowed(order))
        if self.plan.count == 0:
            self.finish(order, CANCEL, _NOTHING_TO_REDUCE)
            return 0
        size = self.plan.size()
        self._execute(order, market, ts, True)
        return size

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
        paid = self._fee(price_lots * market.factor, self.maker_fee if is_maker else self.taker_fee)
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
        market.aim()


def _opposite(order: Order) -> int:
    position = order.owner.position
    return position.quantity if position is not None and position.is_long != order.is_buy else 0


def _allowed(order: Order) -> int:
    position = order.owner.position
    if order.purpose != ENTRY:
        return min(order.remaining(), _opposite(order))
    if order.owner.market.is_spot and not order.is_buy:
        return 0 if position is None else min(order.remaining(), position.quantity)
    return order.remaining()
