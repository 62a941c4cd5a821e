"""Describes the stream as AsyncAPI 3.0, from the same structs as everything else."""

from __future__ import annotations

from typing import Any

from papertape import __version__
from papertape.wire.close import CLOSE_CODES
from papertape.wire.examples import examples_of, message_names
from papertape.wire.stream import PROTOCOL, ClientMessage, ServerMessage

Document = dict[str, Any]  # an AsyncAPI document: its shape is open by definition

_DESCRIPTION = """\
At least once within the window, effectively once after de-duplication by (epoch, seq), in order per topic; never a
silent hole: if continuity cannot be proven the client is told so and gets a snapshot.

Topics are `session/{id}/{name}` or `desk/{name}`. The client's first message is `hello` with its topics and positions.
The same messages travel as Server-Sent Events at `/api/stream/sse?hello=…` and by long polling at `/api/stream/poll`.
The rules (order, resuming, batch frames, heartbeat, reconnecting, limits) stand in `docs/reference/stream.md`.
"""

_SCHEMA = "./papertape.v1.schema.json#/$defs/"
_CLIENT = message_names(ClientMessage)
_SERVER = message_names(ServerMessage)
_POLL_BODY = {
    "name": "PollAnswer",
    "title": "The answer to a poll: messages in order, `welcome` first, `hb` or `bye` last",
    "contentType": "application/json",
    "payload": {"type": "array", "minItems": 1, "items": {"$ref": f"{_SCHEMA}ServerMessage"}},
    "examples": [{"name": "quiet", "payload": [*examples_of("Welcome"), *examples_of("Heartbeat")]}],
}


def asyncapi() -> Document:
    """Return the document; message payloads refer to the JSON Schema beside it."""
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "papertape stream", "version": __version__, "description": _DESCRIPTION},
        "defaultContentType": "application/json",
        "servers": {
            "websocket": {"host": "127.0.0.1:8420", "protocol": "ws", "description": "The desk, by WebSocket."},
            "http": {"host": "127.0.0.1:8420", "protocol": "http", "description": "The desk, by the two fallbacks."},
        },
        "channels": {"stream": _websocket(), "events": _events(), "poll": _poll()},
        "operations": {
            "fromClient": _operation("stream", "receive", _CLIENT),
            "fromServer": _operation("stream", "send", _SERVER),
            "fromServerByEvents": _operation("events", "send", _SERVER, {"method": "GET"}),
            "fromClientByPoll": _poll_operation(),
        },
        "components": {
            "messages": {**{name: _message(name) for name in (*_CLIENT, *_SERVER)}, "PollAnswer": _POLL_BODY}
        },
    }


def _websocket() -> Document:
    return {
        "address": "/api/stream",
        "title": "WebSocket",
        "description": "Text frames, one message each; with `batch` in `hello` also arrays of messages of the server.",
        "servers": [{"$ref": "#/servers/websocket"}],
        "messages": _references((*_CLIENT, *_SERVER)),
        "bindings": {
            "ws": {
                "method": "GET",
                "headers": {
                    "type": "object",
                    "required": ["Sec-WebSocket-Protocol"],
                    "properties": {"Sec-WebSocket-Protocol": {"type": "string", "const": PROTOCOL}},
                },
            }
        },
        "x-sub-protocol": PROTOCOL,
        "x-close-codes": {
            str(code): {"name": declared.name, "reaction": declared.reaction, "meaning": declared.meaning}
            for code, declared in CLOSE_CODES.items()
        },
    }


def _events() -> Document:
    return {
        "address": "/api/stream/sse",
        "title": "Server-Sent Events",
        "description": "`hello` as JSON in the query; a message (with `batch` also an array of them) a `data:` line.",
        "servers": [{"$ref": "#/servers/http"}],
        "messages": _references(_SERVER),
        "x-query": {
            "type": "object",
            "required": ["hello"],
            "properties": {
                "hello": {
                    "type": "string",
                    "contentMediaType": "application/json",
                    "contentSchema": {"$ref": f"{_SCHEMA}Hello"},
                }
            },
        },
        "x-content-type": "text/event-stream",
    }


def _poll() -> Document:
    return {
        "address": "/api/stream/poll",
        "title": "Long polling",
        "description": "`hello` with the positions of now as the body; held up to 25 s, answered by an array.",
        "servers": [{"$ref": "#/servers/http"}],
        "messages": _references(("Hello", "PollAnswer")),
    }


def _poll_operation() -> Document:
    answer = {
        "channel": {"$ref": "#/channels/poll"},
        "messages": [{"$ref": "#/channels/poll/messages/PollAnswer"}],
    }
    return {**_operation("poll", "receive", ["Hello"], {"method": "POST"}), "reply": answer}


def _message(name: str) -> Document:
    return {
        "name": name,
        "contentType": "application/json",
        "payload": {"$ref": f"{_SCHEMA}{name}"},
        "examples": [{"payload": example} for example in examples_of(name)],
    }


def _references(names: tuple[str, ...] | list[str]) -> Document:
    return {name: {"$ref": f"#/components/messages/{name}"} for name in names}


def _operation(channel: str, action: str, names: list[str], http: Document | None = None) -> Document:
    messages = [{"$ref": f"#/channels/{channel}/messages/{name}"} for name in names]
    operation = {"action": action, "channel": {"$ref": f"#/channels/{channel}"}, "messages": messages}
    return operation if http is None else {**operation, "bindings": {"http": http}}
