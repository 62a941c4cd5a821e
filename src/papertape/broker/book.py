"""One side of an order book: displayed size by price, sorted only on demand."""

from __future__ import annotations

from collections.abc import Iterable


class BookSide:
    """Displayed sizes by price. `sign` is 1 for asks (lower is better) and -1 for bids (higher is better)."""

    __slots__ = ("_best", "levels", "sign")

    def __init__(self, sign: int) -> None:
        self.sign = sign
        self.levels: dict[int, int] = {}
        self._best: int | None = None

    def replace(self, levels: Iterable[tuple[int, int]]) -> None:
        """Take a snapshot: nothing of the former side remains."""
        self.levels = {price: size for price, size in levels if size > 0}
        self._best = None

    def change(self, levels: Iterable[tuple[int, int]]) -> None:
        """Take changed levels; size 0 removes one."""
        known = self.levels
        best = self._best
        sign = self.sign
        for price, size in levels:
            if size > 0:
                known[price] = size
                if best is not None and (price - best) * sign < 0:
                    best = price
            else:
                known.pop(price, None)
                if price == best:
                    best = None
        self._best = best

    def best(self) -> int | None:
        """Return the best price, or None when the side is empty."""
        if self._best is None and self.levels:
            self._best = min(self.levels) if self.sign > 0 else max(self.levels)
        return self._best

    def prices(self) -> list[int]:
        """Return the prices, best first."""
        return sorted(self.levels, reverse=self.sign < 0)
