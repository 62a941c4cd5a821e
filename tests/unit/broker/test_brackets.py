"""A stop and a target rest with the first fill of an entry; one cancels the other."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from papertape.model.events import PositionChanged
from papertape.testkit.venue import (
    PERPETUAL,
    STRATEGY,
    Venue,
    broker_with,
    executions,
    limit,
    order,
    quote,
    statuses,
    trade,
)


def _long(**profile: Any) -> Venue:
    broker = broker_with(**profile)
    broker.on_event(quote(1, "99.99", "3", "100.00", "3"))
    broker.submit(order("buy", "1", stop_loss_pct=1.0, take_profit_pct=2.0), 1)
    return broker


def _working(broker: Venue) -> list[tuple[str, str, str, Decimal, Decimal | None]]:
    return [
        (each.order_id, each.order_type, each.side, each.quantity, each.trigger_price)
        for each in broker.working_orders(STRATEGY, PERPETUAL.id)
    ]


def test_the_pair_is_placed_around_the_entry_price_for_all_that_is_open() -> None:
    broker = _long()
    position = broker.position(STRATEGY, PERPETUAL.id)

    assert _working(broker) == [
        ("O-2", "stop_market", "sell", Decimal(1), Decimal("99.00")),
        ("O-3", "take_profit_market", "sell", Decimal(1), Decimal("102.00")),
    ]
    assert position is not None
    assert (position.stop_price, position.target_price) == (Decimal("99.00"), Decimal("102.00"))


def test_a_short_has_its_stop_above_and_its_target_below() -> None:
    broker = broker_with()
    broker.on_event(quote(1, "100.00", "3", "100.01", "3"))
    broker.submit(order("sell", "1", stop_loss_pct=0.5, take_profit_pct=1.25), 1)

    assert _working(broker) == [
        ("O-2", "stop_market", "buy", Decimal(1), Decimal("100.50")),
        ("O-3", "take_profit_market", "buy", Decimal(1), Decimal("98.75")),
    ]


def test_a_stop_fills_at_the_market_and_cancels_the_target() -> None:
    broker = _long()
    broker.on_event(quote(2, "98.98", "3", "99.01", "3"))

    not_yet = broker.on_event(trade(3, "99.01", "1", "sell"))
    drafts = broker.on_event(trade(4, "99.00", "1", "buy"))

    assert not_yet == []
    assert statuses(drafts) == [("O-2", "filled", "stop_triggered"), ("O-3", "cancelled", "oco")]
    assert executions(drafts) == [("O-2", "stop_triggered", "1.000", "98.98")]
    assert [(d.status, d.realized_pnl, d.exit_price) for d in drafts if isinstance(d, PositionChanged)] == [
        ("closed", Decimal("-1.11949"), Decimal("98.98"))
    ]
    assert not broker.has_working_orders


def test_a_target_fills_at_the_market_and_cancels_the_stop() -> None:
    broker = _long()
    broker.on_event(quote(2, "102.00", "3", "102.01", "3"))

    drafts = broker.on_event(trade(3, "102.01", "1", "buy"))

    assert statuses(drafts) == [("O-3", "filled", "target_triggered"), ("O-2", "cancelled", "oco")]
    assert executions(drafts) == [("O-3", "target_triggered", "1.000", "102.00")]


def test_a_gap_fills_at_the_price_of_the_trade_that_gapped() -> None:
    broker = _long()

    drafts = broker.on_event(trade(2, "95.00", "0.1", "sell"))

    assert executions(drafts) == [("O-2", "stop_triggered", "1.000", "95.00")]


def test_the_volume_of_a_trade_is_gone_before_the_stop_it_triggers() -> None:
    broker = _long()
    broker.on_event(quote(2, "99.00", "3", "99.05", "3"))

    drafts = broker.on_event(trade(3, "99.00", "2.6", "sell"))

    assert executions(drafts) == [
        ("O-2", "stop_triggered", "0.400", "99.00"),
        ("O-2", "stop_triggered", "0.600", "98.99"),
    ]


def test_a_triggered_stop_takes_the_latency_of_an_order() -> None:
    broker = _long(entry_latency_us=100)
    broker.on_time(101)
    broker.on_event(quote(150, "98.98", "3", "99.01", "3"))

    triggered = broker.on_event(trade(200, "99.00", "1", "buy"))
    broker.on_event(quote(250, "98.00", "3", "98.01", "3"))
    filled = broker.on_time(300)

    assert statuses(triggered) == [("O-2", "accepted", "stop_triggered"), ("O-3", "cancelled", "oco")]
    assert executions(filled) == [("O-2", "stop_triggered", "1.000", "98.00")]


def test_a_stop_under_way_is_not_saved_by_a_touch_older_than_the_trade_that_triggered_it() -> None:
    broker = _long(entry_latency_us=100)
    broker.on_time(101)

    broker.on_event(trade(200, "95.00", "1", "sell"))
    filled = broker.on_time(300)

    assert executions(filled) == [("O-2", "stop_triggered", "1.000", "95.00")]


def test_a_strategy_may_enter_by_a_stop_or_a_target_order() -> None:
    broker = broker_with()
    broker.on_event(quote(1, "99.99", "3", "100.00", "3"))
    broker.submit(order("buy", "1", order_type="stop_market", trigger_price=Decimal("100.50")), 1)
    broker.submit(order("sell", "1", order_type="take_profit_market", trigger_price=Decimal("101.00")), 1)

    below = broker.on_event(trade(2, "100.49", "0.1", "buy"))
    breakout = broker.on_event(trade(3, "100.50", "0.1", "buy"))
    broker.on_event(quote(4, "101.00", "3", "101.01", "3"))
    reversal = broker.on_event(trade(5, "101.00", "0.1", "sell"))

    assert below == []
    assert executions(breakout) == [("O-1", "stop_triggered", "1.000", "100.50")]
    assert executions(reversal) == [("O-2", "stop_triggered", "1.000", "101.00")]
    assert broker.open_position_count == 0


def test_a_stop_on_a_stale_market_waits_visibly_and_never_gives_up() -> None:
    broker = _long(stale_book_us=10)

    waiting = broker.on_event(trade(100, "99.00", "1", "sell"))
    filled = broker.on_event(quote(101, "98.50", "1", "98.60", "1"))

    assert statuses(waiting) == [("O-2", "accepted", "stale_book"), ("O-3", "cancelled", "oco")]
    assert executions(filled) == [("O-2", "stop_triggered", "1.000", "98.50")]


def test_the_pair_follows_the_open_quantity_and_goes_with_the_position() -> None:
    broker = broker_with()
    broker.on_event(quote(1, "100.00", "0", "100.02", "3"))
    broker.submit(limit("buy", "1", "100.00", stop_loss_pct=1.0, take_profit_pct=2.0), 1)
    broker.on_event(trade(2, "100.00", "0.3", "sell"))
    after_first = _working(broker)
    broker.on_event(trade(3, "100.00", "0.5", "sell"))
    after_second = _working(broker)
    broker.on_event(quote(4, "100.00", "5", "100.02", "3"))
    broker.submit(order("sell", "0.2", purpose="exit"), 4)
    after_exit = _working(broker)
    drafts = broker.close(STRATEGY, PERPETUAL.id, 5, "emergency_exit", "E1 became true.")

    assert [quantity for _, _, _, quantity, _ in after_first] == [Decimal(1), Decimal("0.3"), Decimal("0.3")]
    assert [quantity for _, _, _, quantity, _ in after_second] == [Decimal(1), Decimal("0.8"), Decimal("0.8")]
    assert [quantity for _, _, _, quantity, _ in after_exit] == [Decimal(1), Decimal("0.6"), Decimal("0.6")]
    assert statuses(drafts) == [
        ("O-1", "cancelled", "closing"),
        ("O-2", "cancelled", "closing"),
        ("O-3", "cancelled", "closing"),
        ("O-5", "filled", "E1 became true."),
    ]
    assert executions(drafts) == [("O-5", "touch", "0.600", "100.00")]
    assert broker.open_position_count == 0
    assert not broker.has_working_orders


def test_turning_a_position_around_withdraws_the_pair_of_the_former_one() -> None:
    broker = _long()

    _, drafts = broker.submit(order("sell", "3", reason="Z1 became true."), 2)

    assert statuses(drafts) == [
        ("O-4", "filled", "Z1 became true."),
        ("O-2", "cancelled", "position_closed"),
        ("O-3", "cancelled", "position_closed"),
    ]
    assert [(d.position_id, d.status, d.side, d.quantity) for d in drafts if isinstance(d, PositionChanged)] == [
        ("P-1", "closed", "long", Decimal(0)),
        ("P-2", "open", "short", Decimal(2)),
    ]
    assert not broker.has_working_orders


def test_the_pair_never_meets_the_trade_that_filled_the_entry() -> None:
    broker = broker_with()
    broker.on_event(quote(1, "100.00", "1", "100.02", "3"))
    broker.submit(limit("buy", "1", "100.00", stop_loss_pct=1.0), 1)

    drafts = broker.on_event(trade(2, "98.00", "5", "sell"))

    assert statuses(drafts) == [
        ("O-1", "filled", "Z1 became true."),
        ("O-2", "accepted", "stop_loss of O-1"),
    ]
