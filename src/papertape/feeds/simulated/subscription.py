"""One session's ear on the simulated market."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from papertape.errors import PapertapeError
from papertape.model.entries import MarketEvent
from papertape.model.feed import FeedListener, FeedState, FeedStatus
from papertape.model.instrument import InstrumentId


class SimulatedSubscription:
    """What one session hears of the market. The market does not know how many there are."""

    def __init__(
        self,
        instruments: frozenset[InstrumentId],
        listener: FeedListener,
        detach: Callable[[SimulatedSubscription], None],
    ) -> None:
        """Take note of what is wanted; the first burst is a picture of it, and acknowledges."""
        self.instruments = instruments
        self.has_picture = False
        self._listener = listener
        self._detach = detach
        self._status = FeedStatus(state="connecting", detail="waiting for the first burst of the simulated market")

    def status(self) -> FeedStatus:
        """Return how the subscription is doing now."""
        return self._status

    async def close(self) -> None:
        """Stop delivering; idempotent. Who closes knows: the listener is not told."""
        self._finish("closed", "closed by the session", None)

    def deliver(self, events: Sequence[MarketEvent], now: int, detail: str) -> None:
        """Hand a burst to the listener; the first one also tells it that the feed is live."""
        old = self._status
        self._status = msgspec.structs.replace(
            old,
            state="live",
            detail=detail,
            connected_ts=old.connected_ts or now,
            last_frame_ts=now,
            frames=old.frames + 1,
            events=old.events + len(events),
            subscribed=self.instruments,
            clock_offset_us=events[-1].ts - now,
        )
        try:
            if old.state != "live":
                self._listener.on_status(self._status)
            self._listener.on_events(events)
        except PapertapeError as error:
            self.end("failed", "the session did not take a burst", error.message)

    def end(self, state: FeedState, detail: str, error: str | None = None) -> None:
        """Stop delivering and tell the listener why."""
        if self._finish(state, detail, error):
            self._listener.on_status(self._status)

    def _finish(self, state: FeedState, detail: str, error: str | None) -> bool:
        if self._status.state in ("closed", "failed"):
            return False
        self._detach(self)
        self._status = msgspec.structs.replace(
            self._status, state=state, detail=detail, last_error=error, subscribed=frozenset()
        )
        return True
