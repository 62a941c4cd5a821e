"""Every indicator there is, and the one way to make one."""

from __future__ import annotations

import math
from collections.abc import Mapping

from papertape.errors import Invalid
from papertape.indicators.indicator import Indicator
from papertape.indicators.kind import IndicatorKind, Param
from papertape.indicators.kinds import KINDS
from papertape.indicators.plugins import load_plugins

__all__ = ["CATALOGUE", "IndicatorKind", "Param", "canonical_params", "find_kind", "make_indicator"]

CATALOGUE: dict[str, IndicatorKind] = {
    kind.name: kind for kind in sorted((*KINDS, *load_plugins(KINDS)), key=lambda kind: kind.name)
}


def find_kind(kind: str) -> IndicatorKind:
    """Return the declaration of a kind.

    Raises:
        Invalid: there is no such kind.
    """
    found = CATALOGUE.get(kind)
    if found is None:
        raise Invalid(
            f"There is no indicator kind {kind!r}; choose one of {', '.join(CATALOGUE)}.",
            code="indicator.unknown_kind",
            path="kind",
        )
    return found


def canonical_params(kind: str, params: Mapping[str, float]) -> tuple[tuple[str, float], ...]:
    """Return the complete, checked parameters, sorted by name: with the kind, the identity of a computation.

    Raises:
        Invalid: the kind or a parameter is unknown, or a value is outside its limits; `path` names the parameter.
    """
    declared = find_kind(kind)
    known = {param.name: param for param in declared.params}
    for name in params:
        if name not in known:
            expected = ", ".join(known) or "none"
            raise Invalid(
                f"{kind} has no parameter {name!r}; its parameters are: {expected}.",
                code="indicator.unknown_param",
                path=str(name),
            )
    values = {name: _checked(kind, param, params.get(name, param.default)) for name, param in known.items()}
    for greater, less in declared.ordered:
        if values[greater] <= values[less]:
            unit = known[greater].unit
            why = "; windows are counted back from now, so" if unit == "s" else ";"
            raise Invalid(
                f"{greater} of {kind} is {values[greater]:g} {unit} and {less} is {values[less]:g} {unit}{why} "
                f"{greater} must be greater than {less}.",
                code="indicator.window_order" if unit == "s" else "indicator.param_order",
                path=greater,
            )
    return tuple(sorted(values.items()))


def make_indicator(kind: str, params: Mapping[str, float]) -> Indicator:
    """Return a new, cold indicator.

    Raises:
        Invalid: as `canonical_params`.
    """
    return find_kind(kind).make(dict(canonical_params(kind, params)))


def _checked(kind: str, param: Param, value: float) -> float:
    wanted = "a whole number" if param.is_integer else "a number"
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        problem = f"is {value!r}; expected {wanted}"
    elif param.is_integer and value != int(value):
        problem = f"is {value:g} {param.unit}; expected a whole number"
    elif not param.minimum <= value <= param.maximum:
        problem = f"is {value:g} {param.unit}; expected {wanted}"
    else:
        return float(value)
    raise Invalid(
        f"{param.name} of {kind} {problem} from {param.minimum:g} to {param.maximum:g} {param.unit} "
        f"({param.meaning}; {param.default:g} by default).",
        code="indicator.param_out_of_range",
        path=param.name,
    )
