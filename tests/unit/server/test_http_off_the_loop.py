from __future__ import annotations

import asyncio
import threading

import msgspec

from papertape.errors import Unavailable
from papertape.model.events import OrderFilled
from papertape.server.export import openapi_text
from papertape.testkit.fake_desk import EPOCH, SESSION_ID, FakeDesk, FakeLibrary
from papertape.testkit.http_probe import http_probe
from papertape.wire.http import Page, StrategyView

AT = f"/api/sessions/{SESSION_ID}"


class HeldLibrary(FakeLibrary):
    """Everything waits until it is released, which only a running event loop does."""

    def __init__(self) -> None:
        super().__init__()
        self.released = threading.Event()
        self.held = asyncio.Event()
        self._loop = asyncio.get_running_loop()

    def hold(self) -> None:
        self._loop.call_soon_threadsafe(self.held.set)
        if not self.released.wait(10):
            raise Unavailable("The event loop was held.", code="test.held")

    def list(self) -> list[StrategyView]:
        self.hold()
        return [*super().list()]

    def get(self, name: str) -> StrategyView:
        self.hold()
        return super().get(name)

    def validate(self, text: str) -> str:
        self.hold()
        return super().validate(text)


async def test_reading_definitions_does_not_hold_the_event_loop() -> None:
    desk = FakeDesk()
    desk.library = library = HeldLibrary()
    place, text = "/api/strategies", {"text": "name: mine\n"}
    asked = [
        ("GET", place, None), ("GET", f"{place}/mine", None), ("POST", place, text), ("PUT", f"{place}/mine", text),
        ("POST", f"{place}/validate", text), ("DELETE", f"{place}/mine", None),
    ]  # fmt: skip
    statuses = []
    async with http_probe(desk) as http, asyncio.timeout(30):
        for method, path, body in asked:
            library.held.clear()
            library.released.clear()
            answer = asyncio.create_task(http.request(method, path, json=body))
            await library.held.wait()
            library.released.set()
            statuses.append((await answer).status_code)
    assert statuses == [200, 200, 201, 200, 200, 204]


async def test_a_long_list_is_the_same_as_a_short_one_and_says_where_it_goes_on() -> None:
    desk = FakeDesk()
    fills = desk.fill(1_500)
    async with http_probe(desk) as http:
        pages = [
            msgspec.json.decode((await http.get(f"{AT}/fills?limit={window}")).content, type=Page[OrderFilled])
            for window in ("10000", "300", "300&newest_first=true")
        ]
    assert pages == [
        Page(epoch=EPOCH, seq=1_500, items=fills, next_after=None),
        Page(epoch=EPOCH, seq=1_500, items=fills[:300], next_after=300),
        Page(epoch=EPOCH, seq=1_500, items=fills[:-301:-1], next_after=None),
    ]


async def test_the_description_of_the_api_is_answered_to_all_who_ask_at_once() -> None:
    async with http_probe(FakeDesk()) as http:
        answers = await asyncio.gather(*(http.get("/schema/openapi.json") for _ in range(3)))
        refused = await http.post("/schema/openapi.json")
    assert {answer.headers["content-type"] for answer in answers} == {"application/vnd.oai.openapi+json"}
    assert [answer.json() for answer in answers] == 3 * [msgspec.json.decode(openapi_text())]
    assert refused.status_code == 405
