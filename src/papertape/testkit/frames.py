"""Recorded raw frames as a playlist: in receive order, once or looping, with ids and times that only grow."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from papertape.feeds.binance.frames import (
    AggTradeFrame,
    BookTickerFrame,
    DepthFrame,
    Frame,
    Market,
    SnapshotFrame,
    TradeFrame,
)
from papertape.feeds.binance.protocol import parse_frame
from papertape.feeds.recorded.reading import RecordedFile, RecordedFrame, find_frame_files, read_file, read_frames

# Between two rounds the update ids jump, so that a client sees a hole and takes a new snapshot: the book of the
# recording's end does not continue into that of its beginning.
_UPDATE_ID_JUMP = 1_000_000
_HEAD = 2_000
_TIME_FIELDS = ("E", "T")
_UPDATE_FIELDS = ("u", "U", "pu", "lastUpdateId")


class PlayedFrame(NamedTuple):
    """One frame to play: when (ns from the start of the playlist), where, what, and what it means."""

    at_ns: int
    market: Market
    symbol: str
    kind: str
    payload: bytes
    frame: Frame


class Playlist:
    """The frames of recorded files, endlessly when `loops`.

    Args:
        path: a file or folder of recorded frames.
        loops: begin again at the end, ids and times shifted so that they go on growing.
        shift_ms: added to every time in every frame; 0 leaves frames untouched.
    """

    def __init__(self, path: Path | str, *, loops: bool = False, shift_ms: int = 0) -> None:
        self.files: Sequence[RecordedFile] = find_frame_files(Path(path))
        self._loops = loops
        self._shift_ms = shift_ms

    def first_event_ms(self) -> int | None:
        """Return the first event time in the recording, ms UTC, or None when no frame has one."""
        for recorded in read_frames(self.files):
            event_ms = getattr(parse_frame(recorded.raw), "event_ms", None)
            if isinstance(event_ms, int):
                return event_ms
        return None

    def first_snapshots(self) -> list[PlayedFrame]:
        """Return the first book snapshot of each file that begins with one."""
        found: list[PlayedFrame] = []
        for file in self.files:
            head = (_played(recorded, 0, _Shift(self._shift_ms)) for recorded in islice(read_file(file), _HEAD))
            snapshots = (played for part in head for played in part if played.kind == "snapshot")
            found.extend(islice(snapshots, 1))
        return found

    def __iter__(self) -> Iterator[PlayedFrame]:
        """Yield the frames, oldest first."""
        shift = _Shift(self._shift_ms)
        base_ns = 0
        while True:
            last_ns = base_ns
            for played in self._round(base_ns, shift):
                last_ns = played.at_ns
                yield played
            if not self._loops:
                return
            shift.next_round((last_ns - base_ns) // 1_000_000 + 1)
            base_ns = last_ns + 1_000_000

    def _round(self, base_ns: int, shift: _Shift) -> Iterator[PlayedFrame]:
        origin: int | None = None
        for recorded in read_frames(self.files):
            origin = recorded.recv_ns if origin is None else origin
            yield from _played(recorded, base_ns + recorded.recv_ns - origin, shift)


class _Shift:
    def __init__(self, time_ms: int) -> None:
        self.time_ms = time_ms
        self.round = 0
        self._first: dict[tuple[Market, str, str], int] = {}
        self._last: dict[tuple[Market, str, str], int] = {}

    @property
    def is_needed(self) -> bool:
        return self.round > 0 or self.time_ms != 0

    def see(self, market: Market, symbol: str, what: str, first: int, last: int) -> None:
        if self.round == 0:
            self._first.setdefault((market, symbol, what), first)
            self._last[market, symbol, what] = last

    def ids(self, market: Market, symbol: str, what: str) -> int:
        if self.round == 0:
            return 0
        key = (market, symbol, what)
        jump = _UPDATE_ID_JUMP if what == "update" else 0
        return self.round * (self._last.get(key, 0) - self._first.get(key, 0) + 1 + jump)

    def next_round(self, lasted_ms: int) -> None:
        self.round += 1
        self.time_ms += lasted_ms


def _played(recorded: RecordedFrame, at_ns: int, shift: _Shift) -> Iterator[PlayedFrame]:
    frame = parse_frame(recorded.raw)
    kind, symbol = _kind(frame, recorded)
    if not kind:
        return
    payload = _payload(recorded.raw)
    _see(shift, recorded.market, symbol, frame)
    if shift.is_needed:
        payload = _shifted(payload, recorded.market, symbol, shift)
        frame = parse_frame(payload)
    yield PlayedFrame(at_ns, recorded.market, symbol, kind, payload, frame)


def _kind(frame: Frame, recorded: RecordedFrame) -> tuple[str, str]:
    if isinstance(frame, TradeFrame):
        return "trade", frame.symbol
    if isinstance(frame, BookTickerFrame):
        return "bookTicker", frame.symbol
    if isinstance(frame, DepthFrame):
        return "depth", frame.symbol
    if isinstance(frame, AggTradeFrame):
        return "aggTrade", frame.symbol
    if isinstance(frame, SnapshotFrame) and recorded.symbol:
        return "snapshot", recorded.symbol
    return "", ""


def _see(shift: _Shift, market: Market, symbol: str, frame: Frame) -> None:
    if isinstance(frame, TradeFrame):
        shift.see(market, symbol, "trade", frame.trade_id, frame.trade_id)
    elif isinstance(frame, DepthFrame):
        shift.see(market, symbol, "update", frame.first_id, frame.last_id)
    elif isinstance(frame, BookTickerFrame):
        shift.see(market, symbol, "update", frame.update_id, frame.update_id)


def _payload(raw: bytes) -> bytes:
    marker = raw.find(b'"data":')
    if marker < 0 or not raw.startswith(b'{"stream"'):
        return raw
    return raw[marker + 7 : raw.rindex(b"}")]


def _shifted(payload: bytes, market: Market, symbol: str, shift: _Shift) -> bytes:
    # The venue's own fields, whatever they are, must survive: only ids and times are touched.
    fields: dict[str, Any] = msgspec.json.decode(payload)
    for name in _TIME_FIELDS:
        if name in fields:
            fields[name] += shift.time_ms
    for name in _UPDATE_FIELDS:
        if name in fields:
            fields[name] += shift.ids(market, symbol, "update")
    if "t" in fields:
        fields["t"] += shift.ids(market, symbol, "trade")
    return msgspec.json.encode(fields)
