"""What a panel shows: the latest value per key, computed by the engine or the session, never by the browser.

Every view carries the time of what it shows, so that age is always known; every missing value carries its reason.
Times are microseconds UTC; `recv_ts` is our clock and is what ages are computed from.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

import msgspec

from papertape.model.entries import Lifecycle
from papertape.model.events import Answer, ConditionReading, InstanceState, PositionSide, SectionCode
from papertape.model.feed import FeedStatus
from papertape.model.instrument import InstrumentId
from papertape.model.session import Mode, SessionId


class LastTransition(msgspec.Struct, frozen=True, kw_only=True):
    """The newest transition of an instance, in short."""

    seq: int
    ts: int
    from_state: InstanceState
    to_state: InstanceState
    trigger: str
    reason: str


class InstanceView(msgspec.Struct, frozen=True, kw_only=True):
    """One strategy on one instrument: where it is, what comes next and what blocks it. `reason` is a full sentence."""

    key: str
    strategy: str
    instrument: InstrumentId
    symbol: str
    state: InstanceState
    since: int
    is_active: bool
    entries_paused: bool
    next_section: SectionCode | None
    progress: float
    blocking: ConditionReading | None
    last_transition: LastTransition | None
    reason: str
    ts: int


class OpenPosition(msgspec.Struct, frozen=True, kw_only=True):
    """An open position at the price it would close at now."""

    position_id: str
    strategy: str
    instrument: InstrumentId
    side: PositionSide
    quantity: Decimal
    entry_price: Decimal
    mark_price: Decimal | None
    unrealized_pnl: Decimal
    unrealized_pnl_pct: float
    stop_price: Decimal | None
    target_price: Decimal | None
    opened_ts: int


class WatchlistRow(msgspec.Struct, frozen=True, kw_only=True):
    """One chosen symbol. `reason` says why there is no price yet; `sparkline` is one close per 5 s, oldest first."""

    key: InstrumentId
    instrument: InstrumentId
    symbol: str
    venue: str
    kind: str
    price_decimals: int
    last: float | None
    direction: Literal["up", "down", "flat"]
    bid: float | None
    ask: float | None
    spread_pct: float | None
    change_session_pct: float | None
    change_24h_pct: float | None
    volume_session_quote: float
    volume_24h_quote: float | None
    sparkline: tuple[float, ...]
    data_ts: int | None
    recv_ts: int | None
    reason: str | None
    position: OpenPosition | None


class IndicatorView(msgspec.Struct, frozen=True, kw_only=True):
    """One indicator of one instance: `value` is set, or `reason` says why not; warm-up is have / need in its unit."""

    key: str
    strategy: str
    instrument: InstrumentId
    name: str
    kind: str
    params: str
    meaning: str
    unit: str
    value: float | None
    reason: str | None
    trend: Literal["up", "down", "flat"]
    sparkline: tuple[float, ...]
    warmup_have: float
    warmup_need: float
    warmup_unit: str
    ts: int | None
    recv_ts: int | None


class SectionView(msgspec.Struct, frozen=True, kw_only=True):
    """One section of one instance. `is_watched`: it can move the instance now; otherwise it is monitored only."""

    code: SectionCode
    word: str
    is_defined: bool
    is_watched: bool
    answer: Answer
    progress: float
    blocking: str | None
    summary: str
    conditions: tuple[ConditionReading, ...]


class ConditionsView(msgspec.Struct, frozen=True, kw_only=True):
    """All five sections of one instance."""

    key: str
    strategy: str
    instrument: InstrumentId
    state: InstanceState
    sections: tuple[SectionView, ...]
    ts: int
    recv_ts: int | None


class BarView(msgspec.Struct, frozen=True, kw_only=True):
    """One bar built from trades: `ts` is its open in microseconds UTC, volume in base units."""

    instrument: InstrumentId
    interval_s: int
    ts: int
    open: float
    high: float
    low: float
    close: float
    volume: float
    is_partial: bool


class EquityView(msgspec.Struct, frozen=True, kw_only=True):
    """The account now, marked at the prices positions would close at."""

    key: str
    currency: str
    initial_capital: Decimal
    equity: Decimal
    cash: Decimal
    realized_pnl: Decimal
    unrealized_pnl: Decimal
    fees: Decimal
    drawdown_pct: float
    open_positions: tuple[OpenPosition, ...]
    ts: int


CheckStatus = Literal["ok", "waiting", "warning", "failed"]


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """One verified statement about a session, before it starts or while it runs."""

    code: str
    label: str
    status: CheckStatus
    detail: str
    instrument: InstrumentId | None = None
    checked_ts: int = 0


class PreflightView(msgspec.Struct, frozen=True, kw_only=True):
    """The checks before the start, the proof of life, and the same checks now."""

    key: str
    status: CheckStatus
    checks: tuple[Check, ...]
    ts: int


StageName = Literal[
    "venue", "socket", "decoder", "journal", "indicators", "conditions", "machine", "broker", "store", "stream"
]


class StageView(msgspec.Struct, frozen=True, kw_only=True):
    """One stage of the path of data: `rate` per second over 5 s, `last_ts` its last sign of life (our clock)."""

    key: str
    stage: StageName
    status: CheckStatus
    rate: float
    total: int
    last_ts: int | None
    last_error: str | None
    detail: str
    instruments: tuple[Check, ...]


class SessionView(msgspec.Struct, frozen=True, kw_only=True):
    """A session as listed and as shown in the status hero. `is_simulated_feed` is shown everywhere it is true."""

    key: SessionId
    session_id: SessionId
    epoch: str
    seq: int
    mode: Mode
    feed: str
    feed_note: str | None
    is_simulated_feed: bool
    state: Lifecycle
    reason: str
    is_degraded: bool
    degraded_reason: str | None
    entries_paused: bool
    allowed: tuple[str, ...]
    created_ts: int
    started_ts: int | None
    updated_ts: int
    strategies: tuple[str, ...]
    instruments: tuple[InstrumentId, ...]
    capital: Decimal
    currency: str
    profile: str
    headline: str
    equity: Decimal | None
    pnl: Decimal | None


class SystemView(msgspec.Struct, frozen=True, kw_only=True):
    """The desk itself."""

    key: str
    version: str
    started_ts: int
    store: str
    connections: int
    loop_lag_ms: float
    memory_mb: float


class FeedView(msgspec.Struct, frozen=True, kw_only=True):
    """A feed that a session can be started on. `status` is None while unused; `note` says why it is the default."""

    name: str
    venue: str
    is_simulated: bool
    note: str | None
    is_default: bool
    status: FeedStatus | None = None


Source = Literal["journal", "questdb"]
"""Where what is shown of the past was read."""


class MirroredTable(msgspec.Struct, frozen=True, kw_only=True):
    """One table of the copy: `unapplied` transactions are acknowledged there and not visible to its readers yet."""

    table: str
    rows: int
    unapplied: int
    is_suspended: bool
    memory_pressure: int
    disk_bytes: int
    error: str | None


MirrorState = Literal["connecting", "live", "behind", "unreachable", "refused", "suspended"]


class MirrorStatus(msgspec.Struct, frozen=True, kw_only=True):
    """How the copy in another database is doing; `detail` is a full sentence with the next step. Our clock, µs UTC.

    `waiting_rows` of the journal are not acknowledged yet, the oldest since `waiting_since`. `lag_ms` is from commit
    to acknowledged, `visible_lag_ms` from commit to visible to readers, each the worst of the last 60 s. Retried for
    ever: `unreachable`; until something is changed by hand: `refused` (password, a type that differs).
    """

    driver: Literal["questdb"]
    location: str
    state: MirrorState
    is_healthy: bool
    detail: str
    last_error: str | None
    version: str | None
    last_acknowledged_ts: int | None
    waiting_rows: int
    waiting_since: int | None
    rows_total: int
    lag_ms: float
    visible_lag_ms: float
    tables: tuple[MirroredTable, ...]


class StoreStatus(msgspec.Struct, frozen=True, kw_only=True):
    """How the store is doing. Times: our clock, microseconds UTC. `lag_ms`: commit to durable, worst of last 5 s.

    `sealing_error` says why old market data cannot be moved to its sealed files now: nothing is lost, the journal
    grows. `mirror` is None where no copy for research was asked for.
    """

    driver: str
    location: str
    is_healthy: bool
    last_error: str | None
    last_durable_ts: int | None
    rows_total: int
    queue_length: int
    lag_ms: float
    detail: str
    sealing_error: str | None = None
    mirror: MirrorStatus | None = None


class HealthView(msgspec.Struct, frozen=True, kw_only=True):
    """Whether the desk can do its work. `sessions` counts the live ones; `detail` says what is wrong and what to do."""

    status: Literal["ok", "degraded", "failed"]
    detail: str
    version: str
    store: StoreStatus
    sessions: int


VIEW_OF: dict[str, type[msgspec.Struct]] = {
    "watchlist": WatchlistRow,
    "indicators": IndicatorView,
    "conditions": ConditionsView,
    "instances": InstanceView,
    "bars": BarView,
    "equity": EquityView,
    "pipeline": StageView,
    "preflight": PreflightView,
    "summary": SessionView,
}
"""The latest-value topics of a session and the view each one carries, by key."""
