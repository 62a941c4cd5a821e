from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest

from papertape.server.settings import ServerSettings
from papertape.testkit.fake_desk import SESSION_ID, FakeDesk
from papertape.testkit.http_probe import HOST, http_probe

STOP = f"/api/sessions/{SESSION_ID}/stop"


async def answer(
    method: str, path: str, headers: dict[str, str], settings: ServerSettings | None = None
) -> httpx.Response:
    async with http_probe(FakeDesk(), settings) as http:
        return await http.request(method, path, headers=headers)


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8420", "127.0.0.1", "127.0.0.1:80", "localhost.evil:8420", ""]
)
async def test_a_foreign_host_is_refused_everywhere(host: str) -> None:
    for path in ("/", "/health", "/api/sessions", "/api/stream/sse", "/schema/openapi.json"):
        refused = await answer("GET", path, {"Host": host})
        assert (refused.status_code, refused.json()["code"]) == (403, "http.host")


@pytest.mark.parametrize("host", [HOST, "localhost:8420", "[::1]:8420"])
async def test_every_name_of_loopback_is_answered(host: str) -> None:
    assert (await answer("GET", "/health", {"Host": host})).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost:8420"},
        {"Origin": f"https://{HOST}"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
async def test_a_command_or_stream_from_another_site_is_refused(headers: dict[str, str]) -> None:
    for method, path in (
        ("POST", STOP),
        ("DELETE", "/api/strategies/mine"),
        ("POST", "/api/stream/poll"),
        ("GET", "/api/stream/sse"),
    ):
        refused = await answer(method, path, headers)
        assert (refused.status_code, refused.json()["code"]) == (403, "http.origin")


@pytest.mark.parametrize("headers", [{}, {"Origin": f"http://{HOST}"}, {"Sec-Fetch-Site": "same-origin"}])
async def test_a_command_from_the_desks_own_page_or_from_a_script_is_carried_out(headers: dict[str, str]) -> None:
    assert (await answer("POST", STOP, headers)).status_code == 200


async def test_an_origin_allowed_by_name_is_answered() -> None:
    settings = ServerSettings(extra_origins=frozenset({"http://localhost:5173"}))
    assert (await answer("POST", STOP, {"Origin": "http://localhost:5173"}, settings)).status_code == 200


async def test_every_answer_carries_the_security_headers() -> None:
    for path in ("/", "/health", "/api/nope", "/assets/none.js"):
        headers = (await answer("GET", path, {})).headers
        assert "script-src 'self';" in headers["content-security-policy"]
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"


@pytest.mark.parametrize("length", ["1000001", "-1", "many"])
async def test_a_body_that_announces_too_much_is_refused(length: str) -> None:
    refused = await answer("POST", "/api/strategies", {"Content-Length": length})
    assert (refused.status_code, refused.json()["code"]) == (413, "http.too_large")


async def test_a_body_that_turns_out_too_large_is_refused() -> None:
    async def flood() -> AsyncIterator[bytes]:
        for _ in range(30):
            yield b" " * 50_000

    async with http_probe(FakeDesk()) as http:
        refused = await http.post("/api/strategies", content=flood(), headers={"Content-Type": "application/json"})
        polled = await http.post("/api/stream/poll", content=flood())
    assert (refused.status_code, refused.json()["code"]) == (413, "http.too_large")
    assert (polled.status_code, polled.json()["code"]) == (413, "http.too_large")
