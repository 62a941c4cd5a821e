"""How late the judge itself is: whether a judgement can be believed that was made on a busy machine."""

from __future__ import annotations

import asyncio
from typing import Self

_TURN_S = 0.02


class JudgeLag:
    """The worst lateness in seconds while the block runs: of the judge's own loop, and of what it `saw`.

    On a busy machine the one who is judged runs as late as the judge, so a time that was measured is off by about this.
    """

    def __init__(self) -> None:
        self.worst_s = 0.0
        self._watching: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._watching = asyncio.create_task(self._watch())
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._watching is not None  # set on entry
        self._watching.cancel()
        await asyncio.gather(self._watching, return_exceptions=True)

    def saw(self, seconds: float) -> None:
        """Take a delay in seconds that was no choice of the one who is judged, such as a round trip."""
        self.worst_s = max(self.worst_s, seconds)

    async def _watch(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + _TURN_S
            await asyncio.sleep(_TURN_S)
            self.saw(loop.time() - due)
