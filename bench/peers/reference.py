"""What the load must come to, exactly, by each rule that decides at which price a market order fills.

Plain Python, no engine: averages in float64, money in whole hundred-millionths. An engine is explained when its fills
and its final equity are those of one rule to six decimals.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from peers.columns import Columns
from peers.load import CAPITAL, FEE_PER_MILLE, LOTS, Load

Rule = Literal[
    "same tick's price",
    "next event's price",
    "at the quote",
    "at the quote made of trades",
    "next bar's open",
    "one transition an event",
]
Seed = Literal["first price", "mean of the first prices"]

RULES: tuple[Rule, ...] = (
    "same tick's price",
    "next event's price",
    "at the quote",
    "at the quote made of trades",
    "next bar's open",
    "one transition an event",
)
SEEDS: tuple[Seed, ...] = ("first price", "mean of the first prices")
SPREAD = 1
"""In ticks: the quote after a trade has its price on the aggressor's side and this much less, or more, on the other."""

_MONEY = 10**8
_SECOND = 1_000_000
_NEXT = {"ENTERING": "POSITION_ACTIVE", "EXITING": "COOLDOWN", "COOLDOWN": "MONITORING"}
_STATES = 6
_PER_UNIT = _MONEY // 10**5
"""Hundred-millionths of the quote currency in one tick of price times one unit of size."""


@dataclass(frozen=True)
class Outcome:
    """What an engine comes to. `equity` marks what is still open at the last trade of its symbol."""

    fills: int
    equity: float


class _Averages:
    """The two averages of one symbol, and whether the fast one has just crossed above the slow one."""

    def __init__(self, load: Load, seed: Seed) -> None:
        self._by_mean = seed != "first price"
        self._need = load.slow
        self._periods = (load.fast, load.slow)
        self._values = [0.0, 0.0]
        self._have = 0
        self._was_above: bool | None = None
        self.has_crossed = False
        self.is_below = False

    def take(self, price: int) -> None:
        self._have += 1
        for index, period in enumerate(self._periods):
            if self._have == 1:
                self._values[index] = float(price)
                continue
            share = 2.0 / (period + 1)
            if self._by_mean and self._have <= period:
                share = 1.0 / self._have
            self._values[index] += share * (price - self._values[index])
        if self._have < self._need:
            return
        fast, slow = self._values
        self.is_below = fast < slow
        self.has_crossed = fast > slow and self._was_above is False
        self._was_above = fast > slow


class _Account:
    """One symbol's cash, exact, and what it holds."""

    def __init__(self) -> None:
        self.cash = 0
        self.lots = 0
        self.fills = 0

    def fill(self, is_buy: bool, price: int) -> None:
        value = price * LOTS * _PER_UNIT
        self.cash -= (value if is_buy else -value) + value * FEE_PER_MILLE // 1000
        self.lots += LOTS if is_buy else -LOTS
        self.fills += 1

    def worth(self, price: int) -> int:
        return self.cash + self.lots * price * _PER_UNIT


def outcome(columns: Columns, load: Load, rule: Rule, seed: Seed, trades_per_bar: int = 1) -> Outcome:
    """Return what the load comes to by a rule, every symbol for itself.

    With bars of one trade the next bar's open is the next event's price.
    """
    fills, money = 0, CAPITAL * _MONEY
    rows: dict[int, list[int]] = {}
    for row, symbol in enumerate(columns.symbol):
        rows.setdefault(symbol, []).append(row)
    for of in rows.values():
        prices = [columns.price[row] for row in of]
        sides = [columns.side[row] for row in of]
        if rule == "one transition an event":
            seconds = [columns.ts[row] // _SECOND for row in of]
            account = _by_machine(prices, seconds, columns.ts[-1] // _SECOND, _Averages(load, seed))
        else:
            account = _by_order(prices, sides, _Averages(load, seed), rule, trades_per_bar)
        fills += account.fills
        money += account.worth(prices[-1])
    return Outcome(fills, money / _MONEY)


def _by_order(prices: list[int], sides: list[int], averages: _Averages, rule: Rule, bar: int) -> _Account:
    """Send an order at the trade that decides it; it fills by the rule, and nothing is decided while it waits."""
    account = _Account()
    bid = ask = prices[0]
    waits: bool | None = None
    every = bar if rule == "next bar's open" else 1
    for index, price in enumerate(prices):
        if waits is not None and index % every == 0:
            account.fill(waits, price)
            waits = None
        bid, ask = _made_of_trades(bid, ask, price, sides[index])
        averages.take(price)
        if waits is not None or not (averages.is_below if account.lots else averages.has_crossed):
            continue
        is_buy = not account.lots
        if rule == "same tick's price":
            account.fill(is_buy, price)
        elif rule == "at the quote":
            account.fill(is_buy, _quoted(price, sides[index], is_buy))
        elif rule == "at the quote made of trades":
            account.fill(is_buy, ask if is_buy else bid)
        else:
            waits = is_buy
    return account


def _quoted(price: int, side: int, is_buy: bool) -> int:
    """Return the ask for a buyer, the bid for a seller: the trade itself stands on its aggressor's side."""
    if is_buy:
        return price if side > 0 else price + SPREAD
    return price if side < 0 else price - SPREAD


def _made_of_trades(bid: int, ask: int, price: int, side: int) -> tuple[int, int]:
    """Return the quote of who has no other: the ask is where a buyer traded last, the bid where a seller did."""
    return (min(bid, price), price) if side > 0 else (price, max(ask, price))


class _Machine:
    """The states of papertape, one transition an event: a trade, or the second of the clock."""

    def __init__(self, averages: _Averages) -> None:
        self._averages = averages
        self._state = "MONITORING"
        self.account = _Account()

    def trade(self, price: int) -> None:
        self._averages.take(price)
        self._step(price, self._averages.has_crossed)

    def clock(self, seconds: int, price: int) -> None:
        """Let seconds begin without a trade; after a few of them nothing changes any more."""
        for _ in range(min(seconds, _STATES)):
            self._step(price, has_crossed=False)

    def _step(self, price: int, has_crossed: bool) -> None:
        state = self._state
        if state == "MONITORING":
            self._state = "SIGNAL_DETECTED" if has_crossed else state
        elif state == "SIGNAL_DETECTED":
            self.account.fill(True, price)
            self._state = "ENTERING"
        elif state == "POSITION_ACTIVE":
            if self._averages.is_below:
                self.account.fill(False, price)
                self._state = "EXITING"
        else:
            self._state = _NEXT[state]


def _by_machine(prices: list[int], seconds: list[int], end: int, averages: _Averages) -> _Account:
    """Go through papertape's states: found at the cross, in at the next event, out at the event that says so.

    An entry is held one event later; after an exit it takes one event to rest and one to watch again.
    """
    machine = _Machine(averages)
    second, last = seconds[0], prices[0]
    for now, price in zip(seconds, prices, strict=True):
        if now > second:
            machine.clock(now - second, last)
        machine.trade(price)
        second, last = now, price
    machine.clock(end - second, last)
    return machine.account
