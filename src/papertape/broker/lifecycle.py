"""The life of an order at the simulated venue, as one table."""

from __future__ import annotations

from typing import Literal

from papertape.errors import Broken
from papertape.model.events import OrderStatus

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


def next_status(status: OrderStatus, trigger: OrderTrigger) -> OrderStatus:
    """Return the status an order moves to.

    Raises:
        Broken: the table has no such pair.
    """
    try:
        return TRANSITIONS[status, trigger]
    except KeyError:
        raise Broken(
            f"An order that is {status} met {trigger!r}, which its lifecycle does not know; "
            "keep the journal and report it.",
            code="broker.order_lifecycle",
        ) from None
