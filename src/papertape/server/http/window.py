"""The part of a list a request asks for: `after`, `until`, `limit`, `newest_first`, and equality on columns."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Mapping
from typing import Annotated, Any, TypeAlias

import msgspec
from litestar import MediaType, Response
from litestar.params import FromQuery, QueryParameter
from litestar.response import Stream

from papertape.errors import Invalid
from papertape.journal.research import Found, Span
from papertape.model.tables import Table
from papertape.server.desk_port import DeskPort
from papertape.server.http.failures import AnyRequest
from papertape.wire.http import Page

_OWN = frozenset({"after", "until", "limit", "newest_first"})
_INTERVAL = re.compile(r"^(\d{1,6})(s|m|h)?$")
_LARGEST = 2**53 - 1  # what a browser counts to exactly
Instant: TypeAlias = Annotated[int | None, QueryParameter(ge=0, le=_LARGEST, description="Microseconds UTC.")]
_FEW = 200
_PIECE_BYTES = 262_144
_encode = msgspec.json.Encoder().encode
_SECONDS = {"s": 1, "m": 60, "h": 3600, None: 1}


class Window(msgspec.Struct, frozen=True, kw_only=True):
    """What part of a list is wanted. For facts `after` and `until` are seqs; for latest values `after` skips rows."""

    after: int
    until: int | None
    limit: int
    newest_first: bool
    filters: dict[str, str]


async def read_window(
    request: AnyRequest,
    after: Annotated[
        int, QueryParameter(ge=0, le=_LARGEST, description="Facts after this seq; rows to skip in latest values.")
    ] = 0,
    until: Annotated[int | None, QueryParameter(ge=0, le=_LARGEST, description="Facts up to this seq.")] = None,
    limit: Annotated[int, QueryParameter(ge=1, le=10_000, description="At most this many items.")] = 200,
    newest_first: FromQuery[bool] = False,
) -> Window:
    """Return the window of a request; every other query parameter is equality on a column."""
    filters = {name: str(value) for name, value in request.query_params.items() if name not in _OWN}
    return Window(after=after, until=until, limit=limit, newest_first=newest_first, filters=filters)


async def facts_page(desk: DeskPort, session_id: str, table: Table, window: Window) -> Response[Any]:
    """Return facts of one table and the position they are true at; raises `Invalid` for an unknown column."""
    for column in window.filters:
        _check_column(column, table.record, f"the records of {table.name}")
    epoch, seq = desk.position(session_id)
    found = await desk.past.facts(
        session_id,
        table,
        after=window.after,
        until=seq if window.until is None else min(window.until, seq),
        limit=window.limit,
        filters=window.filters,
        newest_first=window.newest_first,
    )
    is_full = len(found.items) == window.limit and not window.newest_first
    next_after = found.items[-1].seq if is_full else None
    page = Page(epoch=epoch, seq=seq, items=found.items, next_after=next_after, source=found.source, note=found.note)
    return await _answer(page)


async def found_page(desk: DeskPort, session_id: str, found: Found[Any]) -> Response[Any]:
    """Return what was found of a session's past, with the session's position now."""
    epoch, seq = desk.position(session_id)
    return await _answer(Page(epoch=epoch, seq=seq, items=found.items, source=found.source, note=found.note))


async def _answer(page: Page[Any]) -> Response[Any]:
    # Encoded, copied or sent in one call, ten thousand records hold the event loop; in portions they let go of it.
    if len(page.items) <= _FEW:
        return Response(page)
    pieces = await asyncio.to_thread(_pieces, page)
    return Stream(_unhurried(pieces), media_type=MediaType.JSON)


def _pieces(page: Page[Any]) -> list[bytes]:
    items = page.items[::-1]
    page.items.clear()
    head, _, tail = _encode(page).partition(b'"items":[]')
    pieces, piece = [], bytearray(head + b'"items":[')
    while items:  # and each is let go of here: to free ten thousand at once holds the loop as well
        piece += _encode(items.pop()) + (b"," if items else b"]" + tail)
        if len(piece) >= _PIECE_BYTES or not items:
            pieces.append(bytes(piece))
            piece.clear()
    return pieces


async def _unhurried(pieces: list[bytes]) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece
        await asyncio.sleep(0)


def views_page(desk: DeskPort, session_id: str, topic: str, record: type[msgspec.Struct], window: Window) -> Page[Any]:
    """Return latest values of one topic and the position they are true at; raises `Invalid` for an unknown column."""
    for column in window.filters:
        _check_column(column, record, topic)
    epoch, seq = desk.position(session_id)
    values = [view for view in desk.latest(session_id, topic).values() if _matches(view, window.filters)]
    end = window.after + window.limit
    return Page(epoch=epoch, seq=seq, items=values[window.after : end], next_after=end if len(values) > end else None)


async def read_span(start: Instant = None, end: Instant = None) -> Span:
    """Return the span of a request; raises `Invalid` when it ends before it starts."""
    if start is not None and end is not None and end <= start:
        raise Invalid(
            f"The end {end} is not after the start {start}; give microseconds UTC with start < end.",
            code="query.span",
            path="end",
        )
    return Span(start_ts=start, end_ts=end)


def parse_interval(text: str) -> int:
    """Return seconds of an interval such as `60`, `60s`, `5m` or `1h`; raises `Invalid`."""
    match = _INTERVAL.match(text)
    seconds = int(match[1]) * _SECONDS[match[2]] if match else 0
    if not seconds:
        raise Invalid(
            f"{text!r} is not an interval; give seconds or a duration such as 60, 30s, 5m or 1h.",
            code="bars.interval",
            path="interval",
        )
    return seconds


def _check_column(column: str, record: type[msgspec.Struct], what: str) -> None:
    if column not in record.__struct_fields__:
        raise Invalid(
            f"{column!r} is no column of {what}; its columns are {', '.join(record.__struct_fields__)}.",
            code="query.unknown_column",
            path=column,
        )


def _matches(view: msgspec.Struct, filters: Mapping[str, str]) -> bool:
    return all(_text(getattr(view, column)) == value for column, value in filters.items())


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
