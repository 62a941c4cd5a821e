"""A token bucket."""

from __future__ import annotations


class TokenBucket:
    """Allows `rate` a second on average and `burst` at once. Seconds from any monotonic clock.

    Whoever could not take for a while (the event loop stood still) says so by `lost`, the total of such seconds on a
    clock beside `now`: what waited then comes all at once and is let through at the rate.
    """

    def __init__(self, rate: float, burst: float, now: float, lost: float = 0.0) -> None:
        self._rate = rate
        self._burst = burst
        self._tokens = float(burst)
        self._at = now
        self._lost = lost

    def take(self, now: float, lost: float = 0.0) -> bool:
        """Return whether one more is allowed now, and count it when it is."""
        refilled = min(self._burst, self._tokens + (now - self._at) * self._rate)
        self._tokens = max(self._tokens, refilled) + (lost - self._lost) * self._rate
        self._at, self._lost = now, lost
        if self._tokens < 1.0:
            return False
        self._tokens -= 1.0
        return True
