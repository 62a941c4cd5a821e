"""The newest few numbers of something."""

# kernel: compiled by scripts/kernel_build.py

from __future__ import annotations

from papertape.model.buffers import Floats, floats


class History:
    """The last `room` numbers, the oldest falling out."""

    __slots__ = ("count", "kept", "room")
    room: int
    count: int
    kept: Floats

    def __init__(self, room: int) -> None:
        self.room = room
        self.count = 0
        self.kept = floats(room)

    def push(self, number: float) -> None:
        """Append a number."""
        self.kept[self.count % self.room] = number
        self.count += 1

    def numbers(self) -> tuple[float, ...]:
        """Return what is kept, oldest first."""
        first = max(0, self.count - self.room)
        return tuple([self.kept[index % self.room] for index in range(first, self.count)])
