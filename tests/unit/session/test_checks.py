import msgspec
import pytest

from papertape.model.instrument import Instrument
from papertape.session.checks import check_plan
from papertape.testkit.engine_run import session_plan
from papertape.testkit.session_bench import SIMPLE_STRATEGY
from papertape.testkit.venue import PERPETUAL, SPOT

NOW = 1_766_854_702_000_000


@pytest.mark.parametrize(
    ("strategy", "instrument", "detail"),
    [
        (
            SIMPLE_STRATEGY.replace("side: long", "side: short"),
            SPOT,
            f"buy-the-tick: {SPOT.id} is spot and cannot be sold short; choose a perpetual (venue.short_not_allowed).",
        ),
        (
            SIMPLE_STRATEGY + "instruments: perpetual\n",
            SPOT,
            f"buy-the-tick: buy-the-tick trades perpetual only and {SPOT.id} is spot (venue.kind_not_allowed).",
        ),
        (
            SIMPLE_STRATEGY.replace("type: market,", "type: market, leverage: 5,"),
            msgspec.structs.replace(PERPETUAL, max_leverage=2),
            f"buy-the-tick: Leverage 5 is above the 2 that {PERPETUAL.id} allows (venue.leverage_not_allowed).",
        ),
    ],
)
def test_a_symbol_that_a_strategy_can_never_trade_fails_before_the_start(
    strategy: str, instrument: Instrument, detail: str
) -> None:
    checks = check_plan(session_plan(strategy, instruments=(instrument,)), NOW)
    assert [(check.code, check.status) for check in checks] == [
        ("strategy.registered", "ok"),
        ("symbol.tradable", "failed"),
    ]
    assert checks[1].detail == detail
