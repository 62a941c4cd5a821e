"""Puts a backup in the place of a data folder's contents: everything is checked before anything is touched."""

from __future__ import annotations

import shutil
import tarfile
from contextlib import closing
from pathlib import Path, PurePosixPath
from typing import IO

import apsw
import msgspec
import zstandard

from papertape.errors import Conflict, Invalid, NotFound, PapertapeError, Unavailable
from papertape.model.tables import TABLES
from papertape.store.backup import DATABASE, FORMAT, MANIFEST, Manifest, damage_of, digest, segments_of
from papertape.store.connections import open_reading
from papertape.store.folder import FOLDER_VERSION, DataFolder, hold_folder, new_backup, restore_mark, sync_folder
from papertape.store.migration import sync_file
from papertape.store.verify import compare_tables

_KEPT = frozenset({"backups", "columns", "lock", "logs", "restoring"})
_PLACES = frozenset({DATABASE, "version", "strategies", "segments"})
_LARGEST_MANIFEST = 100_000_000


class Restored(msgspec.Struct, frozen=True, kw_only=True):
    """What was restored, and where the contents it replaced were moved to (None: the folder was empty)."""

    manifest: Manifest
    aside: Path | None


def restore_backup(file: Path, data_dir: Path) -> Restored:
    """Replace the contents of the data folder `data_dir` by a backup's; what was there is moved into `backups/`.

    Raises:
        NotFound: there is no such file.
        Invalid: it is no backup, or a damaged one; nothing was touched.
        Conflict: a desk uses the folder, or a newer papertape wrote the backup.
        Unavailable: the folder cannot be written.
    """
    if not file.is_file():
        raise NotFound(
            f"There is no file {file}; give a backup written by `papertape store backup`.", code="store.no_backup"
        )
    folder = hold_folder(data_dir)
    draft = folder.backups / ".restore"
    try:
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(parents=True)
        manifest = _unpack(file, draft)
        _check_contents(file, draft)
        return Restored(manifest=manifest, aside=_exchange(folder, draft))
    except OSError as error:
        raise Unavailable(
            f"The backup {file} cannot be restored into {folder.path} ({error}). Make room and give the folder write "
            "permission, then run the same command again.",
            code="store.restore_failed",
        ) from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)
        folder.close()


def _unpack(file: Path, draft: Path) -> Manifest:
    try:
        with (
            file.open("rb") as opened,
            zstandard.ZstdDecompressor().stream_reader(opened) as stream,
            tarfile.open(fileobj=stream, mode="r|") as archive,
        ):
            manifest = _read_manifest(file, archive)
            _unpack_files(file, archive, manifest, draft)
            return manifest
    except (zstandard.ZstdError, tarfile.TarError, EOFError, msgspec.DecodeError, UnicodeError) as error:
        raise _damaged(file, f"it cannot be read as one ({error})") from error


def _read_manifest(file: Path, archive: tarfile.TarFile) -> Manifest:
    member = archive.next()
    if member is None or member.name != MANIFEST or not member.isreg() or member.size > _LARGEST_MANIFEST:
        raise _damaged(file, "its first part is not the list of its contents")
    content = archive.extractfile(member)
    assert content is not None, "tarfile opens every regular member"
    manifest = msgspec.json.decode(content.read(), type=Manifest)
    if manifest.format > FORMAT or manifest.folder_version > FOLDER_VERSION:
        raise Conflict(
            f"The backup {file} was written by a newer papertape ({manifest.papertape}, data folder version "
            f"{manifest.folder_version}); this one knows up to version {FOLDER_VERSION}. Nothing was touched: install "
            "that papertape and restore with it.",
            code="folder.newer",
        )
    return manifest


def _unpack_files(file: Path, archive: tarfile.TarFile, manifest: Manifest, draft: Path) -> None:
    expected = {packed.path: packed for packed in manifest.files}
    while (member := archive.next()) is not None:
        packed = expected.pop(member.name, None)
        if packed is None or not member.isreg() or not _is_place(member.name):
            raise _damaged(file, f"it holds {member.name!r}, which is no file of a data folder or is not on its list")
        if member.size != packed.size:
            raise _damaged(file, f"{member.name} has {member.size} bytes, expected {packed.size}")
        target = draft / member.name
        target.parent.mkdir(parents=True, exist_ok=True)
        content = archive.extractfile(member)
        assert content is not None, "tarfile opens every regular member"
        _write(content, target)
        found = digest(target)
        if found != packed.sha256:
            raise _damaged(file, f"the SHA-256 of {member.name} is {found}, expected {packed.sha256}")
    if expected:
        raise _damaged(file, f"{next(iter(expected))} is on its list and missing")


def _write(content: IO[bytes], target: Path) -> None:
    with target.open("xb") as written:
        shutil.copyfileobj(content, written, 1 << 20)
    sync_file(target)


def _is_place(name: str) -> bool:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\\" in name or "\0" in name or str(path) != name:
        return False
    is_file_of_its_own = path.parts[0] in (DATABASE, "version")
    return path.parts[0] in _PLACES and is_file_of_its_own == (len(path.parts) == 1)


def _check_contents(file: Path, draft: Path) -> None:
    database = draft / DATABASE
    if not database.exists() or not (draft / "version").exists():
        raise _damaged(file, "the journal or the version is missing")
    try:
        said = damage_of(database)
        with closing(open_reading(database)) as connection:
            problems = compare_tables(connection, TABLES).problems
        segments = segments_of(database)
    except (apsw.Error, PapertapeError) as error:
        raise _damaged(file, f"its journal cannot be read ({error})") from error
    if said:
        raise _damaged(file, f"SQLite says of its journal: {'; '.join(said)}")
    if problems:
        raise _damaged(file, f"its journal does not fit this papertape: {' '.join(problems)}")
    for segment in segments:
        if not (draft / segment.file).is_file() or digest(draft / segment.file) != segment.sha256:
            raise _damaged(file, f"the sealed file {segment.file} is missing or not the one its journal counts on")


def _exchange(folder: DataFolder, draft: Path) -> Path | None:
    mark = restore_mark(folder.path)
    mark.touch()
    sync_folder(folder.path)
    present = [path for path in folder.path.iterdir() if path.name not in _KEPT]
    aside = None
    if present:
        aside = new_backup(folder.path, "before-restore")
        aside.mkdir()
        for path in present:
            path.rename(aside / path.name)
        sync_folder(aside)
    for path in draft.rglob("*/"):
        sync_folder(path)
    for path in list(draft.iterdir()):
        path.rename(folder.path / path.name)
    sync_folder(folder.path)
    mark.unlink()
    sync_folder(folder.path)
    return aside


def _damaged(file: Path, why: str) -> Invalid:
    return Invalid(
        f"{file} is no whole backup of papertape: {why}. Nothing was touched; give another backup.",
        code="store.backup_damaged",
    )
