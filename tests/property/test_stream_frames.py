"""Whatever a client sends, however it is cut: no exception, a declared close code, and nobody else notices."""

from __future__ import annotations

import asyncio
import json
from itertools import pairwise
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from papertape.server.settings import StreamLimits
from papertape.testkit.desk_server import DeskServer, desk_server
from papertape.testkit.frame_bytes import CLOSE, CONT, PING, TEXT, frame_of, opened_bare, read_frame
from papertape.testkit.stream_probe import HubBench, session_topic
from papertape.wire import close
from papertape.wire.examples import examples_of, message_names
from papertape.wire.stream import Bye, ClientMessage, Hello, Ping, Pong, Pub, ServerMessage, SubRequest, Welcome

FILLS = session_topic("fills")
LIMITS = StreamLimits(messages_per_s=1e6, message_burst=1_000_000, topics=3, new_connections_per_s=1e6)
BY_THE_DESK = {close.VERSION, close.MALFORMED, close.TOO_MANY}
BY_WEBSOCKET = {1000, 1002, 1007, 1009}

PLAIN = [example for name in message_names(ClientMessage) for example in examples_of(name)]
HELLO = msgspec.json.encode(Hello(v=1, tab="fuzz", subs=(SubRequest(topic=FILLS),)))

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.sampled_from([FILLS, "hello"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@st.composite
def changed_messages(draw: st.DrawFn) -> bytes:
    message: dict[str, Any] = dict(draw(st.sampled_from(PLAIN)))
    for _ in range(draw(st.integers(0, 2))):
        key = draw(st.sampled_from([*message, "more"]) if message else st.just("t"))
        if draw(st.booleans()):
            message.pop(key, None)
        else:
            message[key] = draw(json_values)
    text = bytearray(json.dumps(message).encode())
    for _ in range(draw(st.integers(0, 2))):
        text[draw(st.integers(0, len(text) - 1))] = draw(st.integers(0, 255))
    return bytes(text[: draw(st.integers(0, len(text)))]) if draw(st.booleans()) else bytes(text)


contents = changed_messages() | st.binary(max_size=200) | json_values.map(lambda value: json.dumps(value).encode())


@settings(max_examples=150, deadline=None)
@given(st.lists(contents, max_size=6), st.booleans())
def test_no_content_of_a_frame_breaks_the_core_or_disturbs_a_neighbour(frames: list[bytes], is_greeted: bool) -> None:
    bench = HubBench(LIMITS)
    neighbour, fuzzer = bench.greeted(FILLS), bench.probe()
    if is_greeted:
        fuzzer.subscriber.receive(HELLO)
    for frame in frames:
        fuzzer.subscriber.receive(frame)
    bench.pass_time(0.1)
    ending, told = fuzzer.subscriber.ending, fuzzer.read()
    if ending is None:
        fuzzer.say(Ping(id=99))
        answered = Pong(id=99, srv_ts=bench.time.clock()) in fuzzer.read()
        assert answered or not fuzzer.subscriber.is_welcome
    else:
        assert (ending.by, ending.code in BY_THE_DESK) == ("server", True)
        assert [message.code for message in told if isinstance(message, Bye)] == [ending.code]
        assert isinstance(told[-1], Bye)
    bench.desk.fill(1)
    assert [pub.seq for pub in neighbour.read_only(Pub)] == [1]


fragments = st.tuples(
    st.sampled_from([CONT, TEXT, 0x2, 0x3, CLOSE, PING, 0xB]), st.booleans(), st.sampled_from([0, 0, 0, 0x40]),
    st.booleans(), contents,
).map(lambda parts: frame_of(parts[4][:120], parts[0], fin=parts[1], rsv=parts[2], masked=parts[3]))  # fmt: skip
wild_bytes = st.lists(fragments | contents.map(frame_of) | st.binary(max_size=60), min_size=1, max_size=4)


@st.composite
def pieces_of_hello(draw: st.DrawFn) -> list[bytes]:
    """Return `hello` and a ping as fragments with protocol pings between them, cut into TCP segments anywhere."""
    data = b""
    for text in (HELLO, b'{"t":"ping","id":99}'):
        cuts = sorted({0, len(text), *draw(st.lists(st.integers(0, len(text)), max_size=4))})
        parts = [text[start:end] for start, end in pairwise(cuts)]
        for number, part in enumerate(parts):
            data += frame_of(part, CONT if number else TEXT, fin=number == len(parts) - 1)
            data += frame_of(b"are you there", PING) if draw(st.booleans()) and number < len(parts) - 1 else b""
    cuts = sorted({0, len(data), *draw(st.lists(st.integers(0, len(data)), max_size=6))})
    return [data[start:end] for start, end in pairwise(cuts)]


def test_no_bytes_on_a_socket_break_the_server_and_no_fragmentation_changes_what_is_said() -> None:
    with asyncio.Runner() as runner:
        context = desk_server(LIMITS)
        server = runner.run(context.__aenter__())

        @settings(max_examples=25, deadline=None)
        @given(wild_bytes)
        def wild(segments: list[bytes]) -> None:
            assert runner.run(close_code_after(server, segments)) in {None, *BY_THE_DESK, *BY_WEBSOCKET}

        @settings(max_examples=25, deadline=None)
        @given(pieces_of_hello())
        def fragmented(segments: list[bytes]) -> None:
            messages = runner.run(said_after(server, segments))
            assert isinstance(messages[0], Welcome)
            assert isinstance(messages[-1], Pong)

        try:
            wild()
            fragmented()
        finally:
            runner.run(context.__aexit__(None, None, None))


async def close_code_after(server: DeskServer, segments: list[bytes]) -> int | None:
    """Return the code the server closes with, None when it only waits for more or ends with the client."""
    async with opened_bare(server.port) as (reader, writer):
        writer.write(frame_of(HELLO))
        for segment in segments:
            writer.write(segment)
        writer.write_eof()
        try:
            async with asyncio.timeout(30):
                while True:
                    opcode, payload = await read_frame(reader)
                    if opcode == CLOSE:
                        return int.from_bytes(payload[:2]) if payload else 1000
        except (asyncio.IncompleteReadError, ConnectionError):
            return None


async def said_after(server: DeskServer, segments: list[bytes]) -> list[ServerMessage]:
    """Return the messages up to the answer to the ping."""
    messages: list[ServerMessage] = []
    async with opened_bare(server.port) as (reader, writer), asyncio.timeout(30):
        for segment in segments:
            writer.write(segment)
            await asyncio.sleep(0)  # one segment a turn
        while not messages or not isinstance(messages[-1], Pong):
            opcode, payload = await read_frame(reader)
            if opcode == TEXT:
                messages.append(msgspec.json.decode(payload, type=ServerMessage))
    return messages
