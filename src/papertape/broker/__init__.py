"""The simulated venue: order → fill → position → account, with fee, latency, slippage and queue as model objects.

In: market events, times, orders of owners. Out: rows of the log in the order orders, fills, positions, account, which
`telling` makes into facts; positions and equity on request, from `views`.
Never: a clock, randomness, I/O, a price or a size that the market did not show, inexact money.
"""

from papertape.broker.broker import Broker
from papertape.broker.owner import Order, Owner, Position

__all__ = ["Broker", "Order", "Owner", "Position"]
