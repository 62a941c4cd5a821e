"""Reads the structured log of the kernel."""

from __future__ import annotations

from array import array

from papertape.model.buffers import Floats, Ints


class FactRows:
    """A drained chunk of the log: `go` to a row, then take its numbers in order."""

    __slots__ = ("_float", "_int", "floats", "ints", "starts", "texts")

    def __init__(self, starts: bytes, ints: bytes, floats: bytes, texts: list[str]) -> None:
        self.starts = memoryview(starts).cast("q")
        self.ints = memoryview(ints).cast("q")
        self.floats = memoryview(floats).cast("d")
        self.texts = texts
        self._int = 0
        self._float = 0

    def __len__(self) -> int:
        """Return how many rows there are, reasons included."""
        return len(self.starts) // 3

    def go(self, row: int) -> int:
        """Begin to read a row; return its kind."""
        kind, self._int, self._float = self.starts[3 * row : 3 * row + 3]
        return kind

    def take_int(self) -> int:
        """Return the next integer of the row."""
        self._int += 1
        return self.ints[self._int - 1]

    def take_float(self) -> float:
        """Return the next float of the row."""
        self._float += 1
        return self.floats[self._float - 1]

    def take_ints(self, count: int) -> Ints:
        """Return the next `count` integers of the row."""
        start, self._int = self._int, self._int + count
        return array("q", self.ints[start : self._int].tobytes())

    def take_floats(self, count: int) -> Floats:
        """Return the next `count` floats of the row."""
        start, self._float = self._float, self._float + count
        return array("d", self.floats[start : self._float].tobytes())

    def take_text(self) -> str:
        """Return the next words of the row."""
        return self.texts[self.take_int()]

    def take_exact(self) -> int:
        """Return the next integer of any size of the row."""
        low, middle, high = self.take_int(), self.take_int(), self.take_int()
        return low | middle << 62 | high << 124
