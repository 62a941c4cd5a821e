"""A ring holds a limited number of prints, and sums have a limit; windows say so when that is not enough."""

from __future__ import annotations

from papertape.indicators.compute import Meter
from papertape.indicators.moments import MomentSpan, ReturnSpan
from papertape.indicators.paths import PRICE, TURNOVER, PathSpan
from papertape.indicators.prints import Prints
from papertape.indicators.windows import ExtremeSpan, LatestSpan, Span, SumSpan

LARGE = 1 << 61


def fed(span: Span, rows: list[tuple[int, int, int]], limit: int = 3) -> Prints:
    """Return the prints of a ring, with `span` slid after each."""
    prints = Prints(0, 0, limit)
    span.attach(prints)
    for ts, units, lots in rows:
        prints.add(ts, units, lots)
        span.slide(ts)
    return prints


def test_a_ring_grows_while_a_window_looks_back_and_then_writes_over_what_no_window_needs() -> None:
    span = Span(1_000)
    prints = fed(span, [(ts, 1, 1) for ts in range(5_000)], limit=1 << 20)

    assert (prints.mask + 1, prints.head - prints.tail <= 1_024, span.count()) == (1_024, True, 1_000)


def test_a_full_ring_drops_the_oldest_print_and_its_window_is_incomplete_until_it_would_have_left() -> None:
    span = SumSpan(100, 0, True)
    fed(span, [(1, 10, 1), (2, 10, -2), (3, 10, 4), (4, 10, 8)])

    assert (span.count(), span.volume, span.net, span.turnover, span.whole) == (3, 14, 10, 140, 101)


def test_prints_of_one_instant_that_do_not_fit_leave_together() -> None:
    span = SumSpan(100)
    fed(span, [(7, 1, 1), (7, 1, 2), (7, 1, 4), (7, 1, 8)])

    assert (span.count(), span.volume, span.whole) == (0, 0, 107)


def test_a_window_that_ends_before_now_loses_what_it_awaits() -> None:
    for span in (Span(100, 50), SumSpan(100, 50), MomentSpan(False, 100, 50), ExtremeSpan(1, 100, 50)):
        fed(span, [(ts, ts, 1) for ts in range(1, 6)])
        span.slide(60)

        assert (span.count(), span.whole) == (3, 102)


def test_a_path_is_whole_again_once_its_oldest_print_stands_at_the_windows_start() -> None:
    path = PathSpan(PRICE, 10)
    fed(path, [(ts, ts, 1) for ts in range(0, 10, 2)])
    path.slide(13)
    assert path.whole == 14
    path.slide(14)

    assert path.average(14) == (4 * 2 + 6 * 2 + 8 * 6) / 10


def test_the_newest_print_is_known_whatever_was_dropped() -> None:
    latest = LatestSpan(100)
    fed(latest, [(ts, ts, 1) for ts in range(9)])

    assert (latest.units, latest.count(), latest.whole < 0) == (8, 1, True)


def test_an_indicator_is_undecided_until_what_its_window_lost_would_have_left_it_anyway() -> None:
    volume = Meter("sum_volume", {"t1": 0.001}, limit=3)
    for ts in (0, 1_000, 1_010, 1_020, 1_030):
        volume.on_trade(ts, 1.0, 1.0, True)

    assert [volume.value(1_999), volume.reason(1_999)] == [None, "more than 3 trades in the last 0.001 s"]
    assert [volume.value(2_000), volume.reason(2_000)] == [3.0, None]


def test_a_sum_that_would_pass_its_limit_forgets_and_says_so_until_that_has_left() -> None:
    volume = Meter("sum_volume", {"t1": 0.001}, size_decimals=0)
    volume.on_trade(0, 1.0, 1.0, True)
    for ts in (1_000, 1_500):
        volume.on_trade(ts, 1.0, float(LARGE), True)
    volume.on_trade(1_600, 1.0, 5.0, False)

    assert volume.reason(1_600) == "the numbers in the last 0.001 s are too large to be summed"
    assert volume.reason(2_499) == "the numbers in the last 0.001 s are too large to be summed"
    assert volume.value(2_500) == 5.0


def test_a_turnover_of_one_trade_that_is_too_large_spoils_only_the_windows_that_hold_it() -> None:
    vwap = Meter("vwap", {"t1": 0.001}, price_decimals=0, size_decimals=0)
    vwap.on_trade(0, 1e10, 1e10, True)
    vwap.on_trade(500, 7.0, 2.0, True)

    assert vwap.reason(999) == "warming up 0.000999/0.001 s"
    assert vwap.value(1_000) == 7.0


def test_a_path_of_turnover_waits_until_a_print_that_is_too_large_no_longer_lasts_into_it() -> None:
    path = PathSpan(TURNOVER, 10)
    prints = fed(path, [(0, 1, 1), (5, 1 << 40, 1 << 40)], limit=1 << 20)
    assert path.is_overflow
    prints.add(20, 3, 2)
    path.slide(29)
    assert path.is_overflow
    path.slide(30)

    assert (path.is_overflow, path.area(30)) == (False, 60.0)


def test_numbers_too_large_for_a_moment_or_a_return_count_as_nothing() -> None:
    sizes, returns = MomentSpan(False, 100), ReturnSpan(100)
    fed(sizes, [(1, 1, 5), (2, 1, 1 << 50), (3, 1, 7)], limit=1 << 20)
    fed(returns, [(1, 10, 1), (2, 1_000, 1), (3, 1_000, 1)], limit=1 << 20)

    assert (sizes.number, sizes.total, sizes.whole, sizes.is_overflow) == (2, 12, 102, True)
    assert (returns.squares(), returns.whole, returns.is_overflow) == (0.0, 102, True)
    sizes.slide(200)
    assert (sizes.number, sizes.total, sizes.count()) == (0, 0, 0)


def test_a_window_that_misses_a_number_too_large_stays_incomplete_when_the_ring_drops_what_is_older() -> None:
    sizes = MomentSpan(False, 100)
    prints = fed(sizes, [(1, 1, 5), (2, 1, 5), (3, 1, 1 << 50), (4, 1, 7)])

    assert (sizes.count(), sizes.total, sizes.whole, sizes.is_overflow) == (3, 12, 103, True)
    for ts in (5, 6, 7):
        prints.add(ts, 1, 1)
        sizes.slide(ts)
    assert (sizes.count(), sizes.total, sizes.whole, sizes.is_overflow) == (3, 3, 104, False)


def test_low_and_high_windows_hold_only_what_can_still_be_an_extreme() -> None:
    low, high = ExtremeSpan(1, 10), ExtremeSpan(-1, 10)
    rows = [(ts, price, 1) for ts, price in enumerate((5, 3, 4, 4, 1, 2))]
    fed(low, rows, limit=100)
    fed(high, rows, limit=100)

    assert (low.first(), low.last(), low.end - low.begin) == (1, 2, 2)
    assert (high.first(), high.last(), high.end - high.begin) == (5, 2, 3)


def test_a_path_keeps_the_price_that_lasts_into_the_window() -> None:
    path = PathSpan(PRICE, 10)
    fed(path, [(0, 1, 1), (15, 3, 1)])
    path.slide(20)

    assert path.average(20) == 2.0
    path.slide(100)
    assert path.average(100) == 3.0


def test_a_path_of_the_largest_prices_over_a_day_does_not_overflow() -> None:
    day = 86_400_000_000
    path = PathSpan(PRICE, day)
    fed(path, [(0, 2**62, 1), (day // 2, 2**62 - 2**40, 1), (day, 1, 1)])
    path.slide(day)

    assert path.average(day) == 2**62 - 2**39
