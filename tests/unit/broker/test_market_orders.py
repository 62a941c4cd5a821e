"""Market orders meet what is displayed, level by level, and nothing else."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from msgspec import structs

from papertape.model.entries import BookGap
from papertape.model.events import AccountChanged, Evidence, OrderFilled, OrderUpdated, PositionChanged
from papertape.model.session import SimulationProfile
from papertape.testkit.venue import (
    PERPETUAL,
    STRATEGY,
    Venue,
    book,
    broker_with,
    executions,
    limit,
    order,
    quote,
    statuses,
    trade,
)

BOOK = book(1, [("99.99", "2"), ("99.90", "5")], [("100.01", "1"), ("100.05", "2"), ("100.10", "10")])


WHO: dict[str, Any] = {"seq": 0, "ts": 3, "entry_seq": 0, "strategy": STRATEGY, "instrument": PERPETUAL.id}


def _fill(fill_id: str, price: str, quantity: str, fee: str, detail: str, slippage: str) -> OrderFilled:
    return OrderFilled(
        **WHO,
        fill_id=fill_id,
        order_id="O-1",
        side="buy",
        price=Decimal(price),
        quantity=Decimal(quantity),
        fee=Decimal(fee),
        liquidity="taker",
        purpose="entry",
        evidence=Evidence(
            rule="walk_book",
            detail=detail,
            best_bid=Decimal("99.99"),
            best_ask=Decimal("100.01"),
            book_age_us=2,
            slippage=Decimal(slippage),
        ),
    )


def test_a_market_order_walks_the_book_level_by_level() -> None:
    broker = broker_with()
    broker.on_event(BOOK)

    order_id, drafts = broker.submit(order("buy", "1.5"), 3)

    assert order_id == "O-1"
    assert drafts == [
        OrderUpdated(
            **WHO,
            order_id="O-1",
            side="buy",
            order_type="market",
            purpose="entry",
            quantity=Decimal("1.5"),
            limit_price=None,
            trigger_price=None,
            status="filled",
            filled_quantity=Decimal("1.5"),
            average_price=Decimal("100.0233333333"),
            reason="Z1 became true.",
        ),
        _fill("F-1", "100.01", "1", "0.050005", "1.000 displayed at 100.01", "0"),
        _fill("F-2", "100.05", "0.5", "0.0250125", "2.000 displayed at 100.05", "0.04"),
        PositionChanged(
            **WHO,
            position_id="P-1",
            side="long",
            status="open",
            quantity=Decimal("1.5"),
            entry_price=Decimal("100.0233333333"),
            exit_price=None,
            stop_price=None,
            target_price=None,
            realized_pnl=Decimal("-0.0750175"),
            fees=Decimal("0.0750175"),
            opened_ts=3,
            closed_ts=None,
            reason="Z1 became true.",
        ),
        AccountChanged(
            seq=0,
            ts=3,
            entry_seq=0,
            currency="USDT",
            cash=Decimal("9999.9249825"),
            realized_pnl=Decimal(0),
            fees=Decimal("0.0750175"),
            open_positions=1,
        ),
    ]


def test_what_the_book_cannot_give_is_cancelled() -> None:
    broker = broker_with(protection_bps=1_000)
    broker.on_event(BOOK)

    _, drafts = broker.submit(order("sell", "8"), 3)

    assert executions(drafts) == [("O-1", "walk_book", "2.000", "99.99"), ("O-1", "walk_book", "5.000", "99.90")]
    assert statuses(drafts) == [("O-1", "cancelled", "liquidity.exhausted")]


def test_executions_are_whole_increments_also_where_the_displayed_size_is_finer() -> None:
    coarse = structs.replace(PERPETUAL, size_increment=Decimal("0.01"))
    broker = Venue([coarse], SimulationProfile(protection_bps=1_000), Decimal(10_000), "USDT")
    broker.on_event(book(1, [("99.99", "1.239"), ("99.98", "0.009")], [("100.01", "1")]))

    _, drafts = broker.submit(order("sell", "2"), 1)

    assert executions(drafts) == [("O-1", "walk_book", "1.230", "99.99")]


def test_price_protection_cancels_what_would_fill_too_far_from_the_touch() -> None:
    broker = broker_with(protection_bps=5)  # 100.01 × 1.0005 = 100.060005
    broker.on_event(BOOK)

    _, drafts = broker.submit(order("buy", "5"), 3)

    assert executions(drafts) == [("O-1", "walk_book", "1.000", "100.01"), ("O-1", "walk_book", "2.000", "100.05")]
    assert statuses(drafts) == [("O-1", "cancelled", "price_protection")]


def test_with_quotes_only_the_rest_pays_one_increment_more_per_displayed_size() -> None:
    broker = broker_with()
    broker.on_event(quote(1, "99.99", "1", "100.01", "1"))

    _, drafts = broker.submit(order("buy", "2.5"), 1)

    assert executions(drafts) == [
        ("O-1", "touch", "1.000", "100.01"),
        ("O-1", "touch_beyond", "1.000", "100.02"),
        ("O-1", "touch_beyond", "0.500", "100.03"),
    ]


def test_with_trades_only_the_last_trade_and_the_spread_of_the_profile_count() -> None:
    broker = broker_with(trade_only_spread_bps=2)
    broker.on_event(trade(1, "100.00", "0.1", "buy"))

    _, bought = broker.submit(order("buy", "1"), 1)
    drafts = broker.close(STRATEGY, PERPETUAL.id, 2, "exit", "ZE1 became true.")

    assert executions(bought) == [("O-1", "last_trade", "1.000", "100.02")]
    assert executions(drafts) == [("O-2", "last_trade", "1.000", "99.98")]


def test_a_newer_quote_wins_at_the_touch_over_the_book() -> None:
    worse, better, newer = broker_with(), broker_with(), broker_with()
    for broker in (worse, better, newer):
        broker.on_event(BOOK)
    worse.on_event(quote(2, "99.99", "2", "100.05", "0.5"))
    better.on_event(quote(2, "99.99", "2", "100.00", "0.5"))
    newer.on_event(quote(2, "99.99", "2", "100.00", "0.5"))
    newer.on_event(book(3, [], [("100.10", "9")], is_snapshot=False))

    found = [executions(broker.submit(order("buy", "1"), 3)[1]) for broker in (worse, better, newer)]

    assert found == [
        [("O-1", "walk_book", "0.500", "100.05"), ("O-1", "walk_book", "0.500", "100.10")],
        [("O-1", "walk_book", "0.500", "100.00"), ("O-1", "walk_book", "0.500", "100.01")],
        [("O-1", "walk_book", "1.000", "100.01")],
    ]


def test_no_displayed_size_is_used_twice_until_a_fresh_one_is_displayed() -> None:
    broker = broker_with()
    broker.on_event(BOOK)

    _, first = broker.submit(order("buy", "0.8"), 1)
    _, second = broker.submit(order("buy", "0.8"), 1)
    broker.on_event(book(2, [], [("100.05", "7")], is_snapshot=False))
    _, same = broker.submit(order("buy", "0.1"), 2)
    broker.on_event(book(3, [], [("100.01", "1.1")], is_snapshot=False))
    _, fresh = broker.submit(order("buy", "1"), 3)

    assert executions(first) == [("O-1", "walk_book", "0.800", "100.01")]
    assert executions(second) == [("O-2", "walk_book", "0.200", "100.01"), ("O-2", "walk_book", "0.600", "100.05")]
    assert executions(same) == [("O-3", "walk_book", "0.100", "100.05")]
    assert executions(fresh) == [("O-4", "walk_book", "1.000", "100.01")]


def test_a_book_that_is_too_old_makes_the_order_wait_visibly_until_a_fresh_one() -> None:
    broker = broker_with(stale_book_us=5_000_000)
    broker.on_event(BOOK)

    _, waiting = broker.submit(order("buy", "1"), 6_000_000)
    on_trade = broker.on_event(trade(6_000_001, "100.00", "1", "buy"))
    filled = broker.on_event(quote(6_000_002, "100.19", "1", "100.20", "3"))

    assert statuses(waiting) == [("O-1", "accepted", "stale_book")]
    assert executions(waiting) == []
    assert on_trade == []
    assert statuses(filled) == [("O-1", "filled", "Z1 became true.")]
    assert executions(filled) == [("O-1", "touch", "1.000", "100.20")]


def test_after_a_gap_orders_wait_for_a_new_snapshot_or_quote() -> None:
    broker = broker_with()
    broker.on_event(BOOK)
    broker.on_event(BookGap(ts=2, recv_ts=2, instrument=PERPETUAL.id, reason="an id was skipped"))

    _, waiting = broker.submit(order("buy", "1"), 2)
    on_changes = broker.on_event(book(3, [], [("100.01", "4")], is_snapshot=False))
    on_snapshot = broker.on_event(book(4, [("99", "1")], [("100.30", "4")]))

    assert statuses(waiting) == [("O-1", "accepted", "stale_book")]
    assert on_changes == []
    assert executions(on_snapshot) == [("O-1", "walk_book", "1.000", "100.30")]


def test_after_a_gap_neither_the_former_quote_nor_the_former_trade_is_met() -> None:
    for former in (quote(1, "99.99", "1", "100.01", "1"), trade(1, "100.00", "1", "buy")):
        broker = broker_with()
        broker.on_event(former)
        broker.on_event(BookGap(ts=2, recv_ts=2, instrument=PERPETUAL.id, reason="the socket was cut"))

        _, waiting = broker.submit(order("buy", "1"), 2)

        assert statuses(waiting) == [("O-1", "accepted", "stale_book")]


def test_an_order_arrives_after_its_latency_and_meets_the_market_of_that_moment() -> None:
    broker = broker_with(entry_latency_us=100)
    broker.on_event(quote(1_000, "99.99", "1", "100.01", "1"))

    _, sent = broker.submit(order("buy", "0.5"), 1_000)
    on_the_way = broker.on_event(quote(1_099, "99.99", "1", "100.11", "1"))
    arrived = broker.on_event(quote(1_200, "99.99", "1", "100.50", "1"))

    assert statuses(sent) == [("O-1", "submitted", "Z1 became true.")]
    assert on_the_way == []
    assert executions(arrived) == [("O-1", "touch", "0.500", "100.11")]


def test_an_event_of_the_same_time_as_the_arrival_comes_first() -> None:
    broker = broker_with(entry_latency_us=100)
    broker.on_event(quote(1_000, "99.99", "1", "100.01", "1"))
    broker.submit(order("buy", "0.5"), 1_000)

    arrived = broker.on_event(quote(1_100, "99.99", "1", "100.50", "1"))

    assert executions(arrived) == [("O-1", "touch", "0.500", "100.50")]


def test_time_alone_lets_an_order_arrive() -> None:
    broker = broker_with(entry_latency_us=100)
    broker.on_event(quote(1_000, "99.99", "1", "100.01", "1"))
    broker.submit(order("buy", "0.5"), 1_000)

    early, arrived = broker.on_time(1_099), broker.on_time(1_100)

    assert early == []
    assert executions(arrived) == [("O-1", "touch", "0.500", "100.01")]
    assert not broker.has_working_orders


def test_an_order_whose_time_is_over_before_it_arrives_expires() -> None:
    broker = broker_with(entry_latency_us=100)
    broker.on_event(quote(1_000, "99.99", "1", "100.01", "1"))
    broker.submit(limit("buy", "0.5", "100.00", expire_ts=1_050), 1_000)

    assert statuses(broker.on_event(trade(1_200, "99.00", "5", "sell"))) == [("O-1", "expired", "expired")]


def test_the_touch_is_the_newer_of_book_and_quote() -> None:
    broker = broker_with()
    broker.on_event(quote(1, "99.98", "1", "100.02", "1"))
    broker.on_event(BOOK)
    by_book = broker.touch(PERPETUAL.id)
    broker.on_event(quote(2, "99.97", "1", "100.03", "1"))
    by_quote = broker.touch(PERPETUAL.id)

    assert (by_book.bid, by_book.ask, by_book.ts) == (Decimal("99.99"), Decimal("100.01"), 1)
    assert (by_quote.bid, by_quote.ask, by_quote.ts) == (Decimal("99.97"), Decimal("100.03"), 2)
