"""Cases about subscriptions, snapshots and publications."""

from __future__ import annotations

import asyncio

from papertape.testkit.conformance.server.case import CaseBook
from papertape.testkit.conformance.server.talk import Talk
from papertape.testkit.conformance.server.target import Target, hello
from papertape.testkit.conformance.verdict import NotShown, require
from papertape.wire.stream import Ping, Pong, Pub, Snap, StreamError, Sub, SubRequest, Subscribed, Unsub

TOPICS = CaseBook()


async def barrier(talk: Talk, number: int) -> None:
    """Wait until the server has taken everything said so far."""
    await talk.say(Ping(id=number))
    while (await talk.next_of(Pong)).id != number:
        pass


@TOPICS.case("An undeclared topic is answered with `err`, and the connection stays.", "#err")
async def an_unknown_topic_is_an_error_and_the_connection_stays(target: Target) -> None:
    async with target.greeted("desk/nothing", "fills", "session/x/fills") as talk:
        for topic in ("desk/nothing", "fills", "session/x/fills"):
            error = await talk.next_of(StreamError)
            require(error.topic == topic, f"the error names the topic {error.topic!r}, not {topic!r}")
            require(not error.temporary, f"an undeclared topic is no temporary error: {error}")
            require(bool(error.code and error.message), f"the error says nothing: {error}")
        await barrier(talk, 1)


@TOPICS.case("A topic of a session that does not exist is answered with `err`, and the connection stays.", "#err")
async def an_unknown_session_is_an_error_and_the_connection_stays(target: Target) -> None:
    topic = "session/exec_19700101_000000_00000000/fills"
    async with target.greeted(topic) as talk:
        error = await talk.next_of(StreamError)
        require((error.topic, error.temporary) == (topic, False), f"another error was expected: {error}")
        await barrier(talk, 1)


@TOPICS.case("Every declared topic of a session is answered with `sub`, or with `err`.", "#topics-and-positions")
async def every_declared_topic_is_answered(target: Target) -> None:
    wanted = {*target.facts, *target.latest}
    async with target.greeted(*wanted) as talk:
        while wanted:
            message = await talk.next(f"`sub` of {', '.join(sorted(wanted))}")
            if isinstance(message, Subscribed | StreamError):
                wanted.discard(message.topic or "")


@TOPICS.case("`sub` comes before what it announces, and a topic's pages before its publications.", "#order")
async def a_topic_is_answered_before_it_is_published(target: Target) -> None:
    async with target.greeted(*target.facts, *target.latest) as talk:
        await barrier(talk, 1)
        await talk.next_within(0.3)
    state: dict[str, str] = {}
    for message in talk.heard:
        if isinstance(message, Subscribed):
            state[message.topic] = "open" if message.resumed else "snap"
        elif isinstance(message, Snap):
            require(state.get(message.topic) == "snap", f"a page of {message.topic} came unannounced")
            state[message.topic] = "open" if message.page == message.of else "snap"
        elif isinstance(message, Pub):
            require(state.get(message.topic) == "open", f"{message.topic} was published before its answer was whole")


@TOPICS.case("A snapshot's pages are numbered 1 to `of`, all at one position, the one `sub` names.", "#snap")
async def snapshot_pages_are_complete_and_at_one_position(target: Target) -> None:
    async with target.greeted(*target.facts, *target.latest[:-2]) as talk:
        for topic in (*target.facts, *target.latest[:-2]):
            sub, pages = await talk.answer(topic)
            require(not sub.resumed, f"{topic} was resumed without a position")
            require([page.page for page in pages] == [*range(1, pages[0].of + 1)], f"{topic}: pages are missing")
            at = {(page.epoch, page.seq, page.of) for page in pages}
            require(at == {(sub.epoch, sub.to_seq, len(pages))}, f"{topic}: `sub` says {sub}, the pages {at}")


@TOPICS.case("A snapshot of a must-not-lose topic lists records, oldest first, none after its position.", "#snap")
async def a_fact_snapshot_lists_records_in_order(target: Target) -> None:
    async with target.greeted(*target.facts) as talk:
        for topic in target.facts:
            _, pages = await talk.answer(topic)
            require(all(isinstance(page.data, list) for page in pages), f"{topic}: a page's data is not a list")
            seqs = [row["seq"] for page in pages for row in page.data]
            require(seqs == sorted(set(seqs)), f"{topic}: the records are not in order: {seqs[:20]}")
            require(not seqs or seqs[-1] <= pages[-1].seq, f"{topic}: a record is after the position {pages[-1].seq}")


@TOPICS.case("A snapshot of a latest-value topic maps keys to values.", "#snap")
async def a_latest_snapshot_maps_keys_to_values(target: Target) -> None:
    async with target.greeted(*target.latest) as talk:
        for topic in target.latest:
            _, pages = await talk.answer(topic)
            require(all(isinstance(page.data, dict) for page in pages), f"{topic}: a page's data is not an object")
            keys = [key for page in pages for key in page.data]
            require(len(keys) == len(set(keys)), f"{topic}: a key stands on two pages")


@TOPICS.case("Each publication of a must-not-lose topic continues the one before it: `prev` is its seq.", "#pub")
async def facts_form_a_chain(target: Target) -> None:
    async with target.greeted(*target.facts) as talk:
        at = {topic: (await talk.answer(topic))[0] for topic in target.facts}
        pubs = await target.publications(talk, 5, target.facts)
    last = {topic: sub.to_seq for topic, sub in at.items()}
    seen = dict.fromkeys(target.facts, False)
    for pub in pubs:
        prev, before = pub.prev, last[pub.topic]
        require(prev is not None, f"a publication on {pub.topic} has no `prev`")
        require(pub.epoch == at[pub.topic].epoch, f"the epoch of {pub.topic} changed without `sub`")
        continues = prev == before if seen[pub.topic] else (prev or 0) <= before
        require(continues and pub.seq > before, f"{pub.topic}: {prev} → {pub.seq} does not continue {before}")
        last[pub.topic], seen[pub.topic] = pub.seq, True


@TOPICS.case("The record of a must-not-lose publication carries the publication's seq.", "#pub")
async def a_fact_carries_its_own_seq(target: Target) -> None:
    async with target.greeted(*target.facts) as talk:
        for pub in await target.publications(talk, 3, target.facts):
            require(pub.data["seq"] == pub.seq, f"`pub` {pub.seq} on {pub.topic} carries the record {pub.data['seq']}")


@TOPICS.case("A latest-value publication maps keys to whole values, has no `prev`, and its seq never falls.", "#pub")
async def latest_values_come_whole_by_key(target: Target) -> None:
    async with target.greeted(*target.latest) as talk:
        last = {topic: (await talk.answer(topic))[0].to_seq for topic in target.latest}
        for pub in await target.publications(talk, 4, target.latest):
            require(isinstance(pub.data, dict) and pub.prev is None, f"no map of values: {pub}"[:300])
            require(pub.seq >= last[pub.topic], f"{pub.topic}: seq {pub.seq} after {last[pub.topic]}")
            last[pub.topic] = pub.seq


@TOPICS.case("`sub` adds topics to a living connection.", "#sub-and-unsub")
async def sub_adds_topics(target: Target) -> None:
    async with target.greeted() as talk:
        for topic in (target.facts[0], target.latest[0]):
            await talk.say(Sub(subs=(SubRequest(topic=topic),)))
            await talk.answer(topic)


@TOPICS.case("A topic that is subscribed again is answered again.", "#sub-and-unsub")
async def subscribing_again_is_answered_again(target: Target) -> None:
    for topic in (target.facts[0], target.latest[0]):
        async with target.greeted(topic) as talk:
            await talk.answer(topic)
            await talk.say(Sub(subs=(SubRequest(topic=topic),)))
            sub, pages = await talk.answer(topic)
            require(not sub.resumed and bool(pages), f"{topic}: a snapshot was asked for, {sub} came")


@TOPICS.case("After `unsub` nothing of a topic comes, while others still get it.", "#sub-and-unsub")
async def unsub_silences_a_topic(target: Target) -> None:
    async with target.greeted(*target.facts) as talk, target.greeted(*target.facts) as other:
        for one in (talk, other):
            for topic in target.facts:
                await one.answer(topic)
        await talk.say(Unsub(topics=tuple(target.facts)))
        await barrier(talk, 1)
        await barrier(other, 1)
        await target.publications(other, 3, target.facts)
        await barrier(talk, 2)
    silent_from = next(at for at, message in enumerate(talk.heard) if isinstance(message, Pong))
    late = [message for message in talk.heard[silent_from:] if isinstance(message, Pub)]
    require(not late, f"{len(late)} publications came after `unsub`, such as {late[:1]}")


@TOPICS.case("A hidden client gets latest values at most once a second.", "#vis")
async def a_hidden_client_gets_fewer_latest_values(target: Target) -> None:
    topic = target.topic("watchlist")
    async with target.socket(hello(topic, vis=False)) as talk:
        await talk.answer(topic)
        await target.publications(talk, 1, [topic])
        before = asyncio.get_running_loop().time()
        await target.publications(talk, 1, [topic])
        gap_s = asyncio.get_running_loop().time() - before
    require(gap_s > 0.7, f"a hidden client got the next values after {gap_s:.2f} s; 1 s was expected")


@TOPICS.case("A client that becomes visible gets latest values quickly again.", "#vis")
async def a_visible_client_gets_latest_values_quickly(target: Target) -> None:
    topic = target.topic("watchlist")
    async with target.socket(hello(topic, vis=False)) as talk:
        await talk.answer(topic)
        await talk.say({"t": "vis", "visible": True})
        pubs = await target.publications(talk, 4, [topic])
    span_s = (pubs[-1].ts - pubs[1].ts) / 1e6
    if span_s > 2.0:
        raise NotShown(f"{topic} changes too rarely: {span_s:.1f} s for two changes")
