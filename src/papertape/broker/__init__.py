"""The simulated venue: order → fill → position → account, with fee, latency, slippage and queue as model objects.

In: market events, times, order intents. Out: drafts of facts (`seq` 0, numbered by the engine) in the order
OrderUpdated, OrderFilled, PositionChanged, AccountChanged; positions, markets and equity on request.
Never: a clock, randomness, I/O, a price or a size that the market did not show, inexact money.
"""

from papertape.broker.broker import Broker, Draft
from papertape.broker.market import MarketState

__all__ = ["Broker", "Draft", "MarketState"]
