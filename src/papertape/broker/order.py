"""An order at the venue while it works, and the fact that shows it."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

import msgspec

from papertape.broker.lifecycle import WORKING, OrderTrigger, next_status
from papertape.broker.money import ZERO, average_price
from papertape.model.events import OrderPurpose, OrderStatus, OrderType, OrderUpdated
from papertape.model.instrument import Instrument

Phase = Literal["in_flight", "armed", "waiting", "resting", "done"]
"""in_flight: not at the venue; armed: waits for its trigger; waiting: has no market to take from; resting: queued."""

NEVER = 2**63 - 1

PROTECTIVE: frozenset[OrderPurpose] = frozenset({"stop_loss", "take_profit"})


class Order(msgspec.Struct, kw_only=True, eq=False):
    """A working order. Prices and sizes are the instrument's integers; times are microseconds UTC.

    `ahead` is the displayed size queued before a resting order, None while unknown. `filled_price_lots` is
    `Σ price × size` of its fills. `reserve` is the cash set aside for what has not filled yet. `trigger_trade` is the
    price of the trade that triggered it, at `trigger_ts`.
    """

    order_id: str
    number: int
    instrument: Instrument
    strategy: str
    is_buy: bool
    order_type: OrderType
    purpose: OrderPurpose
    quantity: int
    intent_reason: str
    reason: str
    limit: int | None = None
    trigger: int | None = None
    arrive_ts: int = 0
    expire_ts: int = NEVER
    leverage: int = 1
    stop_loss_pct: float | None = None
    take_profit_pct: float | None = None
    status: OrderStatus = "submitted"
    phase: Phase = "in_flight"
    is_triggered: bool = False
    trigger_ts: int = 0
    trigger_trade: int = 0
    filled: int = 0
    filled_price_lots: int = 0
    ahead: int | None = None
    reserve: Decimal = ZERO
    has_brackets: bool = False

    @property
    def remaining(self) -> int:
        """What is still to fill."""
        return self.quantity - self.filled

    @property
    def is_working(self) -> bool:
        """Whether the order may still fill."""
        return self.status in WORKING

    @property
    def is_reducing(self) -> bool:
        """Whether the order may only make a position smaller."""
        return self.purpose != "entry"

    @property
    def fires_upwards(self) -> bool:
        """Whether the trigger fires at prices from it upwards: a buy stop and a sell target do."""
        return self.is_buy is (self.order_type == "stop_market")

    @property
    def due_ts(self) -> int:
        """When time alone does something to the order: its arrival or its expiry."""
        return min(self.arrive_ts, self.expire_ts) if self.phase == "in_flight" else self.expire_ts

    def move(self, trigger: OrderTrigger, reason: str) -> None:
        """Change the status by the lifecycle table."""
        self.status = next_status(self.status, trigger)
        self.reason = reason

    def fill(self, price: int, size: int) -> None:
        """Count one execution."""
        self.filled += size
        self.filled_price_lots += price * size
        self.move("fill_part" if self.remaining else "fill_all", self.intent_reason)

    def updated(self, ts: int) -> OrderUpdated:
        """Return the order as it is now."""
        rules = self.instrument
        return OrderUpdated(
            seq=0,
            ts=ts,
            entry_seq=0,
            order_id=self.order_id,
            strategy=self.strategy,
            instrument=rules.id,
            side="buy" if self.is_buy else "sell",
            order_type=self.order_type,
            purpose=self.purpose,
            quantity=rules.size_decimal(self.quantity),
            limit_price=None if self.limit is None else rules.price_decimal(self.limit),
            trigger_price=None if self.trigger is None else rules.price_decimal(self.trigger),
            status=self.status,
            filled_quantity=rules.size_decimal(self.filled),
            average_price=average_price(rules, self.filled_price_lots, self.filled) if self.filled else None,
            reason=self.reason,
        )
