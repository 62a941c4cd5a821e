"""The bodies of HTTP requests and answers that are not plain records of the model."""

from __future__ import annotations

from typing import Generic, Literal, TypeVar

import msgspec

from papertape.model.entries import Lifecycle
from papertape.model.session import SessionId
from papertape.model.views import (
    EquityView,
    InstanceView,
    PreflightView,
    SessionView,
    Source,
    StoreStatus,
    WatchlistRow,
)
from papertape.wire.stream import PreviousClose

T = TypeVar("T")
Transport = Literal["websocket", "sse", "poll"]


class Page(msgspec.Struct, Generic[T], frozen=True, kw_only=True):
    """A list and the position it is true at. `next_after` is the cursor of the following page, None at the end.

    `source` is where the items were read; `note` says why not from the configured place, None when all is as asked.
    """

    epoch: str
    seq: int
    items: list[T]
    next_after: int | None = None
    source: Source = "journal"
    note: str | None = None


class Listing(msgspec.Struct, Generic[T], frozen=True, kw_only=True):
    """A list without a position."""

    items: list[T]


class ErrorBody(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Why a request was not carried out. `path` names the place in the input, `error_id` the entry in the log."""

    code: str
    message: str
    path: str | None = None
    error_id: str | None = None
    retry: bool = False


class SessionState(msgspec.Struct, frozen=True, kw_only=True):
    """The state of a session, what may be asked of it now, and every instance; true at (epoch, seq)."""

    session_id: SessionId
    epoch: str
    seq: int
    state: Lifecycle
    reason: str
    is_degraded: bool
    degraded_reason: str | None
    entries_paused: bool
    allowed: tuple[str, ...]
    instances: list[InstanceView]


class DashboardSummary(msgspec.Struct, frozen=True, kw_only=True):
    """Everything the first paint of a session's page needs; true at (epoch, seq)."""

    epoch: str
    seq: int
    session: SessionView
    equity: EquityView | None
    preflight: PreflightView | None
    instances: list[InstanceView]
    watchlist: list[WatchlistRow]
    instances_by_state: dict[str, int]
    open_positions: int


class Resumed(msgspec.Struct, frozen=True, kw_only=True):
    """Which tables of the copy go on after they were suspended, and how the store is doing now."""

    tables: list[str]
    store: StoreStatus


class StopRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How to stop: close open positions at the market (default), or leave them marked open in the report."""

    close_positions: bool = True


class StrategyText(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A strategy definition as YAML or JSON text."""

    text: str


class StrategyView(msgspec.Struct, frozen=True, kw_only=True):
    """A strategy of the library, newest version. `error`: its text no longer parses, so it cannot be started."""

    name: str
    version: int
    is_builtin: bool
    description: str
    text: str
    sha256: str | None
    error: str | None
    sides: tuple[str, ...]


class Validation(msgspec.Struct, frozen=True, kw_only=True):
    """The definition is valid; a definition that is not answers 400 with the path."""

    is_valid: bool
    message: str


class ParamView(msgspec.Struct, frozen=True, kw_only=True):
    """A parameter of an indicator kind with its limits."""

    name: str
    unit: str
    default: float
    minimum: float
    maximum: float
    meaning: str
    is_integer: bool


class IndicatorKindView(msgspec.Struct, frozen=True, kw_only=True):
    """A kind of the indicator catalogue: what it means, its formula and where the formula comes from."""

    name: str
    meaning: str
    formula: str
    source: str
    unit: str
    params: list[ParamView]
    inputs: list[str]


class ConnectionView(msgspec.Struct, frozen=True, kw_only=True):
    """One stream connection, live or ended: who closed it and why, by the server's account and by the client's.

    Times are microseconds UTC, durations milliseconds. `client_story` is what the client reported when it came back.
    `told_by` is "client" for an end that only the client saw: the connection belonged to the process before this one.
    `flush_ms` is how often it gets latest values now, `write_ms` how long the send under way has waited. `exception`
    and `memory_mb` belong to the end.
    """

    id: str
    tab: str
    peer: str
    agent: str
    transport: Transport
    told_by: Literal["desk", "client"]
    opened_ts: int
    closed_ts: int | None
    closed_by: Literal["server", "client", "network"] | None
    code: int | None
    reason: str
    exception: str | None
    age_ms: int
    last_rx_age_ms: int
    queue_bytes: int
    queue_messages: int
    flush_ms: int
    write_ms: int
    worst_lag_ms: float
    memory_mb: float | None
    topics: int
    sent: int
    sent_bytes: int
    client_story: PreviousClose | None


class CloseCount(msgspec.Struct, frozen=True, kw_only=True):
    """How many connections ended this way since the desk started."""

    closed_by: Literal["server", "client", "network"]
    code: int
    count: int


class LagSecond(msgspec.Struct, frozen=True, kw_only=True):
    """One second of the event loop: when it ended (microseconds UTC) and its worst lag (milliseconds)."""

    ts: int
    worst_ms: float


class StreamHealth(msgspec.Struct, frozen=True, kw_only=True):
    """How the stream's server is doing: its event loop, its memory and what it does about it, what waits.

    `memory_state`: normal; refuse (80 %: no new connections), slow (90 %: latest values once a second), shed (95 %: the
    newest connections are closed). `lag` has the last minutes, oldest first.
    """

    lag: list[LagSecond]
    worst_lag_ms: float
    memory_mb: float
    memory_limit_mb: float
    memory_state: Literal["normal", "refuse", "slow", "shed"]
    queue_bytes: int
    queue_messages: int
    opened: int
    refused: int
    closes: list[CloseCount]


class Connections(msgspec.Struct, frozen=True, kw_only=True):
    """Stream connections: live ones, and the newest ended ones, newest first; and how their server is doing."""

    live: list[ConnectionView]
    ended: list[ConnectionView]
    health: StreamHealth
