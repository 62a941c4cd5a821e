"""The built web UI from the package, for every path that is not the API."""

from __future__ import annotations

import mimetypes
from importlib import resources
from importlib.resources.abc import Traversable

from papertape.server.asgi import Message, Receive, Send, respond, respond_error
from papertape.wire.http import ErrorBody

_NOT_BUILT = b"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>papertape</title></head>
<body style="font: 16px/1.5 system-ui; max-width: 40rem; margin: 4rem auto; padding: 0 1rem">
<h1>papertape runs, but its page was not built</h1>
<p>The API works: see <a href="/schema/openapi.json">its description</a> and <a href="/health">its health</a>.</p>
<p>From a checkout, run <code>make run</code>, which builds the page first. A wheel always carries it; if you installed
one and see this, please report it.</p>
</body></html>
"""
_FOREVER = b"public, max-age=31536000, immutable"


class WebUi:
    """Serves files of the built UI; a path without a file is the app's own and gets its page."""

    def __init__(self, root: Traversable | None = None) -> None:
        self._root = root or resources.files("papertape.server") / "ui"

    async def __call__(self, scope: Message, _receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["method"] not in ("GET", "HEAD"):
            error = ErrorBody(code="http.method", message="Pages are read with GET.")
            await respond_error(scope, send, 405, error, headers=[(b"allow", b"GET, HEAD")])
            return
        parts = [part for part in str(scope["path"]).split("/") if part]
        found = self._find(parts)
        if found is not None:
            caching = _FOREVER if parts[0] == "assets" else b"no-cache"
            await _send_file(scope, send, found, caching)
        elif parts and "." in parts[-1]:
            error = ErrorBody(code="http.not_found", message=f"There is no file {scope['path'][:200]!r}.")
            await respond_error(scope, send, 404, error)
        else:
            await self._send_page(scope, send)

    async def _send_page(self, scope: Message, send: Send) -> None:
        page = self._root / "index.html"
        if page.is_file():
            await _send_file(scope, send, page, b"no-cache")
        else:
            await respond(scope, send, 200, _NOT_BUILT, "text/html; charset=utf-8", [(b"cache-control", b"no-cache")])

    def _find(self, parts: list[str]) -> Traversable | None:
        if not parts or any(part == ".." or "\\" in part or "\0" in part for part in parts):
            return None
        file = self._root.joinpath(*parts)
        return file if file.is_file() else None


async def _send_file(scope: Message, send: Send, file: Traversable, caching: bytes) -> None:
    kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
    if kind.startswith("text/") or kind == "application/javascript":
        kind += "; charset=utf-8"
    body = b"" if scope["method"] == "HEAD" else file.read_bytes()
    await respond(scope, send, 200, body, kind, [(b"cache-control", caching)])
