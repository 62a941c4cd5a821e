"""Lines of Server-Sent Events into data, by the WHATWG's rules for `text/event-stream`. No I/O."""

from __future__ import annotations

import re

_LINE_END = re.compile(rb"\r\n|\n|\r")
_BOM = b"\xef\xbb\xbf"


class EventParser:
    """Chunks in, the data of whole events out. Only events without a type, or of the type `message`, count."""

    def __init__(self, limit: int = 1_000_000) -> None:
        self._limit = limit
        self._rest = bytearray()
        self._is_start = True
        self._ended_with_cr = False
        self._data: list[bytes] = []
        self._type = b""

    def feed(self, chunk: bytes) -> list[bytes]:
        """Return the events that this chunk completes.

        Raises:
            ValueError: an event exceeds the limit of bytes.
        """
        if not chunk:
            return []
        self._rest += chunk
        if self._is_start and not self._take_start():
            return []
        if self._ended_with_cr and self._rest:
            if self._rest[:1] == b"\n":
                del self._rest[:1]  # the second half of a line's end
            self._ended_with_cr = False
        *lines, rest = _LINE_END.split(bytes(self._rest))
        self._ended_with_cr = bool(lines) and not rest and self._rest.endswith(b"\r")
        self._rest = bytearray(rest)
        events = [event for line in lines if (event := self._line(line)) is not None]
        if len(rest) + sum(map(len, self._data)) > self._limit:
            raise ValueError(f"an event has more than {self._limit:,} bytes")
        return events

    def _take_start(self) -> bool:
        if len(self._rest) < len(_BOM) and _BOM.startswith(bytes(self._rest)):
            return False
        if self._rest.startswith(_BOM):
            del self._rest[: len(_BOM)]
        self._is_start = False
        return True

    def _line(self, line: bytes) -> bytes | None:
        if not line:
            return self._dispatch()
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if name == b"data":
            self._data.append(value)
        elif name == b"event":
            self._type = value
        return None  # a comment has no name; `id` and `retry` belong to a browser's own reconnection

    def _dispatch(self) -> bytes | None:
        data, kind = self._data, self._type
        self._data, self._type = [], b""
        return b"\n".join(data) if data and kind in (b"", b"message") else None
