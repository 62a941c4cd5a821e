"""Routes of backtests: strategies over what was recorded, beside the sessions and in a process of their own."""

from __future__ import annotations

from typing import Annotated

from litestar import delete, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, HeaderParameter, JSONBody

from papertape.model.backtest import BacktestView, StartBacktest
from papertape.server.desk_port import DeskPort
from papertape.wire.http import Listing

_TAGS = ["backtests"]


def backtest_routes(desk: DeskPort) -> list[HTTPRouteHandler]:
    """Return the routes that start, show and cancel backtests."""

    @post("/api/backtests", tags=_TAGS, status_code=202, summary="Run strategies over what was recorded")
    async def start_backtest(
        data: JSONBody[StartBacktest],
        idempotency_key: Annotated[str | None, HeaderParameter(name="Idempotency-Key", max_length=200)] = None,
    ) -> BacktestView:
        return desk.backtests.start(data, idempotency_key)

    @get("/api/backtests", tags=_TAGS, summary="List backtests, newest request first")
    async def list_backtests() -> Listing[BacktestView]:
        return Listing(items=[*desk.backtests.list()])

    @get("/api/backtests/{backtest_id:str}", tags=_TAGS, summary="Show how far a backtest is, or its result")
    async def show_backtest(backtest_id: FromPath[str]) -> BacktestView:
        return desk.backtests.get(backtest_id)

    @delete(
        "/api/backtests/{backtest_id:str}",
        tags=_TAGS,
        status_code=200,
        summary="Cancel a backtest that waits or runs, forget one that has ended",
    )
    async def cancel_backtest(backtest_id: FromPath[str]) -> BacktestView:
        return await desk.backtests.cancel(backtest_id)

    return [start_backtest, list_backtests, show_backtest, cancel_backtest]
