from __future__ import annotations

from array import array

from papertape.model.fact_log import FILL, SIGNAL
from papertape.model.fact_rows import FactRows


def rows_of(starts: list[int], ints: list[int], floats: list[float], texts: list[str]) -> FactRows:
    return FactRows(array("q", starts).tobytes(), array("q", ints).tobytes(), array("d", floats).tobytes(), texts)


def test_numbers_are_taken_one_by_one_or_many_at_once_in_their_order() -> None:
    rows = rows_of([SIGNAL, 0, 0, FILL, 5, 3], [1, -2, 1 << 62, 0, 4, 9], [0.5, 1.5, 2.5, 3.5], ["why"])
    assert (len(rows), rows.go(0), rows.take_int(), list(rows.take_ints(2))) == (2, SIGNAL, 1, [-2, 1 << 62])
    assert (rows.take_text(), rows.take_int()) == ("why", 4)
    assert (list(rows.take_floats(2)), rows.take_float()) == ([0.5, 1.5], 2.5)
    assert (rows.go(1), rows.take_int(), rows.take_float()) == (FILL, 9, 3.5)
    assert (rows.go(0), list(rows.take_ints(0)), list(rows.take_ints(1))) == (SIGNAL, [], [1])
