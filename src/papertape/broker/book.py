"""One side of an order book: displayed size by price, sorted only on demand."""

# kernel: compiled by scripts/kernel_build.py

from __future__ import annotations

from collections.abc import Iterable

NO_LEVEL = 0
"""The best price of an empty side."""


class BookSide:
    """Displayed sizes by price. `sign` is 1 for asks (lower is better) and -1 for bids (higher is better)."""

    __slots__ = ("known_best", "levels", "sign")
    sign: int
    levels: dict[int, int]
    known_best: int

    def __init__(self, sign: int) -> None:
        self.sign = sign
        self.levels = {}
        self.known_best = NO_LEVEL

    def replace(self, levels: Iterable[tuple[int, int]]) -> None:
        """Take a snapshot: nothing of the former side remains."""
        self.levels = {price: size for price, size in levels if size > 0}
        self.known_best = NO_LEVEL

    def change(self, levels: Iterable[tuple[int, int]]) -> None:
        """Take changed levels; size 0 removes one."""
        for level in levels:
            price: int = level[0]
            size: int = level[1]
            if size > 0:
                self.levels[price] = size
                if self.known_best != NO_LEVEL and (price - self.known_best) * self.sign < 0:
                    self.known_best = price
            else:
                self.levels.pop(price, None)
                if price == self.known_best:
                    self.known_best = NO_LEVEL

    def best(self) -> int:
        """Return the best price, or `NO_LEVEL` when the side is empty."""
        if self.known_best == NO_LEVEL and self.levels:
            self.known_best = min(self.levels) if self.sign > 0 else max(self.levels)
        return self.known_best

    def size_at(self, price: int) -> int:
        """Return the size displayed at a price, 0 where nothing is."""
        return self.levels.get(price, 0)

    def prices(self) -> list[int]:
        """Return the prices, best first."""
        return sorted(self.levels, reverse=self.sign < 0)
