"""Writes all of a data folder into one file, also beside a running desk, and puts it back after every check.

The file is a tar compressed with zstd; its first member is the manifest, which names every other one.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tarfile
import tempfile
from contextlib import closing
from pathlib import Path

import apsw
import msgspec
import zstandard

from papertape import __version__
from papertape.errors import Broken, NotFound, PapertapeError, Unavailable
from papertape.model.tables import SEGMENTS, SegmentRow
from papertape.store.connections import open_reading
from papertape.store.faults import failure_of
from papertape.store.folder import FOLDER_VERSION, database_path, link_or_copy, read_version, sync_folder
from papertape.store.inspection_sql import ALL_SEGMENTS, INTEGRITY
from papertape.store.migration import copy_database
from papertape.store.rows import decode_rows

MANIFEST = "manifest.json"
DATABASE = "papertape.sqlite3"
FORMAT = 1
_LEVEL = 3
_ATTEMPTS = 5


class PackedFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One file of a backup: its place in the data folder, its size in bytes and the SHA-256 of its bytes."""

    path: str
    size: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a backup holds, and what wrote it. `created_ts`: our clock, microseconds UTC."""

    format: int
    papertape: str
    folder_version: int
    created_ts: int
    files: tuple[PackedFile, ...]


def write_backup(data_dir: Path, file: Path, created_ts: int) -> Manifest:
    """Write a backup of the data folder `data_dir` to `file`, which appears at once and whole; return its manifest.

    Args:
        data_dir: The data folder; a desk may be running on it.
        file: Where the backup goes; an older file of that name is replaced.
        created_ts: The present, microseconds UTC.

    Raises:
        NotFound: there is no journal in the folder.
        Broken: the journal or a sealed file is damaged; a backup of it could not be restored.
        Unavailable: something cannot be read or written.
    """
    data_dir, file = data_dir.expanduser().resolve(), file.expanduser().resolve()
    if not database_path(data_dir).exists():
        raise NotFound(
            f"There is no journal in {data_dir}; give the data folder of a desk that has run.", code="store.missing"
        )
    if not file.parent.is_dir():  # not made here: it may be a disk that is not mounted
        raise Unavailable(
            f"The backup {file} cannot be written: there is no folder {file.parent}. Make it, or mount the disk that "
            "belongs there, then try again.",
            code="store.backup_failed",
        )
    try:
        with tempfile.TemporaryDirectory(dir=file.parent, prefix=".papertape-backup-") as draft:
            contents = Path(draft, "contents")
            _collect(data_dir, contents)
            manifest = _manifest(contents, created_ts)
            _refuse_damaged(data_dir, contents, manifest)
            packed = Path(draft, "packed")
            _pack(contents, manifest, packed)
            packed.replace(file)
        sync_folder(file.parent)
    except OSError as error:
        raise Unavailable(
            f"The backup {file} cannot be written ({error}). The data folder was not changed; make room or give "
            "another place, then try again.",
            code="store.backup_failed",
        ) from error
    return manifest


def segments_of(database: Path) -> list[SegmentRow]:
    """Return the sealed files a journal counts on, in a database that nobody writes.

    Raises:
        Broken: the database is damaged.
        Unavailable: it cannot be read.
    """
    try:
        with closing(open_reading(database)) as connection:
            has_segments = connection.table_exists("main", SEGMENTS.name)
            rows = connection.execute(ALL_SEGMENTS, {}).fetchall() if has_segments else []
    except apsw.Error as error:
        raise failure_of(str(database), error) from error
    return [row for row in decode_rows(SEGMENTS, rows) if row.removed_ts is None]


def digest(file: Path) -> str:
    """Return the SHA-256 of a file's bytes."""
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _collect(data_dir: Path, contents: Path) -> None:
    for attempt in range(1, _ATTEMPTS + 1):
        shutil.rmtree(contents, ignore_errors=True)
        contents.mkdir()
        _copy_journal(data_dir, contents / DATABASE)
        try:
            for segment in segments_of(contents / DATABASE):
                target = contents / segment.file
                target.parent.mkdir(parents=True, exist_ok=True)
                link_or_copy(str(data_dir / segment.file), str(target))
        except FileNotFoundError as error:  # the desk has merged or removed it since: look at its journal again
            if attempt == _ATTEMPTS:
                raise _missing_segment(error) from error
        else:
            break
    if (data_dir / "strategies").is_dir():
        shutil.copytree(data_dir / "strategies", contents / "strategies")
    (contents / "version").write_text(f"{_version(data_dir)}\n", encoding="utf-8")


def _missing_segment(error: FileNotFoundError) -> PapertapeError:
    return Unavailable(
        f"The sealed file {error.filename} is missing although the journal counts on it, so a backup would not be "
        "whole; none was written. Run `papertape store verify --deep`, and put the file back from an older backup.",
        code="store.segment_missing",
    )


def _version(data_dir: Path) -> int:
    file = data_dir / "version"
    return read_version(file) if file.exists() else FOLDER_VERSION


def _copy_journal(data_dir: Path, target: Path) -> None:
    source = database_path(data_dir)
    try:
        with closing(open_reading(source)) as connection:
            copy_database(connection, target)
    except apsw.Error as error:
        raise failure_of(str(source), error) from error


def _manifest(contents: Path, created_ts: int) -> Manifest:
    files = sorted(path for path in contents.rglob("*") if path.is_file())
    return Manifest(
        format=FORMAT,
        papertape=__version__,
        folder_version=read_version(contents / "version"),
        created_ts=created_ts,
        files=tuple(
            PackedFile(path=path.relative_to(contents).as_posix(), size=path.stat().st_size, sha256=digest(path))
            for path in files
        ),
    )


def _refuse_damaged(data_dir: Path, contents: Path, manifest: Manifest) -> None:
    if damage := damage_of(contents / DATABASE):
        raise failure_of(str(database_path(data_dir)), apsw.CorruptError("; ".join(damage)))
    found = {packed.path: packed.sha256 for packed in manifest.files}
    for segment in segments_of(contents / DATABASE):
        if found[segment.file] != segment.sha256:
            raise Broken(
                f"The sealed file {data_dir / segment.file} is damaged: its SHA-256 is {found[segment.file]}, expected "
                f"{segment.sha256}. No backup was written: put the file back from an older backup, then try again.",
                code="store.segment_damaged",
            )


def damage_of(database: Path) -> list[str]:
    """Return what SQLite's own check finds wrong with a database, nothing when it is whole.

    Raises:
        Broken: it is so damaged that it cannot be checked.
        Unavailable: it cannot be read.
    """
    try:
        with closing(open_reading(database)) as connection:
            said = [str(row[0]) for row in connection.execute(INTEGRITY)]
    except apsw.Error as error:
        raise failure_of(str(database), error) from error
    return [] if said == ["ok"] else said


def _pack(contents: Path, manifest: Manifest, target: Path) -> None:
    (contents / MANIFEST).write_bytes(msgspec.json.format(msgspec.json.encode(manifest)))
    with target.open("wb") as file:
        compressor = zstandard.ZstdCompressor(level=_LEVEL, write_checksum=True)
        with (
            compressor.stream_writer(file, closefd=False) as stream,
            tarfile.open(fileobj=stream, mode="w|", format=tarfile.PAX_FORMAT) as archive,
        ):
            for name in (MANIFEST, *(packed.path for packed in manifest.files)):
                archive.add(contents / name, arcname=name, recursive=False)
        file.flush()
        os.fsync(file.fileno())
