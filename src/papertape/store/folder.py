"""The data folder: its version, its lock and the places of what papertape keeps."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable, Mapping
from itertools import count
from pathlib import Path

from papertape.errors import Conflict, Invalid, Unavailable

FOLDER_VERSION = 2
"""What this papertape writes. A new version adds its step to `UPGRADES`."""


def _to_segments(path: Path) -> None:
    (path / "segments").mkdir(exist_ok=True)  # a version before this one would take sealed batches for a hole


UPGRADES: Mapping[int, Callable[[Path], None]] = {1: _to_segments}
"""From each older version, the step to the next one; each gets the folder and must bear being run again."""

_MOUNTS = Path("/proc/self/mounts")
_NETWORK = frozenset({"9p", "afs", "ceph", "cifs", "fuse.sshfs", "glusterfs", "nfs", "nfs4", "smb3", "smbfs"})
_VERSION_DIGITS = 10
_NOT_COPIED = ("backups", "columns", "lock", "logs")


class DataFolder:
    """An open data folder. One process holds its lock until `close`.

    `copy` is where the folder was copied to before it was upgraded, None when it was not.
    """

    def __init__(self, path: Path, lock: int) -> None:
        self.path = path
        self.copy: Path | None = None
        self._lock: int | None = lock

    @property
    def database(self) -> Path:
        """The journal."""
        return database_path(self.path)

    @property
    def strategies(self) -> Path:
        """The trader's own strategies."""
        return self.path / "strategies"

    @property
    def segments(self) -> Path:
        """The sealed parts of the tape."""
        return self.path / "segments"

    @property
    def backups(self) -> Path:
        """The copies that were made before something was changed."""
        return self.path / "backups"

    @property
    def log_file(self) -> Path:
        """The desk's log."""
        return self.path / "logs" / "papertape.log"

    def warnings(self, mounts: Path = _MOUNTS) -> list[str]:
        """Return sentences about what may go wrong with this folder, none when all is well.

        Args:
            mounts: The system's list of mounted file systems, one a line: device, folder, type.
        """
        kind = _filesystem(self.path, mounts)
        if kind not in _NETWORK:
            return []
        return [
            f"The data folder {self.path} lies on a network file system ({kind}), where locks and syncs may not hold: "
            "a power cut can damage the journal. Choose a folder on a local disk with --data-dir."
        ]

    def close(self) -> None:
        """Let go of the lock; idempotent."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def database_path(path: Path) -> Path:
    """Return where the journal of the data folder `path` is."""
    return path / "papertape.sqlite3"


def open_folder(
    path: Path, *, version: int = FOLDER_VERSION, upgrades: Mapping[int, Callable[[Path], None]] = UPGRADES
) -> DataFolder:
    """Create or open a data folder and hold its lock; an older one is upgraded after a copy.

    Raises:
        Conflict: another desk uses it, a newer papertape wrote it, or a restore into it was interrupted.
        Invalid: the path is no folder, or its version cannot be read.
        Unavailable: it cannot be written.
    """
    folder = hold_folder(path)
    try:
        _refuse_half_restored(folder.path)
        folder.copy = _settle_version(folder.path, version, upgrades)
        folder.strategies.mkdir(exist_ok=True)
        folder.segments.mkdir(exist_ok=True)
        folder.log_file.parent.mkdir(exist_ok=True)
    except OSError as error:
        folder.close()
        raise _unwritable(folder.path, error) from error
    except (Conflict, Invalid):
        folder.close()
        raise
    return folder


def hold_folder(path: Path) -> DataFolder:
    """Create or open a data folder and hold its lock, whatever is in it.

    Raises:
        Conflict: another desk uses it.
        Invalid: the path is no folder.
        Unavailable: it cannot be written.
    """
    path = path.expanduser().resolve()
    try:
        path.mkdir(parents=True, exist_ok=True)
        return DataFolder(path, _lock(path))
    except (FileExistsError, NotADirectoryError) as error:
        raise Invalid(
            f"{path} is a file or lies beneath one; expected a folder for papertape's data. Give another --data-dir.",
            code="folder.not_a_folder",
        ) from error
    except OSError as error:
        raise _unwritable(path, error) from error


def new_backup(folder: Path, kind: str) -> Path:
    """Return a name in `backups/` that is not taken, `KIND-1` onwards, and make that folder's parent."""
    backups = folder / "backups"
    backups.mkdir(exist_ok=True)
    taken = {path.name.partition(".")[0] for path in backups.iterdir()}
    return backups / next(name for name in (f"{kind}-{number}" for number in count(1)) if name not in taken)


def write_file(path: Path, text: str) -> None:
    """Replace a file at once: a reader or a crash sees the old text or the new one, never a part."""
    draft = path.with_name(f".{path.name}.new")
    with draft.open("w", encoding="utf-8", newline="") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    sync_folder(path.parent)


def sync_folder(path: Path) -> None:
    """Make the names in a folder durable."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _unwritable(path: Path, error: OSError) -> Unavailable:
    return Unavailable(
        f"The data folder {path} cannot be written ({error.strerror}); papertape keeps its journal there. Give the "
        "folder write permission and space, or choose another one with --data-dir.",
        code="folder.not_writable",
    )


def _lock(path: Path) -> int:
    handle = os.open(path / "lock", os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.ftruncate(handle, 0)
        os.pwrite(handle, f"{os.getpid()}\n".encode(), 0)
    except BlockingIOError as error:
        holder = os.pread(handle, 32, 0).decode(errors="replace").strip() or "unknown"
        os.close(handle)
        raise Conflict(
            f"The data folder {path} is used by another papertape desk, process {holder}. Use that desk, stop it "
            "first, or choose another folder with --data-dir.",
            code="folder.locked",
        ) from error
    except OSError:
        os.close(handle)
        raise
    return handle


def _refuse_half_restored(path: Path) -> None:
    if restore_mark(path).exists():
        raise Conflict(
            f"A restore into the data folder {path} was interrupted, so it is not whole; what was there before lies in "
            f"{path / 'backups'}. Run `papertape store restore` again with the same file.",
            code="folder.half_restored",
        )


def _settle_version(path: Path, version: int, upgrades: Mapping[int, Callable[[Path], None]]) -> Path | None:
    file = path / "version"
    found = read_version(file) if file.exists() else version
    copy = None
    if found > version:
        raise Conflict(
            f"The data folder {path} has version {found}, written by a newer papertape; this one knows up to "
            f"{version}. Install the newer papertape again, or choose another folder with --data-dir.",
            code="folder.newer",
        )
    if found < version:
        copy = _copy(path, found)
        for step in range(found, version):
            upgrades[step](path)
    if found < version or not file.exists():
        write_file(file, f"{version}\n")
    return copy


def restore_mark(path: Path) -> Path:
    """Return the file that stands in the data folder `path` while its contents are exchanged."""
    return path / "restoring"


def read_version(file: Path) -> int:
    """Return the version a data folder's file `version` holds.

    Raises:
        Invalid: it holds no number.
    """
    text = file.read_text(encoding="utf-8", errors="replace").strip()
    if not (text.isascii() and text.isdigit() and len(text) < _VERSION_DIGITS):
        raise Invalid(
            f"{file} holds {text[:40]!r}; expected the number of the data folder's version. Restore the file, or "
            "choose another folder with --data-dir.",
            code="folder.malformed_version",
        )
    return int(text)


def _copy(path: Path, version: int) -> Path:
    copy = new_backup(path, f"version-{version}")
    draft = copy.parent / ".copy"
    shutil.rmtree(draft, ignore_errors=True)
    segments = path / "segments"

    def copy_file(source: str, target: str) -> str:
        return link_or_copy(source, target) if Path(source).is_relative_to(segments) else shutil.copy2(source, target)

    shutil.copytree(path, draft, ignore=_ignore_top(path), copy_function=copy_file)
    draft.rename(copy)
    sync_folder(copy.parent)
    return copy


def link_or_copy(source: str, target: str) -> str:
    """Give a file that never changes a second name, or copy it where the file system knows no such thing."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
    return target


def _ignore_top(path: Path) -> Callable[[str, list[str]], list[str]]:
    def ignored(folder: str, names: list[str]) -> list[str]:
        return [name for name in names if name in _NOT_COPIED] if Path(folder) == path else []

    return ignored


def _filesystem(path: Path, mounts: Path) -> str | None:
    try:
        lines = mounts.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return None  # not every system lists its mounts there
    kinds = {Path(fields[1].replace("\\040", " ")): fields[2] for fields in map(str.split, lines) if len(fields) > 2}
    return next((kinds[folder] for folder in (path, *path.parents) if folder in kinds), None)
