"""An entry is judged by the touch and by what the whole session has bound, and sent as it was judged."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from papertape.broker import Owner
from papertape.engine.entry_order import EntryDesk, entry_price
from papertape.model.fact_log import Reason
from papertape.strategy.parse import check_definition
from papertape.strategy.risk import EntryTerms, terms_of
from papertape.testkit.venue import PERPETUAL, SPOT, STRATEGY, Venue, broker_with, quote, trade


def _terms(venue: Venue, limits: dict[str, Any] | None = None, **order: Any) -> EntryTerms:
    # any field of an order, and the session's limits
    section = {"order": {"side": "long", "size": {"quote": 1000}, "stop_loss_pct": 50, **order}}
    watch = {"conditions": [{"indicator": "open_positions", "op": "<", "threshold": 9}]}
    definition = check_definition({"name": "entries", "limits": limits or {}, "sections": {"S1": watch, "Z1": section}})
    return terms_of(definition, PERPETUAL, venue.broker.money_decimals, Decimal("0.0005"))


def _desk(venue: Venue) -> tuple[EntryDesk, Owner]:
    return EntryDesk(venue.broker, 5_000_000), venue.owner(STRATEGY, PERPETUAL.id)


def _code(desk: EntryDesk, owner: Owner, terms: EntryTerms, ts: int) -> str:
    answer = desk.judge(owner, terms, ts, "", 0, 0.0)
    return desk.refusal(answer).code if answer else "sent"


@pytest.mark.parametrize(
    ("order", "price"),
    [
        ({}, 10_010),
        ({"side": "short"}, 10_000),
        ({"type": "limit", "limit": {"reference": "bid", "offset_pct": 0.1}}, 9_990),
        ({"type": "limit", "limit": {"reference": "mid", "offset_pct": 0.0}}, 10_005),
        ({"type": "limit", "limit": {"reference": "mid", "offset_pct": 0.003}}, 10_004),
        ({"side": "short", "type": "limit", "limit": {"reference": "mid", "offset_pct": 0.003}}, 10_006),
        ({"side": "short", "type": "limit", "limit": {"reference": "ask", "offset_pct": -0.05}}, 10_005),
    ],
)
def test_an_entry_pays_the_opposite_touch_or_its_limit_on_the_increment_that_favours_it(
    order: dict[str, Any], price: int
) -> None:
    venue = broker_with()
    venue.on_event(quote(1, "100.00", "3", "100.10", "3"))
    assert entry_price(_terms(venue, **order), venue.broker.market(0)) == price


def test_without_a_touch_the_last_trade_is_paid_and_without_any_market_nothing() -> None:
    venue = broker_with()
    desk, owner = _desk(venue)
    terms = _terms(venue)
    assert _code(desk, owner, terms, 1) == "feed.stale_book"
    venue.on_event(trade(1, "100.00", "1", "buy"))
    assert entry_price(terms, owner.market) == 10_000
    assert _code(desk, owner, terms, 5_000_001) == "sent"
    assert _code(desk, owner, terms, 5_000_002) == "feed.stale_book"


def test_what_was_judged_is_sent_with_its_brackets_and_its_expiry() -> None:
    venue = broker_with()
    venue.on_event(quote(1, "100.00", "3", "100.10", "3"))
    desk, owner = _desk(venue)
    limit = {"reference": "bid", "offset_pct": 0.1, "expires_after": "2s"}
    terms = _terms(venue, type="limit", limit=limit, stop_loss_pct=1, take_profit_pct=2, leverage=3)

    assert _code(desk, owner, terms, 1) == "sent"
    order = desk.send(owner, terms, Reason("Z1 became true."), 1)

    assert (order.limit, order.quantity, order.expire_ts) == (9_990, 10_010, 2_000_001)
    assert (order.stop_loss_pct, order.take_profit_pct, order.leverage) == (1.0, 2.0, 3)


def test_entries_on_their_way_and_positions_count_against_the_limits_until_they_end() -> None:
    venue = broker_with()
    desk, owner = _desk(venue)
    other = venue.owner("ema-cross", PERPETUAL.id)
    account = venue.broker.account
    venue.on_event(quote(1, "100.00", "100", "100.10", "100"))
    resting = _terms(venue, type="limit", limit={"reference": "bid", "offset_pct": 0.0}, leverage=2)
    one, half = _terms(venue, {"max_open_positions": 1}), _terms(venue, {"max_exposure_pct": 15})

    assert _code(desk, other, resting, 1) == "sent"
    order = desk.send(other, resting, Reason("Z1 became true."), 1)
    money = 10**venue.broker.money_decimals
    assert (account.coming_count, account.coming_bound, account.coming_margin) == (1, 1000 * money, 500 * money)
    assert [_code(desk, owner, terms, 1) for terms in (one, half)] == ["risk.max_open_positions", "risk.max_exposure"]

    venue.on_event(trade(2, "99.00", "100", "sell"))
    assert (account.coming_count, account.coming_bound, account.cost) == (0, 0, 1000 * money)
    assert [_code(desk, owner, terms, 2) for terms in (one, half)] == ["risk.max_open_positions", "risk.max_exposure"]

    venue.close("ema-cross", PERPETUAL.id, 3, "exit", "ZE1 became true.")
    assert order.filled == order.quantity
    assert (account.cost, account.committed, account.coming_margin) == (0, 0, 0)
    assert [_code(desk, owner, terms, 3) for terms in (one, half)] == ["sent", "sent"]


def test_an_entry_that_is_withdrawn_binds_nothing() -> None:
    venue = broker_with()
    desk, owner = _desk(venue)
    account = venue.broker.account
    venue.on_event(quote(1, "100.00", "100", "100.10", "100"))
    terms = _terms(venue, type="limit", limit={"reference": "bid", "offset_pct": 0.0})
    desk.judge(owner, terms, 1, "", 0, 0.0)
    desk.send(owner, terms, Reason("Z1 became true."), 1)
    venue.cancel("O-1", 2, "O1 became true.")

    assert (account.coming_count, account.coming_bound, account.coming_margin, account.reserved) == (0, 0, 0, 0)


def test_what_the_venue_never_allows_is_refused_before_all_else() -> None:
    venue = broker_with()
    desk, owner = _desk(venue)
    definition = check_definition(
        {
            "name": "short",
            "sections": {
                "S1": {"conditions": [{"indicator": "open_positions", "op": "<", "threshold": 9}]},
                "Z1": {"order": {"side": "short", "size": {"quote": 100}, "stop_loss_pct": 50}},
            },
        }
    )
    terms = terms_of(definition, SPOT, venue.broker.money_decimals, Decimal(0))
    assert _code(desk, owner, terms, 1) == "venue.short_not_allowed"
