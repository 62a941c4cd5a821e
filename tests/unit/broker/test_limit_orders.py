"""Limit orders take what is marketable, then queue; the queue moves with trades and with what is displayed."""

from __future__ import annotations

from decimal import Decimal

from papertape.model.events import OrderFilled
from papertape.testkit.venue import (
    PERPETUAL,
    STRATEGY,
    Draft,
    Venue,
    book,
    broker_with,
    executions,
    limit,
    quote,
    statuses,
    trade,
)


def _resting(quantity: str = "1", price: str = "99.99") -> Venue:
    broker = broker_with()
    broker.on_event(quote(1, "99.99", "2", "100.01", "1"))
    broker.submit(limit("buy", quantity, price), 1)
    return broker


def _fills(drafts: list[Draft]) -> list[tuple[str, str, Decimal, str]]:
    return [
        (draft.evidence.rule, draft.liquidity, draft.fee, draft.evidence.detail)
        for draft in drafts
        if isinstance(draft, OrderFilled)
    ]


def test_the_marketable_part_takes_and_the_rest_queues() -> None:
    broker = broker_with()
    broker.on_event(book(1, [("99.99", "2")], [("100.01", "1"), ("100.05", "2"), ("100.10", "3")]))

    _, drafts = broker.submit(limit("buy", "5", "100.05"), 1)
    rested = broker.on_event(trade(2, "100.05", "0.5", "sell"))

    assert executions(drafts) == [("O-1", "walk_book", "1.000", "100.01"), ("O-1", "walk_book", "2.000", "100.05")]
    assert statuses(drafts) == [("O-1", "partially_filled", "Z1 became true.")]
    assert executions(rested) == [("O-1", "queue_cleared", "0.500", "100.05")]
    assert [order.filled_quantity for order in broker.working_orders(STRATEGY, PERPETUAL.id)] == [Decimal("3.5")]


def test_trades_at_the_price_first_clear_the_queue_ahead_and_only_the_excess_fills() -> None:
    broker = _resting()

    ahead = broker.on_event(trade(2, "99.99", "1.5", "sell"))
    wrong_side = broker.on_event(trade(3, "99.99", "9", "buy"))
    excess = broker.on_event(trade(4, "99.99", "0.9", "sell"))
    rest = broker.on_event(trade(5, "99.99", "9", "sell"))

    assert (ahead, wrong_side) == ([], [])
    assert executions(excess) == [("O-1", "queue_cleared", "0.400", "99.99")]
    assert _fills(excess) == [
        ("queue_cleared", "maker", Decimal("0.0079992"), "trade T4 of 0.900 at 99.99; queue ahead 0.500, then 0.000")
    ]
    assert executions(rest) == [("O-1", "queue_cleared", "0.600", "99.99")]
    assert statuses(rest) == [("O-1", "filled", "Z1 became true.")]


def test_the_queue_ahead_is_never_more_than_what_is_displayed() -> None:
    broker = _resting()
    broker.on_event(quote(2, "99.99", "0.1", "100.01", "1"))

    assert executions(broker.on_event(trade(3, "99.99", "0.3", "sell"))) == [("O-1", "queue_cleared", "0.200", "99.99")]


def test_an_order_that_improves_the_touch_is_first_in_line() -> None:
    broker = _resting(price="100.00")

    assert executions(broker.on_event(trade(2, "100.00", "0.3", "sell"))) == [
        ("O-1", "queue_cleared", "0.300", "100.00")
    ]


def test_behind_the_touch_of_quotes_the_queue_is_unknown_until_the_price_is_displayed() -> None:
    broker = _resting(price="99.90")

    unknown = broker.on_event(trade(2, "99.90", "5", "sell"))
    broker.on_event(quote(3, "99.90", "0.2", "100.01", "1"))
    known = broker.on_event(trade(4, "99.90", "0.5", "sell"))

    assert unknown == []
    assert executions(known) == [("O-1", "queue_cleared", "0.300", "99.90")]


def test_a_trade_through_the_price_fills_at_the_limit_and_at_most_its_size() -> None:
    broker = _resting()

    drafts = broker.on_event(trade(2, "99.95", "0.7", "sell"))

    assert executions(drafts) == [("O-1", "trade_through", "0.700", "99.99")]


def test_an_opposite_best_that_crosses_fills_at_the_limit_up_to_what_it_displays() -> None:
    broker = _resting()

    crossed = broker.on_event(quote(2, "99.90", "1", "99.97", "0.6"))
    same_again = broker.on_event(quote(3, "99.90", "2", "99.97", "0.6"))

    assert executions(crossed) == [
        ("O-1", "crossed_best", "0.600", "99.99"),
        ("O-1", "crossed_best", "0.400", "99.99"),
    ]
    assert same_again == []


def test_own_orders_at_one_price_share_a_trade_in_order_of_time() -> None:
    broker = _resting(quantity="0.4")
    broker.submit(limit("buy", "0.4", "99.99"), 1)

    drafts = broker.on_event(trade(2, "99.99", "2.5", "sell"))

    assert executions(drafts) == [
        ("O-1", "queue_cleared", "0.400", "99.99"),
        ("O-2", "queue_cleared", "0.100", "99.99"),
    ]


def test_a_resting_order_expires_at_its_time_and_before_any_event_of_that_time() -> None:
    broker = broker_with()
    broker.on_event(quote(1, "99.99", "2", "100.01", "1"))
    broker.submit(limit("buy", "1", "99.99", expire_ts=50), 1)

    drafts = broker.on_event(trade(50, "99.00", "9", "sell"))

    assert statuses(drafts) == [("O-1", "expired", "expired")]
    assert executions(drafts) == []


def test_a_cancelled_order_is_gone_and_cancelling_it_again_does_nothing() -> None:
    broker = _resting()

    drafts = broker.cancel("O-1", 2, "O1 became true.")

    assert statuses(drafts) == [("O-1", "cancelled", "O1 became true.")]
    assert broker.cancel("O-1", 3, "again") == []
    assert broker.on_event(trade(4, "99.00", "9", "sell")) == []
    assert not broker.has_working_orders


def test_a_limit_order_on_a_stale_market_waits_and_then_takes_or_queues() -> None:
    broker = broker_with()

    _, waiting = broker.submit(limit("sell", "1", "99.00"), 1)
    drafts = broker.on_event(quote(2, "99.99", "0.4", "100.01", "1"))

    assert statuses(waiting) == [("O-1", "accepted", "stale_book")]
    assert executions(drafts)[0] == ("O-1", "touch", "0.400", "99.99")
    assert sum(float(size) for _, _, size, _ in executions(drafts)) == 1
