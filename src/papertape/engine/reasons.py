"""Plain sentences: why an instance moved, and what it is waiting for."""

from __future__ import annotations

from papertape.engine.instance import Instance
from papertape.model.events import PositionChanged, SectionCode, Trigger
from papertape.strategy.definition import section_of
from papertape.strategy.durations import duration_text
from papertape.strategy.machine import NEXT_SECTION
from papertape.strategy.words import capitalised, number_text

WORDS: dict[SectionCode, str] = {
    "S1": "Watching",
    "O1": "False alarm",
    "Z1": "Entering",
    "ZE1": "Taking profit",
    "E1": "Stopping loss",
}
"""The default words on screen for a section that waits."""

FOUND = "Found"
"""The word for S1 once its answer is true."""


def section_name(instance: Instance, code: SectionCode) -> str | None:
    """Return what a section looks for, as its author named it."""
    section = section_of(instance.program.definition, code)
    return None if section is None else section.name


def section_reason(instance: Instance, code: SectionCode) -> str:
    """Return why a section's answer is true: what it found and the conditions that hold."""
    name = section_name(instance, code)
    side = "long" if instance.is_long else "short"
    openings = {
        "S1": f"Found {name or 'a signal'}",
        "O1": f"The signal was dropped ({name or 'a false alarm'})",
        "Z1": f"Entering {side} at {name}" if name else f"Entering {side}",
        "ZE1": f"Closing in an orderly way ({name or 'taking profit'})",
        "E1": f"Getting out at once ({name or 'stopping the loss'})",
    }
    held = true_sentences(instance, code)
    return f"{openings[code]}: {'; '.join(held)}." if held else f"{openings[code]}."


def true_sentences(instance: Instance, code: SectionCode) -> list[str]:
    """Return a clause for each condition that makes a section's answer true now."""
    monitor = instance.monitor
    return [monitor.sentence(row) for row in monitor.supporting_rows(instance.program.roots[code])]


def venue_reason(instance: Instance, trigger: Trigger) -> str:
    """Return what an order or fill event meant."""
    entry = instance.entry
    order_reason = entry.reason if entry is not None else "no order was sent"
    if instance.state == "ENTERING":
        return {
            "fill": "The entry has filled"
            + (f": {_holding(instance, instance.position)}." if instance.position else "."),
            "rejected": f"The venue rejected the entry: {_sentence(order_reason)}",
            "cancelled": f"The entry ended without a fill: {_sentence(order_reason)}",
        }[trigger]
    if instance.state == "EXITING":
        return {
            "fill": f"Flat again{_result(instance)}.",
            "cancelled": f"The entry was withdrawn before anything filled: {_sentence(order_reason)}",
            "rejected": f"The exit did not complete ({_code(instance.exit_problem)}); it is sent again.",
        }[trigger]
    what = "stop-loss" if trigger == "stop" else "target"
    return f"The resting {what} was reached{_result(instance)}."


def instance_reason(instance: Instance, ts: int, paused: str | None) -> str:
    """Return where an instance is and what it waits for, as one or two full sentences."""
    told = {
        "MONITORING": _monitoring,
        "SIGNAL_DETECTED": _signal_detected,
        "ENTERING": _entering,
        "POSITION_ACTIVE": _position_active,
        "EXITING": _exiting,
        "COOLDOWN": _cooldown,
        "ERROR": _error,
    }[instance.state](instance, ts)
    if instance.state not in ("MONITORING", "SIGNAL_DETECTED"):
        return told
    hindrance = instance.never.sentence if instance.never is not None else paused
    return told if hindrance is None or instance.refused is not None else f"{hindrance} {told}"


def waiting_clause(instance: Instance, code: SectionCode) -> str:
    """Return how the condition that blocks a section stands, or that all of it holds."""
    root = instance.program.roots[code]
    if root < 0:
        return "it is not defined"
    row = instance.monitor.blocking_row(root)
    if row is None:
        held = true_sentences(instance, code)
        return f"all of it holds ({'; '.join(held)})" if held else "nothing more is asked"
    count = instance.monitor.alternatives(root)
    nearest = f"none of {count} conditions holds; the nearest: " if count > 1 else ""
    return nearest + instance.monitor.sentence(row)


def _monitoring(instance: Instance, _: int) -> str:
    name = section_name(instance, "S1")
    return f"{'Watching for ' + name if name else 'Watching'}: {waiting_clause(instance, 'S1')}."


def _signal_detected(instance: Instance, ts: int) -> str:
    found = f"Found {section_name(instance, 'S1') or 'a signal'} {duration_text(ts - instance.since)} ago"
    if instance.refused is not None:
        return f"{found}, but no order may be sent: {instance.refused[1]}"
    name = section_name(instance, "Z1")
    return f"{found}; waiting for {name or 'the entry'}: {waiting_clause(instance, 'Z1')}."


def _entering(instance: Instance, _: int) -> str:
    entry = instance.entry
    if entry is None:
        return "The entry order is on its way."
    quantity = f"{entry.quantity.normalize():f} {instance.lane.instrument.base}"
    waits = f" {entry.reason.partition(': ')[2]}" if entry.reason.startswith("stale_book") else ""
    return f"The entry {entry.order_id} ({entry.side} {quantity}) is {entry.status}; waiting for its first fill.{waits}"


def _position_active(instance: Instance, _: int) -> str:
    if instance.position is None:
        return "The position was closed at the venue; the instance follows at the next event."
    code = NEXT_SECTION[instance.state] or "ZE1"
    code = code if instance.program.roots[code] >= 0 else "E1"
    holding = capitalised(_holding(instance, instance.position)) + _guards(instance, instance.position)
    if instance.program.roots[code] < 0:
        return f"{holding}; its stop and target rest at the venue."
    word = "taking profit" if code == "ZE1" else "stopping the loss"
    return f"{holding}; {word} waits: {waiting_clause(instance, code)}."


def _exiting(instance: Instance, ts: int) -> str:
    last = instance.last_transition
    why = last.reason if last is not None else "The position is being closed."
    if instance.position is None:
        return f"{why} The position is closed; resting at the next event."
    tries = f" (attempt {instance.exit_attempts})" if instance.exit_attempts > 1 else ""
    return f"{why} Waiting for the exit to fill for {duration_text(ts - instance.since)}{tries}."


def _cooldown(instance: Instance, ts: int) -> str:
    last = instance.last_transition
    left = duration_text(instance.cooldown_until - ts)
    return f"Resting for another {left}. {last.reason if last is not None else ''}".rstrip()


def _error(instance: Instance, _: int) -> str:
    last = instance.last_transition
    held = " A position is still open." if instance.position is not None else ""
    return f"Stopped by an error: {last.reason if last is not None else 'unknown.'}{held} Close it by command."


def _holding(instance: Instance, position: PositionChanged) -> str:
    price = f"{position.entry_price:,.{instance.lane.instrument.price_decimals}f}"
    return f"{position.side} {position.quantity.normalize():f} {instance.lane.instrument.base} at {price}"


def _guards(instance: Instance, position: PositionChanged) -> str:
    decimals = instance.lane.instrument.price_decimals
    target = "" if position.target_price is None else f", target {position.target_price:,.{decimals}f}"
    stop = "" if position.stop_price is None else f", stop {position.stop_price:,.{decimals}f}"
    return target + stop


def _result(instance: Instance) -> str:
    if instance.last_pnl is None:
        return ""
    return f" with a result of {number_text(float(instance.last_pnl), instance.lane.instrument.quote)} after fees"


def _sentence(text: str) -> str:
    return text if text.endswith((".", "!", "?")) else f"{text}."


def _code(text: str | None) -> str:
    return (text or "no exit order was working").rstrip(".")
