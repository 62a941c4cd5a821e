"""What the venue refuses, it refuses with a code and a sentence, as a fact and never as an exception."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from msgspec import structs

from papertape.errors import Broken
from papertape.model.events import OrderUpdated
from papertape.model.session import SimulationProfile
from papertape.testkit.venue import (
    PERPETUAL,
    SPOT,
    STRATEGY,
    OrderIntent,
    Venue,
    broker_with,
    executions,
    limit,
    order,
    quote,
    statuses,
    trade,
)


def _with_market(**profile: Any) -> Venue:
    broker = broker_with(**profile)
    for instrument in (PERPETUAL, SPOT):
        broker.on_event(quote(1, "99.99", "100", "100.00", "100", instrument))
    return broker


def test_a_refused_order_is_a_fact_with_a_code_and_a_sentence() -> None:
    broker = _with_market()

    order_id, drafts = broker.submit(order("sell", "1", instrument=SPOT), 7)

    assert order_id == "O-1"
    assert drafts == [
        OrderUpdated(
            seq=0,
            ts=7,
            entry_seq=0,
            order_id="O-1",
            strategy=STRATEGY,
            instrument=SPOT.id,
            side="sell",
            order_type="market",
            purpose="entry",
            quantity=Decimal(1),
            limit_price=None,
            trigger_price=None,
            status="rejected",
            filled_quantity=Decimal(0),
            average_price=None,
            reason="venue.short_not_allowed: ABCUSDT.TEST is spot and only 0.000 ABC is held, so 1.000 cannot be sold; "
            "use a perpetual to go short.",
        )
    ]
    assert not broker.has_working_orders


@pytest.mark.parametrize(
    ("intent", "code"),
    [
        (order("buy", "0"), "venue.quantity_increment"),
        (order("buy", "-1"), "venue.quantity_increment"),
        (order("buy", "0.001"), "venue.min_quantity"),
        (order("buy", "0.04"), "venue.min_notional"),
        (limit("buy", "0.04", "99.00"), "venue.min_notional"),
        (order("buy", "1", order_type="limit"), "order.limit_price"),
        (order("buy", "1", limit_price=Decimal(99)), "order.limit_price"),
        (order("buy", "1", order_type="stop_market"), "order.trigger_price"),
        (order("buy", "1", stop_loss_pct=100.0), "order.stop_loss_pct"),
        (order("sell", "1", take_profit_pct=100.0), "order.take_profit_pct"),
        (order("buy", "1", stop_loss_pct=0.0), "order.stop_loss_pct"),
        (order("buy", "1", leverage=21), "venue.leverage"),
        (order("buy", "1", instrument=SPOT, leverage=2), "venue.leverage"),
        (order("buy", "1", purpose="exit"), "order.nothing_to_reduce"),
        (order("buy", "100", instrument=SPOT), "funds.insufficient"),
        (order("buy", "100", leverage=1), "funds.insufficient"),
        (limit("buy", "101", "99.00", instrument=SPOT), "funds.insufficient"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_an_order_against_the_rules_is_rejected_with_its_code(intent: OrderIntent, code: str) -> None:
    _, drafts = _with_market().submit(intent, 2)

    assert statuses(drafts) == [("O-1", "rejected", code)]


@pytest.mark.parametrize(
    ("intent", "code"),
    [
        (order("buy", "0.015"), "venue.quantity_increment"),
        (limit("buy", "1", "99.97"), "venue.price_increment"),
        (limit("buy", "1", "0.00"), "venue.price_increment"),
        (order("buy", "1", order_type="stop_market", trigger_price=Decimal("101.01")), "venue.price_increment"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_prices_and_quantities_are_on_the_increments_where_these_are_coarser_than_the_decimals(
    intent: OrderIntent, code: str
) -> None:
    coarse = structs.replace(PERPETUAL, size_increment=Decimal("0.01"), price_increment=Decimal("0.05"))
    broker = Venue([coarse], SimulationProfile(), Decimal(10_000), "USDT")
    broker.on_event(quote(1, "99.95", "100", "100.00", "100", coarse))

    assert statuses(broker.submit(intent, 2)[1]) == [("O-1", "rejected", code)]


def test_leverage_commits_only_the_margin() -> None:
    broker = _with_market(protection_bps=1_000)

    _, drafts = broker.submit(order("buy", "100", leverage=2), 2)
    _, second = broker.submit(order("buy", "100", leverage=2, strategy="ema-cross"), 2)

    assert statuses(drafts) == [("O-1", "filled", "Z1 became true.")]
    assert statuses(second) == [("O-2", "rejected", "funds.insufficient")]


def test_what_a_perpetual_has_lost_so_far_is_not_free() -> None:
    broker = _with_market()
    broker.submit(order("buy", "50", leverage=20), 2)
    broker.on_event(quote(3, "49.99", "100", "50.00", "100"))

    _, drafts = broker.submit(order("buy", "150", leverage=1, strategy="ema-cross"), 3)

    assert statuses(drafts) == [("O-2", "rejected", "funds.insufficient")]


def test_a_resting_entry_sets_its_funds_aside() -> None:
    broker = _with_market()
    broker.submit(limit("buy", "60", "99.00", instrument=SPOT), 2)

    _, refused = broker.submit(limit("buy", "50", "99.00", instrument=SPOT), 2)
    broker.cancel("O-1", 3, "O1 became true.")
    _, accepted = broker.submit(limit("buy", "50", "99.00", instrument=SPOT), 3)

    assert statuses(refused) == [("O-2", "rejected", "funds.insufficient")]
    assert statuses(accepted) == [("O-3", "accepted", "Z1 became true.")]


def test_what_filled_of_a_resting_entry_is_set_aside_only_once() -> None:
    broker = _with_market()
    broker.submit(limit("buy", "60", "99.00", instrument=SPOT), 2)
    broker.on_event(trade(3, "98.99", "30", "sell", SPOT))

    _, accepted = broker.submit(limit("buy", "40", "99.00", instrument=SPOT), 4)

    assert statuses(accepted) == [("O-2", "accepted", "Z1 became true.")]


def test_an_order_that_waited_is_cancelled_when_the_market_turns_out_too_expensive() -> None:
    broker = broker_with()
    broker.submit(order("buy", "100"), 1)

    drafts = broker.on_event(quote(2, "149.99", "100", "150.00", "100"))

    assert statuses(drafts) == [("O-1", "cancelled", "funds.insufficient")]


def test_a_position_smaller_than_the_minimum_can_still_be_closed() -> None:
    broker = _with_market()
    broker.submit(order("buy", "1", instrument=SPOT), 2)
    broker.submit(order("sell", "0.999", instrument=SPOT, purpose="exit"), 3)

    drafts = broker.close(STRATEGY, SPOT.id, 4, "exit", "ZE1 became true.")

    assert executions(drafts) == [("O-3", "touch", "0.001", "99.99")]
    assert broker.open_position_count == 0


def test_an_exit_is_cut_to_what_is_open() -> None:
    broker = _with_market()
    broker.submit(order("buy", "1"), 2)

    _, drafts = broker.submit(order("sell", "5", purpose="exit"), 3)

    assert executions(drafts) == [("O-2", "touch", "1.000", "99.99")]
    assert statuses(drafts) == [("O-2", "filled", "Z1 became true.")]


def test_an_instrument_in_another_currency_than_the_account_is_refused() -> None:
    broker = Venue([PERPETUAL], SimulationProfile(), Decimal(1), "EUR")

    assert statuses(broker.submit(order("buy", "1"), 1)[1]) == [("O-1", "rejected", "account.currency_mismatch")]


def test_an_instrument_that_is_not_part_of_the_session_breaks_it() -> None:
    with pytest.raises(Broken, match="knows no instrument") as caught:
        broker_with().broker.market(2)

    assert caught.value.code == "broker.unknown_instrument"
