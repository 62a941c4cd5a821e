"""One open position: exact cost, averaged entry price, realised result.

Cost is kept as the exact sum of price × size in units of the instrument's price unit × size unit. A partial close takes
its share of the cost rounded half-even to that unit and the close of the rest takes all that remains, so that the
results of a round trip add up to proceeds − cost to the last unit.
"""

from __future__ import annotations

from decimal import Decimal

import msgspec

from papertape.broker.money import EXACT, ZERO, average_price, notional, percent, plain
from papertape.broker.order import Order
from papertape.model.events import PositionChanged, PositionSide
from papertape.model.instrument import Instrument
from papertape.model.views import OpenPosition


class Position(msgspec.Struct, kw_only=True, eq=False):
    """An open position of one strategy on one instrument.

    `entry_price` is `basis_cost / basis_quantity`: set by entries, untouched by exits.
    """

    position_id: str
    strategy: str
    instrument: Instrument
    is_long: bool
    leverage: int
    opened_ts: int
    reason: str
    quantity: int = 0
    cost: int = 0
    basis_cost: int = 0
    basis_quantity: int = 0
    entry_price: Decimal = ZERO
    exit_cost: int = 0
    exit_quantity: int = 0
    gross_pnl: Decimal = ZERO
    fees: Decimal = ZERO
    closed_ts: int | None = None
    stop: Order | None = None
    target: Order | None = None

    @property
    def side(self) -> PositionSide:
        """Long or short."""
        return "long" if self.is_long else "short"

    @property
    def signed_quantity(self) -> int:
        """Positive when long."""
        return self.quantity if self.is_long else -self.quantity

    @property
    def open_cost(self) -> Decimal:
        """What is open, at its entry price."""
        return notional(self.instrument, self.cost)

    def add(self, price: int, size: int, fee: Decimal) -> None:
        """Make the position larger."""
        self.cost += price * size
        self.quantity += size
        self.basis_cost, self.basis_quantity = self.cost, self.quantity
        self.entry_price = average_price(self.instrument, self.cost, self.quantity)
        self.fees = EXACT.add(self.fees, fee)

    def reduce(self, price: int, size: int, fee: Decimal, ts: int) -> Decimal:
        """Make the position smaller; return the realised result before fees."""
        share = self.cost if size == self.quantity else _divide_half_even(self.basis_cost * size, self.basis_quantity)
        proceeds = price * size
        pnl = notional(self.instrument, proceeds - share if self.is_long else share - proceeds)
        self.cost -= share
        self.quantity -= size
        self.exit_cost += proceeds
        self.exit_quantity += size
        self.gross_pnl = EXACT.add(self.gross_pnl, pnl)
        self.fees = EXACT.add(self.fees, fee)
        if self.quantity == 0:
            self.closed_ts = ts
        return pnl

    def unrealized(self, mark: int | None) -> Decimal:
        """Return the result of closing everything at `mark`, before fees; 0 without a mark."""
        if mark is None:
            return ZERO
        value = mark * self.quantity
        return notional(self.instrument, value - self.cost if self.is_long else self.cost - value)

    def changed(self, ts: int) -> PositionChanged:
        """Return the position as it is now."""
        rules = self.instrument
        exits = self.exit_quantity
        is_open = self.quantity > 0
        return PositionChanged(
            seq=0,
            ts=ts,
            entry_seq=0,
            position_id=self.position_id,
            strategy=self.strategy,
            instrument=rules.id,
            side=self.side,
            status="open" if is_open else "closed",
            quantity=rules.size_decimal(self.quantity),
            entry_price=self.entry_price,
            exit_price=average_price(rules, self.exit_cost, exits) if exits else None,
            stop_price=_trigger_price(self.stop) if is_open else None,
            target_price=_trigger_price(self.target) if is_open else None,
            realized_pnl=plain(EXACT.subtract(self.gross_pnl, self.fees)),
            fees=plain(self.fees),
            opened_ts=self.opened_ts,
            closed_ts=self.closed_ts,
            reason=self.reason,
        )

    def view(self, mark: int | None) -> OpenPosition:
        """Return the position at the price it would close at."""
        unrealized = self.unrealized(mark)
        return OpenPosition(
            position_id=self.position_id,
            strategy=self.strategy,
            instrument=self.instrument.id,
            side=self.side,
            quantity=self.instrument.size_decimal(self.quantity),
            entry_price=self.entry_price,
            mark_price=None if mark is None else self.instrument.price_decimal(mark),
            unrealized_pnl=plain(unrealized),
            unrealized_pnl_pct=percent(unrealized, self.open_cost),
            stop_price=_trigger_price(self.stop),
            target_price=_trigger_price(self.target),
            opened_ts=self.opened_ts,
        )


def _trigger_price(order: Order | None) -> Decimal | None:
    if order is None or order.trigger is None or not order.is_working:
        return None
    return order.instrument.price_decimal(order.trigger)


def _divide_half_even(numerator: int, denominator: int) -> int:
    whole, rest = divmod(numerator, denominator)
    doubled = rest * 2
    return whole + (doubled > denominator or (doubled == denominator and whole % 2 == 1))
