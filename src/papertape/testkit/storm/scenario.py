"""What a stress scenario is: limits of a server, clients, load, faults, and what must hold. Values only."""

from __future__ import annotations

from typing import Literal

import msgspec

from papertape.server.settings import StreamLimits
from papertape.testkit.faults import Fault, Script
from papertape.wire.http import Transport

# The specification's limits in small, so that what takes a minute takes half a second.
QUICK = StreamLimits(
    tick_s=0.02,
    heartbeat_s=0.1,
    dead_s=1.0,
    hello_deadline_s=1.0,
    write_deadline_s=1.0,
    farewell_s=0.5,
    new_connections_per_s=500.0,
    slow_refresh_s=0.05,
    idle_channel_s=0.2,
    visible_flush_s=0.02,
    hidden_flush_s=0.1,
    poll_flush_s=0.05,
    poll_hold_s=0.3,
    history=5_000,
    memory_limit_mb=1_000_000.0,
)

FACTS = ("transitions", "signals", "fills", "alerts")
VALUES = ("watchlist", "indicators")

Kind = Literal[
    "follower",  # papertape.client, as scripts use it
    "chooser",  # the same, adding and removing topics all the time
    "slow",  # reads slower than facts come, and goes on by position after it was closed
    "stuck",  # says hello and never reads again
    "mute",  # never says hello
    "garbage",  # sends what is not the protocol
    "oversized",  # sends a frame above 64 KB
    "flood",  # sends more messages than allowed
    "twice",  # says hello twice
    "greedy",  # wants more topics than allowed
    "outdated",  # speaks a version that does not exist
    "leaver",  # goes in the middle of what it asked for, again and again
    "churner",  # subscribes and unsubscribes all the time
    "blinker",  # becomes hidden and visible all the time
    "sse_stuck",  # an event stream that is not read
    "poll_leaver",  # polls, and leaves before the answer
]


class Crowd(msgspec.Struct, frozen=True, kw_only=True):
    """Clients of one kind and the names of their topics."""

    kind: Kind = "follower"
    count: int = 3
    topics: tuple[str, ...] = FACTS
    carriers: tuple[Transport, ...] = ("websocket",)


class Load(msgspec.Struct, frozen=True, kw_only=True):
    """What the desk publishes: facts in batches of up to `batch`, values that change, texts of `text_chars`.

    `ends_silently`: nothing more comes when all is healed, so that only the heads of a heartbeat tell of a loss.
    Otherwise the seed decides.
    """

    seconds: float = 1.0
    facts_per_s: float = 200.0
    batch: int = 3
    values_per_s: float = 0.0
    text_chars: int = 40
    before: int = 20
    ends_silently: bool = False


class Restart(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The server ends as on a signal and another one takes over its desk `pause_s` later."""

    at_s: float
    pause_s: float = 0.0


class NewEpoch(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The desk loses its history."""

    at_s: float


class StoreDown(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The store answers nothing for a while; what is durable stays."""

    at_s: float
    for_s: float


class Unheard(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The hub is told nothing of what becomes durable for a while."""

    at_s: float
    for_s: float


class Burst(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """So many facts become durable at once."""

    at_s: float
    facts: int


class Blocked(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The event loop does not run for a while; the client's neither, for it is the same."""

    at_s: float
    for_s: float


class MemoryShort(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The process takes this share of its memory for a while."""

    at_s: float
    for_s: float
    share: float


Act = Restart | NewEpoch | StoreDown | Unheard | Burst | Blocked | MemoryShort


class Chaos(msgspec.Struct, frozen=True, kw_only=True):
    """Faults drawn by the seed: `all_at_once` befall every live connection, `singles` cut one each."""

    faults: tuple[Fault, ...] = ()
    all_at_once: int = 0
    singles: int = 0


class Promise(msgspec.Struct, frozen=True, kw_only=True):
    """What must hold beside what always must.

    `closes`: codes that the server must have closed with; `may_close`: codes it may. `only_first_snapshots`: whoever
    comes back resumes. `undisturbed`: no follower loses its connection. `every_follower_cut`: each does, at least once.
    `falls_back`: each is carried by something else than WebSocket for a while.
    """

    closes: tuple[int, ...] = ()
    may_close: tuple[int, ...] = ()
    only_first_snapshots: bool = True
    undisturbed: bool = False
    every_follower_cut: bool = False
    falls_back: bool = False


class Scenario(msgspec.Struct, frozen=True, kw_only=True):
    """One scenario. `alone`: it must not run beside others, because it stops the loop for all of them."""

    name: str
    what: str
    limits: StreamLimits = QUICK
    crowds: tuple[Crowd, ...] = (Crowd(),)
    load: Load = Load()
    script: Script = ()
    chaos: Chaos = Chaos()
    acts: tuple[Act, ...] = ()
    promise: Promise = Promise()
    alone: bool = False
