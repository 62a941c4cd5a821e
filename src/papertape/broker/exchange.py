"""The simulated exchange: what happens to an order as it arrives, as the market moves, and as its time runs out."""

from __future__ import annotations

from collections.abc import Sequence

from papertape.broker import matching, rules
from papertape.broker.account import Account
from papertape.broker.brackets import bracket_order
from papertape.broker.evidence import evidence_of
from papertape.broker.lifecycle import OrderTrigger
from papertape.broker.market import Grade, Market
from papertape.broker.matching import Plan, Take
from papertape.broker.money import ZERO, fee, notional, share
from papertape.broker.order import NEVER, PROTECTIVE, Order
from papertape.broker.position import Position
from papertape.broker.step import Step
from papertape.model.entries import Trade
from papertape.model.events import OrderFilled, OrderPurpose, OrderType
from papertape.model.instrument import Instrument
from papertape.model.session import SimulationProfile

_NOTHING_TO_REDUCE = "order.nothing_to_reduce: The position it was to reduce is closed."


class Exchange:
    """Working orders, their markets and the account they fill into. Finished orders are forgotten.

    `now` is the time of the entry being handled and stamps the facts; what an order meets is judged at its own time.
    """

    def __init__(self, instruments: Sequence[Instrument], profile: SimulationProfile, account: Account) -> None:
        self.markets = {instrument.id: Market(instrument) for instrument in instruments}
        self.profile = profile
        self.account = account
        self.orders: dict[str, Order] = {}
        self.step = Step()
        self.now = 0
        self.next_due = NEVER
        self._order_count = 0
        self._fill_count = 0

    def next_order_id(self) -> tuple[str, int]:
        """Return the id and the number of the next order."""
        self._order_count += 1
        return f"O-{self._order_count}", self._order_count

    def register(self, order: Order) -> None:
        """Take an order on its way to the venue; without latency it arrives at once."""
        self.orders[order.order_id] = order
        self.step.order(order)
        order.arrive_ts = self.now + self.profile.entry_latency_us
        self.next_due = min(self.next_due, order.due_ts)
        self.run_due(self.now)

    def run_due(self, until: int, *, is_before_event: bool = False) -> None:
        """Let what is due up to and including `until` happen, in order of time, then of submission.

        Before an event of that same time orders expire, and do not arrive yet.
        """
        if self.next_due > until:
            return
        arrivals_until = until - 1 if is_before_event else until
        due = [
            (order.due_ts, order.number, order)
            for order in self.orders.values()
            if order.expire_ts <= until or (order.phase == "in_flight" and order.arrive_ts <= arrivals_until)
        ]
        for _, _, order in sorted(due, key=lambda item: item[:2]):
            if order.is_working:
                self._fall_due(order, arrivals_until)
        self.next_due = min((order.due_ts for order in self.orders.values()), default=NEVER)

    def meet_trade(self, market: Market, trade: Trade) -> None:
        """Let a trade fill resting orders, then trigger armed ones that were there before it."""
        armed = tuple(market.armed.values())
        used = 0
        for order in tuple(market.resting.values()):
            take = matching.queue_take(order, trade, used, market.step) if order.is_working else None
            if take is not None:
                used += self._fill_resting(order, market, [take], trade.ts)
        is_volume_used = False
        for order in armed:
            if order.is_working and order.phase == "armed" and matching.is_triggered(order, trade.price):
                if not is_volume_used:
                    matching.use_trade(market, market.grade(trade.ts, self.profile.stale_book_us), trade)
                    is_volume_used = True
                self._trigger(order, market, trade)
        if not market.has_depth:
            self._retry(market, trade.ts)

    def meet_depth(self, market: Market, ts: int) -> None:
        """Let a new quote or book move queues, fill resting orders that it crosses, and serve those that wait."""
        for order in tuple(market.resting.values()):
            limit = order.limit
            if limit is None or not order.is_working:
                continue
            displayed = market.displayed(limit, is_ask=not order.is_buy)
            if displayed is not None:
                order.ahead = displayed if order.ahead is None else min(order.ahead, displayed)
            touch = market.touch(is_ask=order.is_buy)
            if touch is not None and (touch[0] <= limit if order.is_buy else touch[0] >= limit):
                grade = market.grade(ts, self.profile.stale_book_us)
                plan = self._plan(order, market, grade, order.remaining) if grade else None
                if plan is not None and plan.takes:
                    crossed = [take._replace(rule="crossed_best", price=limit) for take in plan.takes]
                    self._fill_resting(order, market, crossed, ts)
        self._retry(market, ts)

    def finish(self, order: Order, trigger: OrderTrigger, reason: str) -> None:
        """End a working order without a further fill."""
        order.move(trigger, reason)
        self._leave(order)
        self.step.order(order)

    def working_of(self, strategy: str, instrument: str) -> list[Order]:
        """Return the working orders of one strategy on one instrument, oldest first."""
        return [o for o in self.orders.values() if o.strategy == strategy and o.instrument.id == instrument]

    def _fall_due(self, order: Order, arrivals_until: int) -> None:
        if order.phase == "in_flight" and order.arrive_ts < order.expire_ts and order.arrive_ts <= arrivals_until:
            self._arrive(order, order.arrive_ts)
        if order.is_working and order.expire_ts <= self.now:
            self.finish(order, "expire", "expired: Its time was over before all of it filled.")

    def _arrive(self, order: Order, ts: int) -> None:
        market = self.markets[order.instrument.id]
        if order.is_triggered:
            self._take(order, market, ts)
            return
        price = order.limit if order.limit is not None else order.trigger
        if price is not None and not order.is_reducing:
            refusal = self._refuse_value(order, price, price * order.quantity, order.quantity)
            if refusal is not None:
                self.finish(order, "reject", refusal)
                return
            self._reserve(order, price)
        if order.trigger is not None:
            order.move("accept", order.intent_reason)
            market.place(order, "armed")
        else:
            self._take(order, market, ts)

    def _retry(self, market: Market, ts: int) -> None:
        for order in tuple(market.waiting.values()):
            if order.is_working:
                self._take(order, market, ts)

    def _trigger(self, order: Order, market: Market, trade: Trade) -> None:
        order.is_triggered = True
        order.trigger_ts, order.trigger_trade = trade.ts, trade.price
        order.intent_reason = order.reason = _trigger_reason(order, trade)
        self.step.order(order)
        position = self.account.positions.get((order.strategy, order.instrument.id))
        if position is not None:
            for sibling in (position.stop, position.target):
                if sibling is not None and sibling is not order and order in (position.stop, position.target):
                    self._withdraw(sibling, "oco: The other order of the pair was triggered.")
        order.arrive_ts = self.now + self.profile.entry_latency_us
        if order.arrive_ts > self.now:
            market.place(order, "in_flight")
            self.next_due = min(self.next_due, order.due_ts)
        else:
            self._take(order, market, trade.ts)

    def _take(self, order: Order, market: Market, ts: int) -> None:
        grade = market.grade(ts, self.profile.stale_book_us)
        if grade is None:
            self._wait(order, market, rules.stale_reason(market, ts))
            return
        allowed = self._allowed(order)
        plan = self._plan(order, market, grade, allowed)
        if order.is_triggered:
            is_trade_newer = market.has_depth and market.depth_ts() <= order.trigger_ts
            plan = matching.triggered_at(plan, order, order.trigger_trade if is_trade_newer else None)
        refusal = self._refuse_plan(order, plan, allowed)
        if refusal is not None:
            self.finish(order, "reject" if order.status == "submitted" else "cancel", refusal)
            return
        if order.status == "submitted":
            order.move("accept", order.intent_reason)
        self._execute(order, market, plan.takes, ts, is_maker=False)
        if order.is_working:
            self._keep_rest(order, market, plan.shortage or _NOTHING_TO_REDUCE)

    def _keep_rest(self, order: Order, market: Market, shortage: str) -> None:
        if order.limit is not None:
            market.place(order, "resting")
            order.ahead = market.displayed(order.limit, is_ask=not order.is_buy)
            order.reason = order.intent_reason
            self.step.order(order)
        elif order.purpose in PROTECTIVE:
            # A stop or a target never gives up a position it was to close: the rest waits for fresh liquidity.
            self._wait(order, market, shortage)
        else:
            self.finish(order, "cancel", shortage)

    def _wait(self, order: Order, market: Market, reason: str) -> None:
        if order.status == "submitted":
            order.move("accept", reason)
        if order.phase != "waiting" or order.reason.partition(":")[0] != reason.partition(":")[0]:
            order.reason = reason
            self.step.order(order)
        market.place(order, "waiting")

    def _plan(self, order: Order, market: Market, grade: Grade, size: int) -> Plan:
        return matching.plan_take(
            market,
            grade,
            size,
            is_buy=order.is_buy,
            limit=order.limit,
            protection_bps=self.profile.protection_bps,
            spread_bps=self.profile.trade_only_spread_bps,
        )

    def _allowed(self, order: Order) -> int:
        position = self.account.positions.get((order.strategy, order.instrument.id))
        if order.is_reducing:
            is_opposite = position is not None and position.is_long is not order.is_buy
            return min(order.remaining, position.quantity) if position is not None and is_opposite else 0
        if order.instrument.kind == "spot" and not order.is_buy:
            return min(order.remaining, position.quantity) if position is not None else 0
        return order.remaining

    def _refuse_plan(self, order: Order, plan: Plan, allowed: int) -> str | None:
        if allowed == 0:
            return _NOTHING_TO_REDUCE
        if order.is_reducing or not plan.takes:
            return None
        return self._refuse_value(order, plan.takes[0].price, plan.price_lots, plan.size)

    def _refuse_value(self, order: Order, price: int, price_lots: int, size: int) -> str | None:
        if order.filled == 0:
            refusal = rules.refuse_notional(order.instrument, price, order.quantity)
            if refusal is not None:
                return refusal
        opening = size - min(size, self._opposite(order))
        needed = rules.cash_needed(order.instrument, price_lots, order.leverage, self.profile.taker_fee)
        others = (other for other in self.orders.values() if other is not order)
        available = self.account.available(others, self.markets)
        return rules.refuse_funds(share(needed, opening, size), available, self.account.currency) if opening else None

    def _opposite(self, order: Order) -> int:
        position = self.account.positions.get((order.strategy, order.instrument.id))
        return position.quantity if position is not None and position.is_long is not order.is_buy else 0

    def _reserve(self, order: Order, price: int) -> None:
        opening = order.quantity - min(order.quantity, self._opposite(order))
        order.reserve = rules.cash_needed(order.instrument, price * opening, order.leverage, self.profile.taker_fee)

    def _fill_resting(self, order: Order, market: Market, takes: Sequence[Take], ts: int) -> int:
        allowed = self._allowed(order)
        capped: list[Take] = []
        for take in takes:
            size = min(take.size, allowed)
            if size:
                capped.append(take._replace(size=size))
                allowed -= size
        if not capped:
            self.finish(order, "cancel", _NOTHING_TO_REDUCE)
            return 0
        self._execute(order, market, capped, ts, is_maker=True)
        return sum(take.size for take in capped)

    def _execute(self, order: Order, market: Market, takes: Sequence[Take], ts: int, *, is_maker: bool) -> None:
        if not takes:
            return
        has_closed = False
        for take in takes:
            has_closed |= self._book(order, market, take, ts, is_maker=is_maker)
            if take.level is not None:
                market.use(take.level, take.displayed, take.size, is_ask=order.is_buy)
        self.step.order(order)
        if not order.is_working:
            self._leave(order)
        if has_closed:
            self._withdraw_reducing(order)
        self._keep_brackets(order)

    def _book(self, order: Order, market: Market, take: Take, ts: int, *, is_maker: bool) -> bool:
        rules_of = order.instrument
        rate = self.profile.maker_fee if is_maker else self.profile.taker_fee
        paid = fee(notional(rules_of, take.price * take.size), rate)
        before = order.remaining
        order.fill(take.price, take.size)
        order.reserve = share(order.reserve, order.remaining, before) if order.reserve else ZERO
        changed = self.account.fill(order, take.price, take.size, paid, self.now)
        for position in changed:
            self.step.positions[position.position_id] = position
        self._fill_count += 1
        self.step.fills.append(
            OrderFilled(
                seq=0,
                ts=self.now,
                entry_seq=0,
                fill_id=f"F-{self._fill_count}",
                order_id=order.order_id,
                strategy=order.strategy,
                instrument=rules_of.id,
                side="buy" if order.is_buy else "sell",
                price=rules_of.price_decimal(take.price),
                quantity=rules_of.size_decimal(take.size),
                fee=paid,
                liquidity="maker" if is_maker else "taker",
                purpose=order.purpose,
                evidence=evidence_of(market, take, is_buy=order.is_buy, is_maker=is_maker, ts=ts),
            )
        )
        return any(position.quantity == 0 for position in changed)

    def _withdraw_reducing(self, order: Order) -> None:
        for other in self.working_of(order.strategy, order.instrument.id):
            if other.is_reducing:
                self._withdraw(other, "position_closed: The position it protected or reduced is closed.")

    def _keep_brackets(self, order: Order) -> None:
        position = self.account.positions.get((order.strategy, order.instrument.id))
        if position is None:
            return
        wants = order.stop_loss_pct is not None or order.take_profit_pct is not None
        if wants and not order.has_brackets and position.is_long is order.is_buy:
            order.has_brackets = True
            self._place_brackets(order, position)
        for other in self.working_of(order.strategy, order.instrument.id):
            is_of_pair = other is position.stop or other is position.target
            # A triggered stop of a former pair keeps its size, as long as that much is open.
            if other.purpose in PROTECTIVE and (is_of_pair or other.remaining > position.quantity):
                self._resize(other, position.quantity)

    def _resize(self, order: Order, remaining: int) -> None:
        if order.remaining != remaining:
            order.quantity = order.filled + remaining
            self.step.order(order)

    def _place_brackets(self, entry: Order, position: Position) -> None:
        for former in (position.stop, position.target):
            if former is not None and not former.is_triggered:
                self._withdraw(former, "replaced: A newer entry brought its own stop and target.")
        if entry.stop_loss_pct is not None:
            position.stop = self._place_bracket(entry, position, "stop_market", "stop_loss", entry.stop_loss_pct)
        if entry.take_profit_pct is not None:
            position.target = self._place_bracket(
                entry, position, "take_profit_market", "take_profit", entry.take_profit_pct
            )

    def _place_bracket(
        self, entry: Order, position: Position, order_type: OrderType, purpose: OrderPurpose, pct: float
    ) -> Order:
        order_id, number = self.next_order_id()
        order = bracket_order(order_id, number, entry, position, order_type, purpose, pct)
        self.orders[order_id] = order
        order.move("accept", order.reason)  # placed by the venue itself with the fill: no way to travel
        self.markets[entry.instrument.id].place(order, "armed")
        self.step.order(order)
        return order

    def _withdraw(self, order: Order, reason: str) -> None:
        if order.is_working:
            self.finish(order, "cancel", reason)

    def _leave(self, order: Order) -> None:
        self.markets[order.instrument.id].place(order, "done")
        order.reserve = ZERO
        del self.orders[order.order_id]


def _trigger_reason(order: Order, trade: Trade) -> str:
    what = "target" if order.purpose == "take_profit" else "stop"
    last = order.instrument.price_decimal(trade.price)
    trigger = order.instrument.price_decimal(order.trigger or 0)
    return f"{what}_triggered: The last trade at {last} reached the trigger at {trigger}."
