"""A case: one column of a third party's file, the kind it is compared with, and where their definitions part."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypedDict, Unpack

import msgspec

Prices = Literal["as given", "close", "volume", "typical", "mean"]
"""What bars are made of: the file's prices; its close or its volume as all four; or, as close, a mean of three or four.

Typical is (high + low + close) / 3, mean is (open + high + low + close) / 4.
"""


UNTIL_THE_END = 1 << 30

Params = Mapping[str, float]


class Options(TypedDict, total=False):
    """What a case may need besides its column, its kind and its definition; the fields of `Case`."""

    times: float
    plus: float
    shift: int
    less: tuple[str, str]
    lead: int
    after: int
    before: int
    without: tuple[int, ...]
    flat: int
    unset: tuple[str, ...]
    prices: Prices
    is_anchored: bool
    tolerance: float
    is_contrary: bool


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """One expected column; theirs = `times` * ours + `plus`, `shift` bars later.

    Each field below that is given is explained by `definition`, which is empty where the source defines the kind as
    papertape does.
    """

    source: str
    file: str
    column: str
    kind: str
    params: Params = msgspec.field(default_factory=dict)
    definition: str = ""
    times: float = 1.0
    plus: float = 0.0
    shift: int = 0
    less: tuple[str, str] | None = None
    """Another column and kind that are subtracted on each side before the comparison."""
    lead: int = 0
    """Flat bars at the first close that come before the file's, to begin from its seed."""
    after: int = 0
    """Rows at the front that are left out: its seed must fade, or it has values of bars before the file."""
    before: int = UNTIL_THE_END
    """The first row that is left out again."""
    without: tuple[int, ...] = ()
    """Rows that are left out one by one."""
    flat: int = 0
    """Rows are left out where this many last closes are the same: the value is made of rounding errors there."""
    unset: tuple[str, ...] = ("",)
    """Cells that hold no value."""
    prices: Prices = "as given"
    is_anchored: bool = False
    """Whether changes since the first compared bar are compared: running totals may begin anywhere."""
    tolerance: float = 0.0
    """The largest difference, where the file is less precise than it is printed."""
    is_contrary: bool = False
    """Whether the source means something else by the name: the difference is measured, not held to anything."""

    @property
    def name(self) -> str:
        """What tests call it: the file, the column and the kind."""
        given = ",".join(f"{value:g}" for value in self.params.values())
        return f"{self.file}:{self.column}={self.kind}({given})"


def case_of(
    source: str,
    pattern: str,
    name: str,
    column: str,
    kind: str,
    params: Params | None = None,
    definition: str = "",
    **options: Unpack[Options],
) -> Case:
    """Return a case whose file is `pattern` with the `name` in the place of its braces."""
    return Case(
        source=source,
        file=pattern.format(name),
        column=column,
        kind=kind,
        params=params or {},
        definition=definition,
        **options,
    )
