"""The addresses of a desk's stream for each carrier."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

import msgspec

from papertape.errors import Invalid

_PATH = "/api/stream"
_TWINS = {"http": ("ws", "http"), "ws": ("ws", "http"), "https": ("wss", "https"), "wss": ("wss", "https")}


class StreamAddress(msgspec.Struct, frozen=True, kw_only=True):
    """Where each carrier of one stream is. A desk on this machine is never reached through a configured proxy.

    `headers` go with every request, `trust` says whose certificates are believed instead of the system's.
    """

    websocket: str
    sse: str
    poll: str
    is_loopback: bool
    headers: Mapping[str, str] = {}
    trust: ssl.SSLContext | None = None

    @property
    def is_encrypted(self) -> bool:
        """Return whether TLS is spoken."""
        return self.sse.startswith("https:")


def parse_address(
    url: str, headers: Mapping[str, str] | None = None, trust: ssl.SSLContext | None = None
) -> StreamAddress:
    """Return the addresses for the stream's URL, such as `https://host/desk/api/stream`; any of http(s) and ws(s).

    The bare address of a desk, `http://host:8420`, means its `/api/stream`.

    Raises:
        Invalid: it is not such a URL.
    """
    try:
        parts = urlsplit(url.strip())
        has_host = bool(parts.hostname) and parts.port != 0  # an impossible port raises here
    except ValueError as error:
        raise _refusal(url, str(error)) from error
    if parts.scheme not in _TWINS or not has_host:
        raise _refusal(url, "it has no scheme or no host")
    if parts.query or parts.fragment:
        raise _refusal(url, "it has a query or a fragment")
    path = parts.path.rstrip("/") or _PATH
    socket_scheme, http_scheme = _TWINS[parts.scheme]
    http = f"{http_scheme}://{parts.netloc}{path}"
    return StreamAddress(
        websocket=f"{socket_scheme}://{parts.netloc}{path}",
        sse=f"{http}/sse",
        poll=f"{http}/poll",
        is_loopback=_is_loopback(parts),
        headers=dict(headers or {}),
        trust=trust,
    )


def _is_loopback(parts: SplitResult) -> bool:
    name = parts.hostname or ""
    try:
        return name == "localhost" or ip_address(name).is_loopback
    except ValueError:
        return False


def _refusal(url: str, why: str) -> Invalid:
    return Invalid(
        f"{url!r} is not the address of a stream, since {why}; give one like http://127.0.0.1:8420/api/stream.",
        code="client.address",
        path="url",
    )
