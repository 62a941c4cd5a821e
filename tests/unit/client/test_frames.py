"""Frames into messages: one or many, known or from a later desk."""

from __future__ import annotations

import msgspec
import pytest

from papertape.client.frames import decode_frame
from papertape.wire.stream import Pong

PONG = b'{"t":"pong","id":1,"srv_ts":2}'
LATER = b'{"t":"moon","phase":3}'


@pytest.mark.parametrize(
    ("frame", "messages"),
    [
        (PONG, 1),
        (b"[" + PONG + b"," + PONG + b"]", 2),
        (b" [ ]", 0),
        (LATER, 0),
        (b"[" + LATER + b"," + PONG + b"]", 1),
    ],
)
def test_a_frame_holds_one_message_or_many_and_unknown_kinds_are_left_out(frame: bytes, messages: int) -> None:
    assert decode_frame(frame) == [Pong(id=1, srv_ts=2)] * messages


@pytest.mark.parametrize("frame", [b"", b"<html>", b"7", b'{"t":"pong"}', b'[{"t":"pong","id":"x"}]', b"[[]]", b"{}"])
def test_what_is_not_the_protocol_is_not_a_message(frame: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        decode_frame(frame)
