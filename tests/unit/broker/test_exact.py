"""Money is exact however large it is, and rounds as it says."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, ROUND_UP, Decimal
from fractions import Fraction
from math import floor

from hypothesis import given
from hypothesis import strategies as st

from papertape.broker.exact import half_even, half_even_units, half_up, product, ratio, rounded_up, worth
from papertape.broker.fees import FeeRate
from papertape.broker.money import EXACT
from papertape.broker.owner import Order, Owner, Position
from papertape.broker.telling import names_of
from papertape.model.events import AccountChanged
from papertape.model.narrow import MASK, WIDE, narrow
from papertape.testkit.venue import PERPETUAL, STRATEGY, broker_with, order, quote

int64 = st.integers(-(2**62), 2**62)
one = Decimal(1)
any_size = st.one_of(
    st.integers(-(2**200), 2**200),
    st.integers(-100, 100),
    st.builds(
        lambda power, sign, by: sign * (2**power + by),
        st.integers(50, 66),
        st.sampled_from([-1, 1]),
        st.integers(-2, 2),
    ),
)
positive = any_size.map(lambda number: abs(number) or 1)


@given(price=int64, size=int64)
def test_a_product_never_wraps(price: int, size: int) -> None:
    assert product(price, size) == price * size


@given(numerator=st.integers(-(10**15), 10**15), denominator=st.integers(1, 10**9))
def test_quotients_round_as_decimals_do(numerator: int, denominator: int) -> None:
    exact = Decimal(numerator) / Decimal(denominator)
    assert half_up(numerator, denominator) == exact.quantize(one, rounding=ROUND_HALF_UP)
    assert half_even(numerator, denominator) == exact.quantize(one, rounding=ROUND_HALF_EVEN)
    if numerator >= 0:
        assert rounded_up(numerator, denominator) == exact.quantize(one, rounding=ROUND_UP)


@given(number=any_size)
def test_a_number_is_narrow_up_to_62_bits(number: int) -> None:
    assert narrow(number) == (number if -MASK <= number <= MASK else WIDE)


@given(numerator=any_size, denominator=positive)
def test_quotients_are_exact_where_64_bits_end(numerator: int, denominator: int) -> None:
    quotient = Fraction(numerator, denominator)
    assert half_up(numerator, denominator) == (1 if numerator >= 0 else -1) * floor(abs(quotient) + Fraction(1, 2))
    assert half_even(numerator, denominator) == round(quotient)
    assert ratio(numerator, denominator) == numerator / denominator


@given(numerator=any_size, denominator=st.integers(1, 2**62), units=st.sampled_from([2, 100_000_000]))
def test_an_average_is_rounded_as_the_whole_quotient_is(numerator: int, denominator: int, units: int) -> None:
    assert half_even_units(numerator, denominator, units) == round(Fraction(numerator * units, denominator))


@given(price=int64, size=int64, factor=positive)
def test_what_an_execution_is_worth_never_wraps(price: int, size: int, factor: int) -> None:
    assert worth(price, size, factor) == price * size * factor


@given(
    amount=any_size,
    fee=st.sampled_from(["0", "0.001", "-0.0001", "0.00033333333333333", "0.9999999999999999999999"]),
    unit=st.sampled_from([1, 10**6, 10**30]),
)
def test_a_fee_of_any_amount_is_rounded_half_up_to_its_unit(amount: int, fee: str, unit: int) -> None:
    exact = Fraction(fee) * amount / unit
    rounded = (1 if exact >= 0 else -1) * floor(abs(exact) + Fraction(1, 2))
    assert FeeRate(Decimal(fee), unit).of(amount) == rounded * unit


@given(amount=st.integers(-(2**180), 2**180))
def test_an_amount_of_any_size_is_told_as_it_was_written(amount: int) -> None:
    venue = broker_with()
    venue.on_event(quote(1, "99.00", "100", "100.00", "100"))
    venue.broker.account.realized = amount
    told = venue.submit(order("buy", "1"), 1)[1][-1]
    assert isinstance(told, AccountChanged)
    assert int(EXACT.scaleb(told.realized_pnl, venue.broker.money_decimals)) == amount


def test_names_follow_the_order_in_which_owners_were_added() -> None:
    venue = broker_with()
    owner = venue.owner(STRATEGY, PERPETUAL.id)
    assert (owner.index, names_of(venue.broker).owners) == (0, ((STRATEGY, PERPETUAL),))


def test_owners_hear_of_orders_fills_and_positions_in_the_order_of_their_rows() -> None:
    class Listening(Owner):
        def note_order(self, order: Order) -> None:
            heard.append(f"order {order.number}")

        def note_fill(self, order: Order) -> None:
            heard.append(f"fill of {order.number}")

        def note_position(self, position: Position) -> None:
            heard.append(f"position {position.number}")

    heard: list[str] = []
    venue = broker_with()
    listening = Listening(STRATEGY, venue.broker.market(0))
    venue.adopt(listening)
    venue.on_event(quote(1, "99.00", "100", "100.00", "100"))
    venue.submit(order("buy", "1", stop_loss_pct=1.0), 1)

    assert heard == ["order 1", "order 2", "fill of 1", "position 1"]
