"""Frames of the stream into messages. A frame holds one, or an array of them."""

from __future__ import annotations

import msgspec

from papertape.wire.stream import ServerMessage

_one: msgspec.json.Decoder[ServerMessage] = msgspec.json.Decoder(ServerMessage)
_many: msgspec.json.Decoder[list[ServerMessage]] = msgspec.json.Decoder(list[ServerMessage])
_raw: msgspec.json.Decoder[list[msgspec.Raw]] = msgspec.json.Decoder(list[msgspec.Raw])


class _Tagged(msgspec.Struct, frozen=True):
    t: str


_tag = msgspec.json.Decoder(_Tagged)
_KNOWN = frozenset({"welcome", "sub", "snap", "pub", "hb", "pong", "bye", "err"})


def decode_frame(frame: bytes) -> list[ServerMessage]:
    """Return the messages of a frame in order, leaving out kinds that a later desk may have added.

    Raises:
        msgspec.DecodeError: it is not JSON, or not of the protocol.
        UnicodeDecodeError: it is not UTF-8.
    """
    is_array = frame.lstrip()[:1] == b"["
    try:
        return _many.decode(frame) if is_array else [_one.decode(frame)]
    except msgspec.ValidationError:
        raws: list[bytes | msgspec.Raw] = [*_raw.decode(frame)] if is_array else [frame]
        return [_one.decode(raw) for raw in raws if _tag.decode(raw).t in _KNOWN]
