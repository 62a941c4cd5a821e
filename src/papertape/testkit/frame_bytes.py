"""WebSocket frames as bytes, right and wrong, and a socket that has only shaken hands."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator

import msgspec

from papertape.wire.stream import PROTOCOL

CONT, TEXT, BINARY, CLOSE, PING = 0x0, 0x1, 0x2, 0x8, 0x9
_FIN, _MASKED, _RSV1 = 0x80, 0x80, 0x40


class Malformed(msgspec.Struct, frozen=True, kw_only=True):
    """Bytes that break a rule, and the code a server closes with; None for an end without a closing handshake.

    `is_after_hello`: they follow a `hello`. `is_cut`: the client ends its side after them.
    """

    name: str
    data: bytes
    code: int | None
    is_after_hello: bool = True
    is_cut: bool = False


def frame_header(size: int, opcode: int = TEXT, *, fin: bool = True, rsv: int = 0, masked: bool = True) -> bytes:
    """Return the beginning of a frame with a payload of `size` bytes, up to its mask."""
    mask = _MASKED if masked else 0
    first = bytes([(_FIN if fin else 0) | rsv | opcode])
    if size < 126:
        return first + bytes([mask | size])
    if size < 65_536:
        return first + bytes([mask | 126]) + size.to_bytes(2)
    return first + bytes([mask | 127]) + size.to_bytes(8)


def frame_of(payload: bytes, opcode: int = TEXT, *, fin: bool = True, rsv: int = 0, masked: bool = True) -> bytes:
    """Return a whole frame, masked as a client's must be unless it is told not to."""
    header = frame_header(len(payload), opcode, fin=fin, rsv=rsv, masked=masked)
    if not masked:
        return header + payload
    mask = os.urandom(4)
    padded = (mask * (len(payload) // 4 + 1))[: len(payload)]
    return header + mask + (int.from_bytes(payload) ^ int.from_bytes(padded)).to_bytes(len(payload))


def text_frame(payload: bytes) -> bytes:
    """Return a client's text frame."""
    return frame_of(payload)


def close_frame(code: int, reason: bytes = b"") -> bytes:
    """Return a client's close frame."""
    return frame_of(code.to_bytes(2) + reason, CLOSE)


MALFORMED: tuple[Malformed, ...] = (
    Malformed(name="an undeclared opcode", data=frame_of(b"x", 0x3), code=1002),
    Malformed(name="a reserved bit", data=frame_of(b"{}", rsv=_RSV1), code=1002),
    Malformed(name="an unmasked frame", data=frame_of(b"{}", masked=False), code=1002),
    Malformed(name="a truncated frame", data=frame_of(b'{"t":"ping","id":1}')[:-3], code=None, is_cut=True),
    Malformed(name="a control frame over 125 bytes", data=frame_of(bytes(126), PING), code=1002),
    Malformed(name="a fragmented control frame", data=frame_of(b"x", PING, fin=False), code=1002),
    Malformed(name="a continuation of nothing", data=frame_of(b"x", CONT), code=1002),
    Malformed(name="text that is not UTF-8", data=frame_of(b"\xff\xfe\xfd"), code=1007),
    Malformed(name="a close code that may not be sent", data=close_frame(1005), code=1002),
    Malformed(name="text that is not JSON", data=frame_of(b'{"t":"hello"'), code=4005),
    Malformed(name="60,000 nested arrays", data=frame_of(b"[" * 60_000), code=4005),
    Malformed(name="a number of 60,000 digits", data=frame_of(b'{"t":"ping","id":' + b"9" * 60_000 + b"}"), code=4005),
    Malformed(name="NUL bytes", data=frame_of(bytes(8)), code=4005),
    Malformed(name="an undeclared tag", data=frame_of(b'{"t":"welcome"}'), code=4005),
    Malformed(name="a field of another type", data=frame_of(b'{"t":"vis","visible":"yes"}'), code=4005),
    Malformed(name="an empty frame", data=frame_of(b""), code=4005),
)


@contextlib.asynccontextmanager
async def opened_bare(port: int) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """Yield a connection to a stream on loopback that has been upgraded and has said nothing."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    lines = (
        "GET /api/stream HTTP/1.1", f"Host: 127.0.0.1:{port}", "Upgrade: websocket", "Connection: Upgrade",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version: 13",
        f"Sec-WebSocket-Protocol: {PROTOCOL}", "", "",
    )  # fmt: skip
    try:
        writer.write("\r\n".join(lines).encode())
        answer = await reader.readuntil(b"\r\n\r\n")
        if b" 101 " not in answer[:16]:
            raise ConnectionRefusedError(f"the upgrade was answered {answer[:40]!r}")
        yield reader, writer
    finally:
        writer.transport.abort()


async def read_close_code(reader: asyncio.StreamReader, within_s: float = 15.0) -> int | None:
    """Return the code of the server's close frame, None when the connection ends without one."""
    try:
        async with asyncio.timeout(within_s):
            while True:
                opcode, payload = await read_frame(reader)
                if opcode == CLOSE:
                    return int.from_bytes(payload[:2]) if payload else None
    except (asyncio.IncompleteReadError, ConnectionError):
        return None


async def read_frame(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """Return the opcode and the payload of the server's next frame."""
    first, size = await reader.readexactly(2)
    if size >= 126:
        size = int.from_bytes(await reader.readexactly(2 if size == 126 else 8))
    return first & 0x0F, await reader.readexactly(size)
