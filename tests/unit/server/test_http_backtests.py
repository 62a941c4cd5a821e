from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import msgspec
import pytest

from papertape.model.backtest import BacktestProgress, BacktestView
from papertape.testkit.fake_backtests import RESULT
from papertape.testkit.fake_desk import FakeDesk
from papertape.testkit.http_probe import http_probe
from papertape.testkit.manual_time import settle
from papertape.wire.http import Listing

AT = "/api/backtests"
START = {"data": "import:tape", "strategies": ["flash-pump-long"]}


@pytest.fixture
def desk() -> FakeDesk:
    return FakeDesk()


@pytest.fixture
async def http(desk: FakeDesk) -> AsyncIterator[httpx.AsyncClient]:
    async with http_probe(desk) as client:
        yield client
        await desk.backtests.close()


async def test_a_backtest_is_taken_on_shown_and_listed_newest_first(desk: FakeDesk, http: httpx.AsyncClient) -> None:
    first = await http.post(AT, json=START)
    second = await http.post(AT, json={**START, "capital": "500", "profile": "pessimistic", "warmup_s": 5})
    assert (first.status_code, second.status_code) == (202, 202)
    await settle()
    desk.backtest_runner.running[0].say(BacktestProgress(1, 2))
    listed = msgspec.json.decode((await http.get(AT)).content, type=Listing[BacktestView])
    assert listed.items == desk.backtests.list()
    assert [view.state for view in listed.items] == ["waiting", "running"]
    shown = await http.get(f"{AT}/{first.json()['backtest_id']}")
    assert msgspec.json.decode(shown.content, type=BacktestView) == listed.items[1]
    assert (listed.items[1].percent, listed.items[0].profile) == (50.0, "pessimistic")


async def test_the_result_is_what_the_command_prints(desk: FakeDesk, http: httpx.AsyncClient) -> None:
    backtest_id = (await http.post(AT, json=START)).json()["backtest_id"]
    await settle()
    desk.backtest_runner.running[0].outcome.set_result(RESULT)
    await settle()
    shown = (await http.get(f"{AT}/{backtest_id}")).json()
    assert shown["result"] == msgspec.json.decode(msgspec.json.encode(RESULT))


async def test_the_same_key_starts_one_backtest(desk: FakeDesk, http: httpx.AsyncClient) -> None:
    ids = {
        (await http.post(AT, json=START, headers={"Idempotency-Key": "once"})).json()["backtest_id"] for _ in range(2)
    }
    assert ids == {view.backtest_id for view in desk.backtests.list()}


async def test_a_backtest_is_cancelled_then_forgotten(http: httpx.AsyncClient) -> None:
    place = f"{AT}/{(await http.post(AT, json=START)).json()['backtest_id']}"
    answers = [await http.delete(place) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 404]
    assert (answers[0].json()["state"], answers[2].json()["code"]) == ("cancelled", "backtest.unknown")


async def test_more_than_may_wait_is_a_conflict(http: httpx.AsyncClient) -> None:
    answers = [await http.post(AT, json=START) for _ in range(5)]
    assert [answer.status_code for answer in answers] == [202, 202, 202, 202, 409]
    assert answers[4].json()["code"] == "backtest.full"


async def test_a_wrong_request_names_the_place(http: httpx.AsyncClient) -> None:
    wrong: dict[str, dict[str, object]] = {
        "400 backtest.data at data": {"data": "../tape"},
        "404 backtest.no_import at data": {"data": "import:nope"},
        "404 session.unknown at data": {"data": "session:nope"},
        "404 strategy.unknown at strategies[0]": {"strategies": ["nope"]},
        "400 http.invalid at profile": {"profile": "lucky"},
        "400 http.invalid at None": {"leverage": 3},
    }
    answers = [await http.post(AT, json={**START, **changes}) for changes in wrong.values()]
    bodies = [(answer.status_code, answer.json()) for answer in answers]
    assert [f"{status} {body['code']} at {body.get('path')}" for status, body in bodies] == list(wrong)
