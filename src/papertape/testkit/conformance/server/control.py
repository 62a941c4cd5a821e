"""Cases about heartbeats, probes, visibility and limits."""

from __future__ import annotations

import asyncio
import contextlib

from websockets.exceptions import ConnectionClosed

from papertape.testkit.conformance.server.case import CaseBook
from papertape.testkit.conformance.server.talk import Talk, expect_bye, welcomed
from papertape.testkit.conformance.server.target import Target, hello
from papertape.testkit.conformance.verdict import Breach, NotShown, require
from papertape.wire import close
from papertape.wire.stream import Heartbeat, Ping, Pong, Pub, Snap, StreamError, Sub, SubRequest, Subscribed
from papertape.wire.topics import DESK_RECORDS, FACT_TABLES

CONTROL = CaseBook()
_TOPICS = 128
_OVERTAKINGS = 5


@CONTROL.case("A `ping` is answered by a `pong` with its id and the server's time.", "#ping-and-pong")
async def ping_is_answered_by_pong(target: Target) -> None:
    async with target.greeted() as talk:
        for number in (1, 0, -3, 2**40):
            await talk.say(Ping(id=number))
        pongs = [await talk.next_of(Pong) for _ in range(4)]
    require([pong.id for pong in pongs] == [1, 0, -3, 2**40], f"the pongs are {pongs}")
    require([pong.srv_ts for pong in pongs] == sorted(pong.srv_ts for pong in pongs), "the server's time went back")


@CONTROL.case("A heartbeat comes every `hb_s` seconds, also when nothing else does.", "#hb")
async def heartbeats_come_in_time(target: Target) -> None:
    async with target.socket(hello()) as talk:
        hb_s = (await welcomed(talk)).hb_s
        beats = [await heartbeat(talk, hb_s) for _ in range(2)]
    gap_s = (beats[1].srv_ts - beats[0].srv_ts) / 1e6
    require(0.5 * hb_s < gap_s < 1.5 * hb_s + 0.5, f"{gap_s:.2f} s between two heartbeats; {hb_s} s were announced")
    require(beats[0].heads == {}, f"heads of topics that were not subscribed: {beats[0].heads}")


async def heartbeat(talk: Talk, hb_s: int) -> Heartbeat:
    """Return the next heartbeat, which is due within one and a half intervals."""
    while True:
        message = await talk.next("`hb`", within_s=hb_s * 1.5 + 1.0)
        if isinstance(message, Heartbeat):
            return message


@CONTROL.case("`heads` names the last seq of subscribed must-not-lose topics, and of no other topic.", "#hb")
async def heads_name_the_subscribed_facts(target: Target) -> None:
    quiet = target.topic("alerts")
    async with target.socket(hello(quiet, target.latest[0])) as talk:
        hb_s = (await welcomed(talk)).hb_s
        _, pages = await talk.answer(quiet)
        seqs = [row["seq"] for page in pages for row in page.data]
        beat = await heartbeat(talk, hb_s)
        seqs += [message.seq for message in talk.heard if isinstance(message, Pub) and message.topic == quiet]
    require(beat.heads == {quiet: max(seqs, default=0)}, f"heads are {beat.heads}; {quiet} stands at {seqs[-1:]}")


@CONTROL.case("A head is never beyond what the client can get: it arrives, or a subscription brings it.", "#hb")
async def a_head_is_within_reach(target: Target) -> None:
    async with target.socket(hello(*target.facts)) as talk:
        hb_s = (await welcomed(talk)).hb_s
        beat = await heartbeat(talk, hb_s)
        heard = {message.topic: message.seq for message in talk.heard if isinstance(message, Snap | Pub)}
        for topic, head in beat.heads.items():
            if head > heard.get(topic, 0):
                await talk.say(Sub(subs=(SubRequest(topic=topic),)))
                sub, _ = await talk.answer(topic)
                require(sub.to_seq >= head, f"{topic}: the head is {head}, but a subscription leads to {sub.to_seq}")


@CONTROL.case("`vis` is taken without an answer.", "#vis")
async def vis_is_taken(target: Target) -> None:
    async with target.greeted() as talk:
        for visible in (False, True):
            await talk.say({"t": "vis", "visible": visible})
        await talk.say(Ping(id=1))
        message = await talk.next("`pong`")
        while isinstance(message, Heartbeat):
            message = await talk.next("`pong`")
        require(isinstance(message, Pong), f"`vis` was answered by {message}")


@CONTROL.case("Control messages go before data that waits: an `err` overtakes the answers before it.", "#order")
async def control_goes_before_data(target: Target) -> None:
    for _ in range(_OVERTAKINGS):  # a busy server may have sent what the `err` would have overtaken
        async with target.greeted(*target.facts, "desk/nothing") as talk:
            message = await talk.next("`err`")
        if isinstance(message, StreamError):
            return
    raise Breach(f"after `welcome` always came data such as {message}, though an `err` was due"[:300])


@CONTROL.case("Subscriptions are answered in the order they were asked for.", "#order")
async def answers_keep_the_order_of_the_questions(target: Target) -> None:
    wanted = [*target.latest, *target.facts]
    async with target.greeted(*wanted) as talk:
        while len([one for one in talk.heard if isinstance(one, Subscribed)]) < len(wanted):
            await talk.next("`sub`")
    answered = [one.topic for one in talk.heard if isinstance(one, Subscribed)]
    require(answered == wanted, f"{wanted} were asked for, answered in the order {answered}")


@CONTROL.case("A frame of more than 64 KB is closed with 1009.", "#limits")
async def a_frame_over_64_kb_is_closed_1009(target: Target) -> None:
    async with target.greeted() as talk:
        await talk.send("x" * 70_000)
        _, code = await talk.until_end()
    require(code == 1009, f"the connection was closed with {code}")


@CONTROL.case("A client that sends more than 20 messages a second, 40 at once, is closed with 4105.", "#limits")
async def too_many_messages_are_closed_4105(target: Target) -> None:
    async with target.greeted() as talk:
        with contextlib.suppress(ConnectionClosed):  # closed while the flood goes on
            for number in range(200):
                await talk.say(Ping(id=number))
        await expect_bye(talk, close.RATE)


@CONTROL.case("20 messages a second are served.", "#limits")
async def twenty_messages_a_second_are_served(target: Target) -> None:
    async with target.greeted() as talk:
        for number in range(30):
            await talk.say(Ping(id=number))
        for number in range(30):
            require((await talk.next_of(Pong)).id == number, "a ping was not answered in its turn")
        await asyncio.sleep(0.5)
        for number in range(9):
            await talk.say(Ping(id=number))
            await talk.next_of(Pong)


@CONTROL.case("More than 128 topics on one connection are closed with 4008.", "#limits")
async def too_many_topics_are_closed_4008(target: Target) -> None:
    topics = [f"desk/{name}" for name in DESK_RECORDS]
    topics += [f"session/{session}/{name}" for session in target.session_ids for name in FACT_TABLES]
    if len(topics) <= _TOPICS:
        raise NotShown(f"the server has {len(topics)} topics in {len(target.session_ids)} sessions; 129 are needed")
    async with target.socket() as talk:
        await talk.say(hello(*topics[: _TOPICS + 1]))
        await expect_bye(talk, close.TOO_MANY)


@CONTROL.case("128 topics on one connection are served.", "#limits")
async def as_many_topics_as_allowed_are_served(target: Target) -> None:
    names = [*FACT_TABLES]
    topics = [f"session/{session}/{name}" for session in target.session_ids for name in names][:_TOPICS]
    async with target.greeted(*topics) as talk:
        for topic in topics:
            await talk.answer(topic)
