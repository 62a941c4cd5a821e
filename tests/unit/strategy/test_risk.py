"""Sizes are exact and on the increment; what may not become an order has a typed reason."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from papertape.model.instrument import Instrument
from papertape.strategy.definition import StrategyDefinition
from papertape.strategy.parse import check_definition
from papertape.strategy.risk import ALLOWED, Desk, EntryTerms, Refusal, judge, refusal_of, terms_of, venue_refusal
from papertape.testkit.venue import PERPETUAL, SPOT

MONEY_DECIMALS = 8
FEE = Decimal("0.0005")


def _money(amount: float) -> int:
    return round(amount * 10.0**MONEY_DECIMALS)


def _desk(**changes: Any) -> Desk:  # any field of a desk
    desk = Desk(5_000_000)
    desk.equity = desk.free = _money(10_000)
    desk.price = 12_345
    for name, value in changes.items():
        setattr(desk, name, value)
    return desk


def _terms(limits: dict[str, Any] | None = None, instrument: Instrument = PERPETUAL, **order: Any) -> EntryTerms:
    return terms_of(_definition(limits, **order), instrument, MONEY_DECIMALS, FEE)


def _judged(terms: EntryTerms, desk: Desk) -> Refusal | Decimal:
    answer = judge(terms, desk)
    return PERPETUAL.size_decimal(desk.quantity) if answer == ALLOWED else refusal_of(answer, terms, desk)


def _definition(limits: dict[str, Any] | None = None, **order: Any) -> StrategyDefinition:  # any field of an order
    fields = {"side": "long", "size": {"quote": 1000}, "stop_loss_pct": 2, **order}
    return check_definition(
        {
            "name": "sizes",
            "limits": limits or {},
            "sections": {
                "S1": {"conditions": [{"indicator": "open_positions", "op": "<", "threshold": 9}]},
                "Z1": {"order": fields},
            },
        }
    )


@pytest.mark.parametrize(
    ("size", "quantity"),
    [
        ({"quote": 1000}, "8.100"),  # 1000 / 123.45 = 8.1004
        ({"equity_pct": 5}, "4.050"),  # 500 / 123.45 = 4.0502
        ({"risk_pct": 0.5}, "20.251"),  # 50 lost at 2 % below: 2500 / 123.45 = 20.2511
    ],
)
def test_the_quantity_follows_the_size_rounded_down_to_the_increment(size: dict[str, float], quantity: str) -> None:
    assert _judged(_terms(size=size), _desk()) == Decimal(quantity)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"paused_because": "Entries are paused: lunch."}, "session.entries_paused"),
        ({"price": 0}, "feed.stale_book"),
        ({"price_age_us": 5_000_001}, "feed.stale_book"),
        ({"open_positions": 3}, "risk.max_open_positions"),
        ({"trades_today": 10}, "risk.trades_per_day"),
        ({"loss_today_pct": 5.0}, "risk.daily_loss"),
        ({"drawdown_pct": 8.0}, "risk.max_drawdown"),
    ],
)
def test_an_entry_is_refused_with_the_code_of_the_limit_it_meets(changes: dict[str, object], code: str) -> None:
    limits = {
        "max_open_positions": 3,
        "max_trades_per_day": 10,
        "max_daily_loss_pct": 5,
        "max_drawdown_pct": 8,
    }
    terms = _terms(limits)
    refusal = _judged(terms, _desk(**changes))
    assert isinstance(refusal, Refusal)
    assert (refusal.code, refusal.is_final) == (code, False)
    assert judge(terms, _desk()) == ALLOWED


@pytest.mark.parametrize(
    ("changes", "limits", "code"),
    [
        ({"equity": _money(4), "free": _money(4)}, None, "venue.min_notional"),
        ({"equity": -_money(4), "free": -_money(4)}, None, "venue.min_notional"),
        ({"free": _money(1000)}, None, "funds.insufficient"),
        ({"exposure": _money(9_500)}, {"max_exposure_pct": 100}, "risk.max_exposure"),
        ({"price": 0}, None, "feed.stale_book"),
    ],
)
def test_a_size_that_cannot_be_is_refused(changes: dict[str, object], limits: dict[str, Any] | None, code: str) -> None:
    refusal = _judged(_terms(limits, size={"equity_pct": 10}), _desk(**changes))
    assert isinstance(refusal, Refusal)
    assert refusal.code == code


@pytest.mark.parametrize(
    ("changes", "limits", "sentence"),
    [
        (
            {"price_age_us": 7_900_000},
            None,
            "The newest price of ABCUSDT is 7 s old; entries need one of at most 5 s.",
        ),
        (
            {"open_positions": 3},
            {"max_open_positions": 3},
            "3 positions are open or being opened; the limit is 3.",
        ),
        (
            {"loss_today_pct": 5.25},
            {"max_daily_loss_pct": 5},
            "The session has lost 5.25 % today; entries stop at 5 %.",
        ),
        (
            {"equity": _money(4)},
            None,
            "The order would be 0.3704 USDT, below the venue's minimum of 5.00 USDT; raise its size.",
        ),
        ({"free": _money(999)}, None, "The order needs 1000.44 USDT and 999.00 are free."),
        ({"free": _money(-1)}, None, "The order needs 1000.44 USDT and 0.00 are free."),
        (
            {"exposure": _money(9_500)},
            {"max_exposure_pct": 100},
            "The session would be exposed with 10499.94, more than 100 % of its equity of 10000.00.",
        ),
    ],
)
def test_a_refusal_says_the_numbers_it_was_made_from(
    changes: dict[str, object], limits: dict[str, Any] | None, sentence: str
) -> None:
    refusal = _judged(_terms(limits, size={"equity_pct": 10}), _desk(**changes))
    assert isinstance(refusal, Refusal)
    assert refusal.sentence == sentence


def test_leverage_lets_less_money_hold_more() -> None:
    assert _judged(_terms(leverage=2), _desk(free=_money(600))) == Decimal("8.100")
    assert isinstance(_judged(_terms(), _desk(free=_money(600))), Refusal)


def test_the_funds_needed_are_the_margin_and_the_fee_to_the_last_unit() -> None:
    need = _money(8.1 * 123.45 * 1.0005)
    assert judge(_terms(), _desk(free=need)) == ALLOWED
    assert judge(_terms(), _desk(free=need - 1)) != ALLOWED


@pytest.mark.parametrize(
    ("order", "instrument", "code"),
    [
        ({"side": "short"}, SPOT, "venue.short_not_allowed"),
        ({"leverage": 2}, SPOT, "venue.leverage_not_allowed"),
        ({"leverage": 21}, PERPETUAL, "venue.leverage_not_allowed"),
    ],
)
def test_what_the_venue_never_allows_is_refused_for_good(order: dict[str, Any], instrument: Any, code: str) -> None:
    refusal = venue_refusal(_definition(**order), instrument)
    assert refusal is not None
    assert (refusal.code, refusal.is_final) == (code, True)


def test_a_short_on_a_perpetual_is_allowed() -> None:
    assert venue_refusal(_definition(side="short"), PERPETUAL) is None
