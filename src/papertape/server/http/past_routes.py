"""Routes of what sessions did: bars, indicator values, signals in their market; from the journal or its copy."""

from __future__ import annotations

from typing import Annotated

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery, QueryParameter

from papertape.journal.research import Span
from papertape.model.market_rows import IndicatorValueRow, SignalInContext
from papertape.model.views import BarView
from papertape.server.desk_port import DeskPort
from papertape.server.http.window import found_page, parse_interval
from papertape.wire.http import Page

_AT = "/api/sessions/{session_id:str}"
_TAGS = ["past"]


def past_routes(desk: DeskPort) -> list[HTTPRouteHandler]:
    """Return the routes that answer from the store; the session may still run."""

    @get(f"{_AT}/bars", tags=_TAGS, summary="List bars of one instrument, oldest first, the newest ones of a span")
    async def list_bars(
        session_id: FromPath[str],
        instrument: FromQuery[str],
        span: NamedDependency[Span],
        interval: FromQuery[str] = "60",
        limit: Annotated[int, QueryParameter(ge=1, le=10_000)] = 500,
    ) -> Response[Page[BarView]]:
        found = await desk.past.bars(session_id, instrument, parse_interval(interval), span, limit)
        return await found_page(desk, session_id, found)

    @get(f"{_AT}/indicator-values", tags=_TAGS, summary="List one indicator's value at each second, oldest first")
    async def list_indicator_values(
        session_id: FromPath[str],
        strategy: FromQuery[str],
        instrument: FromQuery[str],
        indicator: FromQuery[str],
        span: NamedDependency[Span],
        limit: Annotated[int, QueryParameter(ge=1, le=10_000)] = 1_000,
    ) -> Response[Page[IndicatorValueRow]]:
        found = await desk.past.indicator_values(session_id, strategy, instrument, indicator, span, limit)
        return await found_page(desk, session_id, found)

    @get(f"{_AT}/latest-values", tags=_TAGS, summary="List the newest stored value of every indicator")
    async def list_latest_values(session_id: FromPath[str]) -> Response[Page[IndicatorValueRow]]:
        return await found_page(desk, session_id, await desk.past.latest_values(session_id))

    @get(f"{_AT}/signals-in-context", tags=_TAGS, summary="List signals, newest first, with the quote of their moment")
    async def list_signals_in_context(
        session_id: FromPath[str], limit: Annotated[int, QueryParameter(ge=1, le=1_000)] = 100
    ) -> Response[Page[SignalInContext]]:
        return await found_page(desk, session_id, await desk.past.signals_in_context(session_id, limit))

    return [list_bars, list_indicator_values, list_latest_values, list_signals_in_context]
