"""What the server needs of a desk. `session.Desk` and `testkit.fake_desk.FakeDesk` fit structurally."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import msgspec

from papertape.journal.research import Found, Span
from papertape.model.backtest import BacktestView, StartBacktest
from papertape.model.instrument import Instrument
from papertape.model.market_rows import IndicatorValueRow, SignalInContext
from papertape.model.session import StartSession
from papertape.model.tables import Table
from papertape.model.views import BarView, FeedView, HealthView, SessionView, StoreStatus, SystemView


class StrategyListing(Protocol):
    """A strategy as the library lists it; the fields of `wire.http.StrategyView`."""

    @property
    def name(self) -> str:
        """The name a session is started with."""


class LibraryPort(Protocol):
    """The strategies a session can be started with."""

    def list(self) -> Sequence[StrategyListing]:
        """Return the newest version of every strategy."""

    def get(self, name: str) -> StrategyListing:
        """Return one strategy; raises `NotFound`."""

    def save(self, text: str, name: str | None = None) -> StrategyListing:
        """Store a definition as a new version; raises `Invalid` with a path, `Conflict` for a builtin's name."""

    def delete(self, name: str) -> None:
        """Remove a strategy; raises `NotFound`, `Conflict` for a builtin."""

    def validate(self, text: str) -> object:
        """Raise `Invalid` with a path when the text is no valid definition."""


class PastPort(Protocol):
    """What sessions did. An answer says where it was read, and why not from the configured place.

    Every method may raise `NotFound`, `Invalid`, and `Unavailable` when no place can answer.
    """

    async def facts(
        self,
        session_id: str,
        table: Table,
        *,
        after: int = 0,
        until: int | None = None,
        limit: int = 1000,
        filters: Mapping[str, str] = ...,
        newest_first: bool = False,
    ) -> Found[Any]:
        """Return durable facts as `DeskPort.facts` does; of a session that does not run, from wherever they are."""

    async def bars(self, session_id: str, instrument: str, interval_s: int, span: Span, limit: int) -> Found[BarView]:
        """Return the newest bars of one instrument within a span, oldest first."""

    async def indicator_values(
        self, session_id: str, strategy: str, instrument: str, indicator: str, span: Span, limit: int
    ) -> Found[IndicatorValueRow]:
        """Return the newest samples of one indicator within a span, oldest first."""

    async def latest_values(self, session_id: str) -> Found[IndicatorValueRow]:
        """Return the newest sample of every indicator."""

    async def signals_in_context(self, session_id: str, limit: int) -> Found[SignalInContext]:
        """Return the newest signals, newest first, each with the quote of that moment."""


class BacktestsPort(Protocol):
    """What runs beside the sessions, over what was recorded."""

    def start(self, request: StartBacktest, idempotency_key: str | None) -> BacktestView:
        """Take a backtest on; raises `Invalid`, `NotFound`, and `Conflict` when as many wait as may."""

    def list(self) -> Sequence[BacktestView]:
        """Return those that wait and run, and the newest that ended; the newest request first."""

    def get(self, backtest_id: str) -> BacktestView:
        """Return one backtest; raises `NotFound`."""

    async def cancel(self, backtest_id: str) -> BacktestView:
        """Cancel a backtest that waits or runs, forget one that has ended; raises `NotFound`."""


class DeskPort(Protocol):
    """The desk as the server sees it. Every method may raise `NotFound`; reads of history may raise `Unavailable`."""

    @property
    def started_ts(self) -> int:
        """When the desk started, microseconds UTC."""

    @property
    def library(self) -> LibraryPort:
        """The strategy library."""

    @property
    def backtests(self) -> BacktestsPort:
        """The backtests."""

    @property
    def past(self) -> PastPort:
        """What sessions did."""

    def feeds(self) -> Sequence[FeedView]:
        """Return every feed a session can be started on."""

    async def instruments(self, feed: str | None, query: str, limit: int) -> Sequence[Instrument]:
        """Return instruments of a feed that match `query`."""

    async def start(self, request: StartSession, idempotency_key: str | None) -> SessionView:
        """Start a session; a failed pre-flight answers a session in state `failed`."""

    def sessions(self, limit: int) -> Sequence[SessionView]:
        """Return the newest sessions, newest first."""

    def session(self, session_id: str) -> SessionView:
        """Return one session."""

    async def stop(self, session_id: str, *, close_positions: bool) -> SessionView:
        """Stop a session; raises `Conflict` where the lifecycle forbids it."""

    async def pause_entries(self, session_id: str) -> SessionView:
        """Stop opening positions."""

    async def resume(self, session_id: str) -> SessionView:
        """Open positions again, or go on with a suspended session."""

    async def emergency_stop(self, session_id: str) -> SessionView:
        """Close everything at the market and stop."""

    async def close_position(self, session_id: str, instrument: str) -> SessionView:
        """Close every open position on one instrument at the market."""

    def latest(self, session_id: str, topic: str) -> Mapping[str, msgspec.Struct]:
        """Return the latest values of a topic by key."""

    def followed(self, session_id: str, topic: str) -> Mapping[str, msgspec.Struct]:
        """Return the latest values for who asks ten times a second: each whole, some a tenth of a second old."""

    def facts(
        self,
        session_id: str,
        table: Table,
        *,
        after: int = 0,
        until: int | None = None,
        limit: int = 1000,
        filters: Mapping[str, str] = ...,
        newest_first: bool = False,
    ) -> list[Any]:
        """Return durable facts of one table with `after < seq <= until`, decoded to the table's record type."""

    def position(self, session_id: str) -> tuple[str, int]:
        """Return the epoch and the last durable fact seq."""

    def head(self, session_id: str, topic: str) -> int:
        """Return the last durable seq on a must-not-lose topic, 0 when there is none."""

    def allowed(self, session_id: str) -> tuple[str, ...]:
        """Return the commands that the lifecycle allows now."""

    def system(self) -> SystemView:
        """Return the desk's own figures."""

    def health(self) -> HealthView:
        """Return whether the desk can do its work."""

    def store(self) -> StoreStatus:
        """Return how the store and its copy are doing."""

    async def resume_store(self) -> list[str]:
        """Let the copy go on with its suspended tables and return them.

        Raises:
            Conflict: no copy was asked for.
            Unavailable: the copy does not answer, or refuses.
        """
