"""Why a stream connection is closed: the codes of `bye` and of the closing handshake, and what a client does next."""

from __future__ import annotations

from typing import Literal

import msgspec

Reaction = Literal["stop", "back_off", "at_once"]


class CloseCode(msgspec.Struct, frozen=True, kw_only=True):
    """One close code, its stable name and the client's reaction: 40xx stop, 41xx back off, 42xx and 43xx come back."""

    code: int
    name: str
    reaction: Reaction
    meaning: str


_DECLARED = (
    CloseCode(code=1001, name="going_away", reaction="at_once", meaning="The desk is shutting down or restarting."),
    CloseCode(code=1012, name="restart", reaction="at_once", meaning="The desk is restarting."),
    CloseCode(code=4001, name="auth", reaction="stop", meaning="The connection is not authorised."),
    CloseCode(code=4003, name="origin", reaction="stop", meaning="The page's origin is not this desk."),
    CloseCode(code=4004, name="version", reaction="stop", meaning="The page speaks another version; reload it."),
    CloseCode(code=4005, name="malformed", reaction="stop", meaning="The client sent what is not the protocol."),
    CloseCode(code=4008, name="too_many", reaction="stop", meaning="Too many topics on one connection."),
    CloseCode(code=4101, name="slow_consumer", reaction="back_off", meaning="The client reads slower than facts come."),
    CloseCode(code=4102, name="silent", reaction="back_off", meaning="The client did not say hello in time."),
    CloseCode(code=4103, name="internal", reaction="back_off", meaning="The desk failed; the log has the cause."),
    CloseCode(code=4104, name="overload", reaction="back_off", meaning="The desk is short of memory or connections."),
    CloseCode(code=4105, name="rate", reaction="back_off", meaning="The client sends more than 20 messages a second."),
    CloseCode(code=4201, name="resync", reaction="at_once", meaning="Continuity is lost; resume by position."),
    CloseCode(code=4202, name="rotation", reaction="at_once", meaning="A planned rotation of the connection."),
)

CLOSE_CODES: dict[int, CloseCode] = {declared.code: declared for declared in _DECLARED}

GOING_AWAY = 1001
VERSION = 4004
MALFORMED = 4005
TOO_MANY = 4008
SLOW_CONSUMER = 4101
SILENT = 4102
INTERNAL = 4103
OVERLOAD = 4104
RATE = 4105
ROTATION = 4202


def reaction_to(code: int | None) -> Reaction:
    """Return what a client does after a close with `code`; unknown codes and a cut without one mean back off."""
    known = CLOSE_CODES.get(code or 0)
    if known is not None:
        return known.reaction
    if code is not None and 4000 <= code < 4100:
        return "stop"
    if code is not None and 4200 <= code < 4400:
        return "at_once"
    return "back_off"
