"""Describes the stream as AsyncAPI 3.0, from the same structs as everything else."""

from __future__ import annotations

from typing import Any, get_args

from papertape import __version__
from papertape.wire.close import CLOSE_CODES
from papertape.wire.stream import PROTOCOL, ClientMessage, ServerMessage

Document = dict[str, Any]  # an AsyncAPI document: its shape is open by definition

_DESCRIPTION = """\
At least once within the window, effectively once after de-duplication by (epoch, seq), in order per topic; never a
silent hole: if continuity cannot be proven the client is told so and gets a snapshot.

Topics are `session/{id}/{name}` or `desk/{name}`. The client's first message is `hello` with its topics and positions.
The same messages travel as Server-Sent Events at `/api/stream/sse?hello=…` and by long polling at `/api/stream/poll`.
"""


def asyncapi() -> Document:
    """Return the document; message payloads refer to the JSON Schema beside it."""
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "papertape stream", "version": __version__, "description": _DESCRIPTION},
        "channels": {
            "stream": {
                "address": "/api/stream",
                "messages": {
                    name: {"$ref": f"#/components/messages/{name}"}
                    for name in (*_names(ClientMessage), *_names(ServerMessage))
                },
                "bindings": {"ws": {"method": "GET"}},
                "x-sub-protocol": PROTOCOL,
                "x-close-codes": {
                    str(code): f"{declared.name} ({declared.reaction}): {declared.meaning}"
                    for code, declared in CLOSE_CODES.items()
                },
            }
        },
        "operations": {
            "fromClient": _operation("receive", _names(ClientMessage)),
            "fromServer": _operation("send", _names(ServerMessage)),
        },
        "components": {
            "messages": {
                name: {
                    "name": name,
                    "contentType": "application/json",
                    "payload": {"$ref": f"./papertape.v1.schema.json#/$defs/{name}"},
                }
                for name in (*_names(ClientMessage), *_names(ServerMessage))
            }
        },
    }


def _names(union: Any) -> list[str]:
    return [record.__name__ for record in get_args(union)]


def _operation(action: str, names: list[str]) -> Document:
    messages = [{"$ref": f"#/channels/stream/messages/{name}"} for name in names]
    return {"action": action, "channel": {"$ref": "#/channels/stream"}, "messages": messages}
