"""Fixed-length histories: what they hold, and that their sums, moments and extremes never drift."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from papertape.indicators.ring import FloatRing, LongSum, Moments, RollingMax, RollingMin, RunningSum, WeightedSum

PRICES = st.one_of(
    st.floats(1e-9, 1e12, allow_nan=False), st.sampled_from((1.0, 60_000.01, 60_000.02, 1e-8, 1e15, 0.1))
)
STREAMS = st.lists(PRICES, min_size=1, max_size=60)


def test_a_ring_keeps_the_newest_numbers_and_returns_what_they_displace() -> None:
    ring = FloatRing(3)

    assert [ring.push(x) for x in (1.0, 2.0, 3.0, 4.0, 5.0)] == [0.0, 0.0, 0.0, 1.0, 2.0]
    assert [ring.at(back) for back in range(ring.count)] == [5.0, 4.0, 3.0]


def test_a_ring_of_one_holds_the_newest_number() -> None:
    ring = FloatRing(1)
    ring.push(1.0)

    assert (ring.push(2.0), ring.at(0), ring.count) == (1.0, 2.0, 1)


def test_a_long_sum_keeps_what_a_float_loses() -> None:
    total = LongSum()
    for x in (1e16, 1.0, -1e16):
        total.add(x)

    assert total.value() == 1.0


def test_a_long_sum_adds_products_without_rounding_them() -> None:
    total = LongSum()
    total.add_product(1.0 + 2.0**-30, 1.0 + 2.0**-30)
    total.add(-1.0)
    total.add(-(2.0**-29))

    assert total.value() == 2.0**-60


@given(STREAMS, st.integers(1, 7))
def test_running_sums_equal_sums_of_the_numbers_held(stream: list[float], capacity: int) -> None:
    total = RunningSum(capacity)
    for at, x in enumerate(stream):
        total.push(x)
        held = stream[max(0, at + 1 - capacity) : at + 1]

        assert total.value() == pytest.approx(math.fsum(held), rel=1e-12)
        assert total.mean() == pytest.approx(math.fsum(held) / len(held), rel=1e-12)


@given(STREAMS, st.integers(1, 7))
def test_moments_equal_those_of_the_numbers_held(stream: list[float], capacity: int) -> None:
    moments = Moments(capacity)
    for at, x in enumerate(stream):
        moments.push(x)
        held = [Fraction(number) for number in stream[max(0, at + 1 - capacity) : at + 1]]
        mean = sum(held) / len(held)
        variance = float(sum((number - mean) ** 2 for number in held) / len(held))

        # What came lately may still weigh on the sums: 2**-96 of its square.
        dust = 2.0**-90 * max(stream[: at + 1]) ** 2
        assert moments.variance() == pytest.approx(variance, rel=1e-12, abs=dust)
        assert moments.variance() >= 0.0


@given(STREAMS, st.integers(2, 7))
def test_weighted_means_and_slopes_equal_those_of_the_numbers_held(stream: list[float], capacity: int) -> None:
    weighted = WeightedSum(capacity)
    for at, x in enumerate(stream):
        weighted.push(x)
        held = [Fraction(number) for number in stream[max(0, at + 1 - capacity) : at + 1]]
        count = len(held)
        mean = sum(k * number for k, number in enumerate(held, 1)) / Fraction(count * (count + 1), 2)

        dust = 2.0**-90 * max(stream[: at + 1])
        assert weighted.weighted_mean() == pytest.approx(float(mean), rel=1e-12, abs=dust)
        if count > 1:
            middle = Fraction(count + 1, 2)
            rise = sum((k - middle) * number for k, number in enumerate(held, 1))
            slope = float(rise / Fraction(count * (count * count - 1), 12))
            assert weighted.slope() == pytest.approx(slope, rel=1e-12, abs=dust)


@pytest.mark.parametrize("price", [0.1, 60_000.01, 1e-9, 1e14])
def test_equal_numbers_have_themselves_as_mean_and_no_variance_or_slope_at_all(price: float) -> None:
    moments, weighted = Moments(7), WeightedSum(7)
    for x in (3.3, *[price] * 10):
        moments.push(x)
        weighted.push(x)

    assert (moments.mean(), moments.variance()) == (price, 0.0)
    assert (weighted.mean(), weighted.weighted_mean(), weighted.slope()) == (price, price, 0.0)


def test_sums_stay_exact_over_many_numbers_of_very_different_size() -> None:
    total = RunningSum(10)
    for at in range(100_000):
        total.push(1e12 if at % 5_000 == 0 else 0.1 * (at % 7))
    held = [0.1 * (at % 7) for at in range(99_990, 100_000)]

    assert total.value() == pytest.approx(math.fsum(held), rel=1e-15)


def test_a_number_that_is_not_finite_spoils_sums_only_while_it_is_held_and_remade() -> None:
    moments = Moments(3)
    for x in (1.0, math.inf, 1.0, 2.0, 3.0, 1.0, 2.0):
        moments.push(x)

    assert moments.mean() == 2.0
    assert moments.variance() == pytest.approx(2.0 / 3.0)


@given(st.lists(st.integers(-5, 5), min_size=1, max_size=60), st.integers(1, 7))
def test_extremes_are_those_of_the_newest_numbers_with_the_age_of_the_newest_equal(
    stream: list[int], span: int
) -> None:
    high, low = RollingMax(span), RollingMin(span)
    for at, number in enumerate(stream):
        top, bottom = high.add(float(number)), low.add(float(number))
        held = stream[max(0, at + 1 - span) : at + 1][::-1]

        assert (high.age(), low.age()) == (held.index(max(held)), held.index(min(held)))
        if len(held) < span:
            assert math.isnan(top)
            assert math.isnan(bottom)
        else:
            assert (top, bottom) == (max(held), min(held))
