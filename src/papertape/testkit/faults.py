"""What can be done to a TCP connection on its way: small values that a script lists and a proxy carries out.

`up` is from the client to the server, `down` the other way. Seconds and bytes. Everything prints as JSON and is read
back from it, so that a run is repeated from its seed or from its script.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Literal

import msgspec

Direction = Literal["up", "down", "both"]
Side = Literal["client", "server"]
Cut = Literal["reset", "fin", "black_hole", "half_open"]
CUTS: tuple[Cut, ...] = ("reset", "fin", "black_hole", "half_open")


class Latency(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Every byte comes `seconds` later, and up to `jitter_s` more; the order stays."""

    seconds: float
    jitter_s: float = 0.0
    direction: Direction = "both"


class Bandwidth(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """At most this many bytes a second pass."""

    bytes_per_s: float
    direction: Direction = "both"


class Stall(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Nothing more is read, so that the sender's buffers fill up."""

    direction: Direction = "both"


class BlackHole(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """What is sent vanishes, the ends of the connection included; both sides stay open."""

    direction: Direction = "both"


class HalfOpen(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """One side is gone without the other being told: neither FIN nor reset reaches it."""

    gone: Side = "server"


class Reset(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Both sides are reset; bytes on their way are lost."""


class Fin(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Both sides are closed in order; bytes on their way arrive."""


class SlowClose(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The server's side is closed now, the client's `seconds` later; nothing passes in between."""

    seconds: float


class CutAfter(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Exactly `size` further bytes pass in one direction, wherever in a frame that ends; then the connection is cut."""

    size: int
    direction: Literal["up", "down"] = "down"
    how: Cut = "reset"


class Refuse(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Nobody listens: new connections are refused."""


class AcceptThenCut(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """New connections are accepted and cut before a byte passes."""

    how: Cut = "reset"


class RefuseUpgrade(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A WebSocket's request is answered with `status`; other HTTP passes."""

    status: int = 403


class HangUpgrade(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A WebSocket's request is never answered; other HTTP passes."""


class CutUpgrade(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A WebSocket is let through and cut `after_s` after the server accepted it; other HTTP passes."""

    after_s: float = 0.0
    how: Cut = "reset"


LinkFault = Latency | Bandwidth | Stall | BlackHole | HalfOpen | Reset | Fin | SlowClose | CutAfter
UpgradeFault = RefuseUpgrade | HangUpgrade | CutUpgrade
NewFault = Refuse | AcceptThenCut | UpgradeFault
Fault = LinkFault | NewFault


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a script: `at_s` after its start, `fault` befalls `on` the live connections, new ones, or all.

    A step without a fault heals: connections opened from then on are left alone.
    """

    at_s: float
    fault: Fault | None
    on: Literal["live", "new", "all"] = "live"


Script = tuple[Step, ...]


def fault_of(cut: Cut) -> BlackHole | HalfOpen | Reset | Fin:
    """Return the fault that a kind of cut is."""
    faults: dict[Cut, BlackHole | HalfOpen | Reset | Fin] = {
        "reset": Reset(),
        "fin": Fin(),
        "black_hole": BlackHole(),
        "half_open": HalfOpen(),
    }
    return faults[cut]


def random_script(chance: random.Random, faults: Sequence[Fault], count: int, over_s: float) -> Script:
    """Return `count` of these faults on live connections, at random moments within `over_s`, in order."""
    moments = sorted(round(chance.uniform(0, over_s), 3) for _ in range(count))
    return tuple(Step(at_s=at_s, fault=chance.choice(faults)) for at_s in moments)


def print_script(script: Script) -> str:
    """Return the script as JSON."""
    return msgspec.json.encode(script).decode()


def parse_script(text: str) -> Script:
    """Return the script that `print_script` printed."""
    return msgspec.json.decode(text, type=Script)
