"""What sessions did, over HTTP: where it was read, and why not elsewhere, is part of every answer."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import msgspec
import pytest

from papertape.errors import Unavailable
from papertape.journal.research import SignalInContext, Span
from papertape.model.events import SignalFired
from papertape.model.market_rows import IndicatorValueRow
from papertape.testkit.facts import fact
from papertape.testkit.fake_desk import BTCUSDT, EPOCH, SESSION_ID, FakeDesk
from papertape.testkit.http_probe import http_probe
from papertape.wire.http import Page

AT = f"/api/sessions/{SESSION_ID}"
NOTE = "QuestDB does not answer, so the journal answered; nothing is missing."
FACTS = ("transitions", "signals", "orders", "fills", "positions", "account", "equity", "alerts", "events")
ONE_INDICATOR = {"strategy": "ema-cross", "instrument": BTCUSDT.id, "indicator": "rate"}
QUESTIONS: list[tuple[str, dict[str, Any]]] = [
    *((name, {}) for name in FACTS),
    ("bars", {"instrument": BTCUSDT.id}),
    ("indicator-values", ONE_INDICATOR),
    ("latest-values", {}),
    ("signals-in-context", {}),
]


@pytest.fixture
def desk() -> FakeDesk:
    return FakeDesk()


@pytest.fixture
async def http(desk: FakeDesk) -> AsyncIterator[httpx.AsyncClient]:
    async with http_probe(desk) as client:
        yield client


def value(entry_seq: int, indicator: str = "rate") -> IndicatorValueRow:
    return IndicatorValueRow(
        session_id=SESSION_ID, entry_seq=entry_seq, ts=entry_seq * 1_000_000,
        series=f"{SESSION_ID}|ema-cross|{BTCUSDT.id}|{indicator}", strategy="ema-cross", instrument=BTCUSDT.id,
        indicator=indicator, value=0.5, reason=None,
    )  # fmt: skip


@pytest.mark.parametrize(("name", "query"), QUESTIONS)
async def test_every_answer_about_the_past_says_where_it_was_read_and_why(
    desk: FakeDesk, http: httpx.AsyncClient, name: str, query: dict[str, Any]
) -> None:
    answer = (await http.get(f"{AT}/{name}", params=query)).json()
    assert (answer["source"], answer["note"]) == ("journal", None)
    desk.past.source = "questdb"
    desk.past.note = NOTE
    answer = (await http.get(f"{AT}/{name}", params=query)).json()
    assert (answer["source"], answer["note"], answer["epoch"]) == ("questdb", NOTE, EPOCH)


@pytest.mark.parametrize(("name", "query"), QUESTIONS)
async def test_what_no_place_can_answer_is_a_typed_503(
    desk: FakeDesk, http: httpx.AsyncClient, name: str, query: dict[str, Any]
) -> None:
    desk.past.failure = Unavailable("Neither QuestDB nor the journal answers; try again.", code="store.unavailable")
    answer = await http.get(f"{AT}/{name}", params=query)
    assert (answer.status_code, answer.json()) == (
        503,
        {"code": "store.unavailable", "message": "Neither QuestDB nor the journal answers; try again.", "retry": True},
    )


async def test_a_full_page_from_the_copy_has_the_cursor_of_the_next(desk: FakeDesk, http: httpx.AsyncClient) -> None:
    fills = desk.fill(3)
    desk.past.source = "questdb"
    answer = await http.get(f"{AT}/fills", params={"limit": 2})
    page = msgspec.json.decode(answer.content, type=Page[type(fills[0])])  # type: ignore[misc]  # the record's own type
    assert page == Page(epoch=EPOCH, seq=3, items=fills[:2], next_after=2, source="questdb")


async def test_bars_are_asked_for_with_a_span_and_any_interval(desk: FakeDesk, http: httpx.AsyncClient) -> None:
    query: dict[str, str | int] = {
        "instrument": BTCUSDT.id,
        "interval": "7s",
        "limit": 2,
        "start": 1_000_000,
        "end": 9_000_000,
    }
    answer = await http.get(f"{AT}/bars", params=query)
    assert [bar["interval_s"] for bar in answer.json()["items"]] == [7, 7]
    assert desk.past.asked == [(SESSION_ID, BTCUSDT.id, 7, Span(start_ts=1_000_000, end_ts=9_000_000), 2)]


async def test_the_values_of_an_indicator_are_asked_for_with_a_span(desk: FakeDesk, http: httpx.AsyncClient) -> None:
    desk.past.values = [value(1), value(2)]
    answer = await http.get(f"{AT}/indicator-values", params={**ONE_INDICATOR, "start": 5, "limit": 1})
    page = msgspec.json.decode(answer.content, type=Page[IndicatorValueRow])
    assert page == Page(epoch=EPOCH, seq=0, items=[value(2)])
    assert desk.past.asked == [(SESSION_ID, "ema-cross", BTCUSDT.id, "rate", Span(start_ts=5), 1)]


async def test_the_latest_value_of_every_indicator_is_listed(desk: FakeDesk, http: httpx.AsyncClient) -> None:
    desk.past.values = [value(1), value(1, "spread"), value(2)]
    answer = await http.get(f"{AT}/latest-values")
    page = msgspec.json.decode(answer.content, type=Page[IndicatorValueRow])
    assert page.items == [value(2), value(1, "spread")]


async def test_signals_come_with_the_quote_of_their_moment(desk: FakeDesk, http: httpx.AsyncClient) -> None:
    signals = [fact(SignalFired, 1), fact(SignalFired, 2)]
    desk.publish(*signals)
    answer = await http.get(f"{AT}/signals-in-context", params={"limit": 1})
    page = msgspec.json.decode(answer.content, type=Page[SignalInContext])
    assert page.items == [SignalInContext(signal=signals[1], quote=None)]


@pytest.mark.parametrize(
    ("path", "code", "place"),
    [
        (f"{AT}/bars?instrument={BTCUSDT.id}&start=5&end=5", "query.span", "end"),
        (f"{AT}/bars?instrument={BTCUSDT.id}&start=x", "http.invalid", "start"),
        (f"{AT}/bars?instrument={BTCUSDT.id}&end={2**53}", "http.invalid", "end"),
        (f"{AT}/bars", "http.invalid", None),
        (f"{AT}/indicator-values?instrument={BTCUSDT.id}&strategy=ema-cross", "http.invalid", None),
        (f"{AT}/signals-in-context?limit=0", "http.invalid", "limit"),
    ],
)
async def test_a_wrong_question_about_the_past_names_the_place(
    http: httpx.AsyncClient, path: str, code: str, place: str | None
) -> None:
    answer = await http.get(path)
    body = answer.json()
    assert (answer.status_code, body["code"], body.get("path")) == (400, code, place)
