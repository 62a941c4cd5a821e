from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import msgspec
import pytest

from papertape.model.views import HealthView, StoreStatus
from papertape.testkit.fake_desk import FakeDesk
from papertape.testkit.fake_mirror import FakeMirror, mirror_status
from papertape.testkit.http_probe import http_probe
from papertape.wire.http import Resumed


@pytest.fixture
def desk() -> FakeDesk:
    return FakeDesk()


@pytest.fixture
async def http(desk: FakeDesk) -> AsyncIterator[httpx.AsyncClient]:
    async with http_probe(desk) as client:
        yield client


def figures(text: str) -> dict[str, float]:
    lines = [line.rsplit(" ", 1) for line in text.splitlines() if line.startswith("papertape_mirror_")]
    return {name: float(number) for name, number in lines}


async def test_the_store_is_shown_without_a_copy_where_none_was_asked_for(http: httpx.AsyncClient) -> None:
    status = msgspec.json.decode((await http.get("/api/store")).content, type=StoreStatus)
    assert (status.driver, status.mirror) == ("memory", None)


async def test_the_store_is_shown_with_its_copy(desk: FakeDesk, http: httpx.AsyncClient) -> None:
    desk.mirror = FakeMirror("behind")
    status = msgspec.json.decode((await http.get("/api/store")).content, type=StoreStatus)
    assert status.mirror == mirror_status("behind")


async def test_resuming_without_a_copy_is_a_conflict_with_a_sentence(http: httpx.AsyncClient) -> None:
    answer = await http.post("/api/store/resume")
    assert (answer.status_code, answer.json()["code"]) == (409, "store.no_mirror")


async def test_resuming_answers_the_tables_that_go_on_and_the_store_after_it(
    desk: FakeDesk, http: httpx.AsyncClient
) -> None:
    desk.mirror = FakeMirror("suspended")
    answer = await http.post("/api/store/resume")
    resumed = msgspec.json.decode(answer.content, type=Resumed)
    assert (answer.status_code, resumed) == (200, Resumed(tables=["signals"], store=desk.store()))
    assert desk.store().mirror == mirror_status("live")


async def test_a_copy_that_does_not_answer_cannot_be_resumed_now(desk: FakeDesk, http: httpx.AsyncClient) -> None:
    desk.mirror = FakeMirror("suspended")
    desk.mirror.refusal = "QuestDB does not answer; start it and try again."
    answer = await http.post("/api/store/resume")
    assert (answer.status_code, answer.json()) == (
        503,
        {
            "code": "store.mirror_unreachable",
            "message": "QuestDB does not answer; start it and try again.",
            "retry": True,
        },
    )


async def test_health_is_degraded_and_answers_200_while_only_the_copy_is_not_well(
    desk: FakeDesk, http: httpx.AsyncClient
) -> None:
    desk.mirror = FakeMirror("unreachable")
    answer = await http.get("/health")
    health = msgspec.json.decode(answer.content, type=HealthView)
    assert (answer.status_code, health.status) == (200, "degraded")
    assert health.detail == mirror_status("unreachable").detail
    desk.is_store_down = True
    assert (await http.get("/health")).status_code == 503


async def test_the_copy_has_its_figures_for_prometheus(desk: FakeDesk, http: httpx.AsyncClient) -> None:
    assert figures((await http.get("/metrics")).text) == {}
    desk.mirror = FakeMirror("suspended")
    assert figures((await http.get("/metrics")).text) == {
        'papertape_mirror_up{driver="questdb"}': 0.0,
        'papertape_mirror_waiting_rows{driver="questdb"}': 12.0,
        'papertape_mirror_lag_ms{driver="questdb"}': 120.0,
        'papertape_mirror_visible_lag_ms{driver="questdb"}': 340.0,
        'papertape_mirror_suspended_tables{driver="questdb"}': 1.0,
        'papertape_mirror_disk_bytes{driver="questdb"}': 1_000.0,
        'papertape_mirror_rows_total{driver="questdb"}': 1_000.0,
    }
