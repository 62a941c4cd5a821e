"""The protective pair of an entry: a stop-loss and a take-profit that rest at the venue; one cancels the other."""

# kernel: compiled by scripts/kernel_build.py

from __future__ import annotations

from decimal import Decimal

from papertape.broker.exact import half_up
from papertape.broker.lifecycle import STOP_LOSS, STOP_MARKET, TAKE_PROFIT, TAKE_PROFIT_MARKET
from papertape.broker.market import AVERAGE_UNITS
from papertape.broker.owner import BY_BRACKET, Order, Position, new_order
from papertape.model.buffers import Exact


class Fractions:
    """Percentages as exact fractions of one, each read once by its shortest decimal text: 0.3 is three thousandths."""

    __slots__ = ("known",)
    known: dict[float, tuple[int, int]]

    def __init__(self) -> None:
        self.known = {}

    def of(self, pct: float) -> tuple[int, int]:
        """Return numerator and denominator."""
        found = self.known.get(pct)
        if found is None:
            found = (Decimal(repr(pct)) / 100).as_integer_ratio()
            self.known[pct] = found
        return found


def trigger_price(average: Exact, tick: int, fraction: tuple[int, int], is_above: bool) -> int:
    """Return the trigger a fraction above or below an average entry price.

    It lies on the nearest increment (half-up), at least one.
    """
    part = fraction[0]
    whole = fraction[1]
    factor = whole + part if is_above else whole - part
    steps = half_up(average * factor, whole * AVERAGE_UNITS * tick)
    least: int = max(1, steps)
    return least * tick


def bracket_order(
    number: int, entry: Order, position: Position, purpose: int, pct: float, fractions: Fractions
) -> Order:
    """Return the stop or target of an entry, for all that is open, `pct` percent from the average entry price."""
    is_above = position.is_long == (purpose == TAKE_PROFIT)
    order = new_order(number, entry.owner, entry.intent)
    order.cause = BY_BRACKET
    order.is_buy = not position.is_long
    order.order_type = STOP_MARKET if purpose == STOP_LOSS else TAKE_PROFIT_MARKET
    order.purpose = purpose
    order.quantity = position.quantity
    order.trigger = trigger_price(position.average, entry.owner.market.tick, fractions.of(pct), is_above)
    order.entry_number = entry.number
    order.pct = pct
    order.is_above = is_above
    return order
