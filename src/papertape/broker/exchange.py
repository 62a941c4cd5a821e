"""The simulated exchange: what happens to an order as it arrives, as the market moves, and as its time runs out."""

# kernel: compiled by scripts/kernel_build.py

from __future__ import annotations

from heapq import heapify, heappop, heappush

from papertape.broker.account import Account
from papertape.broker.booking import Booking, opposite
from papertape.broker.exact import product
from papertape.broker.lifecycle import (
    ACCEPT,
    ARMED,
    CANCEL,
    ENTRY,
    EXPIRE,
    IN_FLIGHT,
    REJECT,
    RESTING,
    SUBMITTED,
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
    Take,
    is_triggered,
    use_trade,
)
from papertape.broker.owner import BY_TRIGGER, NO_PRICE, UNKNOWN, Order
from papertape.broker.rows import Rows
from papertape.broker.rules import stale_reason
from papertape.model.session import SimulationProfile

_NOTHING_TO_REDUCE = "order.nothing_to_reduce: The position it was to reduce is closed."
_STALE = "stale_book"
_FEW_DUE = 64
"""So many entries of the queue of times may be out of date before it is cleared."""


class Exchange(Booking):
    """Working orders and what they wait for; what an order meets is judged at its own time.

    `due` is a heap of times, order numbers and orders, some of them out of date.
    """

    __slots__ = ("due", "latency_us", "next_due", "protection_bps", "shortages", "spread_bps", "stale_us")
    next_due: int
    due: list[tuple[int, int, Order]]
    latency_us: int
    stale_us: int
    protection_bps: int
    spread_bps: int
    shortages: dict[int, str]

    def __init__(self, profile: SimulationProfile, account: Account, rows: Rows, currency: str, decimals: int) -> None:
        Booking.__init__(self, profile, account, rows, currency, decimals)
        self.next_due = NEVER
        self.due = []
        self.latency_us = profile.entry_latency_us
        self.stale_us = profile.stale_book_us
        self.protection_bps = profile.protection_bps
        self.spread_bps = profile.trade_only_spread_bps
        self.shortages = {
            ENOUGH: _NOTHING_TO_REDUCE,
            EXHAUSTED: "liquidity.exhausted: The displayed liquidity was used up.",
            AT_LIMIT: "limit_reached: The rest is worse than the limit price.",
            TOO_FAR: "price_protection: The rest would have filled more than "
            f"{profile.protection_bps} basis points from the touch.",
            NO_TRADE: "liquidity.exhausted: Nothing has traded yet.",
            TRADE_TOO_FAR: "limit_reached: The last trade with its spread is worse than the limit price.",
        }

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
            opening = order.quantity - min(order.quantity, opposite(order))
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

    def _fill_resting(self, order: Order, market: Market, ts: int) -> int:
        self.plan.cap(_allowed(order))
        if self.plan.count == 0:
            self.finish(order, CANCEL, _NOTHING_TO_REDUCE)
            return 0
        size = self.plan.size()
        self._execute(order, market, ts, True)
        return size


def _allowed(order: Order) -> int:
    position = order.owner.position
    if order.purpose != ENTRY:
        return min(order.remaining(), opposite(order))
    if order.owner.market.is_spot and not order.is_buy:
        return 0 if position is None else min(order.remaining(), position.quantity)
    return order.remaining()
