"""Routes that list what a session has done (facts) and what it shows now (latest values), with their position."""

from __future__ import annotations

from collections import Counter
from typing import TypeAlias

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery

from papertape.model import events, tables, views
from papertape.server.desk_port import DeskPort
from papertape.server.http.window import Window, facts_page, views_page
from papertape.wire.http import DashboardSummary, Page, SessionState

AtSession: TypeAlias = FromPath[str]
Wanted: TypeAlias = NamedDependency[Window]

_AT = "/api/sessions/{session_id:str}"
_FACTS = ["facts"]
_VIEWS = ["latest values"]


def fact_lists(desk: DeskPort) -> list[HTTPRouteHandler]:
    """Return the routes of what must not be lost."""

    @get(f"{_AT}/transitions", tags=_FACTS)
    async def list_transitions(session_id: AtSession, window: Wanted) -> Response[Page[events.InstanceTransitioned]]:
        return await facts_page(desk, session_id, tables.TRANSITIONS, window)

    @get(f"{_AT}/signals", tags=_FACTS)
    async def list_signals(session_id: AtSession, window: Wanted) -> Response[Page[events.SignalFired]]:
        return await facts_page(desk, session_id, tables.SIGNALS, window)

    @get(f"{_AT}/orders", tags=_FACTS)
    async def list_orders(session_id: AtSession, window: Wanted) -> Response[Page[events.OrderUpdated]]:
        return await facts_page(desk, session_id, tables.ORDERS, window)

    @get(f"{_AT}/fills", tags=_FACTS)
    async def list_fills(session_id: AtSession, window: Wanted) -> Response[Page[events.OrderFilled]]:
        return await facts_page(desk, session_id, tables.FILLS, window)

    @get(f"{_AT}/positions", tags=_FACTS)
    async def list_positions(session_id: AtSession, window: Wanted) -> Response[Page[events.PositionChanged]]:
        return await facts_page(desk, session_id, tables.POSITIONS, window)

    @get(f"{_AT}/account", tags=_FACTS)
    async def list_account(session_id: AtSession, window: Wanted) -> Response[Page[events.AccountChanged]]:
        return await facts_page(desk, session_id, tables.ACCOUNT, window)

    @get(f"{_AT}/equity", tags=_FACTS)
    async def list_equity(session_id: AtSession, window: Wanted) -> Response[Page[events.EquityMarked]]:
        return await facts_page(desk, session_id, tables.EQUITY, window)

    @get(f"{_AT}/alerts", tags=_FACTS)
    async def list_alerts(session_id: AtSession, window: Wanted) -> Response[Page[events.AlertRaised]]:
        return await facts_page(desk, session_id, tables.ALERTS, window)

    @get(f"{_AT}/events", tags=_FACTS, summary="List changes of the session's lifecycle")
    async def list_session_events(session_id: AtSession, window: Wanted) -> Response[Page[events.SessionChanged]]:
        return await facts_page(desk, session_id, tables.SESSION_EVENTS, window)

    return [
        list_transitions, list_signals, list_orders, list_fills, list_positions, list_account, list_equity,
        list_alerts, list_session_events,
    ]  # fmt: skip


def view_lists(desk: DeskPort) -> list[HTTPRouteHandler]:
    """Return the routes of what a session shows now."""

    @get(f"{_AT}/watchlist", tags=_VIEWS)
    async def list_watchlist(session_id: AtSession, window: Wanted) -> Page[views.WatchlistRow]:
        return views_page(desk, session_id, "watchlist", views.WatchlistRow, window)

    @get(f"{_AT}/indicators", tags=_VIEWS)
    async def list_indicators(session_id: AtSession, window: Wanted) -> Page[views.IndicatorView]:
        return views_page(desk, session_id, "indicators", views.IndicatorView, window)

    @get(f"{_AT}/conditions", tags=_VIEWS)
    async def list_conditions(session_id: AtSession, window: Wanted) -> Page[views.ConditionsView]:
        return views_page(desk, session_id, "conditions", views.ConditionsView, window)

    @get(f"{_AT}/pipeline", tags=_VIEWS)
    async def list_pipeline(session_id: AtSession, window: Wanted) -> Page[views.StageView]:
        return views_page(desk, session_id, "pipeline", views.StageView, window)

    @get(f"{_AT}/preflight", tags=_VIEWS)
    async def list_preflight(session_id: AtSession, window: Wanted) -> Page[views.PreflightView]:
        return views_page(desk, session_id, "preflight", views.PreflightView, window)

    return [list_watchlist, list_indicators, list_conditions, list_pipeline, list_preflight]


def overviews(desk: DeskPort) -> list[HTTPRouteHandler]:
    """Return the routes that answer a whole page at once."""

    @get(f"{_AT}/state", tags=_VIEWS, summary="Show a session's state and every instance")
    async def show_state(session_id: FromPath[str]) -> SessionState:
        return _state(desk, session_id)

    @get("/api/dashboard/summary", tags=_VIEWS, summary="Show what the first paint of a session's page needs")
    async def show_summary(session_id: FromQuery[str]) -> DashboardSummary:
        return _summary(desk, session_id)

    return [show_state, show_summary]


def _state(desk: DeskPort, session_id: str) -> SessionState:
    session = desk.session(session_id)
    epoch, seq = desk.position(session_id)
    page = views_page(desk, session_id, "instances", views.InstanceView, _WHOLE)
    return SessionState(
        session_id=session_id,
        epoch=epoch,
        seq=seq,
        state=session.state,
        reason=session.reason,
        is_degraded=session.is_degraded,
        degraded_reason=session.degraded_reason,
        entries_paused=session.entries_paused,
        allowed=desk.allowed(session_id),
        instances=page.items,
    )


def _summary(desk: DeskPort, session_id: str) -> DashboardSummary:
    epoch, seq = desk.position(session_id)
    instances: list[views.InstanceView] = views_page(desk, session_id, "instances", views.InstanceView, _WHOLE).items
    equity = views_page(desk, session_id, "equity", views.EquityView, _WHOLE).items
    preflight = views_page(desk, session_id, "preflight", views.PreflightView, _WHOLE).items
    return DashboardSummary(
        epoch=epoch,
        seq=seq,
        session=desk.session(session_id),
        equity=equity[0] if equity else None,
        preflight=preflight[0] if preflight else None,
        instances=instances,
        watchlist=views_page(desk, session_id, "watchlist", views.WatchlistRow, _WHOLE).items,
        instances_by_state=dict(Counter(instance.state for instance in instances)),
        open_positions=len(equity[0].open_positions) if equity else 0,
    )


_WHOLE = Window(after=0, until=None, limit=1_000_000, newest_first=False, filters={})
