"""The machine is a table; what it does not know is broken."""

from __future__ import annotations

from typing import get_args

import pytest

from papertape.errors import Broken
from papertape.model.events import InstanceState, Trigger
from papertape.strategy.machine import NEXT_SECTION, TRANSITIONS, WATCHED, Action, Move, transition

STATES: tuple[InstanceState, ...] = get_args(InstanceState)
TRIGGERS: tuple[Trigger, ...] = get_args(Trigger)
LEAVE: tuple[Action, ...] = ("cancel_entry", "close_position")

ROWS: list[tuple[InstanceState, Trigger, Move]] = [
    ("MONITORING", "S1", Move("SIGNAL_DETECTED")),
    ("MONITORING", "error", Move("ERROR")),
    ("SIGNAL_DETECTED", "Z1", Move("ENTERING", ("submit_entry",))),
    ("SIGNAL_DETECTED", "O1", Move("COOLDOWN", ("start_cooldown",))),
    ("SIGNAL_DETECTED", "timeout", Move("COOLDOWN", ("start_cooldown",))),
    ("SIGNAL_DETECTED", "risk", Move("COOLDOWN", ("start_cooldown",))),
    ("SIGNAL_DETECTED", "command", Move("COOLDOWN", ("start_cooldown",))),
    ("SIGNAL_DETECTED", "error", Move("ERROR")),
    ("ENTERING", "fill", Move("POSITION_ACTIVE")),
    ("ENTERING", "rejected", Move("COOLDOWN", ("start_cooldown",))),
    ("ENTERING", "cancelled", Move("COOLDOWN", ("start_cooldown",))),
    ("ENTERING", "E1", Move("EXITING", LEAVE)),
    ("ENTERING", "command", Move("EXITING", LEAVE)),
    ("ENTERING", "error", Move("ERROR", ("cancel_entry",))),
    ("POSITION_ACTIVE", "ZE1", Move("EXITING", LEAVE)),
    ("POSITION_ACTIVE", "E1", Move("EXITING", LEAVE)),
    ("POSITION_ACTIVE", "command", Move("EXITING", LEAVE)),
    ("POSITION_ACTIVE", "stop", Move("EXITING", ("cancel_entry",))),
    ("POSITION_ACTIVE", "target", Move("EXITING", ("cancel_entry",))),
    ("POSITION_ACTIVE", "error", Move("ERROR", ("cancel_entry",))),
    ("EXITING", "fill", Move("COOLDOWN", ("start_cooldown",))),
    ("EXITING", "cancelled", Move("COOLDOWN", ("start_cooldown",))),
    ("EXITING", "rejected", Move("EXITING", ("close_position",))),
    ("EXITING", "error", Move("ERROR")),
    ("COOLDOWN", "cooldown_over", Move("MONITORING")),
    ("COOLDOWN", "error", Move("ERROR")),
    ("ERROR", "command", Move("EXITING", LEAVE)),
]


@pytest.mark.parametrize(("state", "trigger", "move"), ROWS)
def test_a_known_pair_leads_where_the_specification_says(state: InstanceState, trigger: Trigger, move: Move) -> None:
    assert transition(state, trigger) == move


def test_every_other_pair_is_broken() -> None:
    known = {(state, trigger) for state, trigger, _ in ROWS}
    assert set(TRANSITIONS) == known
    for state in STATES:
        for trigger in TRIGGERS:
            if (state, trigger) not in known:
                with pytest.raises(Broken, match=f"An instance in {state} met the trigger '{trigger}'"):
                    transition(state, trigger)


def test_every_watched_section_can_move_the_instance_from_there() -> None:
    assert set(WATCHED) == set(NEXT_SECTION) == set(STATES)
    for state, sections in WATCHED.items():
        for section in sections:
            assert transition(state, section).to_state != state


def test_every_state_can_be_reached_and_left() -> None:
    assert {move.to_state for move in TRANSITIONS.values()} == set(STATES)
    assert {state for state, _ in TRANSITIONS} == set(STATES)
