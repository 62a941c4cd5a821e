"""What `papertape store` does: looks at, checks, migrates, copies and mends what a desk keeps."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import msgspec

from papertape.errors import Broken, NotFound, PapertapeError
from papertape.model.tables import WatermarkRow
from papertape.model.views import MirroredTable
from papertape.session.clock import wall_clock
from papertape.store.folder import DataFolder, database_path, open_folder
from papertape.store.history import open_history
from papertape.store.inspection import JournalInspection, inspect_journal
from papertape.store.inspection import find_faults as find_journal_faults
from papertape.store.migration import Migration
from papertape.store.outbox import SOURCES, Outbox, sources_of
from papertape.store.questdb.address import QuestAddress
from papertape.store.questdb.health import TableHealth
from papertape.store.questdb.link import QuestLink
from papertape.store.questdb.statements import Statements
from papertape.store.questdb.verify import verify_mirror
from papertape.store.readers import Readers
from papertape.store.segments.sealer import Sealer, SealReport
from papertape.store.sqlite import SqliteStore, open_store

_TIMEOUT_S = 30.0


class MirrorInspection(msgspec.Struct, frozen=True, kw_only=True):
    """A copy in a QuestDB as found. `fault` is why it cannot be asked, None when it can.

    `waiting` counts, by table of the journal, the rows it has not acknowledged.
    """

    location: str
    version: str | None
    fault: str | None
    tables: tuple[MirroredTable, ...]
    waiting: dict[str, int]


class StorageInspection(msgspec.Struct, frozen=True, kw_only=True):
    """What a desk keeps. `mirror` is None where no address was given."""

    journal: JournalInspection
    mirror: MirrorInspection | None


class Migrated(msgspec.Struct, frozen=True, kw_only=True):
    """What was changed: of the journal (None: nothing), and the statements run on the QuestDB."""

    journal: Migration | None
    folder_copy: Path | None
    mirror: tuple[str, ...]


def inspect_storage(data_dir: Path, address: QuestAddress | None) -> StorageInspection:
    """Return what the data folder `data_dir` and its copy hold; raises as `inspect_journal` does."""
    journal = inspect_journal(data_dir)
    mirror = None if address is None else _inspect_mirror(data_dir, address)
    return StorageInspection(journal=journal, mirror=mirror)


def find_faults(data_dir: Path, address: QuestAddress | None, *, is_deep: bool) -> list[str]:
    """Return a sentence for each thing that is wrong; nothing is changed. See `store.inspection.find_faults`."""
    faults = find_journal_faults(data_dir, is_deep=is_deep)
    if address is not None:
        try:
            with closing(Statements(address)) as statements:
                verified = verify_mirror(statements, is_changing=False)
            faults += [
                f"QuestDB at {address.location} is not up to this version of papertape; `papertape store migrate`, or "
                f"the next start of the desk, runs: {statement}"
                for statement in verified.changes
            ]
        except PapertapeError as error:
            faults.append(error.message)
    return faults


def migrate_storage(data_dir: Path, address: QuestAddress | None) -> Migrated:
    """Bring the data folder and its copy to this version, each journal after a copy; no desk may run on the folder.

    Raises:
        NotFound: there is no journal.
        Conflict: a desk uses the folder.
        Broken: something can only be changed by a decision; the message holds the statements to run.
        Unavailable: the copy cannot be made, or the QuestDB does not answer.
    """
    with _opened(data_dir) as (folder, store):
        changed: tuple[str, ...] = ()
        if address is not None:
            with closing(Statements(address)) as statements:
                verified = verify_mirror(
                    statements,
                    before_filling=lambda tables: _send_again(store, address, sources_of(tables)),
                )
            changed = verified.changes
        return Migrated(journal=store.migration, folder_copy=folder.copy, mirror=changed)


def fill_mirror(data_dir: Path, address: QuestAddress) -> None:
    """Let the next start of the desk send everything to a QuestDB again; raises as `migrate_storage` does."""
    with _opened(data_dir) as (_, store):
        _send_again(store, address, tuple(SOURCES))


def resume_mirror(address: QuestAddress) -> list[str]:
    """Let a QuestDB go on with the tables it has suspended and return their names.

    Raises:
        Unavailable: it does not answer.
        Invalid: it refuses the password, or is no QuestDB.
        Broken: it refuses to resume.
    """
    with closing(QuestLink(address, timeout_s=_TIMEOUT_S)) as link:
        return link.resume()


def seal_tape(data_dir: Path, clock: Callable[[], int] = wall_clock) -> SealReport:
    """Seal what is due of the tape of a folder on which no desk runs; raises as `migrate_storage` does."""
    with _opened(data_dir) as (_, store), closing(Sealer(store, clock)) as sealer:
        sealer.sweep()
        return sealer.seal_now()


@contextmanager
def _opened(data_dir: Path) -> Iterator[tuple[DataFolder, SqliteStore]]:
    if not database_path(data_dir).exists():
        raise NotFound(
            f"There is no journal in {data_dir}; give the data folder of a desk that has run.", code="store.missing"
        )
    folder = open_folder(data_dir)
    try:
        with closing(open_store(folder, wall_clock)) as store:
            yield folder, store
    finally:
        folder.close()


def _send_again(store: SqliteStore, address: QuestAddress, sources: Sequence[str]) -> None:
    if sources:
        now = wall_clock()
        store.outbox(address.location).acknowledge(
            [
                WatermarkRow(mirror=address.location, source=source, acknowledged=0, rows=0, acknowledged_ts=now)
                for source in sources
            ]
        )


def _inspect_mirror(data_dir: Path, address: QuestAddress) -> MirrorInspection:
    health = TableHealth()
    version = fault = None
    try:
        with closing(Statements(address)) as statements:
            version = statements.version()
            health.ask_transactions(statements)
            health.ask_rows(statements)
            health.ask_sizes(statements)
    except PapertapeError as error:
        fault = error.message
    return MirrorInspection(
        location=address.location,
        version=version,
        fault=fault,
        tables=health.tables(),
        waiting=_waiting(data_dir, address),
    )


def _waiting(data_dir: Path, address: QuestAddress) -> dict[str, int]:
    database = database_path(data_dir)
    with closing(open_history(database)) as history, closing(Readers(database, size=1)) as readers:
        outbox = Outbox(address.location, readers, history, _refuse)
        marks = outbox.watermarks()
        return {
            source: newest - (marks[source].acknowledged if source in marks else 0)
            for source, newest in outbox.newest_places().items()
        }


def _refuse(marks: Sequence[WatermarkRow]) -> None:
    raise Broken(f"{len(marks)} watermarks were to be written by a reader.", code="store.reading_only")
