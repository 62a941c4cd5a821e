"""Columns that were read once, kept in the data folder as raw integers that the next run maps into its memory.

`<data>/columns/<sha256 of what was read and how>/` holds `head.json` and one file for each kind with rows: its columns
one behind the other, 64-bit integers, the low byte first. `<data>/columns/files/` remembers the content hash of a file
by its path, size and time of change. Everything there may be deleted at any time; what is mapped stays mapped.
"""

from __future__ import annotations

import contextlib
import hashlib
import mmap
import os
import secrets
import shutil
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import cast

import msgspec

from papertape import __version__
from papertape.model.backtest import Grade
from papertape.model.buffers import Ints
from papertape.model.columns import (
    BarColumns,
    MarketColumns,
    QuoteColumns,
    TradeColumns,
    little_endian,
    no_bars,
    no_quotes,
    no_trades,
)
from papertape.model.instrument import Instrument

FOLDER = "columns"
HEAD = "head.json"
LARGEST_CACHE = 16_000_000_000
"""Bytes that all kept columns may take; what was not used for the longest time goes first."""

_VERSION = 1
_LEAST_FREE = 1_000_000_000
_FILES = "files"
_MOST_FILES = 2_000
_COLUMNS = {"trades": 4, "quotes": 6, "bars": 9}
_RACY_S = 2.0
_OLD_DRAFT_S = 86_400.0


class ColumnsHead(msgspec.Struct, frozen=True, kw_only=True):
    """What stands beside kept columns: whose they are, how many rows of each kind, and their content hash."""

    version: int
    instruments: tuple[Instrument, ...]
    counts: dict[str, int]
    sha256: str
    notes: tuple[str, ...]
    grade: Grade


class _KnownFile(msgspec.Struct, frozen=True):
    path: str
    size: int
    changed_ns: int
    inode: int
    sha256: str


class KeptColumns:
    """The kept columns of one data folder.

    Args:
        data_dir: the data folder; nothing is made in it before something is kept.
        largest: bytes that all kept columns may take.
    """

    def __init__(self, data_dir: Path, largest: int = LARGEST_CACHE) -> None:
        self._folder = data_dir / FOLDER
        self._largest = largest

    def file_sha256(self, path: Path) -> str:
        """Return the content hash of a file, remembered while its size and time of change stay; raises `OSError`."""
        status = path.stat()
        place = self._folder / _FILES / f"{hashlib.sha256(str(path.resolve()).encode()).hexdigest()}.json"
        known = _read_known(place)
        now = (status.st_size, status.st_mtime_ns, status.st_ino)
        if known is not None and (known.size, known.changed_ns, known.inode) == now:
            return known.sha256
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        # A file that was changed a moment ago may change again within the same tick of its clock.
        if time.time() - status.st_mtime > _RACY_S:
            kept = _KnownFile(str(path), *now, found)
            with contextlib.suppress(OSError):
                _write_at_once(place, msgspec.json.encode(kept))
        return found

    def find(self, key: str) -> tuple[MarketColumns, ColumnsHead] | None:
        """Return columns that were kept under `key`, mapped into memory; None when there are none, or not whole."""
        place = self._folder / key
        found = map_columns(place)
        if found is not None:
            with contextlib.suppress(OSError):
                os.utime(place / HEAD)  # the order in which columns are let go
        return found

    def keep(self, key: str, market: MarketColumns, notes: Sequence[str], grade: Grade) -> Path | None:
        """Write columns under `key`, all or nothing, and let go of what is too much.

        Returns:
            Where they are, None where they cannot be kept: the folder cannot be written, or the disk is short.
        """
        needed = size_of(market)
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            if needed > self._largest or shutil.disk_usage(self._folder).free - needed < _LEAST_FREE:
                return None
            place = self._folder / key
            draft = self._folder / f".{key[:16]}-{os.getpid()}-{secrets.token_hex(4)}"
            try:
                write_columns(draft, market, notes, grade)
                if place.exists():  # it was not whole, or another run was faster
                    shutil.rmtree(place, ignore_errors=True)
                with contextlib.suppress(OSError):  # another run put the same there in between
                    draft.rename(place)
            finally:
                shutil.rmtree(draft, ignore_errors=True)
            self._let_go(place)
        except OSError:
            return None
        return place if (place / HEAD).exists() else None

    def _let_go(self, newest: Path) -> None:
        kept = [(each.stat().st_mtime, each.parent) for each in self._folder.glob(f"[!.]*/{HEAD}")]
        total = 0
        for _, place in sorted(kept, key=lambda each: (each[1] != newest, -each[0])):
            total += sum(each.stat().st_size for each in place.iterdir())
            if total > self._largest and place != newest:
                shutil.rmtree(place, ignore_errors=True)
        for draft in self._folder.glob(".*"):  # of a run that was killed while it wrote
            if time.time() - draft.stat().st_mtime > _OLD_DRAFT_S:
                shutil.rmtree(draft, ignore_errors=True)
        known = sorted((self._folder / _FILES).glob("*.json"), key=lambda each: each.stat().st_mtime)
        for old in known[: max(0, len(known) - _MOST_FILES)]:
            old.unlink(missing_ok=True)


def key_of(asked: msgspec.Struct) -> str:
    """Return the name under which the answer to `asked` is kept, which names files by their content hashes."""
    encoded = msgspec.json.encode([_VERSION, __version__, sys.byteorder, asked], order="deterministic")
    return hashlib.sha256(encoded).hexdigest()


def size_of(market: MarketColumns) -> int:
    """Return the number of bytes of all columns."""
    return 8 * sum(_COLUMNS[name] * each.count for name, each in _kinds(market))


def write_columns(place: Path, market: MarketColumns, notes: Sequence[str], grade: Grade) -> None:
    """Write columns into a new folder and to the disk; raises `OSError`."""
    place.mkdir(parents=True)
    counts = {name: each.count for name, each in _kinds(market)}
    for name, each in _kinds(market):
        if each.count:
            with (place / f"{name}.i64").open("wb") as file:
                for column in each.columns():
                    file.write(little_endian(column))
                file.flush()
                os.fsync(file.fileno())
    head = ColumnsHead(
        version=_VERSION,
        instruments=market.instruments,
        counts=counts,
        sha256=market.sha256(),
        notes=tuple(notes),
        grade=grade,
    )
    _write_at_once(place / HEAD, msgspec.json.encode(head))


def map_columns(place: Path) -> tuple[MarketColumns, ColumnsHead] | None:
    """Return the columns of a folder, mapped into memory, None where there are none or not all of them."""
    try:
        head = msgspec.json.decode((place / HEAD).read_bytes(), type=ColumnsHead)
        if head.version != _VERSION or sys.byteorder != "little" or head.counts.keys() != _COLUMNS.keys():
            return None
        trades, quotes, bars = (_map(place / f"{name}.i64", head.counts[name], _COLUMNS[name]) for name in _COLUMNS)
    except (OSError, ValueError, msgspec.DecodeError):
        return None
    market = MarketColumns(
        head.instruments,
        TradeColumns(*trades) if trades else no_trades(),
        QuoteColumns(*quotes) if quotes else no_quotes(),
        BarColumns(*bars) if bars else no_bars(),
        head.sha256,
    )
    return market, head


def _map(file: Path, count: int, columns: int) -> list[Ints]:
    if count == 0:
        return []
    with file.open("rb") as opened:
        # Private to this process: the kernel's buffers are writable ones, and the file must stay as it is.
        whole = memoryview(mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_COPY))
    if len(whole) != 8 * count * columns:
        raise ValueError(f"{file} has {len(whole)} bytes")
    numbers = whole.cast("q")
    return [cast("Ints", numbers[at * count : (at + 1) * count]) for at in range(columns)]


def _kinds(market: MarketColumns) -> tuple[tuple[str, TradeColumns | QuoteColumns | BarColumns], ...]:
    return ("trades", market.trades), ("quotes", market.quotes), ("bars", market.bars)


def _read_known(place: Path) -> _KnownFile | None:
    try:
        return msgspec.json.decode(place.read_bytes(), type=_KnownFile)
    except (OSError, msgspec.DecodeError):
        return None


def _write_at_once(place: Path, content: bytes) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    draft = place.with_name(f".{place.name}-{os.getpid()}-{secrets.token_hex(4)}")
    with draft.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(place)
