"""Takes a bundle into a data folder: everything is verified first, then written in one transaction."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import zip_longest
from pathlib import Path
from typing import Any

import apsw
import msgspec
import zstandard

from papertape.errors import Broken, Conflict, Invalid, NotFound
from papertape.model.session import SESSION_ID, SessionRow
from papertape.model.tables import EVENT_TABLES, SAMPLES, SESSIONS, TAPE, VIEWS, SampleRow, Table
from papertape.store.bundle import (
    BUNDLE_FORMAT,
    LENGTH_BYTES,
    MANIFEST,
    MEMBER_TABLES,
    Bundled,
    Manifest,
    Member,
    SessionRecords,
    member_name,
)
from papertape.store.connections import open_writing
from papertape.store.faults import failure_of
from papertape.store.folder import DataFolder
from papertape.store.history import open_history
from papertape.store.migration import create_journal, migrate_journal
from papertape.store.rows import batch_of, samples_of
from papertape.store.schema import CODECS
from papertape.store.sqlite_sql import INSERTS

_BLOCK = 1 << 20
_LONGEST_RECORD = 1 << 30
_LARGEST_MANIFEST = 1 << 20
_ENDED = ("stopped", "failed")


class Bundle:
    """An open bundle whose every checksum was verified."""

    def __init__(self, path: Path, archive: zipfile.ZipFile, manifest: Manifest) -> None:
        self.path = path
        self.manifest = manifest
        self._archive = archive

    def records(self, table: Table) -> Iterator[Any]:  # Any: the table's record type
        """Yield the records of one member.

        Raises:
            Invalid: they cannot be read, or belong to another session.
        """
        decode = msgspec.msgpack.Decoder(table.record).decode
        session_id = self.manifest.session_id
        expected = next(member.records for member in self.manifest.members if member.table == table.name)
        count = 0
        try:
            for encoded in self._encoded(member_name(table)):
                record = decode(encoded)
                if getattr(record, "session_id", session_id) != session_id:
                    raise damaged(self.path, f"its {table.name} hold a record of another session")
                count += 1
                yield record
        except (msgspec.DecodeError, zstandard.ZstdError, zipfile.BadZipFile, EOFError) as error:
            raise damaged(self.path, f"its {table.name} cannot be read: {error}") from error
        if count != expected:
            raise damaged(self.path, f"its {table.name} end after {count} of {expected} records")

    def _encoded(self, name: str) -> Iterator[bytes]:
        with (
            self._archive.open(name) as file,
            zstandard.ZstdDecompressor().stream_reader(file) as packed,
        ):
            while head := _exactly(packed, LENGTH_BYTES):
                length = int.from_bytes(head, "little")
                if length > _LONGEST_RECORD:
                    raise EOFError(f"a record of {length} bytes")
                body = _exactly(packed, length)
                if len(head) < LENGTH_BYTES or len(body) < length:
                    raise EOFError("it ends within a record")
                yield body


def _exactly(packed: zstandard.ZstdDecompressionReader, size: int) -> bytes:
    parts = b""
    while len(parts) < size and (more := packed.read(size - len(parts))):
        parts += more
    return parts


def damaged(path: Path, why: str) -> Invalid:
    """Return what is said of a bundle that cannot be taken."""
    return Invalid(
        f"{path} is damaged or no bundle of papertape: {why}. Nothing was imported; copy the file again, or export "
        "the session again.",
        code="bundle.damaged",
    )


@contextmanager
def open_bundle(path: Path) -> Iterator[Bundle]:
    """Open a bundle and verify its members before anything is read of them.

    Raises:
        NotFound: there is no such file.
        Invalid: it is damaged, cut, or no bundle.
        Conflict: a newer papertape wrote it.
    """
    if not path.is_file():
        raise NotFound(
            f"There is no bundle {path}; give a file made by `papertape export session`.", code="bundle.missing"
        )
    try:
        with zipfile.ZipFile(path) as archive:
            manifest = _manifest(path, archive)
            for member in manifest.members:
                _verify(path, archive, member)
            yield Bundle(path, archive, manifest)
    except zipfile.BadZipFile as error:
        raise damaged(path, f"it is cut short or no bundle at all ({error})") from error


def _manifest(path: Path, archive: zipfile.ZipFile) -> Manifest:
    infos = archive.infolist()
    by_name = {info.filename: info for info in infos}
    if MANIFEST not in by_name or by_name[MANIFEST].file_size > _LARGEST_MANIFEST:
        raise damaged(path, f"it has no {MANIFEST}")
    text = archive.read(MANIFEST)
    try:
        found = msgspec.json.decode(text, type=dict[str, Any]).get("format")
        if isinstance(found, int) and found > BUNDLE_FORMAT:
            raise Conflict(
                f"{path} has format {found}, written by a newer papertape; this one reads up to {BUNDLE_FORMAT}. "
                "Install the newer papertape here.",
                code="bundle.newer",
            )
        manifest = msgspec.json.decode(text, type=Manifest)
    except msgspec.DecodeError as error:
        raise damaged(path, f"its {MANIFEST} cannot be read: {error}") from error
    expected = {member_name(table): table.name for table in MEMBER_TABLES}
    strange = [info.filename for info in infos if info.filename not in expected and info.filename != MANIFEST]
    if strange or len(by_name) != len(infos) or any(info.compress_type or info.flag_bits & 1 for info in infos):
        named = f"it holds {strange[0]!r}, which no bundle holds" if strange else "its members are not as written"
        raise damaged(path, named)
    if {member.name: member.table for member in manifest.members} != expected or set(by_name) != {MANIFEST, *expected}:
        raise damaged(path, f"its {MANIFEST} names other members than it holds")
    if not SESSION_ID.match(manifest.session_id):
        raise damaged(path, f"{manifest.session_id!r} is no id of a session")
    return manifest


def _verify(path: Path, archive: zipfile.ZipFile, member: Member) -> None:
    sha256, size = hashlib.sha256(), 0
    with archive.open(member.name) as file:
        while block := file.read(_BLOCK):
            sha256.update(block)
            size += len(block)
    if (size, sha256.hexdigest()) != (member.size, member.sha256):
        raise damaged(
            path, f"the checksum of {member.name} is {sha256.hexdigest()[:12]}…, expected {member.sha256[:12]}…"
        )


def import_bundle(
    path: Path,
    folder: DataFolder,
    clock: Callable[[], int],
    *,
    on_entries: Callable[[int], None] = lambda _: None,
) -> Bundled:
    """Write the session of a bundle into a data folder: all of it, or nothing.

    A session that had not ended is closed here, so that no desk goes on with what belongs to another one.

    Args:
        path: the bundle.
        folder: the data folder; its lock is held by the caller and no store is open on it.
        clock: our wall clock, microseconds UTC.
        on_entries: told how many entries were written so far.

    Raises:
        NotFound: there is no such file.
        Invalid: it is damaged or no bundle.
        Conflict: a newer papertape wrote it, or the folder has a session of this id with other content.
        Unavailable: the folder cannot be written.
        Broken: the folder's journal is damaged, or lacks rows that were acknowledged.
    """
    with open_bundle(path) as bundle:
        try:
            create_journal(folder)
            connection = open_writing(folder.database)
            try:
                migrate_journal(connection, folder)
                is_new = not _is_known(bundle, folder)
                if is_new:
                    with connection:  # one transaction: a crash leaves nothing behind
                        _Importer(connection, bundle, clock()).run(on_entries)
            finally:
                connection.close()
        except apsw.ConstraintError as error:
            raise Conflict(
                f"{folder.path} holds rows of session {bundle.manifest.session_id} already ({error}); nothing was "
                "imported. Give another folder with --data-dir.",
                code="bundle.rows_exist",
            ) from error
        except apsw.Error as error:
            raise failure_of(str(folder.database), error) from error
        manifest = bundle.manifest
        facts = {table.name for table in EVENT_TABLES}
        return Bundled(
            session_id=manifest.session_id, file=str(path), size=path.stat().st_size,
            entries=manifest.last_entry_seq, facts=sum(m.records for m in manifest.members if m.table in facts),
            is_new=is_new,
        )  # fmt: skip


def _is_known(bundle: Bundle, folder: DataFolder) -> bool:
    history = open_history(folder.database)
    try:
        row = history.session(bundle.manifest.session_id)
        if row is None:
            return False
        here = SessionRecords(history, row)
        revisions = list(bundle.records(SESSIONS))
        is_same = list(here.of(SESSIONS))[: len(revisions)] == revisions and all(
            kept == brought
            for table in (TAPE, *EVENT_TABLES, SAMPLES)
            for kept, brought in zip_longest(here.of(table), bundle.records(table))
        )
        if not is_same:
            raise Conflict(
                f"{folder.path} has a session {row.session_id} with other content: {here.last_entry_seq:,} entries "
                f"here, {bundle.manifest.last_entry_seq:,} in the bundle. Nothing was imported; give another folder "
                "with --data-dir.",
                code="bundle.session_exists",
            )
        return True
    finally:
        history.close()


class _Importer:
    def __init__(self, connection: apsw.Connection, bundle: Bundle, now: int) -> None:
        self._connection = connection
        self._bundle = bundle
        self._session_id = bundle.manifest.session_id
        self._now = now

    def run(self, on_entries: Callable[[int], None]) -> None:
        self._sessions()
        self._tape(on_entries)
        facts = newest = 0
        for table in EVENT_TABLES:
            for fact in self._bundle.records(table):
                self._insert(table, fact)
                facts, newest = facts + 1, max(newest, fact.seq)
        if facts != newest:
            raise damaged(self._bundle.path, f"it holds {facts} facts, the newest is number {newest}")
        for table in (SAMPLES, VIEWS):
            for record in self._bundle.records(table):
                if isinstance(record, SampleRow):
                    self._check_samples(record)
                self._insert(table, record)

    def _check_samples(self, row: SampleRow) -> None:
        try:
            samples_of(row)
        except Broken as error:  # what cannot be read would keep all that comes after it from a copy
            raise damaged(self._bundle.path, error.message) from error

    def _sessions(self) -> None:
        last: SessionRow | None = None
        for last in self._bundle.records(SESSIONS):
            self._insert(SESSIONS, last)
        if last is None:
            raise damaged(self._bundle.path, "it holds no session")
        if last.state not in _ENDED:
            reason = f"Imported as it was while {last.state} elsewhere; here it can be read and replayed only."
            closed = msgspec.structs.replace(
                last, revision=last.revision + 1, state="stopped", reason=reason, updated_ts=self._now
            )
            self._insert(SESSIONS, closed)

    def _tape(self, on_entries: Callable[[int], None]) -> None:
        last = 0
        for row in self._bundle.records(TAPE):
            try:
                is_next = row.first_seq == last + 1 and batch_of(row).last_seq == row.last_seq
            except Broken as error:
                raise damaged(self._bundle.path, error.message) from error
            if not is_next:
                raise damaged(self._bundle.path, f"its tape has a hole after entry {last}")
            self._insert(TAPE, row)
            last = row.last_seq
            on_entries(last)
        if last != self._bundle.manifest.last_entry_seq:
            raise damaged(self._bundle.path, f"its tape ends at entry {last}")

    def _insert(self, table: Table, record: msgspec.Struct) -> None:
        self._connection.execute(INSERTS[table.name], CODECS[table.name].encode(self._session_id, record))
