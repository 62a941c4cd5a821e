"""Cases about the three carriers and about frames that hold several messages."""

from __future__ import annotations

from typing import Any

import msgspec

from papertape.testkit.conformance.server.case import CaseBook
from papertape.testkit.conformance.server.talk import expect_bye, welcomed
from papertape.testkit.conformance.server.target import CARRIERS, Carrier, Target, hello
from papertape.testkit.conformance.verdict import require
from papertape.wire import close
from papertape.wire.stream import Heartbeat, Pong, ServerMessage, Snap, SubRequest, Subscribed

CARRYING = CaseBook()


@CARRYING.case("The three carriers bring the same messages: the same snapshot at the same position.", "#carriers")
async def the_three_carriers_bring_the_same(target: Target) -> None:
    topic = target.topic("alerts")
    told: dict[Carrier, list[dict[str, Any]]] = {}
    for carrier in CARRIERS:
        async with target.open(carrier, hello(topic)) as talk:
            await welcomed(talk)
            sub, pages = await talk.answer(topic)
            rows = [row for page in pages for row in page.data]
            told[carrier] = [{"topic": sub.topic, "epoch": sub.epoch, "resumed": sub.resumed}, *rows]
    shortest = min(len(rows) for rows in told.values())
    cut = {carrier: rows[:shortest] for carrier, rows in told.items()}
    require(cut["sse"] == cut["websocket"] == cut["poll"], f"the carriers differ: {told}"[:400])


@CARRYING.case("An event stream begins with `welcome` and has heartbeats like a WebSocket.", "#server-sent-events")
async def an_event_stream_is_welcomed_and_beats(target: Target) -> None:
    async with target.events(hello(target.facts[0])) as talk:
        hb_s = (await welcomed(talk)).hb_s
        await talk.answer(target.facts[0])
        while not isinstance(await talk.next("`hb`", within_s=hb_s * 1.5 + 1.0), Heartbeat):
            pass


@CARRYING.case("An event stream goes on with publications.", "#server-sent-events")
async def an_event_stream_is_published_to(target: Target) -> None:
    async with target.events(hello(*target.facts)) as talk:
        await target.publications(talk, 3, target.facts)


@CARRYING.case("An event stream without `hello` is answered 400.", "#server-sent-events")
async def an_event_stream_without_hello_is_refused(target: Target) -> None:
    answer = await target.http.get("/api/stream/sse")
    require(answer.status_code == 400, f"it was answered {answer.status_code}")


@CARRYING.case("An event stream whose `hello` is none gets `bye` 4005 and ends.", "#server-sent-events")
async def an_event_stream_with_garbage_gets_bye(target: Target) -> None:
    async with target.events("garbage") as talk:
        await expect_bye(talk, close.MALFORMED)


@CARRYING.case("A poll is answered by an array that begins with `welcome` and ends with `hb`.", "#long-polling")
async def a_poll_is_welcomed_and_ends_with_a_heartbeat(target: Target) -> None:
    async with target.poll(hello(target.facts[0])) as talk:
        await welcomed(talk)
        messages, _ = await talk.until_end()
    require(isinstance(messages[-1], Heartbeat), f"the last message is {messages[-1]}")


@CARRYING.case("Polls of one tab are one connection.", "#long-polling")
async def polls_of_one_tab_are_one_connection(target: Target) -> None:
    first = hello(target.facts[0])
    conns = []
    for _ in range(2):
        async with target.poll(first) as talk:
            conns.append((await welcomed(talk)).conn)
    require(conns[0] == conns[1], f"two polls of one tab are the connections {conns}")


@CARRYING.case("A poll goes on from the position of its `hello`, and is held until there is news.", "#long-polling")
async def polls_lose_nothing_between_them(target: Target) -> None:
    first = hello(*target.facts)
    at: dict[str, tuple[str, int]] = {}
    async with target.poll(first) as talk:
        for topic in target.facts:
            sub, _ = await talk.answer(topic)
            at[topic] = (sub.epoch, sub.to_seq)
    for _ in range(2):
        subs = tuple(SubRequest(topic=topic, epoch=epoch, seq=seq) for topic, (epoch, seq) in at.items())
        async with target.poll(msgspec.structs.replace(first, subs=subs)) as talk:
            messages, _ = await talk.until_end()
        _follow(messages, at)


def _follow(messages: list[ServerMessage], at: dict[str, tuple[str, int]]) -> None:
    for message in messages:
        if isinstance(message, Subscribed):
            require(message.resumed, f"the position {at[message.topic]} was not resumed: {message}")
        elif not isinstance(message, Heartbeat) and (topic := getattr(message, "topic", None)) is not None:
            prev, seq = getattr(message, "prev", None) or 0, getattr(message, "seq", 0)
            require(prev <= at[topic][1] < seq, f"{topic} at {at[topic][1]} was continued by {prev} → {seq}")
            at[topic] = (at[topic][0], seq)


@CARRYING.case("A poll whose body is no `hello` gets an array with `bye` 4005.", "#long-polling")
async def a_poll_with_garbage_gets_bye(target: Target) -> None:
    async with target.poll("garbage") as talk:
        await expect_bye(talk, close.MALFORMED)


@CARRYING.case("A poll is a POST: GET is answered 405 with `Allow`.", "#long-polling")
async def a_poll_by_get_is_refused(target: Target) -> None:
    answer = await target.http.get("/api/stream/poll")
    found = (answer.status_code, answer.headers.get("allow"))
    require(found == (405, "POST"), f"it was answered {found}")


@CARRYING.case("A poll's body of more than 64 KB is answered 413.", "#limits")
async def a_poll_that_is_too_large_is_refused(target: Target) -> None:
    answer = await target.http.post("/api/stream/poll", content="x" * 70_000)
    require(answer.status_code == 413, f"it was answered {answer.status_code}")


@CARRYING.case("Without `batch` in `hello` every frame holds one message, on every carrier.", "#batch-frames")
async def frames_hold_one_message_unless_asked(target: Target) -> None:
    for carrier in ("websocket", "sse"):
        async with target.open(carrier, hello(*target.facts, *target.latest)) as talk:
            for topic in target.facts:
                await talk.answer(topic)
            require(set(talk.frame_lengths) == {1}, f"over {carrier}: frames of {set(talk.frame_lengths)} messages")


@CARRYING.case("With `batch` the same messages come in the same order, whatever frames hold them.", "#batch-frames")
async def batched_frames_hold_the_same_messages(target: Target) -> None:
    told = []
    for is_batched in (False, True):
        async with target.greeted(*target.facts, batch=is_batched) as talk:
            for topic in target.facts:
                await talk.answer(topic)
            await talk.say({"t": "ping", "id": 1})
            await talk.next_of(Pong)
        told.append([(type(one).__name__, one.topic) for one in talk.heard if isinstance(one, Subscribed | Snap)])
    require(told[0] == told[1], f"the answers came in another order: {told}"[:400])
