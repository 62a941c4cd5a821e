"""One example or more of each message, for the description of the stream and for whoever writes a client."""

from __future__ import annotations

from typing import Any, get_args

import msgspec

from papertape.wire.stream import (
    Bye,
    ClientMessage,
    Heartbeat,
    Hello,
    Ping,
    Pong,
    PreviousClose,
    Pub,
    ServerMessage,
    Snap,
    StreamError,
    Sub,
    SubRequest,
    Subscribed,
    Unsub,
    Vis,
    Welcome,
)

_ALERTS = "session/exec_20251227_165822_fe61be26/alerts"
_TS = 1_766_854_702_000_000
_ALERT = {
    "seq": 4712, "ts": _TS, "entry_seq": 90_113, "code": "feed.silent", "severity": "warning",
    "message": "No trade for 30 s.", "stage": "venue", "instrument": None,
}  # fmt: skip
_SYSTEM = {
    "key": "system", "version": "1.0.0", "started_ts": _TS, "store": "sqlite", "connections": 2, "loop_lag_ms": 0.4,
    "memory_mb": 96.0,
}  # fmt: skip

EXAMPLES: dict[str, tuple[ClientMessage | ServerMessage, ...]] = {
    "Hello": (
        Hello(v=1, tab="t-5e1f", batch=True, subs=(SubRequest(topic=_ALERTS), SubRequest(topic="desk/system"))),
        Hello(
            v=1,
            tab="t-5e1f",
            vis=False,
            batch=True,
            prev=PreviousClose(conn="c-1a2b", code=1006, reason="the network cut it", age_ms=81_250, attempts=2),
            subs=(SubRequest(topic=_ALERTS, epoch="e-1", seq=4711),),
        ),
    ),
    "Sub": (Sub(subs=(SubRequest(topic=_ALERTS, epoch="e-1", seq=4711),)),),
    "Unsub": (Unsub(topics=(_ALERTS,)),),
    "Ping": (Ping(id=7),),
    "Vis": (Vis(visible=False),),
    "Welcome": (Welcome(conn="c-1a2b", hb_s=10, dead_s=45, srv_ts=_TS, version="1.0.0"),),
    "Subscribed": (
        Subscribed(topic=_ALERTS, epoch="e-1", resumed=True, from_seq=4711, to_seq=4712),
        Subscribed(topic=_ALERTS, epoch="e-1", resumed=False, from_seq=0, to_seq=4712),
    ),
    "Snap": (
        Snap(topic=_ALERTS, epoch="e-1", seq=4712, page=1, of=1, data=[_ALERT]),
        Snap(topic="desk/system", epoch="boot-7", seq=31, page=1, of=1, data={"system": _SYSTEM}),
    ),
    "Pub": (
        Pub(topic=_ALERTS, epoch="e-1", seq=4712, ts=_TS, data=_ALERT, prev=4702),
        Pub(topic="desk/system", epoch="boot-7", seq=32, ts=_TS, data={"system": _SYSTEM}),
    ),
    "Heartbeat": (Heartbeat(srv_ts=_TS, lag_ms=0.4, heads={_ALERTS: 4712}),),
    "Pong": (Pong(id=7, srv_ts=_TS),),
    "Bye": (Bye(code=4101, reason="The client reads slower than facts come.", retry_ms=1000),),
    "StreamError": (
        StreamError(
            code="stream.unknown_topic", message="There is no topic 'desk/x'.", temporary=False, topic="desk/x"
        ),
    ),
}


def examples_of(name: str) -> list[dict[str, Any]]:
    """Return the examples of one message as JSON values."""
    return [msgspec.json.decode(msgspec.json.encode(message)) for message in EXAMPLES[name]]


def message_names(union: Any) -> list[str]:
    """Return the names of the messages of one side."""
    return [record.__name__ for record in get_args(union)]
