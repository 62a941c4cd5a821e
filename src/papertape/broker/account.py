"""The account: cash, results, fees and the open positions they belong to, in units of money.

`cash = initial capital + realised P&L before fees − fees`, exactly; opening a position moves no cash, it commits some:
the whole cost on spot, cost ÷ leverage on a perpetual.
"""

# kernel: compiled by scripts/kernel_build.py

from __future__ import annotations

from papertape.broker.exact import half_up, product, rounded_up
from papertape.broker.market import Market
from papertape.broker.owner import Order, Owner, Position, new_position
from papertape.model.buffers import Exact


class Account:
    """Cash and open positions, one an owner, netting long and short.

    `fee_unit` is how many units of money make one of 8 decimals, to which fees and shares are rounded. `cost` and
    `committed` are sums over the open positions, `reserved` over the working orders; `coming_count`, `coming_bound`
    and `coming_margin` over the owners without a position whose entry may still fill.
    """

    __slots__ = (
        "capital",
        "cash",
        "coming_bound",
        "coming_count",
        "coming_margin",
        "committed",
        "cost",
        "fee_unit",
        "fees",
        "opened_count",
        "peak",
        "positions",
        "realized",
        "reserved",
    )
    capital: Exact
    cash: Exact
    realized: Exact
    fees: Exact
    peak: Exact
    fee_unit: Exact
    positions: list[Position]
    opened_count: int
    cost: Exact
    committed: Exact
    reserved: Exact
    coming_count: int
    coming_bound: Exact
    coming_margin: Exact

    def __init__(self, capital: Exact, fee_unit: Exact) -> None:
        self.capital = self.cash = self.peak = capital
        self.realized = self.fees = self.cost = self.committed = self.reserved = 0
        self.fee_unit = fee_unit
        self.positions = []
        self.opened_count = 0
        self.coming_count = 0
        self.coming_bound = self.coming_margin = 0

    def open(self, order: Order, ts: int) -> Position:
        """Open an empty position for an entry."""
        self.opened_count += 1
        position = new_position(self.opened_count, order, ts)
        position.at = len(self.positions)
        self.positions.append(position)
        order.owner.position = position
        self.weigh(order.owner)
        return position

    def add(self, position: Position, price_lots: Exact, size: int, paid: Exact) -> None:
        """Book an execution that makes a position larger."""
        self._pay(paid)
        amount = price_lots * position.owner.market.factor
        was_empty = position.quantity == 0
        position.add(price_lots, size, paid)
        self.cost = self.cost + amount
        self._commit(position, amount if was_empty else position.cost * position.owner.market.factor)

    def reduce(self, position: Position, price_lots: Exact, size: int, paid: Exact, ts: int) -> None:
        """Book an execution that makes a position smaller; at nothing it is closed."""
        self._pay(paid)
        before = position.cost
        factor = position.owner.market.factor
        result = position.reduce(price_lots, size, paid, ts)
        self.cost = self.cost - (before - position.cost) * factor
        self.realized = self.realized + result
        self.cash = self.cash + result
        self._commit(position, position.cost * factor)
        if position.quantity == 0:
            last = self.positions.pop()
            if last is not position:
                self.positions[position.at] = last
                last.at = position.at
            position.owner.position = None
            self.weigh(position.owner)

    def weigh(self, owner: Owner) -> None:
        """Count an owner among those whose entry is coming, or no longer."""
        is_coming = owner.position is None and owner.live_entries > 0
        if is_coming == owner.is_coming:
            return
        owner.is_coming = is_coming
        if is_coming:
            self.coming_count += 1
            self.coming_bound = self.coming_bound + owner.bound
            self.coming_margin = self.coming_margin + owner.bound_margin
        else:
            self.coming_count -= 1
            self.coming_bound = self.coming_bound - owner.bound
            self.coming_margin = self.coming_margin - owner.bound_margin

    def bind(self, owner: Owner, bound: Exact, margin: Exact) -> None:
        """Remember what an owner's next entry is worth and the cash for it."""
        if owner.is_coming:
            self.coming_bound = self.coming_bound - owner.bound + bound
            self.coming_margin = self.coming_margin - owner.bound_margin + margin
        owner.bound = bound
        owner.bound_margin = margin

    def reserve(self, order: Order, amount: Exact) -> None:
        """Set cash aside for what an order has not filled yet, instead of what was."""
        self.reserved = self.reserved - order.reserve + amount
        order.reserve = amount

    def free_beside(self, order: Order) -> Exact:
        """Return the cash that neither open positions nor other working orders have committed.

        What a perpetual has lost so far is committed too; what it has won is not free before it is closed.
        """
        free = self.cash - self.committed - (self.reserved - order.reserve)
        position: Position
        for position in self.positions:
            if not position.owner.market.is_spot:
                result = position.unrealized(position.mark())
                if result < 0:
                    free = free + result
        return free

    def unrealized(self) -> Exact:
        """Return the sum of open results at the prices positions would close at."""
        total = 0
        position: Position
        for position in self.positions:
            total = total + position.unrealized(position.mark())
        return total

    def exposure(self) -> Exact:
        """Return what the open positions are worth at the prices they would close at, at cost where none is known."""
        total = 0
        position: Position
        for position in self.positions:
            mark = position.mark()
            value = position.cost if mark == 0 else product(mark, position.quantity)
            total = total + value * position.owner.market.factor
        return total

    def drawdown_pct(self, equity: Exact) -> float:
        """Return how far equity is below its peak, in percent."""
        peak = self.peak
        if equity >= peak or peak == 0:
            return 0.0
        return (peak - equity) * 100 / peak

    def commitment(self, market: Market, amount: Exact, leverage: int) -> Exact:
        """Return the cash that an amount commits: all of it on spot, amount ÷ leverage (rounded up) on a perpetual."""
        if market.is_spot:
            return amount
        return rounded_up(amount, self.fee_unit * leverage) * self.fee_unit

    def share(self, amount: Exact, part: int, whole: int) -> Exact:
        """Return `amount × part / whole`, rounded half-up to 8 decimals."""
        return half_up(amount * part, self.fee_unit * whole) * self.fee_unit

    def _pay(self, paid: Exact) -> None:
        self.fees = self.fees + paid
        self.cash = self.cash - paid

    def _commit(self, position: Position, cost: Exact) -> None:
        committed = self.commitment(position.owner.market, cost, position.leverage)
        self.committed = self.committed - position.committed + committed
        position.committed = committed
