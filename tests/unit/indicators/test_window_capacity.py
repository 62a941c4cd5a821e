"""A window holds a limited number of trades and says so when that is not enough."""

from __future__ import annotations

import pytest

from papertape.indicators.fixed import to_float
from papertape.indicators.measures import TradeMeasure
from papertape.indicators.windows import HighWindow, LowWindow, PathWindow, SumWindow, Window


def test_a_full_window_drops_its_oldest_trade_and_remembers_when_it_was() -> None:
    window = SumWindow(100, capacity=3)
    for ts, x in ((1, 1.0), (2, 2.0), (3, 4.0), (4, 8.0)):
        window.add(ts, x)

    assert (len(window.x), window.total, window.lost_ts) == (3, int(14.0 * 2**96), 1)


def test_trades_of_one_instant_are_dropped_together() -> None:
    window = Window(100, capacity=3)
    for ts, x in ((1, 1.0), (1, 2.0), (1, 3.0), (2, 4.0)):
        window.add(ts, x)

    assert (list(window.x), window.lost_ts) == ([4.0], 1)


def test_more_trades_of_one_instant_than_a_window_holds_leave_it_empty_and_incomplete() -> None:
    window = SumWindow(100, capacity=2)
    for x in (1.0, 2.0, 4.0):
        window.add(7, x)

    assert (list(window.x), window.total, window.lost_ts) == ([], 0, 7)


@pytest.mark.parametrize("kind", [Window, SumWindow, PathWindow])
def test_a_window_that_ends_before_now_limits_the_trades_it_awaits(kind: type[Window]) -> None:
    window = kind(100, 50, capacity=3)
    for ts in range(1, 6):
        window.add(ts, 1.0)
    window.settle(60)

    assert (len(window.x), window.lost_ts) == (3, 3)


class Volume(TradeMeasure):
    """The volume of 100 us, in a window that holds three trades."""

    def __init__(self) -> None:
        self.window = SumWindow(100, capacity=3)
        super().__init__(sizes=(self.window,))

    def _result(self) -> float:
        return to_float(self.window.total)


def test_an_indicator_is_undecided_until_what_its_window_lost_would_have_left_it_anyway() -> None:
    volume = Volume()
    for ts in (0, 100, 110, 120, 130):
        volume.on_trade(ts, 1.0, 1.0, True)

    assert [volume.value(199), volume.reason(199)] == [None, "more than 3 trades in the last 0.0001 s"]
    assert [volume.value(200), volume.reason(200)] == [3.0, None]


def test_low_and_high_windows_hold_only_what_can_still_be_an_extreme() -> None:
    low, high = LowWindow(10), HighWindow(10)
    for ts, price in enumerate((5.0, 3.0, 4.0, 4.0, 1.0, 2.0)):
        low.add(ts, price)
        high.add(ts, price)

    assert list(low.x) == [1.0, 2.0]
    assert list(high.x) == [5.0, 4.0, 2.0]


def test_a_path_keeps_the_price_that_lasts_into_the_window() -> None:
    path = PathWindow(10)
    path.add(0, 1.0)
    path.add(15, 3.0)
    path.settle(20)

    assert path.average(20) == 2.0
    path.settle(100)
    assert path.average(100) == 3.0
