"""Puts the server together: guard → stream | API | page."""

from __future__ import annotations

from litestar import Litestar
from litestar.di import Provide
from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin

from papertape import __version__
from papertape.server.asgi import App, Message, Receive, Send
from papertape.server.desk_port import DeskPort
from papertape.server.guard import Guard
from papertape.server.http.backtest_routes import backtest_routes
from papertape.server.http.description import Described
from papertape.server.http.desk_routes import desk_routes
from papertape.server.http.failures import EXCEPTION_HANDLERS
from papertape.server.http.library_routes import library_routes, market_routes
from papertape.server.http.past_routes import past_routes
from papertape.server.http.session_commands import session_commands
from papertape.server.http.session_lists import fact_lists, overviews, view_lists
from papertape.server.http.store_routes import store_routes
from papertape.server.http.window import read_span, read_window
from papertape.server.hub import StreamHub
from papertape.server.metrics import Metrics
from papertape.server.settings import ServerSettings
from papertape.server.stream.poll import PollEndpoint
from papertape.server.stream.sse import serve_sse
from papertape.server.stream.websocket import WebSocketEndpoint
from papertape.server.ui import WebUi


def create_app(desk: DeskPort, settings: ServerSettings, hub: StreamHub, api: App | None = None) -> App:
    """Return the ASGI application. `hub` must be an outlet of the desk; its ticking follows the app's lifespan.

    `api` stands in for the HTTP API, whose hundred routes take a tenth of a second to build.
    """
    return Guard(_Dispatch(api or Described(create_api(desk, settings, hub)), hub), settings)


def create_api(desk: DeskPort, settings: ServerSettings, hub: StreamHub) -> Litestar:
    """Return the HTTP API alone, with its OpenAPI description at `/schema/openapi.json`."""
    return Litestar(
        route_handlers=[
            *session_commands(desk),
            *overviews(desk),
            *fact_lists(desk),
            *view_lists(desk),
            *past_routes(desk),
            *store_routes(desk),
            *backtest_routes(desk),
            *library_routes(desk),
            *market_routes(desk),
            *desk_routes(desk, hub, Metrics(desk, hub)),
        ],
        dependencies={"window": Provide(read_window), "span": Provide(read_span)},
        exception_handlers=EXCEPTION_HANDLERS,
        openapi_config=OpenAPIConfig(
            title="papertape",
            version=__version__,
            description="A self-hosted, real-time paper-trading desk. Times are microseconds UTC; money is text.",
            render_plugins=[JsonRenderPlugin()],
        ),
        request_max_body_size=settings.max_body_bytes,
        logging_config=None,
    )


class _Dispatch:
    def __init__(self, api: App, hub: StreamHub) -> None:
        self._api = api
        self._hub = hub
        self._ui = WebUi()
        self._poll = PollEndpoint(hub)
        self._stream = WebSocketEndpoint(hub)

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "websocket":
            await self._websocket(scope, receive, send)
        elif scope["path"] == "/api/stream/sse":
            await serve_sse(self._hub, scope, receive, send)
        elif scope["path"] == "/api/stream/poll":
            await self._poll.serve(scope, receive, send)
        elif scope["path"].startswith(("/api/", "/schema")) or scope["path"] in ("/api", "/health", "/metrics"):
            await self._api(scope, receive, send)
        else:
            await self._ui(scope, receive, send)

    async def _websocket(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["path"] == "/api/stream":
            await self._stream.serve(scope, receive, send)
        else:
            await receive()  # websocket.connect
            await send({"type": "websocket.close", "code": 1008})

    async def _live(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                await self._hub.start()
                await send({"type": "lifespan.startup.complete"})
            else:
                await self._hub.stop()
                await send({"type": "lifespan.shutdown.complete"})
                return
