"""Money is exact however large it is, and rounds as it says."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, ROUND_UP, Decimal

from hypothesis import given
from hypothesis import strategies as st

from papertape.broker.exact import half_even, half_up, product, rounded_up
from papertape.broker.money import EXACT
from papertape.broker.owner import Order, Owner, Position
from papertape.broker.telling import names_of
from papertape.model.events import AccountChanged
from papertape.testkit.venue import PERPETUAL, STRATEGY, broker_with, order, quote

int64 = st.integers(-(2**62), 2**62)
one = Decimal(1)


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
