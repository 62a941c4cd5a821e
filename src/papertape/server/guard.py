"""Who may speak to the desk, and what a browser may do with its answers; one ASGI layer around everything.

A page of another site must reach nothing: the Host allow-list stops DNS rebinding, the exact Origin check stops
cross-site requests and sockets, the headers stop framing, sniffing and foreign scripts.
"""

from __future__ import annotations

from papertape.server.asgi import App, Message, Receive, Send, header, respond_error
from papertape.server.settings import ServerSettings
from papertape.wire.http import ErrorBody

_LOOPBACK = frozenset({"127.0.0.1", "localhost", "[::1]"})
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_SAME_SITE = frozenset({None, "same-origin", "none"})

SECURITY_HEADERS: tuple[tuple[bytes, bytes], ...] = (
    (
        b"content-security-policy",
        b"default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
        b"connect-src 'self'; font-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; "
        b"frame-ancestors 'none'",
    ),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
)


class Guard:
    """Refuses foreign hosts, foreign origins and oversized bodies; adds the security headers to every answer."""

    def __init__(self, app: App, settings: ServerSettings) -> None:
        self._app = app
        self._settings = settings

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Serve one ASGI scope."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        sealed = _sealed(send)
        refusal = self._refusal(scope)
        if refusal is None:
            await self._app(scope, receive, sealed)
            return
        if scope["type"] == "websocket":
            await receive()  # websocket.connect
        status, error = refusal
        await respond_error(scope, sealed, status, error)

    def _refusal(self, scope: Message) -> tuple[int, ErrorBody] | None:
        host = header(scope, b"host")
        if not self._is_known_host(host, scope):
            return 403, ErrorBody(
                code="http.host",
                message=f"This desk does not answer to the host {(host or '')[:100]!r}; use its own address, or start "
                "it with --public-url when a proxy shows it under this name.",
            )
        if _is_guarded(scope) and not self._is_own_origin(scope, host or ""):
            return 403, ErrorBody(
                code="http.origin",
                message="This request comes from another site; only this desk's own pages may make it.",
            )
        length = header(scope, b"content-length")
        limit = self._settings.max_body_bytes
        if length is not None and (not length.isdigit() or int(length) > limit):
            return 413, ErrorBody(code="http.too_large", message=f"A request body has at most {limit:,} bytes.")
        return None

    def _is_known_host(self, host: str | None, scope: Message) -> bool:
        if not host:
            return False
        if host in self._settings.extra_hosts:
            return True
        name, separator, port = host.rpartition(":") if not host.endswith("]") else (host, "", "")
        if not separator:
            name, port = host, "80"
        server = scope.get("server")
        return name in _LOOPBACK and server is not None and port == str(server[1])

    def _is_own_origin(self, scope: Message, host: str) -> bool:
        origin = header(scope, b"origin")
        if origin is None:  # not a browser, or a same-origin GET, for which browsers send none
            return header(scope, b"sec-fetch-site") in _SAME_SITE
        return origin == f"http://{host}" or origin in self._settings.extra_origins


def _is_guarded(scope: Message) -> bool:
    if scope["type"] == "websocket" or scope["method"] not in _SAFE:
        return True
    return str(scope["path"]).startswith("/api/stream")


def _sealed(send: Send) -> Send:
    async def send_sealed(message: Message) -> None:
        if message["type"] in ("http.response.start", "websocket.http.response.start"):
            present = {name.lower() for name, _ in message.get("headers", ())}
            missing = [pair for pair in SECURITY_HEADERS if pair[0] not in present]
            message = {**message, "headers": [*message.get("headers", ()), *missing]}
        await send(message)

    return send_sealed
