"""A desk whose answers take time, and the turns of an event loop one at a time: what is put off is seen to be."""

from __future__ import annotations

from collections.abc import Callable

from papertape.testkit.fake_desk import FakeDesk
from papertape.testkit.manual_time import ManualTime


class SlowDesk(FakeDesk):
    """A desk that takes `answer_s` to say a position."""

    def __init__(self, time: ManualTime, answer_s: float = 0.002) -> None:
        super().__init__()
        self._time = time
        self._answer_s = answer_s

    def position(self, session_id: str) -> tuple[str, int]:
        """Return the epoch and the last seq."""
        self._time.advance(self._answer_s)
        return super().position(session_id)


class LoopTurns:
    """Takes callbacks for the next turn of a loop, and runs a turn when a test says so."""

    def __init__(self) -> None:
        self._callbacks: list[Callable[[], None]] = []

    def __call__(self, callback: Callable[[], None]) -> None:
        """Run this in the next turn."""
        self._callbacks.append(callback)

    def turn(self) -> bool:
        """Run one turn; return whether there was anything to run."""
        callbacks, self._callbacks = self._callbacks, []
        for callback in callbacks:
            callback()
        return bool(callbacks)
