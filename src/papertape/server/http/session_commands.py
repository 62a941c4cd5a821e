"""Routes that change a session. A command answers with the session as it is after it."""

from __future__ import annotations

from typing import Annotated

from litestar import get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, HeaderParameter, JSONBody, QueryParameter

from papertape.model.session import StartSession
from papertape.model.views import SessionView
from papertape.server.desk_port import DeskPort
from papertape.wire.http import Listing, StopRequest

_TAGS = ["sessions"]


def session_commands(desk: DeskPort) -> list[HTTPRouteHandler]:
    """Return the routes that start, stop and steer sessions."""

    @post("/api/sessions", tags=_TAGS, summary="Start a session")
    async def start_session(
        data: JSONBody[StartSession],
        idempotency_key: Annotated[str | None, HeaderParameter(name="Idempotency-Key", max_length=200)] = None,
    ) -> SessionView:
        return await desk.start(data, idempotency_key)

    @get("/api/sessions", tags=_TAGS, summary="List sessions, newest first")
    async def list_sessions(limit: Annotated[int, QueryParameter(ge=1, le=10_000)] = 200) -> Listing[SessionView]:
        return Listing(items=[*desk.sessions(limit)])

    @get("/api/sessions/{session_id:str}", tags=_TAGS, summary="Show one session")
    async def show_session(session_id: FromPath[str]) -> SessionView:
        return desk.session(session_id)

    @post("/api/sessions/{session_id:str}/stop", tags=_TAGS, summary="Stop a session", status_code=200)
    async def stop_session(session_id: FromPath[str], data: JSONBody[StopRequest | None] = None) -> SessionView:
        close_positions = data.close_positions if data is not None else True
        return await desk.stop(session_id, close_positions=close_positions)

    return [start_session, list_sessions, show_session, stop_session, *_steering(desk)]


def _steering(desk: DeskPort) -> list[HTTPRouteHandler]:
    @post("/api/sessions/{session_id:str}/pause-entries", tags=_TAGS, summary="Open no position", status_code=200)
    async def pause_entries(session_id: FromPath[str]) -> SessionView:
        return await desk.pause_entries(session_id)

    @post("/api/sessions/{session_id:str}/resume", tags=_TAGS, summary="Open positions again", status_code=200)
    async def resume_session(session_id: FromPath[str]) -> SessionView:
        return await desk.resume(session_id)

    @post("/api/sessions/{session_id:str}/emergency-stop", tags=_TAGS, summary="Close all and stop", status_code=200)
    async def emergency_stop(session_id: FromPath[str]) -> SessionView:
        return await desk.emergency_stop(session_id)

    @post(
        "/api/sessions/{session_id:str}/positions/{instrument:str}/close",
        tags=_TAGS,
        summary="Close the open positions on one instrument",
        status_code=200,
    )
    async def close_position(session_id: FromPath[str], instrument: FromPath[str]) -> SessionView:
        return await desk.close_position(session_id, instrument)

    return [pause_entries, resume_session, emergency_stop, close_position]
