"""How a feed's connection is doing."""

from __future__ import annotations

from typing import Literal

import msgspec

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
