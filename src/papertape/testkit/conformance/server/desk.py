"""Cases about what stands beside the stream: REST answers, records of connections, who may connect."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
from websockets.exceptions import InvalidStatus
from websockets.typing import Origin

from papertape.testkit.conformance.server.case import CaseBook
from papertape.testkit.conformance.server.talk import welcomed
from papertape.testkit.conformance.server.target import Target, hello
from papertape.testkit.conformance.verdict import Breach, require
from papertape.wire.stream import PreviousClose, SubRequest

BESIDE = CaseBook()
_LISTS = ("transitions", "signals", "orders", "fills", "positions", "account", "alerts")


@BESIDE.case("A REST list is true at its (epoch, seq): the stream goes on from there.", "#rest-answers")
async def a_rest_list_is_a_position_of_the_stream(target: Target) -> None:
    for name in _LISTS:
        page = (await target.http.get(f"/api/sessions/{target.session_id}/{name}")).json()
        request = SubRequest(topic=target.topic(name), epoch=page["epoch"], seq=page["seq"])
        async with target.greeted(subs=(request,)) as talk:
            sub, _ = await talk.answer(target.topic(name))
        require((sub.resumed, sub.from_seq) == (True, page["seq"]), f"{name} at {page['seq']} was answered {sub}")


@BESIDE.case("A snapshot and a REST list hold the same records up to the position both have.", "#rest-answers")
async def a_snapshot_and_a_rest_list_agree(target: Target) -> None:
    for name in _LISTS:
        async with target.greeted(target.topic(name)) as talk:
            _, pages = await talk.answer(target.topic(name))
        shown = [row for page in pages for row in page.data]
        query = {"limit": "1000", "newest_first": "true"}
        listed = (await target.http.get(f"/api/sessions/{target.session_id}/{name}", params=query)).json()["items"]
        by_seq = {row["seq"]: row for row in listed}
        differing = [row["seq"] for row in shown if by_seq.get(row["seq"], row) != row]
        require(not differing, f"{name}: the records {differing[:5]} differ between snapshot and REST list")


@BESIDE.case("A live connection stands in the server's records under the name its `welcome` gave.", "#welcome")
async def a_connection_is_on_record(target: Target) -> None:
    first = hello(target.facts[0])
    async with target.socket(first) as talk:
        conn = (await welcomed(talk)).conn
        await talk.answer(target.facts[0])
        record = await _record(target, "live", conn)
    found = (record["tab"], record["transport"], record["topics"])
    require(found == (first.tab, "websocket", 1), f"the record says {found}")


@BESIDE.case("What a client saw of its last end (`hello.prev`) is kept with that connection's record.", "#hello")
async def the_clients_story_is_kept(target: Target) -> None:
    async with target.socket(hello()) as talk:
        conn = (await welcomed(talk)).conn
    story = PreviousClose(conn=conn, code=1006, reason="cut by the conformance suite", age_ms=12, attempts=2)
    async with target.socket(hello(prev=story)) as talk:
        await welcomed(talk)
        kept = (await _record(target, "ended", conn))["client_story"]
    told: dict[str, Any] = msgspec.to_builtins(story)
    require({name: (kept or {}).get(name) for name in told} == told, f"{told} was told, {kept} is kept")


async def _record(target: Target, group: str, conn: str) -> dict[str, Any]:
    async with asyncio.timeout(target.patience_s):
        while True:  # the end of a connection is recorded in its own time
            answer = (await target.http.get("/api/connections")).json()
            for record in answer[group]:
                if record["id"] == conn:
                    return dict(record)
            await asyncio.sleep(0.02)


@BESIDE.case("A page of another origin gets no WebSocket: 403.", "#who-may-connect")
async def a_foreign_origin_gets_no_socket(target: Target) -> None:
    try:
        async with target.socket(origin=Origin("http://evil.example")):
            pass
    except InvalidStatus as refused:
        require(refused.response.status_code == 403, f"it was answered {refused.response.status_code}")
        return
    raise Breach("a page of another origin got a WebSocket")


@BESIDE.case("A page of another origin gets no event stream and no poll: 403.", "#who-may-connect")
async def a_foreign_origin_gets_no_fallback(target: Target) -> None:
    headers = {"origin": "http://evil.example"}
    text = msgspec.json.encode(hello()).decode()
    for answer in (
        await target.http.get("/api/stream/sse", params={"hello": text}, headers=headers),
        await target.http.post("/api/stream/poll", content=text, headers=headers),
    ):
        require(answer.status_code == 403, f"{answer.url.path} was answered {answer.status_code}")
