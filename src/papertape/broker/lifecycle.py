"""The life of an order at the simulated venue, as one table; its words, and the numbers the kernel uses for them."""

# kernel: compiled by scripts/kernel_build.py

from __future__ import annotations

from typing import Literal, get_args

from papertape.errors import Broken
from papertape.model.events import OrderPurpose, OrderStatus, OrderType

OrderTrigger = Literal["accept", "reject", "fill_part", "fill_all", "cancel", "expire"]

TRANSITIONS: dict[tuple[OrderStatus, OrderTrigger], OrderStatus] = {
    ("submitted", "accept"): "accepted",
    ("submitted", "reject"): "rejected",
    ("submitted", "cancel"): "cancelled",  # withdrawn while still on its way
    ("submitted", "expire"): "expired",  # its time was over before it arrived
    ("accepted", "fill_part"): "partially_filled",
    ("accepted", "fill_all"): "filled",
    ("accepted", "cancel"): "cancelled",
    ("accepted", "expire"): "expired",
    ("partially_filled", "fill_part"): "partially_filled",
    ("partially_filled", "fill_all"): "filled",
    ("partially_filled", "cancel"): "cancelled",  # the remainder of an immediate-or-cancel order, or withdrawn
    ("partially_filled", "expire"): "expired",
}

WORKING: frozenset[OrderStatus] = frozenset({"submitted", "accepted", "partially_filled"})

SUBMITTED, ACCEPTED, PARTIALLY_FILLED, FILLED, CANCELLED, REJECTED, EXPIRED = 0, 1, 2, 3, 4, 5, 6
"""Statuses as the kernel's numbers, those that still work first."""

ACCEPT, REJECT, FILL_PART, FILL_ALL, CANCEL, EXPIRE = 0, 1, 2, 3, 4, 5
MARKET, LIMIT, STOP_MARKET, TAKE_PROFIT_MARKET = 0, 1, 2, 3
ENTRY, EXIT, STOP_LOSS, TAKE_PROFIT, EMERGENCY_EXIT = 0, 1, 2, 3, 4

STATUSES: tuple[OrderStatus, ...] = get_args(OrderStatus)
TRIGGERS: tuple[OrderTrigger, ...] = get_args(OrderTrigger)
ORDER_TYPES: tuple[OrderType, ...] = get_args(OrderType)
PURPOSES: tuple[OrderPurpose, ...] = get_args(OrderPurpose)
"""The words of the numbers above, in their order."""

IN_FLIGHT, ARMED, WAITING, RESTING, DONE = 0, 1, 2, 3, 4
"""Phases: not at the venue; waits for its trigger; has no market to take from; queued; no longer working."""

_TRIGGER_COUNT = 6
_UNKNOWN = -1


def _table() -> list[int]:
    table = []
    for status in STATUSES:
        for trigger in TRIGGERS:
            after = TRANSITIONS.get((status, trigger))
            table.append(_UNKNOWN if after is None else STATUSES.index(after))
    return table


_NEXT: list[int] = _table()


def next_status(status: int, trigger: int) -> int:
    """Return the status an order moves to.

    Raises:
        Broken: the table has no such pair.
    """
    after: int = _NEXT[status * _TRIGGER_COUNT + trigger]
    if after == _UNKNOWN:
        raise Broken(
            f"An order that is {STATUSES[status]} met {TRIGGERS[trigger]!r}, which its lifecycle does not know; "
            "keep the journal and report it.",
            code="broker.order_lifecycle",
        )
    return after
