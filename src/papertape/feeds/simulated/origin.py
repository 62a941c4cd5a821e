"""Where a simulated market comes from: enough to go on with the same market in another process."""

from __future__ import annotations

import msgspec


class MarketOrigin(msgspec.Struct, frozen=True, kw_only=True):
    """A seed, the moment the market went live (our clock, microseconds UTC), and coins that began at another price.

    What happens at a step follows from these alone, so whoever knows them can take the same steps again.
    """

    seed: int
    live_ts: int
    start_prices: dict[str, float] = {}
