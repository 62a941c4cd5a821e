"""A poll whose client leaves while it still sends its hello."""

from __future__ import annotations

from papertape.server.asgi import Message
from papertape.server.stream.poll import PollEndpoint
from papertape.testkit.stream_probe import HubBench


async def test_a_client_that_leaves_within_its_hello_is_not_recorded_as_one_that_broke_the_protocol() -> None:
    bench = HubBench()
    came: list[Message] = [
        {"type": "http.request", "body": b'{"t":"hello","v":1,', "more_body": True},
        {"type": "http.disconnect"},
    ]
    sent: list[Message] = []

    async def receive() -> Message:
        return came.pop(0)

    async def send(message: Message) -> None:
        sent.append(message)

    scope: Message = {"type": "http", "method": "POST", "path": "/api/stream/poll", "headers": [], "client": None}
    await PollEndpoint(bench.hub).serve(scope, receive, send)
    connections = bench.hub.connections()
    assert (sent, connections.live, connections.ended) == ([], [], [])
