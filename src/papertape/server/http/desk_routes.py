"""Routes of the desk itself: its health, its connections, its metrics."""

from __future__ import annotations

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler

from papertape.model.views import HealthView, SystemView
from papertape.server.desk_port import DeskPort
from papertape.server.hub import StreamHub
from papertape.server.metrics import Metrics
from papertape.wire.http import Connections

_TAGS = ["desk"]


def desk_routes(desk: DeskPort, hub: StreamHub, metrics: Metrics) -> list[HTTPRouteHandler]:
    """Return the routes that say how the desk is doing."""

    @get("/health", tags=_TAGS, summary="200 when the desk can do its work, 503 when it cannot")
    async def show_health() -> Response[HealthView]:
        health = desk.health()
        return Response(health, status_code=503 if health.status == "failed" else 200)

    @get("/api/system", tags=_TAGS)
    async def show_system() -> SystemView:
        return hub.system()

    @get("/api/connections", tags=_TAGS, summary="Show stream connections: who closed, and why")
    async def list_connections() -> Connections:
        return hub.connections()

    @get("/metrics", tags=_TAGS, summary="Show figures in Prometheus' text format")
    async def show_metrics() -> Response[bytes]:
        return Response(metrics.render(), media_type=metrics.content_type)

    return [show_health, show_system, list_connections, show_metrics]
