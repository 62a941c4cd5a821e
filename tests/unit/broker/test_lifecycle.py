"""The life of an order is one table."""

from __future__ import annotations

from typing import get_args

import pytest

from papertape.broker.lifecycle import (
    EXPIRE,
    PARTIALLY_FILLED,
    STATUSES,
    TRANSITIONS,
    TRIGGERS,
    WORKING,
    OrderTrigger,
    next_status,
)
from papertape.errors import Broken
from papertape.model.events import OrderStatus

PAIRS: list[tuple[OrderStatus, OrderTrigger]] = [
    (status, trigger) for status in get_args(OrderStatus) for trigger in get_args(OrderTrigger)
]


@pytest.mark.parametrize(("status", "trigger"), [pair for pair in PAIRS if pair not in TRANSITIONS])
def test_a_pair_the_table_does_not_know_breaks_the_session(status: OrderStatus, trigger: OrderTrigger) -> None:
    with pytest.raises(Broken, match=f"an order that is {status}".capitalize()) as caught:
        next_status(STATUSES.index(status), TRIGGERS.index(trigger))

    assert caught.value.code == "broker.order_lifecycle"


@pytest.mark.parametrize(("status", "trigger"), list(TRANSITIONS))
def test_a_pair_of_the_table_leads_where_it_says(status: OrderStatus, trigger: OrderTrigger) -> None:
    assert STATUSES[next_status(STATUSES.index(status), TRIGGERS.index(trigger))] == TRANSITIONS[status, trigger]


def test_the_numbers_are_the_places_of_the_words_and_working_ones_come_first() -> None:
    assert set(STATUSES[: PARTIALLY_FILLED + 1]) == WORKING
    assert TRIGGERS[EXPIRE] == "expire"


def test_every_working_status_can_be_cancelled_and_no_other_can_be_left() -> None:
    assert {status for status, _ in TRANSITIONS} == WORKING
    assert {status for status, trigger in TRANSITIONS if trigger == "cancel"} == WORKING
