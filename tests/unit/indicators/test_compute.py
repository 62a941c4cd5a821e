"""One indicator over the rows of a file."""

from __future__ import annotations

import pytest

from papertape.errors import Invalid
from papertape.indicators.bars import Bar
from papertape.indicators.compute import (
    TradeRow,
    compute_over_bars,
    compute_over_trades,
)

SECOND = 1_000_000


def test_bars_give_one_row_each_at_their_close() -> None:
    bars = [Bar(at, at + 1, 1.0, 1.0, 1.0, float(at), 0.0) for at in range(4)]

    assert compute_over_bars("sma", {"period": 2}, bars) == [(1, None), (2, 0.5), (3, 1.5), (4, 2.5)]


def test_trades_give_one_row_each_after_each() -> None:
    trades = [TradeRow(at * SECOND, 10.0 + at, 1.0, True) for at in range(4)]

    assert compute_over_trades("vwap", {"t1": 2}, trades) == [
        (0, None),
        (SECOND, None),
        (2 * SECOND, 11.5),
        (3 * SECOND, 12.5),
    ]


def test_a_kind_over_bars_builds_them_from_trades() -> None:
    trades = [TradeRow(at * SECOND, float(at), 1.0, True) for at in range(5)]

    assert compute_over_trades("sma", {"period": 2, "interval": 2}, trades) == [(2 * SECOND, None), (4 * SECOND, 2.0)]


def test_the_wrong_kind_of_rows_is_refused_with_the_right_one() -> None:
    with pytest.raises(Invalid, match="vwap is computed from trades, not from bars; give it a file of trades"):
        compute_over_bars("vwap", {}, [])
    with pytest.raises(Invalid, match="spread_pct is computed from quotes, not from trades"):
        compute_over_trades("spread_pct", {}, [])
