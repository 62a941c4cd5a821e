"""A market of our own, for a desk that has no exchange to reach: seeded, in real time or faster.

In: a seed and a clock. Out: trades, quotes, a thin book and a ticker of invented coins, with pumps and dumps.
Never: a claim to be a real market: the venue is `SIMULATED` and `is_simulated` is true wherever it appears.

`coins` says what is traded, `episodes` when a pump comes, `value` what a coin is worth, `ladder` and `flow` how it is
quoted and traded at one instrument, `market` steps one coin, and `source` runs the coins by a clock for subscribers.
"""

from papertape.feeds.simulated.source import SimulatedSource

__all__ = ["SimulatedSource"]
