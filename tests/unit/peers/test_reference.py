"""Each rule for the price of a market order, on a series that can be followed by hand.

Averages of 1 and 2 trades: the fast one is the price itself, the slow one moves by two thirds of the distance. Prices
in ticks of 0.01; an order is 0.010, so a tick is 0.0001, and the fee of a fill is a thousandth of its value.

    trade      0     1       2       3       4       5       6       7
    price  60000 59000   62000   62500   61000   60900   61500   60000   (x 100 ticks)
    slow   60000 59333 61111.1 62037.0 61345.7 61048.6 61349.5 60449.8
    fast       =     < crosses       > is below      < crosses is below
"""

from __future__ import annotations

from array import array

import pytest

from peers.columns import Columns
from peers.load import CAPITAL, Load
from peers.reference import RULES, Outcome, Rule, outcome

LOAD = Load("by hand", 1, 2)
PRICES = (60_000, 59_000, 62_000, 62_500, 61_000, 60_900, 61_500, 60_000)
SIDES = (1, -1, 1, -1, 1, -1, -1, 1)


def _columns(prices: tuple[int, ...] = PRICES, gap: int = 1000, sides: tuple[int, ...] = SIDES) -> Columns:
    count = len(prices)
    return Columns(
        ts=array("q", [1_000_000 + index * gap for index in range(count)]),
        price=array("q", [price * 100 for price in prices]),
        size=array("q", [10] * count),
        side=array("q", sides[:count]),
        symbol=array("q", bytes(8 * count)),
    )


def _after(*fills: float, last: float = 0.0) -> Outcome:
    """Return the outcome of buying and selling 0.01 in turn at these prices."""
    equity = float(CAPITAL)
    for index, price in enumerate(fills):
        equity += (-price if index % 2 == 0 else price) * 0.01 - price * 0.01 * 0.001
    return Outcome(len(fills), round(equity + (last * 0.01 if len(fills) % 2 else 0.0), 8))


def _outcome(rule: Rule, columns: Columns | None = None, trades_per_bar: int = 1) -> Outcome:
    found = outcome(columns or _columns(), LOAD, rule, "first price", trades_per_bar)
    return Outcome(found.fills, round(found.equity, 8))


def test_an_order_filled_at_once_has_the_price_of_the_trade_that_decided_it() -> None:
    assert _outcome("same tick's price") == _after(62_000, 61_000, 61_500, 60_000)


def test_an_order_filled_one_event_later_has_the_next_price_and_the_last_one_never_fills() -> None:
    assert _outcome("next event's price") == _after(62_500, 60_900, 60_000, last=60_000)


def test_an_order_filled_at_the_quote_pays_the_spread_unless_the_trade_stands_on_its_side() -> None:
    # bought where a buyer had paid the ask; sold a tick below a buyer's; bought a tick above a seller's; sold below
    assert _outcome("at the quote") == _after(62_000, 60_999.99, 61_500.01, 59_999.99)


def test_a_quote_made_of_trades_has_the_last_buyers_price_as_ask_and_the_last_sellers_as_bid() -> None:
    # bid 62,500 of trade 3 falls to 61,000 with the buyer of trade 4; the seller of trade 6 lifts the ask to 61,500
    assert _outcome("at the quote made of trades") == _after(62_000, 61_000, 61_500, 60_000)


def test_a_quote_made_of_trades_keeps_a_side_that_nobody_has_hit_since() -> None:
    lifted = _columns((60_000, 59_000, 62_000, 62_500, 61_000), sides=(1, -1, -1, 1, -1))
    # the seller at 62,000 lifts the ask to 62,000, the buyer at 62,500 leaves the bid, the seller at 61,000 sets it
    assert _outcome("at the quote made of trades", lifted) == _after(62_000, 61_000)
    kept = _columns((60_000, 59_000, 58_000, 58_900), sides=(1, -1, -1, -1))
    # the ask is still where the buyer of the first trade was
    assert _outcome("at the quote made of trades", kept) == _after(60_000, last=58_900)


def test_bars_of_one_trade_open_at_the_next_event() -> None:
    assert _outcome("next bar's open") == _outcome("next event's price")


def test_an_order_waits_for_the_open_of_the_next_bar() -> None:
    # bars of three trades: decided at trade 2, filled at 3; at 4, filled at 6, where the next cross is; that one waits
    assert _outcome("next bar's open", trades_per_bar=3) == _after(62_500, 61_500)


def test_one_transition_an_event_enters_later_and_misses_a_cross_while_it_rests() -> None:
    # found at 2, bought at 3, holding at 4, sold at 5; 6 is for the rest, so its cross is not followed
    assert _outcome("one transition an event") == _after(62_500, 60_900)


def test_a_second_of_the_clock_is_an_event_too() -> None:
    # a second begins before each trade: bought at the price of the cross, and rested before the next one
    assert _outcome("one transition an event", _columns(gap=1_000_000)) == _after(62_000, 61_000, 61_500, last=60_000)


def test_symbols_add_up() -> None:
    one = _columns()
    ts, price, size, side = (
        array("q", [number for pair in zip(column, column, strict=True) for number in pair])
        for column in (one.ts, one.price, one.size, one.side)
    )
    two = Columns(ts, price, size, side, array("q", [0, 1] * len(one)))
    for rule in RULES:
        alone, both = _outcome(rule, one), _outcome(rule, two)
        assert both.fills == 2 * alone.fills
        assert both.equity - CAPITAL == pytest.approx(2 * (alone.equity - CAPITAL))


def test_averages_that_start_at_a_mean_cross_elsewhere() -> None:
    load = Load("three", 1, 3)
    prices = (60_000, 63_000, 59_100, 60_500)
    by_first = outcome(_columns(prices), load, "same tick's price", "first price")
    by_mean = outcome(_columns(prices), load, "same tick's price", "mean of the first prices")
    # third trade: the slow one is 60,300 or 60,700, the fast one 59,100; fourth: 60,400 or 60,600, the fast one 60,500
    assert (by_first.fills, by_mean.fills) == (1, 0)


def test_nothing_is_decided_before_the_slow_average_has_its_trades() -> None:
    early = (60_000, 59_000, 62_000, 58_000, 58_100)
    assert outcome(_columns(early), Load("five", 1, 5), "same tick's price", "first price") == Outcome(0, CAPITAL)
