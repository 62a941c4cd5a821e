"""One module per indicator, or a few that share a kernel, each with its declaration `KIND` or declarations `KINDS`.

In: the shells and windows of `indicators`. Out: `KINDS`, every declaration, found in this folder by itself.
Never: knowledge of one kind in another.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from papertape.indicators.kind import IndicatorKind


def _declared() -> tuple[IndicatorKind, ...]:
    kinds: list[IndicatorKind] = []
    # By their sources: an extension may outlive its source until the kernel is compiled again.
    for source in sorted(Path(__file__).parent.glob("[!_]*.py")):
        module = import_module(f"{__name__}.{source.stem}")
        kinds.extend(module.KINDS if hasattr(module, "KINDS") else (module.KIND,))
    return tuple(kinds)


KINDS: tuple[IndicatorKind, ...] = _declared()
