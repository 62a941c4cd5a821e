"""Plain sentences: why an instance moved, and what it is waiting for. Made on demand, never per event."""

from __future__ import annotations

from array import array
from decimal import Decimal

from papertape.broker.lifecycle import STATUSES
from papertape.broker.money import average_price
from papertape.broker.owner import NO_PRICE, Order, Position
from papertape.broker.telling import reason_of
from papertape.engine.codes import (
    BY_REJECTED,
    ENTERING,
    FILLED,
    FLAT,
    MONITORING,
    RESTED,
    SECTION,
    SECTIONS,
    SIGNAL_DETECTED,
    STATES,
    STOPPED,
    TARGETED,
    TIMED_OUT,
    WORDS,
)
from papertape.engine.instance import Instance
from papertape.engine.moments import Moment, Moments, monitor_now
from papertape.model.events import SectionCode
from papertape.model.fact_log import NO_REASON, Reason
from papertape.model.fact_rows import FactRows
from papertape.strategy.definition import section_of
from papertape.strategy.durations import duration_text
from papertape.strategy.machine import NEXT_SECTION
from papertape.strategy.readings import Monitor
from papertape.strategy.words import capitalised, number_text

SECTION_WORDS: dict[SectionCode, str] = {
    "S1": "Watching",
    "O1": "False alarm",
    "Z1": "Entering",
    "ZE1": "Taking profit",
    "E1": "Stopping loss",
}
"""The default words on screen for a section that waits."""

FOUND = "Found"
"""The word for S1 once its answer is true."""


def reason_words(instance: Instance, reason: Reason) -> str:
    """Return the words of a reason that an instance holds."""
    head = (reason.kind, 0 if reason.text else NO_REASON)
    ints = array("q", [*head, *[reason.ints[index] for index in range(reason.int_count)]])
    floats = array("d", [reason.floats[index] for index in range(reason.float_count)])
    rows = FactRows(array("q", [0, 0, 0]).tobytes(), ints.tobytes(), floats.tobytes(), [reason.text])
    return tell_reason(Moments(rows, {instance.index: instance}), 0, instance)


def tell_reason(moments: Moments, place: int, instance: Instance | None) -> str:
    """Return the words of the reason in row `place`; `instance` is whom the words are about, where one is known."""
    rows = moments.rows
    rows.go(place)
    kind, text = rows.take_int(), rows.take_int()
    if kind == SECTION:
        return section_words(moments.at(place))
    if kind == TIMED_OUT:
        return f"The signal was dropped: no entry was found within {duration_text(rows.take_int())}."
    if kind == RESTED:
        return "The rest is over; watching again."
    if kind == WORDS or instance is None:
        return rows.texts[text] if text != NO_REASON else ""
    return _venue_words(rows, kind, instance)


def _venue_words(rows: FactRows, kind: int, instance: Instance) -> str:
    is_known = rows.take_int() == 1
    if kind == FILLED:
        if not is_known:
            return "The entry has filled."
        is_long, quantity, cost = rows.take_int() == 1, rows.take_int(), rows.take_exact()
        return f"The entry has filled: {_held(instance, is_long=is_long, quantity=quantity, cost=cost)}."
    result = _result(instance, rows.take_exact()) if is_known else ""
    return f"{_OPENINGS[kind]}{result}."


def order_trouble(instance: Instance, trigger: int) -> str:
    """Return what it means that an entry or an exit came to nothing."""
    entry = instance.entry
    said = "no order was sent" if entry is None else order_words(instance, entry)
    if instance.state == ENTERING:
        if trigger == BY_REJECTED:
            return f"The venue rejected the entry: {_sentence(said)}"
        return f"The entry ended without a fill: {_sentence(said)}"
    if trigger == BY_REJECTED:
        return f"The exit did not complete ({exit_problem(instance).rstrip('.')}); it is sent again."
    return f"The entry was withdrawn before anything filled: {_sentence(said)}"


def exit_problem(instance: Instance) -> str:
    """Return why the newest exit did not complete."""
    order = instance.failed_exit
    return "no exit order was working" if order is None else order_words(instance, order)


def order_words(instance: Instance, order: Order) -> str:
    """Return the newest reason of an order: the venue's own words, or why it was sent."""
    return reason_of(order, lambda reason: reason_words(instance, reason))


_OPENINGS = {
    FLAT: "Flat again",
    STOPPED: "The resting stop-loss was reached",
    TARGETED: "The resting target was reached",
}


def section_name(instance: Instance, code: SectionCode) -> str | None:
    """Return what a section looks for, as its author named it."""
    section = section_of(instance.program.definition, code)
    return None if section is None else section.name


def section_words(moment: Moment) -> str:
    """Return why the answer of a moment's section was true: what it found and the conditions that held."""
    if not moment.words:
        moment.words = _section_words(moment.instance, moment.monitor, SECTIONS[moment.section])
    return moment.words


def _section_words(instance: Instance, monitor: Monitor, code: SectionCode) -> str:
    name = section_name(instance, code)
    side = "long" if instance.is_long else "short"
    openings = {
        "S1": f"Found {name or 'a signal'}",
        "O1": f"The signal was dropped ({name or 'a false alarm'})",
        "Z1": f"Entering {side} at {name}" if name else f"Entering {side}",
        "ZE1": f"Closing in an orderly way ({name or 'taking profit'})",
        "E1": f"Getting out at once ({name or 'stopping the loss'})",
    }
    held = true_sentences(monitor, code)
    return f"{openings[code]}: {'; '.join(held)}." if held else f"{openings[code]}."


def true_sentences(monitor: Monitor, code: SectionCode) -> list[str]:
    """Return a clause for each condition that makes a section's answer true."""
    return [monitor.sentence(row) for row in monitor.supporting_rows(monitor.program.roots[code])]


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
    }[STATES[instance.state]](instance, ts)
    if instance.state not in (MONITORING, SIGNAL_DETECTED):
        return told
    hindrance = instance.never.sentence if instance.never is not None else paused
    return told if hindrance is None or instance.refused is not None else f"{hindrance} {told}"


def waiting_clause(instance: Instance, code: SectionCode) -> str:
    """Return how the condition that blocks a section stands, or that all of it holds."""
    root = instance.program.roots[code]
    if root < 0:
        return "it is not defined"
    monitor = monitor_now(instance)
    row = monitor.blocking_row(root)
    if row is None:
        held = true_sentences(monitor, code)
        return f"all of it holds ({'; '.join(held)})" if held else "nothing more is asked"
    count = monitor.alternatives(root)
    nearest = f"none of {count} conditions holds; the nearest: " if count > 1 else ""
    return nearest + monitor.sentence(row)


def _monitoring(instance: Instance, _: int) -> str:
    name = section_name(instance, "S1")
    return f"{'Watching for ' + name if name else 'Watching'}: {waiting_clause(instance, 'S1')}."


def _signal_detected(instance: Instance, ts: int) -> str:
    found = f"Found {section_name(instance, 'S1') or 'a signal'} {duration_text(ts - instance.since)} ago"
    if instance.refused is not None:
        return f"{found}, but no order may be sent: {instance.refused.sentence}"
    name = section_name(instance, "Z1")
    return f"{found}; waiting for {name or 'the entry'}: {waiting_clause(instance, 'Z1')}."


def _entering(instance: Instance, _: int) -> str:
    entry = instance.entry
    if entry is None:
        return "The entry order is on its way."
    instrument = instance.lane.instrument
    quantity = f"{instrument.size_decimal(entry.quantity).normalize():f} {instrument.base}"
    waits = f" {entry.said.partition(': ')[2]}" if entry.said.startswith("stale_book") else ""
    side = "buy" if entry.is_buy else "sell"
    status = STATUSES[entry.status]
    return f"The entry O-{entry.number} ({side} {quantity}) is {status}; waiting for its first fill.{waits}"


def _position_active(instance: Instance, _: int) -> str:
    if instance.position is None:
        return "The position was closed at the venue; the instance follows at the next event."
    code = NEXT_SECTION[STATES[instance.state]] or "ZE1"
    code = code if instance.program.roots[code] >= 0 else "E1"
    holding = capitalised(_holding(instance, instance.position)) + _guards(instance, instance.position)
    if instance.program.roots[code] < 0:
        return f"{holding}; its stop and target rest at the venue."
    word = "taking profit" if code == "ZE1" else "stopping the loss"
    return f"{holding}; {word} waits: {waiting_clause(instance, code)}."


def _exiting(instance: Instance, ts: int) -> str:
    why = _last_words(instance) or "The position is being closed."
    if instance.position is None:
        return f"{why} The position is closed; resting at the next event."
    tries = f" (attempt {instance.exit_attempts})" if instance.exit_attempts > 1 else ""
    return f"{why} Waiting for the exit to fill for {duration_text(ts - instance.since)}{tries}."


def _cooldown(instance: Instance, ts: int) -> str:
    left = duration_text(instance.cooldown_until - ts)
    return f"Resting for another {left}. {_last_words(instance)}".rstrip()


def _error(instance: Instance, _: int) -> str:
    held = " A position is still open." if instance.position is not None else ""
    return f"Stopped by an error: {_last_words(instance) or 'unknown.'}{held} Close it by command."


def _last_words(instance: Instance) -> str:
    return "" if instance.last_reason is None else reason_words(instance, instance.last_reason)


def _holding(instance: Instance, position: Position) -> str:
    return _held(instance, is_long=position.is_long, quantity=position.quantity, cost=position.cost)


def _held(instance: Instance, *, is_long: bool, quantity: int, cost: int) -> str:
    instrument = instance.lane.instrument
    price = f"{average_price(instrument, cost, quantity):,.{instrument.price_decimals}f}"
    size = f"{instrument.size_decimal(quantity).normalize():f}"
    return f"{'long' if is_long else 'short'} {size} {instrument.base} at {price}"


def _guards(instance: Instance, position: Position) -> str:
    return _guard(instance, "target", position.target) + _guard(instance, "stop", position.stop)


def _guard(instance: Instance, what: str, order: Order | None) -> str:
    if order is None or order.trigger == NO_PRICE or not order.is_working():
        return ""
    instrument = instance.lane.instrument
    return f", {what} {instrument.price_decimal(order.trigger):,.{instrument.price_decimals}f}"


def _result(instance: Instance, pnl: int) -> str:
    amount = float(Decimal(pnl).scaleb(-instance.session.broker.money_decimals))
    return f" with a result of {number_text(amount, instance.lane.instrument.quote)} after fees"


def _sentence(text: str) -> str:
    return text if text.endswith((".", "!", "?")) else f"{text}."
