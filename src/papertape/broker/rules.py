"""Why the venue refuses an order: a stable code, a colon, and a sentence.

Orders that only reduce a position are free of minimum quantity and notional, so that a position can always be closed.
"""

from __future__ import annotations

from decimal import Decimal

from papertape.broker.market import Market
from papertape.broker.money import EXACT, ZERO, divided_up, fee, notional
from papertape.broker.position import Position
from papertape.model.instrument import Instrument
from papertape.model.orders import OrderIntent


def refuse_intent(intent: OrderIntent, instrument: Instrument, currency: str) -> str | None:
    """Return why an order does not suit its instrument, whatever the market and the account; None when it does."""
    return (
        _refuse_currency(instrument, currency)
        or _refuse_quantity(intent, instrument)
        or _refuse_prices(intent, instrument)
        or _refuse_brackets(intent)
        or _refuse_leverage(intent, instrument)
    )


def refuse_side(intent: OrderIntent, instrument: Instrument, position: Position | None) -> str | None:
    """Return why an order does not fit what is open: nothing to reduce, or a short on spot."""
    is_buy = intent.side == "buy"
    if intent.purpose != "entry":
        if position is None or position.is_long is is_buy:
            return (
                f"order.nothing_to_reduce: There is no open position on {instrument.id} that a {intent.side} reduces."
            )
        return None
    held = position.quantity if position is not None and position.is_long else 0
    if instrument.kind == "spot" and not is_buy and instrument.size_int(intent.quantity) > held:
        return (
            f"venue.short_not_allowed: {instrument.id} is spot and only {instrument.size_decimal(held)} "
            f"{instrument.base} is held, so {intent.quantity} cannot be sold; use a perpetual to go short."
        )
    return None


def refuse_notional(instrument: Instrument, price: int, size: int) -> str | None:
    """Return why an entry is too small in quote units at a price."""
    amount = notional(instrument, price * size)
    if amount < instrument.min_notional:
        return (
            f"venue.min_notional: The order is worth {amount.normalize():f} {instrument.quote}, less than the minimum "
            f"of {instrument.min_notional} on {instrument.id}; order more."
        )
    return None


def cash_needed(instrument: Instrument, price_lots: int, leverage: int, taker_fee: Decimal) -> Decimal:
    """Return what opening for `Σ price × size` commits and costs: its cost or margin, and the taker fee."""
    amount = notional(instrument, price_lots)
    committed = amount if instrument.kind == "spot" else divided_up(amount, leverage)
    return EXACT.add(committed, fee(amount, taker_fee))


def refuse_funds(needed: Decimal, available: Decimal, currency: str) -> str | None:
    """Return why the account cannot carry an order."""
    if needed <= available:
        return None
    return (
        f"funds.insufficient: The order needs {needed.normalize():f} {currency} with its fee, "
        f"and {available.normalize():f} is free; order less or close something."
    )


def stale_reason(market: Market, ts: int) -> str:
    """Return why a market has nothing that an order may meet at `ts`."""
    times = [market.book_ts] if market.has_book else []
    times += [market.quote.ts] if market.quote is not None and market.is_quote_valid else []
    if not market.has_depth and market.trade is not None and market.is_trade_valid:
        times.append(market.trade.ts)
    if not times:
        return "stale_book: Nothing is known of the market now; it waits for a quote or a book."
    age_s = EXACT.scaleb(Decimal(ts - max(times)), -6)
    return f"stale_book: The newest quote or book is {age_s:.1f} s old; it waits for a fresh one."


def _refuse_currency(instrument: Instrument, currency: str) -> str | None:
    if instrument.quote == currency:
        return None
    return (
        f"account.currency_mismatch: {instrument.id} settles in {instrument.quote} and the account is in {currency}; "
        f"choose an instrument quoted in {currency}."
    )


def _refuse_quantity(intent: OrderIntent, instrument: Instrument) -> str | None:
    quantity = intent.quantity
    if not _is_multiple(quantity, instrument.size_increment):
        return (
            f"venue.quantity_increment: The quantity {quantity} is not a positive multiple of "
            f"{instrument.size_increment} {instrument.base}; round it down to one."
        )
    if intent.purpose == "entry" and quantity < instrument.min_quantity:
        return (
            f"venue.min_quantity: The quantity {quantity} is less than the minimum of {instrument.min_quantity} "
            f"{instrument.base} on {instrument.id}; order more."
        )
    return None


def _refuse_prices(intent: OrderIntent, instrument: Instrument) -> str | None:
    needs_limit = intent.order_type == "limit"
    needs_trigger = intent.order_type in ("stop_market", "take_profit_market")
    for name, price, is_needed in (
        ("limit", intent.limit_price, needs_limit),
        ("trigger", intent.trigger_price, needs_trigger),
    ):
        if is_needed != (price is not None):
            wanted = "needs a" if is_needed else "takes no"
            return f"order.{name}_price: A {intent.order_type} order {wanted} {name} price; correct the order."
        if price is not None and not _is_multiple(price, instrument.price_increment):
            return (
                f"venue.price_increment: The {name} price {price} is not a positive multiple of "
                f"{instrument.price_increment} {instrument.quote}; round it to one."
            )
    return None


def _refuse_brackets(intent: OrderIntent) -> str | None:
    is_buy = intent.side == "buy"
    for name, pct, is_below in (
        ("stop_loss_pct", intent.stop_loss_pct, is_buy),
        ("take_profit_pct", intent.take_profit_pct, not is_buy),
    ):
        if pct is not None and not 0 < pct < (100 if is_below else float("inf")):
            return f"order.{name}: {name} is {pct}; expected more than 0 and a price that stays above 0."
    return None


def _refuse_leverage(intent: OrderIntent, instrument: Instrument) -> str | None:
    highest = 1 if instrument.kind == "spot" else instrument.max_leverage
    if 1 <= intent.leverage <= highest:
        return None
    return (
        f"venue.leverage: Leverage {intent.leverage} on {instrument.id} is not between 1 and {highest}; choose another."
    )


def _is_multiple(value: Decimal, increment: Decimal) -> bool:
    return value.is_finite() and value > ZERO and EXACT.remainder(value, increment) == ZERO
