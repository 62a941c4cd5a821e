"""Checks that what a server says is a declared message, with exactly its fields."""

from __future__ import annotations

import json
from typing import Any, get_args

import msgspec

from papertape.testkit.conformance.verdict import Breach, require
from papertape.wire.stream import ServerMessage

FRAME_BYTES = 65_536

_RECORDS: dict[str, type[msgspec.Struct]] = {
    str(record.__struct_config__.tag): record for record in get_args(ServerMessage)
}


def read_frame(frame: str | bytes, *, is_batched: bool) -> list[ServerMessage]:
    """Return the messages of one frame.

    Raises:
        Breach: the frame is not text, is too large, or holds what no message is.
    """
    require(isinstance(frame, str), "a binary frame came; every message is a text frame")
    size = len(frame.encode() if isinstance(frame, str) else frame)
    require(size <= FRAME_BYTES, f"a frame of {size:,} bytes came; at most {FRAME_BYTES:,} are allowed")
    try:
        content = json.loads(frame)
    except ValueError as error:
        raise Breach(f"a frame is not JSON: {error}: {frame[:200]!r}") from error
    if isinstance(content, list):
        require(is_batched, "an array came, though `hello` did not say `batch`")
        require(bool(content), "an empty array came")
        return [check_message(one) for one in content]
    return [check_message(content)]


def check_message(raw: Any) -> ServerMessage:
    """Return the message that decoded JSON is.

    Raises:
        Breach: it is no declared message, or a field is missing, unknown or of another type.
    """
    require(isinstance(raw, dict), f"a message is not a JSON object: {raw!r}"[:300])
    record = _RECORDS.get(str(raw.get("t")))
    if record is None:
        raise Breach(f"a message has the tag {raw.get('t')!r}; declared are {', '.join(_RECORDS)}")
    declared = {"t", *(field.encode_name for field in msgspec.structs.fields(record))}
    missing, unknown = sorted(declared - raw.keys()), sorted(raw.keys() - declared)
    require(not missing and not unknown, f"`{raw['t']}` lacks {missing} and has undeclared {unknown}")
    try:
        return _convert(raw)
    except msgspec.ValidationError as error:
        raise Breach(f"`{raw['t']}` has a field of another type: {error}") from error


def _convert(raw: Any) -> ServerMessage:
    return msgspec.convert(raw, ServerMessage)  # type: ignore[no-any-return]  # a union is no type here
