import asyncio
from decimal import Decimal

import msgspec
import pytest

from papertape.errors import Broken, Invalid
from papertape.model.backtest import BacktestSummary
from papertape.model.feed import FeedState
from papertape.session.backtest import Backtest
from papertape.session.planning import check_capital, common_currency
from papertape.testkit.engine_run import session_plan
from papertape.testkit.fake_source import FakeSource, make_instrument
from papertape.testkit.manual_time import settle
from papertape.testkit.session_bench import SIMPLE_STRATEGY, SessionBench

BTC = make_instrument("BTCUSDT")


async def begun() -> tuple[SessionBench, asyncio.Task[BacktestSummary]]:
    bench = SessionBench(FakeSource([BTC]))
    backtest = Backtest(session_plan(SIMPLE_STRATEGY, instruments=(BTC,)))
    task = asyncio.create_task(backtest.run(bench.source, lambda _: None))
    await settle()
    bench.venue.emit(bench.quote(BTC, 10_000), bench.trade(BTC, 10_000))
    return bench, task


async def test_a_backtest_ends_with_its_recording() -> None:
    bench, task = await begun()
    bench.venue.say("ended", "The recording is at its end.")
    summary = await task
    assert (summary.entries, summary.final_equity) == (3, Decimal(10_000))


@pytest.mark.parametrize("state", ["failed", "closed"])
async def test_a_backtest_that_stops_before_the_end_of_its_data_is_no_result(state: FeedState) -> None:
    bench, task = await begun()
    bench.venue.say(state, "frame 7 cannot be read")
    with pytest.raises(Broken, match="stopped after 3 entries, before the end of its data: frame 7 cannot be read"):
        await task


@pytest.mark.parametrize("amount", ["0", "-1", "NaN", "Infinity"])
def test_a_capital_that_is_no_positive_amount_is_refused(amount: str) -> None:
    with pytest.raises(Invalid, match="not a positive amount"):
        check_capital(Decimal(amount))


def test_instruments_of_two_currencies_share_no_account() -> None:
    with pytest.raises(Invalid, match=r"quoted in EUR, USDT"):
        common_currency([BTC, msgspec.structs.replace(BTC, quote="EUR")])
