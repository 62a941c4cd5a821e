"""Routes of the store: how it and its copy are doing, and what a trader can do about it."""

from __future__ import annotations

from litestar import get, post
from litestar.handlers import HTTPRouteHandler

from papertape.model.views import StoreStatus
from papertape.server.desk_port import DeskPort
from papertape.wire.http import Resumed

_TAGS = ["store"]


def store_routes(desk: DeskPort) -> list[HTTPRouteHandler]:
    """Return the routes of the store."""

    @get("/api/store", tags=_TAGS, summary="Show how the journal and its copy are doing")
    async def show_store() -> StoreStatus:
        return desk.store()

    @post("/api/store/resume", tags=_TAGS, summary="Let the copy go on with suspended tables", status_code=200)
    async def resume_store() -> Resumed:
        tables = await desk.resume_store()
        return Resumed(tables=tables, store=desk.store())

    return [show_store, resume_store]
