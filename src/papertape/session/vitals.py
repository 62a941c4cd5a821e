"""What is observed about a running session at one moment: the material of every check and stage."""

from __future__ import annotations

import msgspec

from papertape.journal.ports import StoreStatus
from papertape.model.entries import Lifecycle
from papertape.model.feed import FeedStatus
from papertape.model.instrument import InstrumentId
from papertape.model.views import InstanceView


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """The value of one indicator of one instrument, or why it has none."""

    instrument: InstrumentId
    name: str
    value: float | None
    reason: str | None


class Vitals(msgspec.Struct, frozen=True, kw_only=True):
    """One observation. `data_ts` and `quote_ts` are our clock at the newest market event and quote of each symbol.

    `unmirrored_since` is when the store's copy was first found taking nothing, None while it takes what it is given.
    """

    now: int
    started_ts: int
    state: Lifecycle
    is_row_durable: bool
    expected_instances: int
    instances: tuple[InstanceView, ...]
    instruments: tuple[InstrumentId, ...]
    feed: FeedStatus
    data_ts: dict[InstrumentId, int]
    quote_ts: dict[InstrumentId, int]
    evaluated: frozenset[InstrumentId]
    indicators: tuple[Measured, ...]
    store: StoreStatus
    unmirrored_since: int | None
    undurable_since: int | None
    durable_ts: int | None
    published_ts: int | None
    is_warming: bool
