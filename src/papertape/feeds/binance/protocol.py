"""Bytes of a stream connection to typed frames. Pure: no I/O, no state, and it never raises on what a venue sends."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import msgspec

from papertape.feeds.binance.frames import (
    Acknowledged,
    AggTradeFrame,
    BookTickerFrame,
    DepthFrame,
    Frame,
    Garbage,
    Ignored,
    RequestRefused,
    ShutdownAnnounced,
    SnapshotFrame,
    TickerFrame,
    TradeFrame,
)

_EXCERPT = 120

_T = TypeVar("_T")


class _Refusal(msgspec.Struct, frozen=True):
    code: int = 0
    msg: str = ""


class _Envelope(msgspec.Struct, frozen=True):
    stream: str = ""
    data: msgspec.Raw = msgspec.Raw(b"")
    event: str = msgspec.field(name="e", default="")
    update_id: int | None = msgspec.field(name="u", default=None)
    last_update_id: int | None = msgspec.field(name="lastUpdateId", default=None)
    id: int | str | None = None
    result: msgspec.Raw = msgspec.Raw(b"")
    error: _Refusal | None = None
    code: int | None = None
    msg: str = ""


class _Event(msgspec.Struct, frozen=True):
    event: str = msgspec.field(name="e", default="")


def _decoder(kind: type[_T]) -> Callable[[bytes | str | msgspec.Raw], _T]:
    return msgspec.json.Decoder(kind).decode


_envelope = _decoder(_Envelope)
_event = _decoder(_Event)

_BY_STREAM: dict[str, Callable[[bytes | str | msgspec.Raw], Frame]] = {
    "trade": _decoder(TradeFrame),
    "aggTrade": _decoder(AggTradeFrame),
    "bookTicker": _decoder(BookTickerFrame),
    "ticker": _decoder(TickerFrame),
    "depth": _decoder(DepthFrame),
    "depth@0ms": _decoder(DepthFrame),
    "depth@100ms": _decoder(DepthFrame),
    "depth@250ms": _decoder(DepthFrame),
    "depth@500ms": _decoder(DepthFrame),
    "depth@1000ms": _decoder(DepthFrame),
}
_BY_EVENT: dict[str, Callable[[bytes | str | msgspec.Raw], Frame]] = {
    "trade": _decoder(TradeFrame),
    "aggTrade": _decoder(AggTradeFrame),
    "bookTicker": _decoder(BookTickerFrame),
    "24hrTicker": _decoder(TickerFrame),
    "depthUpdate": _decoder(DepthFrame),
    "serverShutdown": lambda _: ShutdownAnnounced(),
}
_snapshot = _decoder(SnapshotFrame)


def parse_frame(raw: bytes | str) -> Frame:
    """Return what one WebSocket message says: combined-stream or raw-stream form, acknowledgement, error or snapshot.

    Whatever does not decode becomes `Garbage`; whatever decodes but was not asked for becomes `Ignored`.
    """
    try:
        return _parse(raw)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        return Garbage(reason=str(error), excerpt=_excerpt(raw))


def _parse(raw: bytes | str) -> Frame:
    envelope = _envelope(raw)
    if envelope.stream:
        decode = _BY_STREAM.get(envelope.stream.partition("@")[2])
        return decode(envelope.data) if decode else _parse_unasked(envelope)
    if envelope.event:
        decode = _BY_EVENT.get(envelope.event)
        return decode(raw) if decode else Ignored(what=envelope.event)
    if envelope.last_update_id is not None:
        return _snapshot(raw)
    if envelope.update_id is not None:
        return _BY_EVENT["bookTicker"](raw)
    return _parse_reply(envelope, raw)


def _parse_unasked(envelope: _Envelope) -> Frame:
    if bytes(envelope.data)[:1] == b"{" and _event(envelope.data).event == "serverShutdown":
        return ShutdownAnnounced()
    return Ignored(what=envelope.stream)


def _parse_reply(envelope: _Envelope, raw: bytes | str) -> Frame:
    if envelope.error is not None:
        return RequestRefused(id=envelope.id, code=envelope.error.code, message=envelope.error.msg)
    if envelope.code is not None:
        return RequestRefused(id=envelope.id, code=envelope.code, message=envelope.msg)
    if bytes(envelope.result):
        return Acknowledged(id=envelope.id)
    return Garbage(reason="neither stream data nor an answer to a request", excerpt=_excerpt(raw))


def _excerpt(raw: bytes | str) -> str:
    head = raw[:_EXCERPT]
    return head if isinstance(head, str) else head.decode("utf-8", errors="replace")
