"""Every number of the server, with the defaults of the protocol's specification."""

from __future__ import annotations

import msgspec


class StreamLimits(msgspec.Struct, frozen=True, kw_only=True):
    """Bounds and intervals of the stream. Seconds, bytes and counts.

    Answers to subscriptions take at most about `turn_s` of one turn of the event loop.
    `memory_limit_mb` is in 1,048,576 bytes; None takes the limit of the control group or the machine. A connection is
    rotated after `rotate_after_s`, more or less by the share `rotate_jitter`, one every `rotate_gap_s` at most.
    """

    tick_s: float = 0.1
    turn_s: float = 0.005
    heartbeat_s: float = 10.0
    dead_s: float = 45.0
    hello_deadline_s: float = 10.0
    write_deadline_s: float = 30.0  # longer than a page's thread may be blocked while it is to stay connected
    farewell_s: float = 10.0
    queue_bytes: int = 1_000_000
    queue_messages: int = 2_000
    reply_bytes: int = 8_000_000
    ring_events: int = 4_096
    ring_s: float = 600.0
    resume_events: int = 1_000  # read from the store for one answer
    resume_bytes: int = 2_000_000  # sent again from memory in one answer: more than a queue that was closed can hold
    snapshot_facts: int = 200
    frame_bytes: int = 64_000
    topics: int = 128
    messages_per_s: float = 20.0
    message_burst: int = 40
    new_connections_per_s: float = 50.0
    slow_refresh_s: float = 1.0
    idle_channel_s: float = 60.0
    visible_flush_s: float = 0.1
    hidden_flush_s: float = 1.0
    poll_flush_s: float = 0.5
    poll_hold_s: float = 25.0
    history: int = 500
    memory_limit_mb: float | None = None
    rotate_after_s: float = 86_400.0
    rotate_jitter: float = 0.1
    rotate_gap_s: float = 1.0


class ServerSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Where the server listens and whom it answers. `extra_hosts` and `extra_origins` are exact texts."""

    host: str = "127.0.0.1"
    port: int = 8420
    extra_hosts: frozenset[str] = frozenset()
    extra_origins: frozenset[str] = frozenset()
    max_body_bytes: int = 1_000_000
    shutdown_s: int = 10
    stream: StreamLimits = StreamLimits()
