"""How long to wait before the next attempt to connect."""

from __future__ import annotations

import random

import msgspec


class Backoff(msgspec.Struct, frozen=True, kw_only=True):
    """`min(limit_s, floor_s + random(0, step_s · 2^failures))`; failures are forgotten after `stable_s` of life."""

    floor_s: float = 0.5
    step_s: float = 0.5
    limit_s: float = 20.0
    stable_s: float = 30.0

    def delay_s(self, failures: int, chance: random.Random) -> float:
        """Return the seconds to wait after this many failures in a row."""
        return min(self.limit_s, self.floor_s + chance.uniform(0, self.step_s * 2 ** min(failures, 16)))
