"""Collects what one call did, and gives it back as drafts in their order."""

from __future__ import annotations

from papertape.broker.account import Account
from papertape.broker.order import Order
from papertape.broker.position import Position
from papertape.model.events import AccountChanged, OrderFilled, OrderUpdated, PositionChanged

Draft = OrderUpdated | OrderFilled | PositionChanged | AccountChanged
"""A fact not numbered yet: `seq` and `entry_seq` are 0."""


class Step:
    """What changed since the last `drafts`: each order, position and the account once, each fill."""

    def __init__(self) -> None:
        self.refused: list[OrderUpdated] = []
        self.orders: dict[str, Order] = {}
        self.fills: list[OrderFilled] = []
        self.positions: dict[str, Position] = {}

    def order(self, order: Order) -> None:
        """Note that an order changed."""
        self.orders[order.order_id] = order

    def drafts(self, account: Account, ts: int) -> list[Draft]:
        """Return the drafts, OrderUpdated, OrderFilled, PositionChanged, AccountChanged, and start afresh."""
        drafts: list[Draft] = [*self.refused, *(order.updated(ts) for order in self.orders.values()), *self.fills]
        drafts.extend(position.changed(ts) for position in self.positions.values())
        if self.fills:
            drafts.append(account.changed(ts))
        self.refused.clear()
        self.orders.clear()
        self.fills.clear()
        self.positions.clear()
        return drafts
