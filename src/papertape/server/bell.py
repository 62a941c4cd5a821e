"""What a carrier is called with when its subscriber has something for it."""

from __future__ import annotations

from typing import Protocol


class Bell(Protocol):
    """What a carrier hangs up to be told of; an `asyncio.Event` is one."""

    def set(self) -> None:
        """Ring."""
