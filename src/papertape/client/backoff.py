"""How long to wait before the next attempt to connect."""

from __future__ import annotations

import random

import msgspec


class Backoff(msgspec.Struct, frozen=True, kw_only=True):
    """`min(limit_s, floor_s + random(0, step_s · 2^n))`; attempts are forgotten after `stable_s` of life.

    n counts from 0, so that a desk that is back after two seconds has all its clients back within five.

    `at_once_s`: how far planned returns are spread, so that all clients of a desk do not come back in one moment.
    """

    floor_s: float = 0.5
    step_s: float = 0.5
    limit_s: float = 20.0
    stable_s: float = 30.0
    at_once_s: float = 0.25

    def delay_s(self, attempts: int, chance: random.Random) -> float:
        """Return the seconds to wait before this attempt in a row, counted from 1."""
        return min(self.limit_s, self.floor_s + chance.uniform(0, self.step_s * 2 ** min(attempts - 1, 16)))

    def spread_s(self, chance: random.Random) -> float:
        """Return the seconds to wait before an attempt that needs no patience."""
        return min(self.limit_s, chance.uniform(0, self.at_once_s))
