"""A client of the exchange server: its connection, its path, and the streams it asked for."""

from __future__ import annotations

import msgspec
from websockets.asyncio.server import ServerConnection

from papertape.feeds.binance.frames import Market

PATHS: dict[str, Market] = {
    "/stream": "spot",
    "/ws": "spot",
    "/public/stream": "usdm",
    "/public/ws": "usdm",
    "/market/stream": "usdm",
    "/market/ws": "usdm",
}
# What the venue sends on each path; anything else is acknowledged and never comes.
_MARKET_PATH_KINDS = frozenset({"ticker", "aggTrade"})


class Command(msgspec.Struct, frozen=True):
    """A request a client sends over its connection."""

    method: str
    params: list[str] = []
    id: int | str | None = None


class Client:
    """One connected client and what it asked for."""

    def __init__(self, connection: ServerConnection, path: str) -> None:
        self.connection = connection
        self.path = path
        self.market = PATHS[path]
        self.wraps = path.endswith("/stream")
        self.streams: dict[tuple[str, str], str] = {}
        self.is_hanging = False

    def subscribe(self, names: list[str]) -> None:
        """Add streams by name."""
        for name in names:
            self.streams[_stream_key(name)] = name

    def unsubscribe(self, names: list[str]) -> None:
        """Remove streams by name."""
        for name in names:
            self.streams.pop(_stream_key(name), None)

    def name_of(self, symbol: str, kind: str) -> str | None:
        """Return the stream name under which this client gets frames of `kind`, if it does."""
        name = self.streams.get((symbol, kind))
        if name is None or self.market == "spot":
            return name
        return name if (kind in _MARKET_PATH_KINDS) == self.path.startswith("/market") else None


def _stream_key(name: str) -> tuple[str, str]:
    symbol, _, kind = name.partition("@")
    return symbol.upper(), "depth" if kind.startswith("depth") else kind
