"""One module per indicator, or a few that share a kernel, each with its declaration `KIND` or declarations `KINDS`.

In: the shells and windows of `indicators`. Out: `KINDS`, every declaration, found in this folder by itself.
Never: knowledge of one kind in another.
"""

from __future__ import annotations

import pkgutil
from importlib import import_module

from papertape.indicators.kind import IndicatorKind


def _declared() -> tuple[IndicatorKind, ...]:
    kinds: list[IndicatorKind] = []
    for found in pkgutil.iter_modules(__path__):
        module = import_module(f"{__name__}.{found.name}")
        kinds.extend(module.KINDS if hasattr(module, "KINDS") else (module.KIND,))
    return tuple(kinds)


KINDS: tuple[IndicatorKind, ...] = _declared()
