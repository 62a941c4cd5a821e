"""Named scripts, each with the rule it plays and where the rule stands; and the sentences they have in common."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import msgspec

from papertape.testkit.conformance.client.attempt import Attempt
from papertape.testkit.conformance.client.stage import FILLS, Stage
from papertape.testkit.conformance.verdict import require
from papertape.wire.stream import Heartbeat, Pub, Snap, Subscribed

EPOCH = "e-1"
_TS = 1_766_854_702_000_000
Play = Callable[[Stage], Awaitable[None]]


class Script(msgspec.Struct, frozen=True, kw_only=True):
    """One script. The client under test is started with `topics`."""

    name: str
    rule: str
    where: str
    topics: tuple[str, ...]
    play: Play


class ScriptBook:
    """The scripts of one module, in the order they are written."""

    def __init__(self) -> None:
        self.scripts: list[Script] = []

    def script(self, rule: str, where: str, topics: tuple[str, ...] = (FILLS,)) -> Callable[[Play], Play]:
        """Register the function below as a script named like it."""

        def register(play: Play) -> Play:
            name = str(getattr(play, "__name__", ""))
            self.scripts.append(Script(name=name, rule=rule, where=where, topics=topics, play=play))
            return play

        return register


def fresh(seq: int, topic: str = FILLS, epoch: str = EPOCH) -> tuple[Subscribed, Snap]:
    """Return the answer to a subscription without a position: a snapshot at `seq`."""
    sub = Subscribed(topic=topic, epoch=epoch, resumed=False, from_seq=0, to_seq=seq)
    data = {} if topic.endswith("watchlist") else [{"seq": seq}] if seq else []
    return sub, Snap(topic=topic, epoch=epoch, seq=seq, page=1, of=1, data=data)


def resumed(start: int, to: int, topic: str = FILLS, epoch: str = EPOCH) -> Subscribed:
    """Return the answer to a subscription at a position that is gone on from."""
    return Subscribed(topic=topic, epoch=epoch, resumed=True, from_seq=start, to_seq=to)


def pub(seq: int, prev: int | None, topic: str = FILLS, epoch: str = EPOCH) -> Pub:
    """Return a publication."""
    return Pub(topic=topic, epoch=epoch, seq=seq, ts=_TS, data={"seq": seq}, prev=prev)


def beat(head: int, topic: str = FILLS) -> Heartbeat:
    """Return a heartbeat with one head."""
    return Heartbeat(srv_ts=_TS, lag_ms=0.0, heads={topic: head})


async def settled(stage: Stage, seq: int = 5) -> Attempt:
    """Return the client's first connection, which stands at `seq` on the fills."""
    attempt = await stage.attempt()
    await attempt.welcome(*fresh(seq))
    await stage.reported(lambda _: stage.snapshots() == [(EPOCH, seq)], f"the snapshot at {seq}")
    return attempt


def require_position(attempt: Attempt, seq: int, epoch: str = EPOCH, topic: str = FILLS) -> None:
    """Require that the client says this position."""
    found = attempt.position(topic)
    require(found == (epoch, seq), f"`hello` says the position {found}; the client stands at {(epoch, seq)}")
