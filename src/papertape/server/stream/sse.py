"""The stream as Server-Sent Events: `hello` in the query, the server's messages as `data:` lines."""

from __future__ import annotations

from urllib.parse import parse_qs

from papertape.server.asgi import Message, Receive, Send, agent, peer, respond_error
from papertape.server.ending import Ending
from papertape.server.frames import joined
from papertape.server.hub import StreamHub
from papertape.server.stream.carry import carry
from papertape.server.subscriber import Subscriber
from papertape.wire.http import ErrorBody

_HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
]


async def serve_sse(hub: StreamHub, scope: Message, receive: Receive, send: Send) -> None:
    """Serve one event stream until either side ends it."""
    hello = parse_qs(scope["query_string"].decode("latin-1")).get("hello")
    if not hello:
        body = ErrorBody(
            code="stream.no_hello", message="The query needs `hello`, the first message as JSON.", path="hello"
        )
        return await respond_error(scope, send, 400, body)
    refusal = hub.refusal()
    if refusal is not None:
        return await respond_error(scope, send, 503, refusal.error, headers=refusal.headers)
    await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
    subscriber = hub.connect("sse", peer(scope), agent(scope))

    async def write(frames: list[bytes]) -> None:
        payloads = [joined(frames)] if subscriber.is_batch else frames
        body = b"".join([b"data: " + payload + b"\n\n" for payload in payloads])
        await send({"type": "http.response.body", "body": body, "more_body": True})

    async def finish(_ending: Ending) -> None:
        await send({"type": "http.response.body", "body": b""})

    return await carry(hub, subscriber, _read(subscriber, hello[0], receive), write, finish)


async def _read(subscriber: Subscriber, hello: str, receive: Receive) -> None:
    subscriber.receive(hello)
    while (await receive())["type"] != "http.disconnect":
        pass
    subscriber.end("client", 1000, "The client closed the event stream.")
