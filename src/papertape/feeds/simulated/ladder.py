"""One side of a thin book: the touch, and round prices behind it that keep their sizes while they stay in view."""

from __future__ import annotations

from collections.abc import Callable

Levels = tuple[tuple[int, int], ...]

DEPTH = 15


class Ladder:
    """The levels of one side, integers in increments; a bid ladder goes down from its touch, an ask ladder up."""

    def __init__(self, *, is_bid: bool, spacing: int, draw_size: Callable[[], int]) -> None:
        """Make an empty side; `draw_size` gives the size of a level that comes into view."""
        self._is_bid = is_bid
        self._spacing = spacing
        self._draw_size = draw_size
        self._sizes: dict[int, int] = {}
        self._shown: dict[int, int] = {}
        self.touch = 0

    @property
    def touch_size(self) -> int:
        """The displayed size at the touch."""
        return self._sizes[self.touch]

    def move(self, touch: int, size: int) -> None:
        """Put the touch at a price with a size, and bring the levels behind it into view."""
        old = self._sizes
        sizes = {touch: size}
        for price in self._behind(touch):
            kept = old.get(price)
            sizes[price] = kept if kept is not None and price != self.touch else self._draw_size()
        self._sizes = sizes
        self.touch = touch

    def take(self, size: int) -> None:
        """Take displayed size from the touch; something must remain."""
        self._sizes[self.touch] -= size

    def resize(self, level: int, size: int) -> None:
        """Give the n-th level behind the touch (from 1) another size, as orders come and go."""
        price = self._behind(self.touch)[level - 1]
        self._sizes[price] = size

    def sweep(self) -> None:
        """Take all of the touch: the first level behind it becomes the touch."""
        price = self._behind(self.touch)[0]
        self.move(price, self._sizes[price])

    def shown(self) -> Levels:
        """Return the levels as last shown, best first."""
        return tuple(sorted(self._shown.items(), reverse=self._is_bid))

    def changes(self) -> Levels:
        """Return what differs from what was last shown, size 0 for a level that is gone, and count it as shown."""
        gone = [(price, 0) for price in self._shown if price not in self._sizes]
        changed = [(price, size) for price, size in self._sizes.items() if self._shown.get(price) != size]
        self._shown = dict(self._sizes)
        return (*gone, *changed)

    def _behind(self, touch: int) -> range:
        spacing = self._spacing
        if self._is_bid:
            first = (touch - 1) // spacing * spacing
            return range(first, max(0, first - spacing * (DEPTH - 1)), -spacing)
        first = (touch // spacing + 1) * spacing
        return range(first, first + spacing * (DEPTH - 1), spacing)
