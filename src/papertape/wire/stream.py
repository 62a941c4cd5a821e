"""The stream protocol `papertape.v1.json`, as JSON objects tagged by `t`. Changes within a version are additive only.

Topics are `session/{id}/{name}` or `desk/{name}`. For must-not-lose topics `seq` is the fact's own seq on the tape and
`prev` the seq of the fact before it on the same topic, so that a client proves continuity; data is the record. For
latest-value topics data maps key → full value, and `seq` counts publications of this server process.

A frame holds one message; to a client whose `hello` says `batch` it may also hold a JSON array of messages, in order.
"""

from __future__ import annotations

from typing import Any

import msgspec

PROTOCOL = "papertape.v1.json"


class SubRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A topic the client wants, with its position when it has one."""

    topic: str
    epoch: str | None = None
    seq: int | None = None


class PreviousClose(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the client saw of its previous connection's end. `attempts`: tries since then that got no welcome."""

    conn: str | None = None
    code: int | None = None
    reason: str = ""
    age_ms: int | None = None
    silent_ms: int | None = None
    transport: str = "websocket"
    attempts: int = 0


class Hello(msgspec.Struct, frozen=True, kw_only=True, tag_field="t", tag="hello"):
    """The client's first message: who it is, what it wants, how its last connection ended.

    `batch`: it also understands frames that hold an array of messages.
    """

    v: int
    tab: str
    vis: bool = True
    batch: bool = False
    prev: PreviousClose | None = None
    subs: tuple[SubRequest, ...] = ()


class Sub(msgspec.Struct, frozen=True, kw_only=True, tag_field="t", tag="sub"):
    """The client adds topics."""

    subs: tuple[SubRequest, ...]


class Unsub(msgspec.Struct, frozen=True, kw_only=True, tag_field="t", tag="unsub"):
    """The client drops topics."""

    topics: tuple[str, ...]


class Ping(msgspec.Struct, frozen=True, kw_only=True, tag_field="t", tag="ping"):
    """A probe; answered by `pong` with the same id."""

    id: int


class Vis(msgspec.Struct, frozen=True, kw_only=True, tag_field="t", tag="vis"):
    """The tab became visible or hidden."""

    visible: bool


ClientMessage = Hello | Sub | Unsub | Ping | Vis


class Welcome(msgspec.Struct, frozen=True, kw_only=True, tag_field="t", tag="welcome"):
    """The server's first message. `hb_s` between heartbeats; silent for `dead_s` means dead. Times in microseconds."""

    conn: str
    hb_s: int
    dead_s: int
    srv_ts: int
    version: str


class Subscribed(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="t", tag="sub", rename={"from_seq": "from", "to_seq": "to"}
):
    """A topic is subscribed. `resumed`: every fact after `from` up to `to` follows as pubs; otherwise a snap does."""

    topic: str
    epoch: str
    resumed: bool
    from_seq: int
    to_seq: int


class Snap(msgspec.Struct, frozen=True, kw_only=True, tag_field="t", tag="snap"):
    """A page of a topic's state at (epoch, seq): a list of records for facts, a map key → value for latest values."""

    topic: str
    epoch: str
    seq: int
    page: int
    of: int
    data: Any


class Pub(msgspec.Struct, frozen=True, kw_only=True, tag_field="t", tag="pub"):
    """A publication on a topic. `prev` is set on must-not-lose topics."""

    topic: str
    epoch: str
    seq: int
    ts: int
    data: Any
    prev: int | None = None


class Heartbeat(msgspec.Struct, frozen=True, kw_only=True, tag_field="t", tag="hb"):
    """The server lives. `heads`: last seq of each subscribed must-not-lose topic; `lag_ms`: worst event-loop lag."""

    srv_ts: int
    lag_ms: float
    heads: dict[str, int]


class Pong(msgspec.Struct, frozen=True, kw_only=True, tag_field="t", tag="pong"):
    """The answer to `ping`."""

    id: int
    srv_ts: int


class Bye(msgspec.Struct, frozen=True, kw_only=True, tag_field="t", tag="bye"):
    """The server closes on purpose, says why, and when to come back."""

    code: int
    reason: str
    retry_ms: int


class StreamError(msgspec.Struct, frozen=True, kw_only=True, tag_field="t", tag="err"):
    """A message could not be carried out; the connection stays."""

    code: str
    message: str
    temporary: bool
    topic: str | None = None


ServerMessage = Welcome | Subscribed | Snap | Pub | Heartbeat | Pong | Bye | StreamError
