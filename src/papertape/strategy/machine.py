"""The life of an instance, as one table: (state, trigger) → where it goes and what must be done."""

from __future__ import annotations

from typing import Literal

import msgspec

from papertape.errors import Broken
from papertape.model.events import InstanceState, SectionCode, Trigger

Action = Literal["submit_entry", "cancel_entry", "close_position", "start_cooldown"]


class Move(msgspec.Struct, frozen=True):
    """Where a trigger leads and what the engine must do on the way, in order."""

    to_state: InstanceState
    actions: tuple[Action, ...] = ()


_REST: tuple[Action, ...] = ("start_cooldown",)
_LEAVE: tuple[Action, ...] = ("cancel_entry", "close_position")

TRANSITIONS: dict[tuple[InstanceState, Trigger], Move] = {
    ("MONITORING", "S1"): Move("SIGNAL_DETECTED"),
    ("MONITORING", "error"): Move("ERROR"),
    ("SIGNAL_DETECTED", "Z1"): Move("ENTERING", ("submit_entry",)),
    ("SIGNAL_DETECTED", "O1"): Move("COOLDOWN", _REST),
    ("SIGNAL_DETECTED", "timeout"): Move("COOLDOWN", _REST),  # O1's timeout: a signal does not wait for ever
    ("SIGNAL_DETECTED", "risk"): Move("COOLDOWN", _REST),  # Z1 was true, and no waiting can make the order possible
    ("SIGNAL_DETECTED", "command"): Move("COOLDOWN", _REST),  # close all: a found signal is dropped as well
    ("SIGNAL_DETECTED", "error"): Move("ERROR"),
    ("ENTERING", "fill"): Move("POSITION_ACTIVE"),  # the first fill; the remainder keeps its order
    ("ENTERING", "rejected"): Move("COOLDOWN", _REST),
    ("ENTERING", "cancelled"): Move("COOLDOWN", _REST),  # cancelled or expired without a fill
    ("ENTERING", "E1"): Move("EXITING", _LEAVE),  # something may fill before the cancel arrives: leave, do not rest
    ("ENTERING", "command"): Move("EXITING", _LEAVE),
    ("ENTERING", "error"): Move("ERROR", ("cancel_entry",)),
    ("POSITION_ACTIVE", "ZE1"): Move("EXITING", _LEAVE),
    ("POSITION_ACTIVE", "E1"): Move("EXITING", _LEAVE),
    ("POSITION_ACTIVE", "command"): Move("EXITING", _LEAVE),
    ("POSITION_ACTIVE", "stop"): Move("EXITING", ("cancel_entry",)),  # the venue is closing it already
    ("POSITION_ACTIVE", "target"): Move("EXITING", ("cancel_entry",)),  # as above
    ("POSITION_ACTIVE", "error"): Move("ERROR", ("cancel_entry",)),  # the resting stop stays at the venue
    ("EXITING", "fill"): Move("COOLDOWN", _REST),  # flat
    ("EXITING", "cancelled"): Move("COOLDOWN", _REST),  # the entry was withdrawn before anything filled
    ("EXITING", "rejected"): Move("EXITING", ("close_position",)),  # visibly the same state: the exit is retried
    ("EXITING", "error"): Move("ERROR"),
    ("COOLDOWN", "cooldown_over"): Move("MONITORING"),
    ("COOLDOWN", "error"): Move("ERROR"),
    ("ERROR", "command"): Move("EXITING", _LEAVE),  # the trader closes what an instance in error still holds
}

WATCHED: dict[InstanceState, tuple[SectionCode, ...]] = {
    "MONITORING": ("S1",),
    "SIGNAL_DETECTED": ("O1", "Z1"),
    "ENTERING": ("E1",),
    "POSITION_ACTIVE": ("E1", "ZE1"),
    "EXITING": (),
    "COOLDOWN": (),
    "ERROR": (),
}
"""The sections that can move an instance, in order of priority; the others are monitored only."""

NEXT_SECTION: dict[InstanceState, SectionCode | None] = {
    "MONITORING": "S1",
    "SIGNAL_DETECTED": "Z1",
    "ENTERING": None,
    "POSITION_ACTIVE": "ZE1",
    "EXITING": None,
    "COOLDOWN": "S1",
    "ERROR": None,
}
"""The section whose yes the trader waits for."""


def transition(state: InstanceState, trigger: Trigger) -> Move:
    """Return where a trigger leads from a state, and what must be done.

    Raises:
        Broken: the table has no such pair.
    """
    try:
        return TRANSITIONS[state, trigger]
    except KeyError:
        raise Broken(
            f"An instance in {state} met the trigger {trigger!r}, which its machine does not know; "
            "keep the journal and report it.",
            code="strategy.unknown_transition",
        ) from None
