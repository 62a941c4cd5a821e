"""What an order can take from a market, and what a trade gives to a queued order. Pure; nothing is booked here."""

from __future__ import annotations

from typing import NamedTuple

from papertape.broker.market import Grade, Market
from papertape.broker.order import Order
from papertape.model.entries import Trade

_BPS = 10_000


class Take(NamedTuple):
    """One execution to come: `level` of the market it uses (None: no displayed level), and the price it pays."""

    rule: str
    price: int
    size: int
    level: int | None
    displayed: int
    detail: str


class Plan(NamedTuple):
    """What an order takes now, and why there is no more (a code, a colon, a sentence)."""

    takes: tuple[Take, ...]
    shortage: str

    @property
    def price_lots(self) -> int:
        """`Σ price × size`."""
        return sum(take.price * take.size for take in self.takes)

    @property
    def size(self) -> int:
        """How much it takes."""
        return sum(take.size for take in self.takes)


def plan_take(
    market: Market, grade: Grade, size: int, *, is_buy: bool, limit: int | None, protection_bps: int, spread_bps: int
) -> Plan:
    """Plan what `size` takes from the opposite side now.

    Level by level, no worse than `limit` (or, without one, than `protection_bps` from the touch), and nothing twice.
    """
    if grade == "trades":
        return _plan_on_trades(market, size, is_buy=is_buy, limit=limit, spread_bps=spread_bps)
    sign = 1 if is_buy else -1
    takes: list[Take] = []
    left = size
    touch: int | None = None
    for price, displayed in market.levels(grade, is_ask=is_buy):
        touch = price if touch is None else touch
        if limit is not None and (price - limit) * sign > 0:
            return Plan(tuple(takes), "limit_reached: The rest is worse than the limit price.")
        if limit is None and (price - touch) * sign * _BPS > touch * protection_bps:
            return Plan(tuple(takes), _protection(protection_bps))
        # A displayed size may be finer than the increment; an execution never is.
        taken = _whole(min(left, market.available(price, displayed, is_ask=is_buy)), market.step)
        if taken:
            rule = "walk_book" if grade == "book" else "touch" if price == touch else "touch_beyond"
            takes.append(Take(rule, price, taken, price, displayed, _shown(market, rule, price, displayed)))
            left -= taken
            if not left:
                break
    else:
        return Plan(tuple(takes), "liquidity.exhausted: The displayed liquidity was used up.")
    return Plan(tuple(takes), "")


def triggered_at(plan: Plan, order: Order, trade_price: int | None) -> Plan:
    """Return the plan of a triggered order: never better than its trade, where that is newer than the depth."""
    rule = "target_triggered" if order.purpose == "take_profit" else "stop_triggered"
    worse = max if order.is_buy else min
    return Plan(
        tuple(
            take._replace(
                rule=rule,
                price=take.price if trade_price is None else worse(take.price, trade_price),
                detail=f"{take.rule}, {take.detail}",
            )
            for take in plan.takes
        ),
        plan.shortage,
    )


def is_triggered(order: Order, price: int) -> bool:
    """Return whether a trade at `price` triggers an armed order."""
    if order.trigger is None:
        return False
    return price >= order.trigger if order.fires_upwards else price <= order.trigger


def queue_take(order: Order, trade: Trade, used: int, step: int) -> Take | None:
    """Return what a trade gives to a resting limit order, of which `used` went to own orders before it.

    A trade through the limit price fills at the limit; an opposite aggressor at the limit price first clears the queue
    ahead, and only the excess fills, in whole increments (`step`). Moves `order.ahead`.
    """
    limit, ahead = order.limit, order.ahead
    if limit is None:
        return None
    behind = (limit - trade.price) if order.is_buy else (trade.price - limit)
    if behind > 0:
        order.ahead = 0
        size = _whole(min(order.remaining, trade.size - used), step)
        return Take("trade_through", limit, size, None, 0, _printed(order, trade, ahead)) if size > 0 else None
    if behind < 0 or ahead is None or (trade.side == "sell") is not order.is_buy:
        return None
    size = _whole(min(order.remaining, trade.size - ahead - used), step)
    order.ahead = max(0, ahead - trade.size)
    return Take("queue_cleared", limit, size, None, 0, _printed(order, trade, ahead)) if size > 0 else None


def use_trade(market: Market, grade: Grade | None, trade: Trade) -> None:
    """Take a trade's own volume from the levels it hit, so that the stops it triggers cannot use it again."""
    if grade is None or grade == "trades":
        return
    is_ask = trade.side == "buy"
    sign = 1 if is_ask else -1
    left = trade.size
    for price, displayed in market.levels(grade, is_ask=is_ask):
        if left == 0 or (price - trade.price) * sign > 0:
            return
        used = min(left, market.available(price, displayed, is_ask=is_ask))
        if used:
            market.use(price, displayed, used, is_ask=is_ask)
            left -= used


def _plan_on_trades(market: Market, size: int, *, is_buy: bool, limit: int | None, spread_bps: int) -> Plan:
    trade = market.trade
    if trade is None:
        return Plan((), "liquidity.exhausted: Nothing has traded yet.")
    tick = market.tick
    # The spread is rounded away from the last trade to whole price increments, in integers.
    if is_buy:
        price = -(-trade.price * (_BPS + spread_bps) // (_BPS * tick)) * tick
    else:
        price = max(tick, trade.price * (_BPS - spread_bps) // (_BPS * tick) * tick)
    if limit is not None and (price - limit) * (1 if is_buy else -1) > 0:
        return Plan((), "limit_reached: The last trade with its spread is worse than the limit price.")
    last = market.instrument.price_decimal(trade.price)
    detail = f"no quotes: last trade at {last} and {spread_bps} basis points of spread"
    return Plan((Take("last_trade", price, size, None, 0, detail),), "")


def _whole(size: int, step: int) -> int:
    return size // step * step


def _shown(market: Market, rule: str, price: int, displayed: int) -> str:
    rules = market.instrument
    how = "assumed past the touch" if rule == "touch_beyond" else "displayed"
    return f"{rules.size_decimal(displayed)} {how} at {rules.price_decimal(price)}"


def _printed(order: Order, trade: Trade, ahead: int | None) -> str:
    rules = order.instrument
    before = "unknown" if ahead is None else str(rules.size_decimal(ahead))
    after = rules.size_decimal(order.ahead or 0)
    print_of = f"{rules.size_decimal(trade.size)} at {rules.price_decimal(trade.price)}"
    return f"trade {trade.trade_id} of {print_of}; queue ahead {before}, then {after}"


def _protection(bps: int) -> str:
    return f"price_protection: The rest would have filled more than {bps} basis points from the touch."
