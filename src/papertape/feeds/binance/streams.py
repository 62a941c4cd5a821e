"""Which streams an instrument needs, and the requests that ask for them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Literal

import msgspec

Method = Literal["SUBSCRIBE", "UNSUBSCRIBE"]

# A connection may send five messages a second; long lists stay far below the frame limit.
_STREAMS_PER_REQUEST = 200

BOOK_AND_TRADES = ("trade", "bookTicker", "depth@100ms")
STATISTICS = ("ticker",)


class _Request(msgspec.Struct, frozen=True):
    method: Method
    params: list[str]
    id: int


def stream_names(symbol: str, kinds: Sequence[str]) -> list[str]:
    """Return the stream names of a symbol; the venue wants them in lower case."""
    return [f"{symbol.lower()}@{kind}" for kind in kinds]


def build_request(method: Method, streams: Iterable[str], request_id: int) -> str:
    """Return the text frame that subscribes to or unsubscribes from `streams`."""
    return msgspec.json.encode(_Request(method, sorted(streams), request_id)).decode()


def in_requests(streams: Iterable[str]) -> Iterator[list[str]]:
    """Yield the streams in lists that fit one request each."""
    rest = iter(sorted(streams))
    while part := list(islice(rest, _STREAMS_PER_REQUEST)):
        yield part
