"""The load every engine runs: an EMA cross on every trade, one lot size, market orders, one fee."""

from __future__ import annotations

from dataclasses import dataclass

PRICE_UNIT = 0.01
SIZE_UNIT = 0.001
LOTS = 10
"""What one order buys, in units of `SIZE_UNIT`: 0.010."""
QUOTE_AMOUNT = 610.0
"""The same as an amount of the quote currency, for engines that size by it: `LOTS` at every price of the market."""
CAPITAL = 1_000_000
FEE_PER_MILLE = 1
FEE = FEE_PER_MILLE / 1000


@dataclass(frozen=True)
class Load:
    """Two averages: the order goes in when the fast one crosses above, and out when it is below."""

    name: str
    fast: int
    slow: int


LOADS = {load.name: load for load in (Load("rare", 2000, 5000), Load("dense", 20, 50))}
