"""The protective pair of an entry: a stop-loss and a take-profit that rest at the venue; one cancels the other."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

from papertape.broker.money import EXACT, ROUNDED
from papertape.broker.order import Order
from papertape.broker.position import Position
from papertape.model.events import OrderPurpose, OrderType
from papertape.model.instrument import Instrument

_HUNDRED = Decimal(100)
_ONE = Decimal(1)


def trigger_price(instrument: Instrument, entry_price: Decimal, pct: float, *, is_above: bool) -> int:
    """Return the trigger `pct` percent above or below the entry price.

    It lies on the nearest increment (half-up), at least one. `pct` is read by its shortest decimal text, so that 0.3
    means three tenths of a percent exactly.
    """
    fraction = ROUNDED.divide(Decimal(repr(float(pct))), _HUNDRED)
    factor = EXACT.add(_ONE, fraction) if is_above else EXACT.subtract(_ONE, fraction)
    steps = ROUNDED.divide(ROUNDED.multiply(entry_price, factor), instrument.price_increment)
    whole = max(_ONE, steps.quantize(_ONE, rounding=ROUND_HALF_UP, context=ROUNDED))
    return instrument.price_int(EXACT.multiply(whole, instrument.price_increment))


def bracket_order(
    order_id: str,
    number: int,
    entry: Order,
    position: Position,
    order_type: OrderType,
    purpose: OrderPurpose,
    pct: float,
) -> Order:
    """Return the stop or target of an entry, for all that is open, `pct` percent from the average entry price."""
    is_above = position.is_long is (purpose == "take_profit")
    reason = f"{purpose} of {entry.order_id}: {pct} % {'above' if is_above else 'below'} the entry price."
    return Order(
        order_id=order_id,
        number=number,
        instrument=entry.instrument,
        strategy=entry.strategy,
        is_buy=not position.is_long,
        order_type=order_type,
        purpose=purpose,
        quantity=position.quantity,
        intent_reason=reason,
        reason=reason,
        trigger=trigger_price(entry.instrument, position.entry_price, pct, is_above=is_above),
    )
