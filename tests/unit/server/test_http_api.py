from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import msgspec
import pytest
import structlog

from papertape.model.events import OrderFilled, SignalFired
from papertape.model.views import InstanceView, SessionView
from papertape.testkit.facts import fact
from papertape.testkit.fake_desk import BTCUSDT, EPOCH, SESSION_ID, FakeDesk
from papertape.testkit.http_probe import http_probe
from papertape.wire.http import Page

AT = f"/api/sessions/{SESSION_ID}"
START = {"strategies": ["ema-cross"], "symbols": ["BTCUSDT"], "capital": 10_000}


@pytest.fixture
def desk() -> FakeDesk:
    return FakeDesk()


@pytest.fixture
async def http(desk: FakeDesk) -> AsyncIterator[httpx.AsyncClient]:
    async with http_probe(desk) as client:
        yield client


def instance(symbol: str, strategy: str = "ema-cross") -> InstanceView:
    return InstanceView(
        key=f"{strategy}|{symbol}.BINANCE", strategy=strategy, instrument=f"{symbol}.BINANCE", symbol=symbol,
        state="MONITORING", since=1, is_active=True, entries_paused=False, next_section="S1", progress=0.0,
        blocking=None, last_transition=None, reason="Watching.", ts=1,
    )  # fmt: skip


async def test_a_list_of_facts_carries_the_position_it_is_true_at(desk: FakeDesk, http: httpx.AsyncClient) -> None:
    fills = desk.fill(3)
    answer = await http.get(f"{AT}/fills")
    page = msgspec.json.decode(answer.content, type=Page[OrderFilled])
    assert page == Page(epoch=EPOCH, seq=3, items=fills, next_after=None)


async def test_a_signal_has_its_side(desk: FakeDesk, http: httpx.AsyncClient) -> None:
    desk.publish(fact(SignalFired, 1), fact(SignalFired, 2, side=None))
    answer = (await http.get(f"{AT}/signals")).json()
    assert [item["side"] for item in answer["items"]] == ["buy", None]


async def test_a_list_is_read_in_pages_by_after_and_limit(desk: FakeDesk, http: httpx.AsyncClient) -> None:
    desk.fill(5)
    seqs, after = [], 0
    while True:
        page = (await http.get(f"{AT}/fills", params={"after": after, "limit": 2})).json()
        seqs.append([item["seq"] for item in page["items"]])
        if page["next_after"] is None:
            break
        after = page["next_after"]
    assert seqs == [[1, 2], [3, 4], [5]]


async def test_a_list_is_read_newest_first_and_up_to_a_position(desk: FakeDesk, http: httpx.AsyncClient) -> None:
    desk.fill(5)
    answer = await http.get(f"{AT}/fills", params={"newest_first": "true", "until": 4, "limit": 2})
    assert [item["seq"] for item in answer.json()["items"]] == [4, 3]


async def test_a_list_is_filtered_by_column(desk: FakeDesk, http: httpx.AsyncClient) -> None:
    desk.publish(fact(OrderFilled, 1), fact(OrderFilled, 2, side="sell"))
    answer = await http.get(f"{AT}/fills", params={"side": "sell"})
    assert [item["seq"] for item in answer.json()["items"]] == [2]


@pytest.mark.parametrize(
    ("path", "status", "code", "place"),
    [
        (f"{AT}/fills?sides=buy", 400, "query.unknown_column", "sides"),
        (f"{AT}/watchlist?nope=1", 400, "query.unknown_column", "nope"),
        (f"{AT}/fills?limit=x", 400, "http.invalid", "limit"),
        (f"{AT}/fills?limit=0", 400, "http.invalid", "limit"),
        (f"{AT}/fills?after=-1", 400, "http.invalid", "after"),
        (f"{AT}/fills?after={2**63}", 400, "http.invalid", "after"),
        (f"{AT}/fills?until={2**63}", 400, "http.invalid", "until"),
        (f"{AT}/bars?instrument=BTCUSDT.BINANCE&interval=x", 400, "bars.interval", "interval"),
        (f"{AT}/bars?instrument=BTCUSDT.BINANCE&interval=0", 400, "bars.interval", "interval"),
        ("/api/sessions/exec_0/state", 404, "session.unknown", None),
        ("/api/sessions/exec_0/signals", 404, "session.unknown", None),
        ("/api/dashboard/summary?session_id=exec_0", 404, "session.unknown", None),
        ("/api/strategies/nope", 404, "strategy.unknown", "strategies"),
        ("/api/instruments?feed=nope", 404, "feed.unknown", "feed"),
        ("/api/nope", 404, "http.not_found", None),
    ],
)
async def test_a_wrong_question_is_answered_with_a_sentence_a_code_and_the_place(
    http: httpx.AsyncClient, path: str, status: int, code: str, place: str | None
) -> None:
    answer = await http.get(path)
    body = answer.json()
    assert (answer.status_code, body["code"], body.get("path")) == (status, code, place)
    assert body["message"].endswith(".")


@pytest.mark.parametrize(
    ("body", "status", "place"),
    [
        ({**START, "strategies": ["nope"]}, 404, "strategies"),
        ({**START, "symbols": [1]}, 400, "symbols[0]"),
        ({**START, "capital": "much"}, 400, "capital"),
        ({**START, "profile": "lucky"}, 400, "profile"),
        ({**START, "leverage": 3}, 400, None),
        ({"strategies": ["ema-cross"]}, 400, None),
    ],
)
async def test_a_wrong_request_to_start_names_the_place(
    http: httpx.AsyncClient, body: dict[str, object], status: int, place: str | None
) -> None:
    answer = await http.post("/api/sessions", json=body)
    assert (answer.status_code, answer.json().get("path")) == (status, place)


async def test_a_body_that_is_not_json_is_refused(http: httpx.AsyncClient) -> None:
    answer = await http.post("/api/sessions", content=b"{", headers={"content-type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (400, "http.malformed")


async def test_an_empty_body_is_refused_with_what_was_expected(http: httpx.AsyncClient) -> None:
    answer = await http.post("/api/sessions", headers={"content-type": "application/json"})
    said = {"code": "http.invalid", "message": "The request is malformed: the body is empty, JSON was expected."}
    assert (answer.status_code, answer.json()) == (400, said)


async def test_starting_answers_201_and_the_same_key_returns_the_same_session(http: httpx.AsyncClient) -> None:
    first = await http.post("/api/sessions", json=START, headers={"Idempotency-Key": "k-1"})
    again = await http.post("/api/sessions", json=START, headers={"Idempotency-Key": "k-1"})
    other = await http.post("/api/sessions", json=START, headers={"Idempotency-Key": "k-2"})
    views = [msgspec.json.decode(answer.content, type=SessionView) for answer in (first, again, other)]
    assert (first.status_code, views[0].state, views[0].mode) == (201, "starting", "PAPER")
    assert views[0].session_id == views[1].session_id != views[2].session_id


async def test_commands_reach_the_desk(desk: FakeDesk, http: httpx.AsyncClient) -> None:
    for path in ("pause-entries", "resume", "positions/BTCUSDT.BINANCE/close", "emergency-stop"):
        assert (await http.post(f"{AT}/{path}")).status_code == 200
    await http.post(f"{AT}/stop", json={"close_positions": False})
    assert [command for _, command in desk.commands] == [
        "pause-entries",
        "resume",
        "close BTCUSDT.BINANCE",
        "emergency-stop",
        "stop close_positions=False",
    ]


async def test_stopping_closes_positions_unless_told_otherwise(desk: FakeDesk, http: httpx.AsyncClient) -> None:
    await http.post(f"{AT}/stop")
    assert desk.commands == [(SESSION_ID, "stop close_positions=True")]


async def test_stopping_twice_is_a_conflict_with_a_sentence(http: httpx.AsyncClient) -> None:
    await http.post(f"{AT}/stop")
    answer = await http.post(f"{AT}/stop")
    assert (answer.status_code, answer.json()) == (
        409,
        {
            "code": "session.not_allowed",
            "message": f"Session {SESSION_ID} is stopped; nothing is left to stop.",
        },
    )


async def test_the_state_lists_every_instance_and_what_is_allowed(desk: FakeDesk, http: httpx.AsyncClient) -> None:
    desk.fill(2)
    desk.show("instances", instance("BTCUSDT"), instance("ETHUSDT"))
    body = (await http.get(f"{AT}/state")).json()
    assert (body["state"], body["allowed"], body["epoch"], body["seq"]) == (
        "running",
        ["stop", "pause-entries"],
        EPOCH,
        2,
    )
    assert [(row["strategy"], row["symbol"], row["state"], row["since"]) for row in body["instances"]] == [
        ("ema-cross", "BTCUSDT", "MONITORING", 1),
        ("ema-cross", "ETHUSDT", "MONITORING", 1),
    ]


async def test_latest_values_are_filtered_and_paged(desk: FakeDesk, http: httpx.AsyncClient) -> None:
    desk.show("instances", instance("BTCUSDT"), instance("ETHUSDT"), instance("ETHUSDT", "mine"))
    summary = (await http.get("/api/dashboard/summary", params={"session_id": SESSION_ID})).json()
    assert (summary["session"]["session_id"], summary["instances_by_state"]) == (SESSION_ID, {"MONITORING": 3})


async def test_bars_are_answered_for_an_interval_as_duration(http: httpx.AsyncClient) -> None:
    answer = await http.get(f"{AT}/bars", params={"instrument": BTCUSDT.id, "interval": "5m", "limit": 2})
    assert [(bar["interval_s"], bar["close"]) for bar in answer.json()["items"]] == [(300, 1.5), (300, 1.5)]


async def test_strategies_are_listed_saved_changed_and_deleted(http: httpx.AsyncClient) -> None:
    created = await http.post("/api/strategies", json={"text": "name: new\n"})
    changed = await http.put("/api/strategies/new", json={"text": "name: new\n# more"})
    deleted = await http.delete("/api/strategies/mine")
    names = [item["name"] for item in (await http.get("/api/strategies")).json()["items"]]
    assert (created.status_code, changed.status_code, deleted.status_code) == (201, 200, 204)
    assert names == ["ema-cross", "new"]
    assert (await http.get("/api/strategies/new")).json()["text"] == "name: new\n# more"


async def test_a_builtin_cannot_be_deleted_and_a_wrong_definition_names_its_place(http: httpx.AsyncClient) -> None:
    refused = await http.delete("/api/strategies/ema-cross")
    wrong = await http.post("/api/strategies/validate", json={"text": "nothing"})
    right = await http.post("/api/strategies/validate", json={"text": "name: a"})
    assert (refused.status_code, wrong.status_code, wrong.json()["path"]) == (409, 400, "name")
    assert (right.status_code, right.json()["is_valid"]) == (200, True)


async def test_the_catalogue_feeds_and_instruments_are_listed(http: httpx.AsyncClient) -> None:
    kinds = (await http.get("/api/indicators")).json()["items"]
    feeds = (await http.get("/api/feeds")).json()["items"]
    found = (await http.get("/api/instruments", params={"q": "btc"})).json()["items"]
    assert {"vwap", "ema", "rsi"} <= {kind["name"] for kind in kinds}
    assert [(feed["name"], feed["is_simulated"]) for feed in feeds] == [("simulated", True)]
    assert [item["id"] for item in found] == [BTCUSDT.id]


async def test_health_is_200_when_healthy_and_503_with_a_body_when_not(desk: FakeDesk, http: httpx.AsyncClient) -> None:
    healthy = await http.get("/health")
    desk.is_store_down = True
    failed = await http.get("/health")
    assert (healthy.status_code, healthy.json()["status"]) == (200, "ok")
    assert (failed.status_code, failed.json()["store"]["is_healthy"]) == (503, False)


async def test_a_store_that_does_not_answer_is_503_and_worth_a_retry(desk: FakeDesk, http: httpx.AsyncClient) -> None:
    desk.is_store_down = True
    answer = await http.get(f"{AT}/fills")
    assert (answer.status_code, answer.json()) == (
        503,
        {"code": "store.unavailable", "message": "The store does not answer; try again.", "retry": True},
    )


async def test_an_unforeseen_failure_answers_an_id_only_and_logs_the_rest(
    desk: FakeDesk, http: httpx.AsyncClient
) -> None:
    desk.breaks = True
    with structlog.testing.capture_logs() as logs:
        answer = await http.get(AT)
    body = answer.json()
    assert (answer.status_code, body["code"]) == (500, "internal")
    assert "secret" not in answer.text
    (entry,) = logs
    assert (entry["error_id"], str(entry["exc_info"])) == (body["error_id"], "secret detail of a failure")


async def test_metrics_and_the_description_of_the_api_are_published(http: httpx.AsyncClient) -> None:
    metrics = await http.get("/metrics")
    description = (await http.get("/schema/openapi.json")).json()
    assert "papertape_sessions_live 1.0" in metrics.text
    assert 'papertape_memory_state{state="normal"} 1.0' in metrics.text
    assert "papertape_stream_refused_total 0.0" in metrics.text
    assert metrics.headers["content-type"].startswith("text/plain")
    assert "/api/sessions/{session_id}/signals" in description["paths"]


async def test_connections_are_listed(http: httpx.AsyncClient) -> None:
    body = (await http.get("/api/connections")).json()
    health = body.pop("health")
    assert body == {"live": [], "ended": []}
    assert (health["memory_state"], health["opened"], health["refused"], health["closes"]) == ("normal", 0, 0, [])
