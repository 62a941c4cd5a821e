"""What a case must show, said once for the four sources."""

from __future__ import annotations

from papertape.testkit.references.case import Case
from papertape.testkit.references.compare import Comparison
from papertape.testkit.references.sources import CASES, compared
from papertape.testkit.shared_data import shared_data


def cases_of(source: str, *, are_contrary: bool = False) -> list[str]:
    """Return the names of the cases of a source, of the same definition or of another one."""
    return [name for name, case in CASES.items() if case.source == source and case.is_contrary == are_contrary]


def comparison_of(name: str) -> Comparison:
    """Return the comparison of a case; skip the calling test where the data is absent."""
    shared_data(CASES[name].source)
    return compared(name)


def assert_equal(name: str) -> None:
    """Fail with the first bars that are too far apart."""
    found = comparison_of(name)
    assert found.is_equal, (
        f"{len(found.beyond)} of {found.bars} bars differ; (row, ours, theirs, allowed): "
        f"{[tuple(one) for one in found.beyond[:3]]}"
    )


def assert_of_another_definition(name: str) -> None:
    """Fail where a source that is said to mean something else agrees with us after all."""
    assert not comparison_of(name).is_equal


def is_bent(case: Case) -> bool:
    """Say whether a case needs a reason: whatever it does besides naming file, column, kind and parameters."""
    plain = Case(
        source=case.source, file=case.file, column=case.column, kind=case.kind, params=case.params, unset=case.unset
    )
    return case != plain
