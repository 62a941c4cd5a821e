"""The account: cash, results, fees and the open positions they belong to.

`cash = initial capital + realised P&L before fees − fees`, exactly; opening a position moves no cash, it commits some:
the whole cost on spot, cost ÷ leverage on a perpetual.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from papertape.broker.market import Market
from papertape.broker.money import EXACT, ZERO, divided_up, notional, percent, plain, share
from papertape.broker.order import Order
from papertape.broker.position import Position
from papertape.model.events import AccountChanged, EquityMarked
from papertape.model.instrument import Instrument, InstrumentId
from papertape.model.views import EquityView, OpenPosition

Key = tuple[str, InstrumentId]


class Account:
    """Cash and open positions, one per strategy and instrument, netting long and short."""

    def __init__(self, capital: Decimal, currency: str) -> None:
        self.capital = capital
        self.currency = currency
        self.realized_pnl = ZERO
        self.fees = ZERO
        self.peak = capital
        self.positions: dict[Key, Position] = {}
        self._position_count = 0

    @property
    def cash(self) -> Decimal:
        """Initial capital plus realised results before fees, less fees."""
        return EXACT.subtract(EXACT.add(self.capital, self.realized_pnl), self.fees)

    def fill(self, order: Order, price: int, size: int, paid: Decimal, ts: int) -> list[Position]:
        """Book one execution; return the positions it changed, a closed one before the one that replaces it."""
        self.fees = EXACT.add(self.fees, paid)
        changed: list[Position] = []
        key = (order.strategy, order.instrument.id)
        position = self.positions.get(key)
        if position is not None and position.is_long is not order.is_buy:
            closing = min(size, position.quantity)
            # A fill that turns a position around is shared by both: the closing part pays its share, rounded as a fee.
            own = paid if closing == size else share(paid, closing, size)
            self.realized_pnl = EXACT.add(self.realized_pnl, position.reduce(price, closing, own, ts))
            position.reason = order.intent_reason
            changed.append(position)
            size -= closing
            paid = EXACT.subtract(paid, own)
            if position.quantity == 0:
                del self.positions[key]
                position = None
        if size:
            if position is None:
                position = self._open(order, ts)
            position.add(price, size, paid)
            position.leverage = order.leverage
            changed.append(position)
        return changed

    def _open(self, order: Order, ts: int) -> Position:
        self._position_count += 1
        position = Position(
            position_id=f"P-{self._position_count}",
            strategy=order.strategy,
            instrument=order.instrument,
            is_long=order.is_buy,
            leverage=order.leverage,
            opened_ts=ts,
            reason=order.intent_reason,
        )
        self.positions[order.strategy, order.instrument.id] = position
        return position

    def available(self, working: Iterable[Order], markets: dict[InstrumentId, Market]) -> Decimal:
        """Return the cash that neither open positions nor working entry orders have committed.

        What a perpetual has lost so far is committed too; what it has won is not free before it is closed.
        """
        free = self.cash
        for position in self.positions.values():
            if position.instrument.kind == "perpetual":
                free = EXACT.add(free, min(ZERO, position.unrealized(mark_of(position, markets))))
            free = EXACT.subtract(free, commitment(position.instrument, position.open_cost, position.leverage))
        for order in working:
            if order.reserve:
                free = EXACT.subtract(free, order.reserve)
        return free

    def changed(self, ts: int) -> AccountChanged:
        """Return the account as it is now."""
        return AccountChanged(
            seq=0,
            ts=ts,
            entry_seq=0,
            currency=self.currency,
            cash=plain(self.cash),
            realized_pnl=plain(self.realized_pnl),
            fees=plain(self.fees),
            open_positions=len(self.positions),
        )

    def unrealized(self, markets: dict[InstrumentId, Market]) -> Decimal:
        """Return the sum of open results at the prices positions would close at."""
        total = ZERO
        for position in self.positions.values():
            total = EXACT.add(total, position.unrealized(mark_of(position, markets)))
        return total

    def equity(self, ts: int, markets: dict[InstrumentId, Market]) -> EquityView:
        """Return the account marked now; changes nothing."""
        unrealized = self.unrealized(markets)
        equity = EXACT.add(self.cash, unrealized)
        peak = max(self.peak, equity)
        positions: list[OpenPosition] = [p.view(mark_of(p, markets)) for p in self.positions.values()]
        return EquityView(
            key="account",
            currency=self.currency,
            initial_capital=self.capital,
            equity=plain(equity),
            cash=plain(self.cash),
            realized_pnl=plain(self.realized_pnl),
            unrealized_pnl=plain(unrealized),
            fees=plain(self.fees),
            drawdown_pct=percent(EXACT.subtract(peak, equity), peak),
            open_positions=tuple(positions),
            ts=ts,
        )

    def mark(self, ts: int, markets: dict[InstrumentId, Market]) -> EquityMarked:
        """Return the fact of the account marked now, and remember its peak for the drawdown."""
        unrealized = self.unrealized(markets)
        equity = EXACT.add(self.cash, unrealized)
        self.peak = max(self.peak, equity)
        exposure = ZERO
        for position in self.positions.values():
            mark = mark_of(position, markets)
            value = position.open_cost if mark is None else notional(position.instrument, mark * position.quantity)
            exposure = EXACT.add(exposure, value)
        return EquityMarked(
            seq=0,
            ts=ts,
            entry_seq=0,
            equity=plain(equity),
            cash=plain(self.cash),
            unrealized_pnl=plain(unrealized),
            drawdown_pct=percent(EXACT.subtract(self.peak, equity), self.peak),
            exposure=plain(exposure),
        )


def mark_of(position: Position, markets: dict[InstrumentId, Market]) -> int | None:
    """Return the price a position would close at: bid for long, ask for short, else the last trade, else None."""
    market = markets[position.instrument.id]
    touch = market.touch(is_ask=not position.is_long)
    if touch is not None:
        return touch[0]
    return None if market.trade is None else market.trade.price


def commitment(instrument: Instrument, cost: Decimal, leverage: int) -> Decimal:
    """Return the cash that a cost commits: all of it on spot, cost ÷ leverage (rounded up) on a perpetual."""
    return cost if instrument.kind == "spot" else divided_up(cost, leverage)
