"""Why the venue refuses an order: a stable code, a colon, and a sentence; nothing when it does not.

Orders that only reduce a position are free of minimum quantity and notional, so that a position can always be closed.
"""

# kernel: compiled by scripts/kernel_build.py

from __future__ import annotations

from decimal import Decimal
from math import inf

from papertape.broker.lifecycle import ENTRY, LIMIT, MARKET, ORDER_TYPES
from papertape.broker.market import UNSEEN, Market
from papertape.broker.money import amount_decimal
from papertape.broker.owner import NO_PRICE, Order
from papertape.model.buffers import Exact


def refuse_order(order: Order, currency: str) -> str:
    """Return why an order does not suit its instrument, whatever the market and the account."""
    market = order.owner.market
    if not market.is_settled:
        return _wrong_currency(market, currency)
    if order.quantity <= 0 or order.quantity % market.step:
        return _wrong_increment(order)
    if order.purpose == ENTRY and order.quantity < market.min_quantity:
        return _too_small(order)
    return _refuse_prices(order) or _refuse_brackets(order) or _refuse_leverage(order)


def refuse_side(order: Order) -> str:
    """Return why an order does not fit what is open: nothing to reduce, or a short on spot."""
    position = order.owner.position
    if order.purpose != ENTRY:
        return _nothing_open(order) if position is None or position.is_long == order.is_buy else ""
    if not order.owner.market.is_spot or order.is_buy:
        return ""
    held = position.quantity if position is not None and position.is_long else 0
    return _short_on_spot(order, held) if order.quantity > held else ""


def too_little(market: Market, amount: Exact, money_decimals: int) -> str:
    """Return why an entry is too small in quote units: what it is worth is below the minimum."""
    rules = market.instrument
    return (
        f"venue.min_notional: The order is worth {amount_decimal(amount, money_decimals):f} {rules.quote}, less than "
        f"the minimum of {rules.min_notional} on {rules.id}; order more."
    )


def not_enough(needed: Exact, available: Exact, currency: str, money_decimals: int) -> str:
    """Return why the account cannot carry an order."""
    return (
        f"funds.insufficient: The order needs {amount_decimal(needed, money_decimals):f} {currency} with its fee, "
        f"and {amount_decimal(available, money_decimals):f} is free; order less or close something."
    )


def stale_reason(market: Market, ts: int) -> str:
    """Return why a market has nothing that an order may meet at `ts`."""
    newest = UNSEEN
    if market.has_book:
        newest = market.book_ts
    if market.has_quote and market.is_quote_valid:
        newest = max(newest, market.quote_ts)
    if not market.has_depth and market.is_trade_valid:
        newest = max(newest, market.trade_ts)
    if newest == UNSEEN:
        return "stale_book: Nothing is known of the market now; it waits for a quote or a book."
    age_s = Decimal(ts - newest).scaleb(-6)
    return f"stale_book: The newest quote or book is {age_s:.1f} s old; it waits for a fresh one."


def _wrong_currency(market: Market, currency: str) -> str:
    rules = market.instrument
    return (
        f"account.currency_mismatch: {rules.id} settles in {rules.quote} and the account is in {currency}; "
        f"choose an instrument quoted in {currency}."
    )


def _wrong_increment(order: Order) -> str:
    rules = order.owner.market.instrument
    return (
        f"venue.quantity_increment: The quantity {rules.size_decimal(order.quantity)} is not a positive multiple of "
        f"{rules.size_increment} {rules.base}; round it down to one."
    )


def _too_small(order: Order) -> str:
    rules = order.owner.market.instrument
    return (
        f"venue.min_quantity: The quantity {rules.size_decimal(order.quantity)} is less than the minimum of "
        f"{rules.min_quantity} {rules.base} on {rules.id}; order more."
    )


def _nothing_open(order: Order) -> str:
    side = "buy" if order.is_buy else "sell"
    return (
        f"order.nothing_to_reduce: There is no open position on {order.owner.market.instrument.id} that a {side} "
        "reduces."
    )


def _short_on_spot(order: Order, held: int) -> str:
    rules = order.owner.market.instrument
    return (
        f"venue.short_not_allowed: {rules.id} is spot and only {rules.size_decimal(held)} {rules.base} is held, so "
        f"{rules.size_decimal(order.quantity)} cannot be sold; use a perpetual to go short."
    )


def _refuse_prices(order: Order) -> str:
    is_limit = order.order_type == LIMIT
    if is_limit != (order.limit != NO_PRICE):
        return _wrong_price_kind(order, "limit", is_limit)
    if order.limit != NO_PRICE and (order.limit <= 0 or order.limit % order.owner.market.tick):
        return _wrong_price(order, "limit", order.limit)
    is_armed = order.order_type not in (MARKET, LIMIT)
    if is_armed != (order.trigger != NO_PRICE):
        return _wrong_price_kind(order, "trigger", is_armed)
    if order.trigger != NO_PRICE and (order.trigger <= 0 or order.trigger % order.owner.market.tick):
        return _wrong_price(order, "trigger", order.trigger)
    return ""


def _wrong_price_kind(order: Order, name: str, is_needed: bool) -> str:
    wanted = "needs a" if is_needed else "takes no"
    return f"order.{name}_price: A {ORDER_TYPES[order.order_type]} order {wanted} {name} price; correct the order."


def _wrong_price(order: Order, name: str, price: int) -> str:
    rules = order.owner.market.instrument
    return (
        f"venue.price_increment: The {name} price {rules.price_decimal(price)} is not a positive multiple of "
        f"{rules.price_increment} {rules.quote}; round it to one."
    )


def _refuse_brackets(order: Order) -> str:
    if _is_wrong(order.stop_loss_pct, order.is_buy):
        return _wrong_bracket("stop_loss_pct", order.stop_loss_pct)
    if _is_wrong(order.take_profit_pct, not order.is_buy):
        return _wrong_bracket("take_profit_pct", order.take_profit_pct)
    return ""


def _is_wrong(pct: float, is_below: bool) -> bool:
    highest: float = 100.0 if is_below else inf
    return pct <= 0.0 or pct >= highest  # never true of NaN: no percentage


def _wrong_bracket(name: str, pct: float) -> str:
    return f"order.{name}: {name} is {pct}; expected more than 0 and a price that stays above 0."


def _refuse_leverage(order: Order) -> str:
    market = order.owner.market
    if 1 <= order.leverage <= market.max_leverage:
        return ""
    return (
        f"venue.leverage: Leverage {order.leverage} on {market.instrument.id} is not between 1 and "
        f"{market.max_leverage}; choose another."
    )
