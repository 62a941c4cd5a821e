"""Sizes are exact and on the increment; what may not become an order has a typed reason."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from papertape.strategy.definition import StrategyDefinition
from papertape.strategy.parse import check_definition
from papertape.strategy.risk import Desk, Refusal, entry_quantity, entry_refusal, venue_refusal
from papertape.testkit.venue import PERPETUAL, SPOT

DESK = Desk(
    paused_because=None,
    open_positions=0,
    exposure=Decimal(0),
    equity=Decimal(10_000),
    free=Decimal(10_000),
    loss_today_pct=0.0,
    drawdown_pct=0.0,
    trades_today=0,
    price=Decimal("123.45"),
    price_age_us=0,
    stale_after_us=5_000_000,
    taker_fee=Decimal("0.0005"),
)


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
    assert entry_quantity(_definition(size=size), PERPETUAL, DESK) == Decimal(quantity)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"paused_because": "Entries are paused: lunch."}, "session.entries_paused"),
        ({"price": None, "price_age_us": None}, "feed.stale_book"),
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
    definition = _definition(limits)
    refusal = entry_refusal(definition, PERPETUAL, msgspec.structs.replace(DESK, **changes))
    assert refusal is not None
    assert (refusal.code, refusal.is_final) == (code, False)
    assert entry_refusal(definition, PERPETUAL, DESK) is None


@pytest.mark.parametrize(
    ("changes", "limits", "code"),
    [
        ({"equity": Decimal(4), "free": Decimal(4)}, None, "venue.min_notional"),
        ({"free": Decimal(1000)}, None, "funds.insufficient"),
        ({"exposure": Decimal(9_500)}, {"max_exposure_pct": 100}, "risk.max_exposure"),
        ({"price": None}, None, "feed.stale_book"),
    ],
)
def test_a_size_that_cannot_be_is_refused(changes: dict[str, object], limits: dict[str, Any] | None, code: str) -> None:
    desk = msgspec.structs.replace(DESK, **changes)
    refusal = entry_quantity(_definition(limits, size={"equity_pct": 10}), PERPETUAL, desk)
    assert isinstance(refusal, Refusal)
    assert refusal.code == code


def test_leverage_lets_less_money_hold_more() -> None:
    desk = msgspec.structs.replace(DESK, free=Decimal(600))
    assert entry_quantity(_definition(leverage=2), PERPETUAL, desk) == Decimal("8.100")


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
