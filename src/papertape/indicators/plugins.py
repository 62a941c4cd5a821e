"""Indicators of other packages: found by the entry point group, checked, and named with where they come from."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from importlib.metadata import EntryPoint, entry_points

import msgspec

from papertape.errors import Refused
from papertape.indicators.indicator import Indicator
from papertape.indicators.kind import IndicatorKind

GROUP = "papertape.indicators"
_NAME = re.compile(r"[a-z][a-z0-9_]*")

_FAULTS = (ImportError, SyntaxError, AttributeError, NameError, TypeError, ValueError, LookupError, ArithmeticError)
"""What a wrong declaration raises; anything else comes out of the package itself, with its own trace."""


def load_plugins(builtin: Sequence[IndicatorKind], found: Iterable[EntryPoint] | None = None) -> list[IndicatorKind]:
    """Return what the installed packages declare in the group `papertape.indicators`, beside the `builtin` kinds.

    Raises:
        Refused: a package cannot be loaded, or declares what is no indicator or has a name that is taken.
    """
    owners = {kind.name: "papertape" for kind in builtin}
    kinds: list[IndicatorKind] = []
    for entry in sorted(entry_points(group=GROUP) if found is None else found, key=lambda entry: entry.value):
        for kind in _load(entry):
            if kind.name in owners:
                raise _refused(entry, f"the indicator kind {kind.name!r} is there already, from {owners[kind.name]}")
            owners[kind.name] = kind.origin
            kinds.append(kind)
    return kinds


def _load(entry: EntryPoint) -> list[IndicatorKind]:
    try:
        declared = entry.load()
    except _FAULTS as error:
        raise _refused(entry, f"{entry.value} cannot be loaded: {type(error).__name__}: {error}") from error
    kinds = declared if isinstance(declared, tuple) else (declared,)
    if not kinds or not all(isinstance(kind, IndicatorKind) for kind in kinds):
        raise _refused(entry, f"{entry.value} is {declared!r:.100}; expected an IndicatorKind or a tuple of them")
    return [_checked(entry, kind) for kind in kinds]


def _checked(entry: EntryPoint, kind: IndicatorKind) -> IndicatorKind:
    if not _NAME.fullmatch(kind.name):
        raise _refused(entry, f"{kind.name!r} is no name of a kind; expected small letters, digits and _")
    for param in kind.params:
        if not param.minimum <= param.default <= param.maximum:
            raise _refused(
                entry,
                f"{param.name} of {kind.name} is {param.default:g} by default, outside its own limits "
                f"{param.minimum:g} to {param.maximum:g}",
            )
    try:
        made = kind.make({param.name: param.default for param in kind.params})
    except _FAULTS as error:
        raise _refused(
            entry, f"{kind.name} cannot be made with its defaults: {type(error).__name__}: {error}"
        ) from error
    if not isinstance(made, Indicator):
        raise _refused(entry, f"{kind.name} makes {type(made).__name__}; expected a subclass of Indicator")
    if hasattr(made, "__dict__"):
        raise _refused(
            entry,
            f"{type(made).__name__} of {kind.name} has no __slots__, so its state could not be kept; name it there",
        )
    return msgspec.structs.replace(kind, origin=_package(entry))


def _package(entry: EntryPoint) -> str:
    return entry.value if entry.dist is None else f"{entry.dist.name} {entry.dist.version}"


def _refused(entry: EntryPoint, problem: str) -> Refused:
    return Refused(
        f"The indicator package {_package(entry)} is refused: {problem}. Mend it, or uninstall it.",
        code="indicator.plugin_refused",
    )
