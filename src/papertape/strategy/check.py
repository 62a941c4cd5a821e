"""What the shape cannot say: aliases exist, parameters are possible, a position can always be closed."""

from __future__ import annotations

import math
from collections.abc import Iterator

from papertape.errors import Invalid
from papertape.indicators.catalogue import CATALOGUE, canonical_params
from papertape.strategy.definition import (
    INSTANCE_VALUES,
    SESSION_VALUES,
    Condition,
    EntryOrder,
    SectionName,
    StrategyDefinition,
    section_of,
)
from papertape.strategy.durations import duration_us
from papertape.strategy.shape_errors import did_you_mean, invalid_at

SECTION_NAMES: tuple[SectionName, ...] = ("S1", "O1", "Z1", "ZE1", "E1")
MAX_CONDITIONS = 200
MAX_DEPTH = 8
_MAX_DURATION_US = 7 * 86_400_000_000
_RANGE_OPS = ("between", "outside")


def check_meaning(definition: StrategyDefinition) -> None:
    """Check what a definition means beyond its shape.

    Raises:
        Invalid: naming the exact path and a remedy.
    """
    _check_indicators(definition)
    _check_sections(definition)
    _check_order(definition)
    _check_ways_out(definition)
    _check_durations(definition)


def conditions_of(definition: StrategyDefinition) -> Iterator[tuple[str, Condition, int]]:
    """Yield every condition and group with its path and depth, in the order written."""
    for code in SECTION_NAMES:
        section = section_of(definition, code)
        if section is not None:
            yield from _walk(section.conditions, f"sections.{code}.conditions", 1)


def children_of(condition: Condition) -> tuple[str, tuple[Condition, ...]] | None:
    """Return a group's word (`all`, `any`, `none`) and its members, or None for a comparison."""
    for word, members in (("all", condition.all_), ("any", condition.any_), ("none", condition.none_)):
        if members is not None:
            return word, members
    return None


def _walk(conditions: tuple[Condition, ...], path: str, depth: int) -> Iterator[tuple[str, Condition, int]]:
    for index, condition in enumerate(conditions):
        here = f"{path}[{index}]"
        yield here, condition, depth
        group = children_of(condition)
        if group is not None:
            yield from _walk(group[1], f"{here}.{group[0]}", depth + 1)


def _check_indicators(definition: StrategyDefinition) -> None:
    for alias, use in definition.indicators.items():
        path = f"indicators.{alias}"
        if alias in INSTANCE_VALUES or alias in SESSION_VALUES:
            raise invalid_at(path, f'"{alias}" is a value every strategy already has; choose another alias')
        if use.kind not in CATALOGUE:
            raise invalid_at(
                f"{path}.kind", f'unknown indicator kind "{use.kind}"; {did_you_mean(use.kind, list(CATALOGUE))}'
            )
        try:
            canonical_params(use.kind, use.params)
        except Invalid as error:
            where = f"{path}.params.{error.path}" if error.path else f"{path}.params"
            raise invalid_at(where, error.message, error.code) from error


def _check_sections(definition: StrategyDefinition) -> None:
    for code in SECTION_NAMES:
        section = section_of(definition, code)
        if section is None or section.conditions or code == "Z1":
            continue
        if code == "O1" and definition.sections.O1 is not None and definition.sections.O1.timeout is not None:
            continue
        raise invalid_at(f"sections.{code}.conditions", "expected at least one condition, found none; add one")
    for count, (path, condition, depth) in enumerate(conditions_of(definition), start=1):
        if count > MAX_CONDITIONS or depth > MAX_DEPTH:
            raise invalid_at(path, f"over {MAX_CONDITIONS} conditions or {MAX_DEPTH} levels; simplify the strategy")
        _check_condition(definition, path, condition)


def _check_condition(definition: StrategyDefinition, path: str, condition: Condition) -> None:
    groups = [members for members in (condition.all_, condition.any_, condition.none_) if members is not None]
    if groups:
        mixed = (condition.indicator, condition.op, condition.threshold, condition.other)
        timed = (condition.for_, condition.within, condition.name)
        if len(groups) > 1 or any(part is not None for part in (*mixed, *timed)):
            raise invalid_at(path, "a group holds exactly one of all, any, none and nothing else; split it")
        if not groups[0]:
            raise invalid_at(path, "the group is empty; add a condition to it or remove it")
        return
    if condition.indicator is None:
        raise invalid_at(path, "expected an indicator or one of all, any, none; add `indicator: <alias>`")
    _check_operand(definition, f"{path}.indicator", condition.indicator)
    if condition.op is None:
        raise invalid_at(f"{path}.op", 'the operator is missing; add e.g. `op: ">="`')
    _check_threshold(definition, path, condition)


def _check_operand(definition: StrategyDefinition, path: str, alias: str) -> None:
    known = [*definition.indicators, *INSTANCE_VALUES, *SESSION_VALUES]
    if alias not in known:
        raise invalid_at(path, f'unknown indicator "{alias}"; {did_you_mean(alias, known)}')


def _check_threshold(definition: StrategyDefinition, path: str, condition: Condition) -> None:
    threshold, other = condition.threshold, condition.other
    if condition.op in _RANGE_OPS:
        if not isinstance(threshold, tuple) or other is not None:
            raise invalid_at(f"{path}.threshold", f"{condition.op} needs two numbers; write [low, high], e.g. [30, 70]")
        if not threshold[0] < threshold[1]:
            raise invalid_at(f"{path}.threshold", f"low {threshold[0]:g} is not below high {threshold[1]:g}; swap them")
    elif isinstance(threshold, tuple):
        raise invalid_at(f"{path}.threshold", f"{condition.op} needs one number, found two; write e.g. 2.5")
    elif (threshold is None) == (other is None):
        raise invalid_at(
            f"{path}.threshold", "expected either a threshold (a number) or `other` (an alias); write exactly one"
        )
    if other is not None:
        _check_operand(definition, f"{path}.other", other)
    for number in threshold if isinstance(threshold, tuple) else (threshold,):
        if number is not None and not math.isfinite(number):
            raise invalid_at(f"{path}.threshold", "expected a finite number; write e.g. 2.5")


def _check_order(definition: StrategyDefinition) -> None:
    order, path = definition.sections.Z1.order, "sections.Z1.order"
    _check_size(order, f"{path}.size")
    if (order.type == "limit") != (order.limit is not None):
        raise invalid_at(
            f"{path}.limit", f"a {order.type} order {'needs' if order.limit is None else 'takes no'} limit; correct it"
        )
    if order.side == "short" and definition.instruments == "spot":
        raise invalid_at(
            f"{path}.side",
            "spot cannot be sold short; write `instruments: perpetual` or `side: long`",
            "venue.short_not_allowed",
        )


def _check_size(order: EntryOrder, path: str) -> None:
    given = [size for size in (order.size.quote, order.size.equity_pct, order.size.risk_pct) if size is not None]
    if len(given) != 1:
        raise invalid_at(path, f"expected exactly one of quote, equity_pct, risk_pct, found {len(given)}; keep one")
    if order.size.risk_pct is not None and order.stop_loss_pct is None:
        raise invalid_at(f"{path}.risk_pct", "risk per trade is measured to the stop; add stop_loss_pct to the order")


def _check_ways_out(definition: StrategyDefinition) -> None:
    sections, order = definition.sections, definition.sections.Z1.order
    if sections.ZE1 is None and sections.E1 is None and order.stop_loss_pct is None:
        raise invalid_at(
            "sections", "a position could never be closed at a loss; add ZE1, E1 or sections.Z1.order.stop_loss_pct"
        )


def _check_durations(definition: StrategyDefinition) -> None:
    cooldown, order = definition.cooldown, definition.sections.Z1.order
    cancel = definition.sections.O1
    named = [
        ("cooldown.after_exit", cooldown.after_exit),
        ("cooldown.after_loss", cooldown.after_loss),
        ("cooldown.after_cancel", cooldown.after_cancel),
        ("sections.O1.timeout", cancel.timeout if cancel else None),
        ("sections.Z1.order.limit.expires_after", order.limit.expires_after if order.limit else None),
    ]
    for path, condition, _ in conditions_of(definition):
        named += [(f"{path}.for", condition.for_), (f"{path}.within", condition.within)]
    for path, text in named:
        if text is not None and duration_us(text) > _MAX_DURATION_US:
            raise invalid_at(path, f"expected at most 7d, found {text}; choose a shorter duration")
