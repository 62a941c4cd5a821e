"""A desk of memory: fits `server.desk_port.DeskPort` as `session.Desk` does, and does what a test tells it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import msgspec

from papertape import __version__
from papertape.errors import Conflict, Invalid, NotFound, Unavailable
from papertape.model.entries import Lifecycle
from papertape.model.events import AnyEvent, OrderFilled
from papertape.model.instrument import Instrument
from papertape.model.session import StartSession
from papertape.model.tables import TABLE_OF, Table
from papertape.model.views import FeedView, HealthView, SessionView, StoreStatus, SystemView
from papertape.session.health import judge_health
from papertape.session.outlet import Outlet
from papertape.testkit.facts import fact
from papertape.testkit.fake_backtests import FakeRunner, fake_backtests
from papertape.testkit.fake_mirror import FakeMirror
from papertape.testkit.fake_past import FakePast
from papertape.wire.http import StrategyView

SESSION_ID = "exec_20251227_165822_fe61be26"
EPOCH = "e-1"
START_TS = 1_766_854_702_000_000

BTCUSDT = Instrument(
    id="BTCUSDT.BINANCE",
    symbol="BTCUSDT",
    venue="BINANCE",
    kind="spot",
    base="BTC",
    quote="USDT",
    price_decimals=2,
    size_decimals=5,
    price_increment=Decimal("0.01"),
    size_increment=Decimal("0.00001"),
    min_quantity=Decimal("0.00001"),
    min_notional=Decimal(5),
)


def session_view(session_id: str, state: Lifecycle = "running", seq: int = 0, reason: str = "") -> SessionView:
    """Return a session of one strategy on BTCUSDT."""
    return SessionView(
        key=session_id,
        session_id=session_id,
        epoch=EPOCH,
        seq=seq,
        mode="PAPER",
        feed="simulated",
        feed_note="SIMULATED",
        is_simulated_feed=True,
        state=state,
        reason=reason,
        is_degraded=False,
        degraded_reason=None,
        entries_paused=False,
        allowed=("stop",),
        created_ts=START_TS,
        started_ts=START_TS,
        updated_ts=START_TS,
        strategies=("ema-cross",),
        instruments=(BTCUSDT.id,),
        capital=Decimal(10_000),
        currency="USDT",
        profile="standard",
        headline="Watching 1 symbol.",
        equity=Decimal("10000.00"),
        pnl=Decimal("0.00"),
    )


class FakeLibrary:
    """Two strategies; a definition is valid when its text starts with `name: `."""

    def __init__(self) -> None:
        self._views = {name: _strategy(name, is_builtin=name == "ema-cross") for name in ("ema-cross", "mine")}

    def list(self) -> Sequence[StrategyView]:
        """Return every strategy."""
        return [*self._views.values()]

    def get(self, name: str) -> StrategyView:
        """Return one strategy; raises `NotFound`."""
        if name not in self._views:
            raise NotFound(f"There is no strategy named {name!r}.", code="strategy.unknown", path="strategies")
        return self._views[name]

    def save(self, text: str, name: str | None = None) -> StrategyView:
        """Keep a definition; raises `Invalid`."""
        given = self.validate(text)
        if name is not None and name != given:
            raise Invalid(f"The definition is named {given!r}, not {name!r}.", code="strategy.name", path="name")
        self._views[given] = _strategy(given, text=text)
        return self._views[given]

    def delete(self, name: str) -> None:
        """Remove a strategy; raises `NotFound`, `Conflict`."""
        if self.get(name).is_builtin:
            raise Conflict(f"{name!r} is built in and cannot be deleted.", code="strategy.builtin", path="name")
        del self._views[name]

    def validate(self, text: str) -> str:
        """Return the name in the text; raises `Invalid`."""
        if not text.startswith("name: "):
            raise Invalid("The definition has no name.", code="strategy.no_name", path="name")
        return text.splitlines()[0].removeprefix("name: ").strip()


class FakeDesk:
    """One running session to begin with. `is_store_down` makes reads of history fail."""

    def __init__(self) -> None:
        self.library = FakeLibrary()
        self.backtest_runner = FakeRunner()
        self.backtests = fake_backtests(self.backtest_runner, lambda: START_TS)
        self.started_ts = START_TS
        self.outlets: list[Outlet] = []
        self.commands: list[tuple[str, str]] = []
        self.epoch = EPOCH
        self.is_store_down = False
        self.breaks = False
        self.views: dict[str, dict[str, msgspec.Struct]] = {}
        self.past = FakePast(self.facts, self._check)
        self.mirror: FakeMirror | None = None
        self._events: dict[str, list[AnyEvent]] = {SESSION_ID: []}
        self._states: dict[str, Lifecycle] = {SESSION_ID: "running"}
        self._started: dict[str, str] = {}

    # What a test does

    def publish(self, *events: AnyEvent, session_id: str = SESSION_ID) -> None:
        """Make facts durable, then tell the outlets."""
        self._events[session_id].extend(events)
        for outlet in self.outlets:
            outlet.facts_published(session_id, self.epoch, events)

    def fill(self, count: int = 1, session_id: str = SESSION_ID) -> list[OrderFilled]:
        """Publish that many further fills and return them."""
        first = len(self._events[session_id]) + 1
        fills = [fact(OrderFilled, seq) for seq in range(first, first + count)]
        self.publish(*fills, session_id=session_id)
        return fills

    def show(self, topic: str, *values: msgspec.Struct) -> None:
        """Replace the latest values of a topic; the key is the value's `key` or its instrument."""
        self.views[topic] = {str(getattr(value, "key", None) or value.instrument): value for value in values}  # type: ignore[attr-defined]  # BarView's key

    # DeskPort

    def feeds(self) -> list[FeedView]:
        """Return one simulated feed."""
        return [FeedView(name="simulated", venue="SIM", is_simulated=True, note=None, is_default=True)]

    async def instruments(self, feed: str | None, query: str, limit: int) -> list[Instrument]:
        """Return BTCUSDT when it matches."""
        if feed not in (None, "simulated"):
            raise NotFound(f"There is no feed {feed!r}; there is simulated.", code="feed.unknown", path="feed")
        return [BTCUSDT][:limit] if query.upper() in BTCUSDT.id else []

    async def start(self, request: StartSession, idempotency_key: str | None) -> SessionView:
        """Start a session of the request's first strategy."""
        for name in request.strategies:
            self.library.get(name)
        known = self._started.get(idempotency_key or "")
        session_id = known or f"exec_20251227_165822_{len(self._events):08x}"
        if idempotency_key is not None:
            self._started[idempotency_key] = session_id
        self._events.setdefault(session_id, [])
        self._states.setdefault(session_id, "starting")
        return self.session(session_id)

    def sessions(self, limit: int) -> list[SessionView]:
        """Return every session."""
        return [self.session(session_id) for session_id in [*self._events][:limit]]

    def session(self, session_id: str) -> SessionView:
        """Return one session."""
        if self.breaks:
            raise RuntimeError("secret detail of a failure")
        self._check(session_id)
        return session_view(session_id, self._states[session_id], self.position(session_id)[1])

    async def stop(self, session_id: str, *, close_positions: bool) -> SessionView:
        """Stop a running session."""
        self._check(session_id)
        if self._states[session_id] == "stopped":
            raise Conflict(f"Session {session_id} is stopped; nothing is left to stop.", code="session.not_allowed")
        self._states[session_id] = "stopped"
        return self._done(session_id, f"stop close_positions={close_positions}")

    async def pause_entries(self, session_id: str) -> SessionView:
        """Record the command."""
        return self._done(session_id, "pause-entries")

    async def resume(self, session_id: str) -> SessionView:
        """Record the command."""
        return self._done(session_id, "resume")

    async def emergency_stop(self, session_id: str) -> SessionView:
        """Record the command."""
        return self._done(session_id, "emergency-stop")

    async def close_position(self, session_id: str, instrument: str) -> SessionView:
        """Record the command."""
        return self._done(session_id, f"close {instrument}")

    def latest(self, session_id: str, topic: str) -> Mapping[str, msgspec.Struct]:
        """Return what the test shows."""
        self._check(session_id)
        return self.views.get(topic, {})

    def followed(self, session_id: str, topic: str) -> Mapping[str, msgspec.Struct]:
        """Return what the test shows."""
        return self.latest(session_id, topic)

    def facts(
        self,
        session_id: str,
        table: Table,
        *,
        after: int = 0,
        until: int | None = None,
        limit: int = 1000,
        filters: Mapping[str, str] = {},
        newest_first: bool = False,
    ) -> list[Any]:
        """Return published facts of one table."""
        self._check(session_id)
        if self.is_store_down:
            raise Unavailable("The store does not answer; try again.", code="store.unavailable")
        found = [
            event
            for event in self._events[session_id]
            if TABLE_OF[type(event)] is table
            and event.seq > after
            and (until is None or event.seq <= until)
            and all(str(getattr(event, column)) == value for column, value in filters.items())
        ]
        return (found[::-1] if newest_first else found)[:limit]

    def position(self, session_id: str) -> tuple[str, int]:
        """Return the epoch and the last seq."""
        self._check(session_id)
        events = self._events[session_id]
        return self.epoch, events[-1].seq if events else 0

    def head(self, session_id: str, topic: str) -> int:
        """Return the last seq of a topic."""
        return max((event.seq for event in self._events[session_id] if TABLE_OF[type(event)].topic == topic), default=0)

    def allowed(self, session_id: str) -> tuple[str, ...]:
        """Return what a running session allows."""
        self._check(session_id)
        return ("stop", "pause-entries") if self._states[session_id] == "running" else ()

    def system(self) -> SystemView:
        """Return constant figures."""
        return SystemView(
            key="system", version=__version__, started_ts=START_TS, store="memory",
            connections=0, loop_lag_ms=0.0, memory_mb=1.0,
        )  # fmt: skip

    def health(self) -> HealthView:
        """Return a desk that is healthy unless its store is down or its mirror is not well."""
        return msgspec.structs.replace(judge_health(self.store(), []), sessions=1)

    def store(self) -> StoreStatus:
        """Return constant figures, and those of the mirror."""
        return StoreStatus(
            driver="memory", location="memory", is_healthy=not self.is_store_down, last_error=None,
            last_durable_ts=None, rows_total=0, queue_length=0, lag_ms=0.0, detail="",
            mirror=None if self.mirror is None else self.mirror.status(),
        )  # fmt: skip

    async def resume_store(self) -> list[str]:
        """Resume the mirror's suspended tables; raises `Conflict` without a mirror."""
        if self.mirror is None:
            raise Conflict("This desk keeps its journal only.", code="store.no_mirror")
        return self.mirror.resume_suspended()

    def _check(self, session_id: str) -> None:
        if session_id not in self._events:
            raise NotFound(f"There is no session {session_id}.", code="session.unknown")

    def _done(self, session_id: str, command: str) -> SessionView:
        self._check(session_id)
        self.commands.append((session_id, command))
        return self.session(session_id)


def _strategy(name: str, *, is_builtin: bool = False, text: str = "") -> StrategyView:
    return StrategyView(
        name=name, version=1, is_builtin=is_builtin, description="", text=text or f"name: {name}\n",
        sha256="0" * 64, error=None, sides=("long",),
    )  # fmt: skip
