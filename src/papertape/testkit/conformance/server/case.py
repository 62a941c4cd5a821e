"""Named cases, each with the rule it checks and where the rule stands."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import msgspec

from papertape.testkit.conformance.server.target import Target

Check = Callable[[Target], Awaitable[None]]


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """One case. `where` is a heading of `docs/reference/stream.md` as a link fragment."""

    name: str
    rule: str
    where: str
    check: Check


class CaseBook:
    """The cases of one module, in the order they are written."""

    def __init__(self) -> None:
        self.cases: list[Case] = []

    def case(self, rule: str, where: str) -> Callable[[Check], Check]:
        """Register the function below as a case named like it."""

        def register(check: Check) -> Check:
            name = str(getattr(check, "__name__", ""))
            self.cases.append(Case(name=name, rule=rule, where=where, check=check))
            return check

        return register
