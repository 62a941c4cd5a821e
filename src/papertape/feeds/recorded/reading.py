"""Recorded venue frames as they stand in files, merged by receive time.

Two forms are read, plain, `.gz` or `.zst`: `<receive time in ns> <frame>` a line, and JSON lines of a recorded session
(`{"t": "recv", "ts": seconds, "data": frame}`, with REST answers as `{"t": "http", "url": …, "data": …}`).
"""

from __future__ import annotations

import gzip
import heapq
import io
import re
from collections.abc import Iterator, Sequence
from operator import attrgetter
from pathlib import Path
from typing import IO, NamedTuple, cast

import msgspec
import zstandard

from papertape.errors import Invalid
from papertape.feeds.binance.frames import Market

_SUFFIXES = (".gz", ".jsonl", ".zst", ".json", ".txt", ".log")
_DEPTH_URL = re.compile(r"/depth\?.*symbol=([A-Za-z0-9]+)")
_SYMBOL = re.compile(rb'"s":"([A-Z0-9]+)"')
_HEAD_LINES = 200


class RecordedFrame(NamedTuple):
    """One received message: when (ns UTC), where from, what. `symbol` is set where the message itself names none."""

    recv_ns: int
    market: Market
    symbol: str
    raw: bytes


class RecordedFile(NamedTuple):
    """One file of frames of one market."""

    path: Path
    market: Market
    symbol: str


class _SessionLine(msgspec.Struct, frozen=True):
    kind: str = msgspec.field(name="t")
    ts: float = 0.0
    data: str = ""
    url: str = ""


_session_line = msgspec.json.Decoder(_SessionLine).decode


def find_frame_files(path: Path, market: Market | None = None) -> list[RecordedFile]:
    """Return the readable files of `path` (a file, or a folder of them), with the market of each.

    COIN-M files are left out: their contracts are not traded here.

    Raises:
        Invalid: nothing readable is there.
    """
    candidates = [path] if path.is_file() else sorted(p for p in path.glob("*") if p.suffix in _SUFFIXES)
    found = [opened for candidate in candidates if (opened := _open(candidate, market)) is not None]
    if not found:
        raise Invalid(
            f"{path} holds no recorded Binance frames; expected .gz, .jsonl or .zst files of "
            "`<receive time in ns> <frame>` lines, or a Parquet file of trades or quotes.",
            code="recording.no_frames",
        )
    return found


def read_frames(files: Sequence[RecordedFile]) -> Iterator[RecordedFrame]:
    """Yield the frames of all files in receive order; each file is itself in receive order."""
    return heapq.merge(*(read_file(file) for file in files), key=attrgetter("recv_ns"))


def read_file(file: RecordedFile) -> Iterator[RecordedFrame]:
    """Yield the frames of one file, as they stand."""
    for line in _lines(file.path):
        frame = _parse_session_line(line, file) if line.startswith(b"{") else _parse_line(line, file)
        if frame is not None:
            yield frame


def _parse_line(line: bytes, file: RecordedFile) -> RecordedFrame | None:
    recv, _, raw = line.partition(b" ")
    if not recv.isdigit():
        return None
    return RecordedFrame(int(recv), file.market, file.symbol, raw.rstrip())


def _parse_session_line(line: bytes, file: RecordedFile) -> RecordedFrame | None:
    try:
        entry = _session_line(line)
    except msgspec.DecodeError:
        return None
    recv_ns = int(entry.ts * 1e9)
    if entry.kind == "recv":
        return RecordedFrame(recv_ns, file.market, "", entry.data.encode())
    depth = _DEPTH_URL.search(entry.url)
    if entry.kind == "http" and depth is not None:
        return RecordedFrame(recv_ns, file.market, depth.group(1), entry.data.encode())
    return None


def _open(path: Path, market: Market | None) -> RecordedFile | None:
    head: list[bytes] = []
    for line in _lines(path):
        head.append(line)
        if len(head) == _HEAD_LINES:
            break
    if not any(line[:1] == b"{" or line[:8].isdigit() for line in head):
        return None
    guessed = market or _guess_market(path.name.lower(), b"".join(head))
    if guessed is None:
        return None
    named = _SYMBOL.search(b"".join(line for line in head if line[:1] != b"{"))
    return RecordedFile(path, guessed, named.group(1).decode() if named else "")


def _guess_market(name: str, head: bytes) -> Market | None:
    if re.match(r"(cm|coinm)[_-]", name) or b"_PERP" in head:
        return None
    if "usdm" in name or "futures" in name:
        return "usdm"
    if "spot" in name:
        return "spot"
    return "usdm" if b'"pu":' in head or b'\\"pu\\":' in head else "spot"


def _lines(path: Path) -> Iterator[bytes]:
    with _open_bytes(path) as stream:
        try:
            yield from stream
        except (EOFError, gzip.BadGzipFile, zstandard.ZstdError):
            # A recorder that was killed leaves a file without an end: what was written before it is good.
            return


def _open_bytes(path: Path) -> IO[bytes]:
    if path.suffix == ".gz":
        return cast("IO[bytes]", gzip.open(path, "rb"))
    if path.suffix == ".zst":
        unpacked = zstandard.ZstdDecompressor().stream_reader(path.open("rb"), closefd=True)
        return io.BufferedReader(cast("io.RawIOBase", unpacked))
    return path.open("rb")
