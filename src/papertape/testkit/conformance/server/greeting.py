"""Cases about the first messages, and about frames that are none."""

from __future__ import annotations

import msgspec

from papertape.testkit.conformance.server.case import CaseBook
from papertape.testkit.conformance.server.talk import expect_bye, welcomed
from papertape.testkit.conformance.server.target import Target, hello
from papertape.testkit.conformance.verdict import require
from papertape.wire import close
from papertape.wire.stream import Hello, Ping, Pong, Subscribed

GREETING = CaseBook()
_QUIET_S = 0.2
_FAR_PAST_US = 1_500_000_000_000_000


@GREETING.case("The first message of the server is `welcome`.", "#order")
async def welcome_is_the_first_message(target: Target) -> None:
    async with target.socket(hello(*target.facts)) as talk:
        await welcomed(talk)


@GREETING.case("`welcome` names the connection, the heartbeat, the verdict on silence and the time.", "#welcome")
async def welcome_has_plausible_values(target: Target) -> None:
    async with target.socket(hello()) as one, target.socket(hello()) as other:
        first, second = await welcomed(one), await welcomed(other)
    require(first.conn != second.conn, f"two connections are both named {first.conn}")
    require(0 < first.hb_s < first.dead_s, f"hb_s {first.hb_s} and dead_s {first.dead_s}: 0 < hb_s < dead_s expected")
    require(first.srv_ts > _FAR_PAST_US, f"srv_ts {first.srv_ts} is no time in microseconds")


@GREETING.case("Before `hello` the server says nothing.", "#order")
async def the_server_waits_for_hello(target: Target) -> None:
    async with target.socket() as talk:
        message = await talk.next_within(_QUIET_S)
        require(message is None, f"the server spoke first: {message}")
        await talk.say(hello())
        await welcomed(talk)


@GREETING.case("A client that says no `hello` in time is closed with 4102.", "#limits")
async def silence_instead_of_hello_is_closed_4102(target: Target) -> None:
    async with target.socket() as talk:
        await expect_bye(talk, close.SILENT, within_s=max(15.0, target.patience_s))


@GREETING.case("`hello` without topics is welcomed, and the connection lives.", "#hello")
async def a_hello_without_topics_is_enough(target: Target) -> None:
    async with target.greeted() as talk:
        await talk.say(Ping(id=7))
        require((await talk.next_of(Pong)).id == 7, "another ping was answered")


@GREETING.case("`hello` is said once: a second one is closed with 4005.", "#hello")
async def a_second_hello_is_closed_4005(target: Target) -> None:
    async with target.greeted() as talk:
        await talk.say(hello())
        await expect_bye(talk, close.MALFORMED)


@GREETING.case("Anything but `hello` as the first message is closed with 4005.", "#hello")
async def a_first_message_that_is_not_hello_is_closed_4005(target: Target) -> None:
    for first in (Ping(id=1), {"t": "sub", "subs": []}, {"t": "unsub", "topics": []}, {"t": "vis", "visible": True}):
        async with target.socket() as talk:
            await talk.say(first)
            await expect_bye(talk, close.MALFORMED)


@GREETING.case("Another version in `hello` is closed with 4004.", "#versions")
async def another_version_is_closed_4004(target: Target) -> None:
    async with target.socket(Hello(v=99, tab="conformance")) as talk:
        await expect_bye(talk, close.VERSION)


@GREETING.case("A client that offers another sub-protocol is told which one, and closed with 4004.", "#websocket")
async def another_sub_protocol_is_closed_4004(target: Target) -> None:
    async with target.socket(subprotocols=["papertape.v99.json"]) as talk:
        await expect_bye(talk, close.VERSION)


@GREETING.case("A client that offers no sub-protocol is told which one, and closed with 4004.", "#websocket")
async def no_sub_protocol_is_closed_4004(target: Target) -> None:
    async with target.socket(subprotocols=None) as talk:
        await expect_bye(talk, close.VERSION)


@GREETING.case("A frame that is not JSON is closed with 4005.", "#websocket")
async def text_that_is_not_json_is_closed_4005(target: Target) -> None:
    for frame in ("", "hello", '{"t":"hello"', "\x00", "NaN", "[" * 5_000):
        async with target.socket() as talk:
            await talk.send(frame)
            await expect_bye(talk, close.MALFORMED)


@GREETING.case("A binary frame that is no message is closed with 4005.", "#websocket")
async def bytes_that_are_no_message_are_closed_4005(target: Target) -> None:
    async with target.socket() as talk:
        await talk.send(b"\x00\x01\xff")
        await expect_bye(talk, close.MALFORMED)


@GREETING.case("A message with an undeclared tag, or none, is closed with 4005.", "#messages-of-the-client")
async def an_undeclared_tag_is_closed_4005(target: Target) -> None:
    for message in ({"t": "subscribe"}, {"v": 1, "tab": "x"}, {"t": "welcome"}, {"t": 1}):
        async with target.greeted() as talk:
            await talk.say(message)
            await expect_bye(talk, close.MALFORMED)


@GREETING.case("A field that is missing or of another type is closed with 4005.", "#messages-of-the-client")
async def a_wrong_field_is_closed_4005(target: Target) -> None:
    for first in (
        {"t": "hello", "v": 1},
        {"t": "hello", "v": "1", "tab": "x"},
        {"t": "hello", "v": 1, "tab": "x", "subs": {}},
    ):
        async with target.socket() as talk:
            await talk.say(first)
            await expect_bye(talk, close.MALFORMED)


@GREETING.case("Unknown fields of a client's message are ignored.", "#versions")
async def unknown_fields_are_ignored(target: Target) -> None:
    topic = target.facts[0]
    first = {**msgspec.to_builtins(hello()), "colour": "red", "subs": [{"topic": topic, "since": 3}]}
    async with target.socket() as talk:
        await talk.say(first)
        await welcomed(talk)
        await talk.next_of(Subscribed, topic)
        await talk.say({"t": "ping", "id": 1, "hops": [1, 2]})
        await talk.next_of(Pong)
