"""What goes wrong between the desk and a browser: foreign callers, broken frames, a blocked or a cut connection."""

from __future__ import annotations

import contextlib
import re
import socket
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import httpx
import msgspec
import pytest
from playwright.sync_api import Page, expect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin, Subprotocol

from papertape.testkit.processes import DeskProcess
from papertape.wire.stream import PROTOCOL, Bye, Hello, Ping, Pong, ServerMessage, SubRequest, Welcome

if TYPE_CHECKING:
    from tests.e2e.conftest import RoutedStream

PANELS = ("state-machines", "watchlist", "conditions", "indicators", "signals", "transitions", "orders", "fills")
CUTS = 20

_decoder: msgspec.json.Decoder[ServerMessage] = msgspec.json.Decoder(ServerMessage)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DeskProcess]:
    """One desk for all clients."""
    desk = DeskProcess(tmp_path_factory.mktemp("streams") / "data", "--feed", "simulated", "--no-demo")
    yield desk
    desk.end()


@contextlib.contextmanager
def join(desk: DeskProcess, hello: Hello | None = None, **options: Any) -> Iterator[ClientConnection]:
    """Open a stream by hand, and say hello when there is one to say; `options` go to `websockets`."""
    address = options.pop("address", desk.url.replace("http", "ws", 1) + "/api/stream")
    options = {"subprotocols": [Subprotocol(PROTOCOL)], "compression": None, "ping_interval": None, **options}
    with connect(address, **options) as client:
        if hello is not None:
            client.send(msgspec.json.encode(hello).decode())
        yield client


def hear(client: ClientConnection) -> ServerMessage:
    """Return the next message."""
    return _decoder.decode(client.recv(timeout=10))


def hear_end(client: ClientConnection) -> tuple[list[ServerMessage], int | None]:
    """Return everything until the desk closes, and its close code."""
    heard: list[ServerMessage] = []
    try:
        while True:
            heard.append(hear(client))
    except ConnectionClosed as closed:
        return heard, closed.rcvd.code if closed.rcvd is not None else None


# Foreign callers


@pytest.mark.parametrize("origin", ["http://evil.example", "http://127.0.0.1:1", "null", "https://localhost"])
def test_a_page_of_another_origin_reaches_nothing(desk: DeskProcess, origin: str) -> None:
    with pytest.raises(InvalidStatus) as refused, join(desk, origin=Origin(origin)):
        pass
    assert refused.value.response.status_code == 403
    hello = msgspec.json.encode(Hello(v=1, tab="t")).decode()
    answers = [
        desk.http.get("/api/stream/sse", params={"hello": hello}, headers={"Origin": origin}),
        desk.http.post("/api/stream/poll", content=hello, headers={"Origin": origin}),
        desk.http.post("/api/sessions", json={}, headers={"Origin": origin}),
        desk.http.delete("/api/strategies/ema-cross", headers={"Origin": origin}),
    ]
    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [(403, "http.origin")] * 4


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1:1", "127.0.0.1.evil.example"])
def test_a_foreign_host_name_reaches_nothing(desk: DeskProcess, host: str) -> None:
    with (
        socket.create_connection(("127.0.0.1", int(desk.url.rpartition(":")[2]))) as raw,
        pytest.raises(InvalidStatus) as refused,
        join(desk, address=f"ws://{host}/api/stream", sock=raw, proxy=None),
    ):
        pass
    assert refused.value.response.status_code == 403
    answers = [
        desk.http.get("/", headers={"Host": host}),
        desk.http.get("/api/sessions", headers={"Host": host}),
        desk.http.get("/api/stream/sse", params={"hello": "{}"}, headers={"Host": host}),
        desk.http.post("/api/sessions", json={}, headers={"Host": host}),
    ]
    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [(403, "http.host")] * 4


def test_every_answer_forbids_framing_sniffing_and_foreign_scripts(desk: DeskProcess) -> None:
    for path in ("/", "/api/sessions", "/api/none", "/health"):
        headers = desk.http.get(path).headers
        assert "script-src 'self'" in headers["content-security-policy"]
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"


def test_a_body_that_is_too_large_is_refused(desk: DeskProcess) -> None:
    with httpx.Client(base_url=desk.url) as http:
        answer = http.post("/api/strategies", content=b"x" * 1_100_000, headers={"content-type": "application/json"})
    assert answer.status_code == 413


# Broken frames


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        ("garbage", 4005),
        ("[]", 4005),
        ('{"t": "hello"}', 4005),
        ('{"t": "ping", "id": 1}', 4005),
        (b"\x00\xff\xfe", 4005),
        ("x" * 100_000, 1009),
        ('{"t": "hello", "v": 2, "tab": "t"}', 4004),
    ],
    ids=["garbage", "list", "incomplete hello", "no hello first", "binary", "100 KB", "other version"],
)
def test_a_frame_that_breaks_the_protocol_ends_its_own_connection_alone(
    desk: DeskProcess, frame: str | bytes, code: int
) -> None:
    with join(desk, Hello(v=1, tab="other")) as other, join(desk) as broken:
        assert isinstance(hear(other), Welcome)
        broken.send(frame)
        heard, closed = hear_end(broken)
        assert closed == code
        if code >= 4000:
            assert [message.code for message in heard if isinstance(message, Bye)] == [code]
        other.send(msgspec.json.encode(Ping(id=7)).decode())
        assert isinstance(hear(other), Pong)
    ended = desk.get("/api/connections")["ended"]
    assert (code, "server") in [(record["code"], record["closed_by"]) for record in ended]


def test_a_client_of_another_protocol_is_told_the_right_one(desk: DeskProcess) -> None:
    with join(desk, subprotocols=[Subprotocol("another.protocol")]) as client:
        assert hear_end(client)[1] == 4004
    [ended] = [record for record in desk.get("/api/connections")["ended"] if PROTOCOL in record["reason"]]
    assert (ended["code"], ended["closed_by"]) == (4004, "server")


def test_an_unknown_topic_is_an_error_and_the_connection_stays(desk: DeskProcess) -> None:
    subs = (SubRequest(topic="session/exec_none/signals"), SubRequest(topic="nonsense"))
    with join(desk, Hello(v=1, tab="t", subs=subs)) as client:
        kinds = [type(hear(client)).__name__ for _ in range(3)]
        assert kinds == ["Welcome", "StreamError", "StreamError"]
        client.send(msgspec.json.encode(Ping(id=1)).decode())
        assert isinstance(hear(client), Pong)


# A blocked and a cut connection, in the browser


@pytest.fixture
def live(desk: DeskProcess, start_busy: Callable[..., str], page: Page) -> Iterator[Callable[[], str]]:
    """Open the page of a session whose facts never stop; call it once the stream is routed."""
    session_id = start_busy(desk)

    def open_page() -> str:
        page.goto(f"{desk.url}/sessions/{session_id}")
        return session_id

    yield open_page
    desk.post(f"/api/sessions/{session_id}/emergency-stop")


def expect_data_goes_on(page: Page) -> None:
    """Wait for a new signal, then for a watchlist whose every row is fresh."""
    signals = page.get_by_test_id("panel-signals").get_by_test_id("row")
    newest = signals.first.get_attribute("data-key")
    expect(signals.first).not_to_have_attribute("data-key", newest or "", timeout=20_000)
    expect(page.get_by_test_id("panel-watchlist").locator(".age.is-fresh")).to_have_count(3, timeout=20_000)


@pytest.mark.parametrize("fallback", ["sse", "poll"])
def test_a_blocked_websocket_is_replaced_and_comes_back_without_losing_a_fact(
    desk: DeskProcess,
    page: Page,
    routed_stream: RoutedStream,
    live: Callable[[], str],
    expect_facts_once: Callable[[DeskProcess, str], None],
    fallback: str,
) -> None:
    routed_stream.is_refused = True
    if fallback == "poll":
        page.route("**/api/stream/sse*", lambda route: route.abort())
    session_id = live()
    badge = page.get_by_test_id("connection-badge")
    expect(badge).to_have_attribute("data-transport", fallback, timeout=35_000)
    expect(badge).to_have_attribute("data-state", "polling", timeout=10_000)
    expect_data_goes_on(page)
    expect_facts_once(desk, session_id)

    routed_stream.is_refused = False
    if fallback == "poll":
        page.evaluate("window.dispatchEvent(new Event('online'))")  # otherwise the page probes by its schedule
    expect(badge).to_have_attribute("data-state", "live", timeout=60_000)
    expect(badge).to_have_attribute("data-transport", "websocket")
    expect_data_goes_on(page)
    expect_facts_once(desk, session_id)


def test_twenty_cuts_lose_nothing_repeat_nothing_and_empty_no_panel(
    desk: DeskProcess,
    page: Page,
    routed_stream: RoutedStream,
    live: Callable[[], str],
    expect_facts_once: Callable[[DeskProcess, str], None],
) -> None:
    session_id = live()
    badge = page.get_by_test_id("connection-badge")
    expect(badge).to_have_attribute("data-state", "live", timeout=15_000)
    expect_data_goes_on(page)
    topics = _topics(desk)
    for _ in range(CUTS):
        routed_stream.cut_and_wait()
        for panel in PANELS:
            assert page.get_by_test_id(f"panel-{panel}").get_by_test_id("row").count() > 0, f"{panel} is empty"
    expect_data_goes_on(page)
    expect_facts_once(desk, session_id)
    assert routed_stream.opened == CUTS + 1
    assert _topics(desk) == topics
    assert int(badge.get_attribute("data-reconnects") or 0) >= CUTS
    page.goto(f"{desk.url}/connections")
    expect(page.get_by_test_id("panel-ended-connections").get_by_test_id("row").first).to_contain_text(
        re.compile(r"\d")
    )


def _topics(desk: DeskProcess) -> list[int]:
    return [connection["topics"] for connection in desk.get("/api/connections")["live"]]
