"""How a feed's connection is doing, and whom it tells."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Protocol

import msgspec

from papertape.model.entries import MarketEvent
from papertape.model.instrument import InstrumentId

FeedState = Literal["connecting", "live", "reconnecting", "ended", "failed", "closed"]


class FeedStatus(msgspec.Struct, frozen=True, kw_only=True):
    """The state of one subscription. Times are our clock, microseconds UTC; offset is exchange minus ours."""

    state: FeedState
    detail: str
    connected_ts: int | None = None
    last_frame_ts: int | None = None
    frames: int = 0
    events: int = 0
    decode_errors: int = 0
    last_error: str | None = None
    reconnects: int = 0
    gaps: int = 0
    subscribed: frozenset[InstrumentId] = frozenset()
    clock_offset_us: int = 0


class FeedListener(Protocol):
    """What a subscription calls, on the event loop, synchronously, once per received burst."""

    def on_events(self, events: Sequence[MarketEvent]) -> None:
        """Take a burst of decoded market events in the order they were received."""

    def on_status(self, status: FeedStatus) -> None:
        """Take a change of the connection: connected, acknowledged, lost, resumed, ended."""
