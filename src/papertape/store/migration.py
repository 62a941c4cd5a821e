"""Brings a journal to the declared tables: made whole under another name when new, copied before it is changed."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import apsw
import msgspec

from papertape.errors import Broken, Unavailable
from papertape.model.tables import TABLES
from papertape.store.commit_count import check_count
from papertape.store.connections import open_writing
from papertape.store.faults import failure_of
from papertape.store.folder import DataFolder, new_backup, sync_folder
from papertape.store.inspection_sql import TABLE_NAMES
from papertape.store.verify import compare_tables, verify_tables


class Migration(msgspec.Struct, frozen=True, kw_only=True):
    """What was done to an existing journal: the statements that were run, and the copy made before them."""

    statements: tuple[str, ...]
    copy: Path

    @property
    def sentence(self) -> str:
        """What a person is told."""
        count = len(self.statements)
        changes = "1 change was" if count == 1 else f"{count} changes were"
        return f"{changes} made to the journal for this version of papertape; it was copied to {self.copy} before."


def create_journal(folder: DataFolder) -> None:
    """Make the journal when there is none yet; a crash leaves none, or a whole one. Check that it is all there.

    Raises:
        Broken: there is none, but what belongs to one; or there is one without any content, or without commits that
            were acknowledged.
        Unavailable: the file cannot be looked at or made.
    """
    try:
        _create_journal(folder)
    except (OSError, apsw.Error) as error:
        raise failure_of(str(folder.database), error) from error


def _create_journal(folder: DataFolder) -> None:
    path = folder.database
    if path.exists():
        if path.stat().st_size == 0:
            raise Broken(_empty(path), code="store.empty")
        check_count(path)
        return
    orphans = [Path(f"{path}-wal"), *sorted(folder.segments.glob("**/*.parquet"))]
    if orphan := next((each for each in orphans if each.exists()), None):
        raise Broken(
            f"The journal {path} is missing, but {orphan} belongs to it; expected both or none. Put the journal back, "
            "or restore a copy with `papertape store restore`; to start anew, choose another folder with --data-dir.",
            code="store.missing",
        )
    draft = path.with_name(f".{path.name}.new")
    draft.unlink(missing_ok=True)
    with closing(open_writing(draft)) as connection:
        verify_tables(connection)
    draft.rename(path)
    sync_folder(path.parent)


def migrate_journal(connection: apsw.Connection, folder: DataFolder) -> Migration | None:
    """Bring the journal to the declaration, after a copy into `backups/`; None when it fits already.

    Raises:
        Broken: a table cannot be migrated without a decision; nothing was changed, nor copied.
        Unavailable: the copy cannot be made; nothing was changed.
    """
    changes = compare_tables(connection, TABLES)
    if changes.problems or not changes.statements:
        verify_tables(connection)  # says what is wrong, from one place
        return None
    has_tables = bool(connection.execute(TABLE_NAMES).fetchall())
    copy = folder.copy or (_copy(connection, folder) if has_tables else None)
    statements = verify_tables(connection)
    return None if copy is None else Migration(statements=tuple(statements), copy=copy)


def copy_database(source: apsw.Connection, target: Path) -> None:
    """Copy a database page by page into one file without a log, also while it is written; the copy is durable."""
    with closing(apsw.Connection(str(target))) as copy:
        with copy.backup("main", source, "main") as backup:
            backup.step(-1)
        copy.pragma("journal_mode", "delete")
    sync_file(target)


def sync_file(path: Path) -> None:
    """Make the contents of a file durable."""
    sync_folder(path)  # a handle is a handle: syncing needs none for writing


def _copy(connection: apsw.Connection, folder: DataFolder) -> Path:
    copy = new_backup(folder.path, "journal")
    copy = copy.with_name(f"{copy.name}.sqlite3")
    draft = copy.with_name(".journal.new")
    try:
        draft.unlink(missing_ok=True)
        copy_database(connection, draft)
        draft.rename(copy)
        sync_folder(copy.parent)
    except (apsw.FullError, apsw.IOError, apsw.CantOpenError, OSError) as error:
        if draft.is_file():
            draft.unlink()  # half a copy takes the room that is missing
        raise Unavailable(
            f"The journal {folder.database} must be changed for this version of papertape, and the copy that is made "
            f"first could not be written to {copy.parent} ({error}). Nothing was changed: make room for a second "
            "journal there, then start again.",
            code="store.copy_failed",
        ) from error
    return copy


def _empty(path: Path) -> str:
    return (
        f"The journal {path} is empty (0 bytes); expected a database written by papertape, which is never empty. "
        "Nothing was changed: restore a copy with `papertape store restore`. If no session ever ran in this folder, "
        "remove the file and start again."
    )
