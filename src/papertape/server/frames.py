"""Encodes stream messages once, and splits what would exceed a frame."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from papertape.wire.stream import Pub, ServerMessage, Snap

_encoder = msgspec.json.Encoder()
FRAME_LIMIT = 65_536  # bytes of a frame that holds several messages; what a client must be able to take


def encode(message: ServerMessage) -> bytes:
    """Return the message as one JSON frame."""
    return _encoder.encode(message)


def joined(messages: Sequence[bytes]) -> bytes:
    """Return messages as the payload of one frame: one as it is, several as a JSON array."""
    return messages[0] if len(messages) == 1 else b"[" + b",".join(messages) + b"]"


def encode_record(record: msgspec.Struct) -> msgspec.Raw:
    """Return a record encoded once, to be placed in any number of messages."""
    return msgspec.Raw(_encoder.encode(record))


def pub_fact(topic: str, epoch: str, seq: int, ts: int, data: msgspec.Raw, prev: int) -> bytes:
    """Return the publication of one fact."""
    return encode(Pub(topic=topic, epoch=epoch, seq=seq, ts=ts, data=data, prev=prev))


def snap_pages(
    topic: str, epoch: str, seq: int, rows: Sequence[msgspec.Raw] | Mapping[str, msgspec.Raw], limit: int
) -> list[bytes]:
    """Return a snapshot as pages of at most `limit` bytes of data each (one row at least), never none."""
    pages: list[object]
    if isinstance(rows, Mapping):
        pages = [dict(page) for page in _split(rows.items(), limit)] or [{}]
    else:
        pages = [[row for _, row in page] for page in _split((("", row) for row in rows), limit)] or [[]]
    return [
        encode(Snap(topic=topic, epoch=epoch, seq=seq, page=number, of=len(pages), data=page))
        for number, page in enumerate(pages, start=1)
    ]


def pub_latest(
    topic: str, epoch: str, since: int, seq: int, ts: int, rows: Mapping[str, msgspec.Raw | None], limit: int
) -> list[bytes]:
    """Return changed values as publications of at most `limit` bytes of data each.

    All but the last carry the position `since` that the client is at, so that a cut between them loses nothing.
    """
    pages = _split(rows.items(), limit)
    last = len(pages) - 1
    return [
        encode(Pub(topic=topic, epoch=epoch, seq=seq if index == last else since, ts=ts, data=dict(page)))
        for index, page in enumerate(pages)
    ]


def _split(rows: Iterable[tuple[str, msgspec.Raw | None]], limit: int) -> list[list[tuple[str, msgspec.Raw | None]]]:
    pages: list[list[tuple[str, msgspec.Raw | None]]] = []
    room = 0
    for key, row in rows:
        size = len(key) + 4 + (4 if row is None else len(memoryview(row)))
        if not pages or size > room:
            pages.append([])
            room = limit
        pages[-1].append((key, row))
        room -= size
    return pages
