"""What enters a session: market events, clock ticks, commands and notes, in journal order.

Every entry has `ts` (exchange time, microseconds UTC, made non-decreasing by the journal) and `recv_ts` (our clock at
reception, microseconds UTC). `ts` explains and drives windows; ages use `recv_ts` only; `seq` alone orders.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from papertape.model.instrument import InstrumentId

Side = Literal["buy", "sell"]
Severity = Literal["info", "warning", "critical"]


class _Entry(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag_field="k"):
    ts: int
    recv_ts: int


class Trade(_Entry, frozen=True, kw_only=True, gc=False, tag="trade"):
    """One public print. `side` is the aggressor's."""

    instrument: InstrumentId
    price: int
    size: int
    side: Side
    trade_id: str


class Quote(_Entry, frozen=True, kw_only=True, gc=False, tag="quote"):
    """Best bid and ask with their sizes."""

    instrument: InstrumentId
    bid: int
    bid_size: int
    ask: int
    ask_size: int


class BookUpdate(_Entry, frozen=True, kw_only=True, tag="book"):
    """Changed levels `(price, size)`; size 0 removes a level; a snapshot replaces the whole book."""

    instrument: InstrumentId
    is_snapshot: bool
    bids: tuple[tuple[int, int], ...]
    asks: tuple[tuple[int, int], ...]


class Ticker(_Entry, frozen=True, kw_only=True, gc=False, tag="ticker"):
    """The venue's own rolling 24 h statistics: change in percent, volume in quote units."""

    instrument: InstrumentId
    change_pct: float
    volume_quote: float


class VenueBar(_Entry, frozen=True, kw_only=True, gc=False, tag="bar"):
    """A closed bar of the venue's history, used to warm bar indicators. `ts` is its close, `open_ts` its open."""

    instrument: InstrumentId
    open_ts: int
    interval_s: int
    open: int
    high: int
    low: int
    close: int
    volume: int


class ClockTick(_Entry, frozen=True, kw_only=True, gc=False, tag="clock"):
    """Time passed: once a second while a session is live, so that timeouts and hold times do not need a trade."""


class BookGap(_Entry, frozen=True, kw_only=True, gc=False, tag="gap"):
    """Market data of one instrument is missing from here: its book is void until the next snapshot."""

    instrument: InstrumentId
    reason: str


MarketEvent = Trade | Quote | BookUpdate | Ticker | VenueBar | BookGap


class PauseEntries(_Entry, frozen=True, kw_only=True, gc=False, tag="pause_entries"):
    """Stop opening positions; exits, stops and targets keep working."""

    reason: str


class ResumeEntries(_Entry, frozen=True, kw_only=True, gc=False, tag="resume_entries"):
    """Open positions again."""

    reason: str


class ClosePosition(_Entry, frozen=True, kw_only=True, gc=False, tag="close_position"):
    """Close every open position on one instrument at the market."""

    instrument: InstrumentId
    reason: str


class CloseAll(_Entry, frozen=True, kw_only=True, gc=False, tag="close_all"):
    """Cancel working entries and close every position at the market: stop with close, or emergency stop."""

    reason: str
    is_emergency: bool


Lifecycle = Literal["starting", "running", "stopping", "stopped", "suspended", "failed"]


class LifecycleChange(_Entry, frozen=True, kw_only=True, gc=False, tag="lifecycle"):
    """The session changed its lifecycle state or a flag; decided in `session`, journalled like the rest."""

    state: Lifecycle
    trigger: str
    reason: str
    is_degraded: bool
    entries_paused: bool


class AlertNote(_Entry, frozen=True, kw_only=True, gc=False, tag="alert"):
    """Something a trader must know, found outside the engine: a silent feed, a gap, a store that lags."""

    code: str
    severity: Severity
    message: str
    stage: str
    instrument: InstrumentId | None = None


Command = PauseEntries | ResumeEntries | ClosePosition | CloseAll
Note = LifecycleChange | AlertNote
Entry = MarketEvent | ClockTick | Command | Note


class Batch(msgspec.Struct, frozen=True, kw_only=True):
    """Consecutive entries as journalled: entry `i` has seq `first_seq + i`.

    Warm-up entries (history from before the start) feed indicators and never trade.
    """

    first_seq: int
    entries: tuple[Entry, ...]
    is_warmup: bool = False

    @property
    def last_seq(self) -> int:
        """The seq of the last entry."""
        return self.first_seq + len(self.entries) - 1
