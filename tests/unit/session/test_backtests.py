from __future__ import annotations

import asyncio
from decimal import Decimal
from itertools import count

import msgspec
import pytest

from papertape.errors import Broken, Conflict, Invalid, NotFound
from papertape.journal.ports import Commit
from papertape.model.backtest import BacktestProgress, BacktestView, StartBacktest
from papertape.session.backtests import BacktestLimits, Backtests
from papertape.session.library import Library
from papertape.testkit.engine_run import session_plan
from papertape.testkit.fake_backtests import RESULT, FakeRunner, fake_backtests
from papertape.testkit.manual_time import settle
from papertape.testkit.memory_store import MemoryStore
from papertape.testkit.session_bench import SIMPLE_STRATEGY, MemoryFiles
from papertape.testkit.store_contract import SESSION, session_row

REQUEST = StartBacktest(data="import:tape", strategies=("flash-pump-long",))


def desk(limits: BacktestLimits | None = None) -> tuple[Backtests, FakeRunner]:
    runner = FakeRunner()
    return fake_backtests(runner, count(1_766_854_702_000_000).__next__, limits), runner


def states(backtests: Backtests) -> list[tuple[str, str]]:
    return [(view.state, view.reason) for view in backtests.list()]


async def test_a_backtest_says_how_far_it_is_and_keeps_its_result() -> None:
    backtests, runner = desk()
    asked = backtests.start(REQUEST, None)
    await settle()
    runner.running[0].say(BacktestProgress(250, 1_000))
    at_work = backtests.get(asked.backtest_id)
    runner.running[0].outcome.set_result(RESULT)
    await settle()
    expected = BacktestView(
        backtest_id=asked.backtest_id, state="running", reason="Runs.", code=None, data="import:tape",
        strategies=("flash-pump-long",), symbols=(), capital=Decimal(10_000), profile="standard",
        created_ts=asked.created_ts, started_ts=asked.created_ts + 1, ended_ts=None, entries_done=250,
        entries_total=1_000, percent=25.0, result=None,
    )  # fmt: skip
    assert at_work == expected
    assert backtests.get(asked.backtest_id) == msgspec.structs.replace(
        expected, state="finished", reason="Ran to the end of its data.", ended_ts=asked.created_ts + 2, percent=100.0,
        result=RESULT,
    )  # fmt: skip


async def test_how_much_there_is_to_read_may_be_unknown() -> None:
    backtests, runner = desk()
    asked = backtests.start(REQUEST, None)
    await settle()
    runner.running[0].say(BacktestProgress(250, None))
    view = backtests.get(asked.backtest_id)
    assert (view.entries_done, view.entries_total, view.percent) == (250, None, None)
    await backtests.close()


async def test_one_runs_some_wait_and_the_rest_is_refused_with_a_sentence() -> None:
    backtests, runner = desk(BacktestLimits(waiting=1))
    for _ in range(2):
        backtests.start(REQUEST, None)
    with pytest.raises(Conflict, match="1 backtest runs and 1 wait, and this desk takes no more at a time"):
        backtests.start(REQUEST, None)
    await settle()
    assert states(backtests) == [("waiting", "Waits for the backtests before it."), ("running", "Runs.")]
    runner.running[0].outcome.set_result(RESULT)
    await settle()
    assert [state for state, _ in states(backtests)] == ["running", "finished"]
    await backtests.close()


async def test_one_that_runs_and_one_that_waits_can_be_cancelled_and_an_ended_one_forgotten() -> None:
    backtests, runner = desk()
    first, second = (backtests.start(REQUEST, None).backtest_id for _ in range(2))
    await settle()
    cancelled = [await backtests.cancel(second), await backtests.cancel(first)]
    assert [(view.state, view.reason) for view in cancelled] == 2 * [("cancelled", "Cancelled by the trader.")]
    assert (runner.running, len(runner.ended)) == ([], 1)
    assert await backtests.cancel(second) == cancelled[0]
    assert backtests.list() == [cancelled[1]]
    with pytest.raises(NotFound, match="There is no backtest"):
        await backtests.cancel(second)


async def test_a_cancelled_one_makes_room_for_the_next() -> None:
    backtests, runner = desk()
    first, second = (backtests.start(REQUEST, None).backtest_id for _ in range(2))
    await settle()
    await backtests.cancel(first)
    await settle()
    assert (backtests.get(second).state, len(runner.running)) == ("running", 1)
    await backtests.close()
    assert (backtests.get(second).state, backtests.get(second).reason) == ("cancelled", "The desk was stopped.")
    assert runner.running == []


async def test_one_that_comes_to_no_result_says_why_and_the_next_one_runs() -> None:
    backtests, runner = desk()
    first, second = (backtests.start(REQUEST, None).backtest_id for _ in range(2))
    await settle()
    runner.running[0].outcome.set_exception(Broken("It was killed.", code="backtest.process_ended"))
    await settle()
    view = backtests.get(first)
    assert (view.state, view.reason, view.code, view.result) == (
        "failed", "It was killed.", "backtest.process_ended", None,
    )  # fmt: skip
    assert backtests.get(second).state == "running"
    runner.running[0].outcome.set_exception(RuntimeError("nobody foresaw this"))
    await settle()
    assert backtests.get(second).reason == (
        "The backtest failed (RuntimeError: nobody foresaw this); the desk's log says more."
    )


async def test_the_same_idempotency_key_returns_the_same_backtest_until_it_is_forgotten() -> None:
    backtests, _ = desk()
    first = backtests.start(REQUEST, "once")
    assert backtests.start(REQUEST, "once").backtest_id == first.backtest_id
    for _ in range(2):
        await backtests.cancel(first.backtest_id)
    assert backtests.start(REQUEST, "once").backtest_id != first.backtest_id
    await backtests.close()


async def test_the_newest_that_ended_are_remembered() -> None:
    backtests, runner = desk(BacktestLimits(ended=2))
    ids = []
    for _ in range(3):
        ids.append(backtests.start(REQUEST, None).backtest_id)
        await settle()
        runner.running[0].outcome.set_result(RESULT)
        await settle()
    assert [view.backtest_id for view in backtests.list()] == [ids[2], ids[1]]


@pytest.mark.parametrize(
    ("changes", "error", "path", "sentence"),
    [
        ({"strategies": ()}, Invalid, "strategies", "No strategies were chosen"),
        ({"strategies": ("nope",)}, NotFound, "strategies[0]", "no strategy named 'nope'"),
        ({"strategies": REQUEST.strategies * 2}, Invalid, "strategies", "chosen twice"),
        ({"symbols": ("BTCUSDT", "BTCUSDT")}, Invalid, "symbols", "chosen twice"),
        ({"capital": Decimal(0)}, Invalid, "capital", "not a positive amount"),
        ({"warmup_s": -1.0}, Invalid, "warmup_s", "A warm-up of -1 s is not possible"),
        ({"data": "/etc"}, Invalid, "data", "no data of this desk"),
        ({"data": "import:nope"}, NotFound, "data", "There is no 'nope'"),
        ({"data": "session:exec_0"}, NotFound, "data", "There is no session 'exec_0'"),
    ],
)
async def test_a_wrong_request_is_refused_at_its_path_and_nothing_is_taken_on(
    changes: dict[str, object], error: type[Invalid | NotFound], path: str, sentence: str
) -> None:
    backtests, _ = desk()
    with pytest.raises(error, match=sentence) as refusal:
        backtests.start(msgspec.structs.replace(REQUEST, **changes), None)
    assert refusal.value.path == path
    assert backtests.list() == []


async def test_a_symbol_that_the_session_does_not_have_is_refused_before_anything_runs() -> None:
    store = MemoryStore(lambda: 1)
    row = msgspec.structs.replace(session_row(SESSION, 1), plan=session_plan(SIMPLE_STRATEGY))
    store.submit(Commit(session_id=SESSION, batch=None, row=row), lambda _: None)
    backtests = Backtests(FakeRunner(), Library(MemoryFiles()), store, lambda: 1)
    request = StartBacktest(data=f"session:{SESSION}", strategies=("flash-pump-long",), symbols=("NOPE",))
    with pytest.raises(Invalid, match="'NOPE' does not exist at this venue") as refusal:
        backtests.start(request, None)
    assert refusal.value.path == "symbols[0]"


async def test_a_desk_without_a_runner_says_so() -> None:
    backtests = Backtests(None, Library(MemoryFiles()), MemoryStore(lambda: 1), lambda: 1)
    with pytest.raises(Conflict, match="This desk runs no backtests"):
        backtests.start(REQUEST, None)
    await asyncio.gather(backtests.close())


async def test_an_empty_key_is_no_key() -> None:
    backtests, _ = desk()
    ids = {backtests.start(REQUEST, key).backtest_id for key in ("", None, "")}
    await backtests.close()
    assert len(ids) == 3
