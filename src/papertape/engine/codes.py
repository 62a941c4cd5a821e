"""The small integers that stand for words inside the kernel, each with the table that turns it back."""

# kernel: compiled by scripts/kernel_build.py

from __future__ import annotations

from typing import get_args

from papertape.model.buffers import Ints, ints
from papertape.model.events import InstanceState, SectionCode, Trigger
from papertape.strategy.machine import TRANSITIONS, Action

STATES: tuple[InstanceState, ...] = get_args(InstanceState)
MONITORING, SIGNAL_DETECTED, ENTERING, POSITION_ACTIVE, EXITING, COOLDOWN, ERROR = 0, 1, 2, 3, 4, 5, 6

TRIGGERS: tuple[Trigger, ...] = get_args(Trigger)
BY_S1, BY_O1, BY_Z1, BY_ZE1, BY_E1, BY_TIMEOUT, BY_FILL, BY_REJECTED, BY_CANCELLED = 0, 1, 2, 3, 4, 5, 6, 7, 8
BY_STOP, BY_TARGET, BY_COMMAND, BY_RISK, BY_COOLDOWN_OVER, BY_ERROR = 9, 10, 11, 12, 13, 14
NO_TRIGGER = -1

SECTIONS: tuple[SectionCode, ...] = get_args(SectionCode)
S1, O1, Z1, ZE1, E1 = 0, 1, 2, 3, 4
NO_SECTION = -1

TRIGGER_COUNT = 15
TO_STATE = 7
"""Mask of the state that a move leads to; the bits above are its actions, done in this order."""
SUBMIT_ENTRY, CANCEL_ENTRY, CLOSE_POSITION, START_COOLDOWN = 8, 16, 32, 64
NO_MOVE = -1

_ACTIONS: dict[Action, int] = {
    "submit_entry": SUBMIT_ENTRY,
    "cancel_entry": CANCEL_ENTRY,
    "close_position": CLOSE_POSITION,
    "start_cooldown": START_COOLDOWN,
}

WORDS, SECTION, TIMED_OUT, RESTED, FILLED, FLAT, STOPPED, TARGETED = 0, 1, 2, 3, 4, 5, 6, 7
"""Kinds of reasons: a text; a section's answer as of a moment; and those of transitions that no section caused."""

SECOND = 1_000_000
NEVER = -(1 << 62)


def moves() -> Ints:
    """Return the machine's table of transitions: for state × trigger where it leads and what is done, or `NO_MOVE`."""
    table = ints(len(STATES) * TRIGGER_COUNT)
    for index in range(len(table)):
        table[index] = NO_MOVE
    for (state, trigger), move in TRANSITIONS.items():
        actions = [_ACTIONS[action] for action in move.actions]
        if actions != sorted(actions):
            raise AssertionError(f"the actions of {state} × {trigger} are not in the order they are done in")
        index = STATES.index(state) * TRIGGER_COUNT + TRIGGERS.index(trigger)
        table[index] = STATES.index(move.to_state) + sum(actions)
    return table
