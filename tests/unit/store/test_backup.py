"""A backup holds everything, also one made beside a running desk; a restore touches nothing before all is checked."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import apsw
import msgspec
import pytest
import zstandard

from papertape.errors import Broken, Conflict, Invalid, NotFound, Unavailable
from papertape.journal.ports import Commit
from papertape.model.tables import SEGMENTS, SIGNALS, SegmentRow
from papertape.store.backup import MANIFEST, Manifest, PackedFile, digest, write_backup
from papertape.store.folder import FOLDER_VERSION, open_folder, restore_mark
from papertape.store.restore import restore_backup
from papertape.store.schema import CODECS
from papertape.store.sqlite import SqliteStore, open_store
from papertape.store.sqlite_sql import insert_sql
from papertape.testkit.store_contract import SESSION, Acknowledgements, signal, ticks, write

NOW = 1_766_854_702_000_000
SEALED = "segments/s/1.parquet"


@contextmanager
def opened(data_dir: Path) -> Iterator[SqliteStore]:
    folder = open_folder(data_dir)
    try:
        with closing(open_store(folder, lambda: NOW)) as store:
            yield store
    finally:
        folder.close()


def batch(number: int) -> Commit:
    return Commit(session_id=SESSION, batch=ticks(2 * number - 1, 2 * number), events=(signal(number),))


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    """A folder with a session, a strategy with a kept version, and one sealed file."""
    path = tmp_path / "data"
    with opened(path) as store:
        write(store, batch(1), batch(2))
    (path / "strategies" / ".versions" / "mine").mkdir(parents=True)
    (path / "strategies" / "mine.yaml").write_text("name: mine")
    (path / "strategies" / ".versions" / "mine" / "0001.yaml").write_text("name: mine")
    (path / SEALED).parent.mkdir()
    (path / SEALED).write_bytes(b"sealed")
    enter_segment(path)
    return path


def enter_segment(path: Path, **changes: Any) -> None:
    known: dict[str, Any] = {"session_id": "s", "first_seq": 1, "last_seq": 2, "first_row": 1, "last_row": 1}
    known |= {"first_ts": 1, "last_ts": 2, "file": SEALED, "sha256": digest(path / SEALED), "size": 6, "sealed_ts": 3}
    row = SegmentRow(**(known | changes))
    with closing(apsw.Connection(str(path / "papertape.sqlite3"))) as connection:
        connection.execute(insert_sql(SEGMENTS), CODECS["segments"].encode(row.session_id, row))


def contents(path: Path) -> dict[str, bytes]:
    """Return every file that is restored as it was, byte for byte."""
    return {
        file.relative_to(path).as_posix(): file.read_bytes()
        for file in sorted(path.rglob("*"))
        if file.is_file() and file.relative_to(path).parts[0] in ("strategies", "segments", "version")
    }


def journal(path: Path) -> list[object]:
    with opened(path) as store:
        return [*store.batches(SESSION), *store.events(SIGNALS, SESSION)]


def test_what_is_restored_is_what_was_there(data_dir: Path, tmp_path: Path) -> None:
    manifest = write_backup(data_dir, tmp_path / "b.tar.zst", NOW)
    assert [packed.path for packed in manifest.files] == [
        "papertape.sqlite3", SEALED, "strategies/.versions/mine/0001.yaml", "strategies/mine.yaml", "version",
    ]  # fmt: skip
    restored = restore_backup(tmp_path / "b.tar.zst", tmp_path / "other")
    assert (restored.manifest, restored.aside) == (manifest, None)
    assert contents(tmp_path / "other") == contents(data_dir)
    assert journal(tmp_path / "other") == [*(each.batch for each in (batch(1), batch(2))), signal(1), signal(2)]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["b.tar.zst", "data", "other"]


def test_what_a_restore_replaces_is_kept(data_dir: Path, tmp_path: Path) -> None:
    write_backup(data_dir, tmp_path / "b.tar.zst", NOW)
    with opened(data_dir) as store:
        write(store, batch(3))
    (data_dir / "strategies" / "new.yaml").write_text("name: new")
    restored = restore_backup(tmp_path / "b.tar.zst", data_dir)
    assert restored.aside == data_dir / "backups" / "before-restore-1"
    assert len(journal(data_dir)) == 4
    assert not (data_dir / "strategies" / "new.yaml").exists()
    assert (restored.aside / "strategies" / "new.yaml").read_text() == "name: new"
    assert len(journal(restored.aside)) == 6
    assert restore_backup(tmp_path / "b.tar.zst", data_dir).aside == data_dir / "backups" / "before-restore-2"


def test_a_backup_beside_a_writing_desk_is_a_moment_of_it(data_dir: Path, tmp_path: Path) -> None:
    with opened(data_dir) as store:
        answers = Acknowledgements(2_000)
        for number in range(3, 2_003):
            store.submit(batch(number), answers.of(number))
        write_backup(data_dir, tmp_path / "b.tar.zst", NOW)
        assert {error for _, error in answers.wait()} == {None}
    restore_backup(tmp_path / "b.tar.zst", tmp_path / "other")
    with opened(tmp_path / "other") as store:
        entries = [entry.ts for each in store.batches(SESSION) for entry in each.entries]
        facts = [fact.seq for fact in store.events(SIGNALS, SESSION, limit=10_000)]
    assert entries == list(range(1, len(entries) + 1))
    assert facts == list(range(1, len(entries) // 2 + 1))


def test_a_backup_follows_a_desk_that_merges_sealed_files(data_dir: Path, tmp_path: Path) -> None:
    (data_dir / SEALED).rename(data_dir / "segments" / "s" / "merged.parquet")
    with pytest.raises(Unavailable, match=f"sealed file .*{SEALED} is missing although the journal counts on it"):
        write_backup(data_dir, tmp_path / "b.tar.zst", NOW)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data"]


def test_a_segment_that_retention_removed_is_not_looked_for(data_dir: Path, tmp_path: Path) -> None:
    enter_segment(data_dir, session_id="gone", file="segments/gone/1.parquet", removed_ts=5)
    assert len(write_backup(data_dir, tmp_path / "b.tar.zst", NOW).files) == 5


def test_a_damaged_segment_is_not_backed_up(data_dir: Path, tmp_path: Path) -> None:
    (data_dir / SEALED).write_bytes(b"altered")
    with pytest.raises(Broken, match=f"{SEALED} is damaged: its SHA-256 is .* No backup was written"):
        write_backup(data_dir, tmp_path / "b.tar.zst", NOW)
    assert not (tmp_path / "b.tar.zst").exists()


def test_a_damaged_journal_is_not_backed_up(data_dir: Path, tmp_path: Path) -> None:
    database = data_dir / "papertape.sqlite3"
    damaged = bytearray(database.read_bytes())
    damaged[5 * 4096 : 6 * 4096] = b"\xff" * 4096
    database.write_bytes(damaged)
    with pytest.raises(Broken, match="is damaged"):
        write_backup(data_dir, tmp_path / "b.tar.zst", NOW)
    assert not (tmp_path / "b.tar.zst").exists()


def test_a_folder_without_a_journal_is_not_backed_up(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="There is no journal"):
        write_backup(tmp_path, tmp_path / "b.tar.zst", NOW)


def test_a_backup_into_a_folder_that_is_not_there_makes_none(data_dir: Path, tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match=r"there is no folder .*unmounted\. Make it, or mount the disk"):
        write_backup(data_dir, tmp_path / "unmounted" / "b.tar.zst", NOW)
    assert not (tmp_path / "unmounted").exists()


def test_a_backup_into_a_place_that_is_no_folder_is_refused(data_dir: Path) -> None:
    with pytest.raises(Unavailable, match="cannot be written"):
        write_backup(data_dir, data_dir / "version" / "b.tar.zst", NOW)


def test_a_folder_in_use_is_not_restored_into(data_dir: Path, tmp_path: Path) -> None:
    write_backup(data_dir, tmp_path / "b.tar.zst", NOW)
    with opened(data_dir), pytest.raises(Conflict, match="used by another papertape desk"):
        restore_backup(tmp_path / "b.tar.zst", data_dir)


def test_a_restore_heals_a_folder_that_cannot_be_opened(data_dir: Path, tmp_path: Path) -> None:
    write_backup(data_dir, tmp_path / "b.tar.zst", NOW)
    (data_dir / "version").write_text("garbage")
    (data_dir / "papertape.sqlite3").write_bytes(b"garbage")
    restore_mark(data_dir).touch()
    restore_backup(tmp_path / "b.tar.zst", data_dir)
    assert len(journal(data_dir)) == 4


def unpack(file: Path) -> list[tuple[tarfile.TarInfo, bytes]]:
    plain = zstandard.ZstdDecompressor().decompressobj().decompress(file.read_bytes())
    with tarfile.open(fileobj=io.BytesIO(plain)) as archive:
        return [(member, _content(archive, member)) for member in archive.getmembers()]


def _content(archive: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    opened = archive.extractfile(member)
    return b"" if opened is None else opened.read()


def pack(file: Path, members: list[tuple[tarfile.TarInfo, bytes]]) -> None:
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for member, content in members:
            member.size = len(content) if member.isreg() else 0
            archive.addfile(member, io.BytesIO(content))
    file.write_bytes(zstandard.ZstdCompressor().compress(plain.getvalue()))


def listed(members: list[tuple[tarfile.TarInfo, bytes]], **changes: Any) -> tuple[tarfile.TarInfo, bytes]:
    """Return the manifest of members, with changes."""
    manifest = msgspec.json.decode(members[0][1], type=Manifest)
    return members[0][0], msgspec.json.encode(msgspec.structs.replace(manifest, **changes))


def _smuggle(members: list[tuple[tarfile.TarInfo, bytes]], name: str) -> list[tuple[tarfile.TarInfo, bytes]]:
    """Add a file that is on the list, under a name that leads elsewhere."""
    manifest = msgspec.json.decode(members[0][1], type=Manifest)
    sha256 = "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"  # of b"x"
    files = (*manifest.files, PackedFile(path=name, size=1, sha256=sha256))
    return [listed(members, files=files), *members[1:], (tarfile.TarInfo(name), b"x")]


def _linked(members: list[tuple[tarfile.TarInfo, bytes]]) -> list[tuple[tarfile.TarInfo, bytes]]:
    link = members[-1][0]
    link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
    return [*members[:-1], (link, b"")]


def _altered(members: list[tuple[tarfile.TarInfo, bytes]]) -> list[tuple[tarfile.TarInfo, bytes]]:
    return [(member, b"SEALED" if content == b"sealed" else content) for member, content in members]


ATTACKS: dict[str, tuple[Callable[[list[tuple[tarfile.TarInfo, bytes]]], list[tuple[tarfile.TarInfo, bytes]]], str]] = {
    "upwards": (lambda members: _smuggle(members, "strategies/../../evil"), "is no file of a data folder"),
    "absolute": (lambda members: _smuggle(members, "/tmp/evil"), "is no file of a data folder"),
    "the lock": (lambda members: _smuggle(members, "lock"), "is no file of a data folder"),
    "beneath a file": (lambda members: _smuggle(members, "version/evil"), "is no file of a data folder"),
    "a log": (lambda members: _smuggle(members, "papertape.sqlite3-wal"), "is no file of a data folder"),
    "not on the list": (lambda members: [*members, (tarfile.TarInfo("strategies/x.yaml"), b"x")], "not on its list"),
    "a link": (_linked, "is no file of a data folder"),
    "altered": (_altered, f"the SHA-256 of {SEALED} is"),
    "longer": (lambda members: [*members[:-1], (members[-1][0], b"22\n")], "version has 3 bytes, expected 2"),
    "missing": (lambda members: members[:-1], "version is on its list and missing"),
    "twice": (lambda members: [*members, members[-1]], "not on its list"),
    "no list": (lambda members: members[1:], "first part is not the list"),
    "nonsense for a list": (lambda members: [(members[0][0], b"[]"), *members[1:]], "cannot be read as one"),
    "no journal": (
        lambda members: [
            listed(members, files=msgspec.json.decode(members[0][1], type=Manifest).files[1:]), *members[2:],
        ],
        "the journal or the version is missing",
    ),
}  # fmt: skip


@pytest.mark.parametrize("attack", ATTACKS)
def test_an_archive_that_is_not_what_it_says_touches_nothing(data_dir: Path, tmp_path: Path, attack: str) -> None:
    change, said = ATTACKS[attack]
    file = tmp_path / "b.tar.zst"
    write_backup(data_dir, file, NOW)
    pack(file, change(unpack(file)))
    before = sorted(path for path in tmp_path.rglob("*") if path.parent.name != "backups" and path.name != "backups")
    with pytest.raises(Invalid, match=rf"is no whole backup of papertape: .*{said}.*Nothing was touched") as refusal:
        restore_backup(file, data_dir)
    assert refusal.value.code == "store.backup_damaged"
    assert sorted(path for path in tmp_path.rglob("*") if path.name != "backups") == before
    assert len(journal(data_dir)) == 4


def test_an_archive_packed_again_unchanged_is_restored(data_dir: Path, tmp_path: Path) -> None:
    file = tmp_path / "b.tar.zst"
    write_backup(data_dir, file, NOW)
    members = unpack(file)
    assert members[0][0].name == MANIFEST
    pack(file, members)
    restore_backup(file, data_dir)
    assert len(journal(data_dir)) == 4


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9])
def test_a_backup_that_was_cut_short_touches_nothing(data_dir: Path, tmp_path: Path, share: float) -> None:
    file = tmp_path / "b.tar.zst"
    write_backup(data_dir, file, NOW)
    file.write_bytes(file.read_bytes()[: int(share * file.stat().st_size)])
    with pytest.raises(Invalid, match="is no whole backup"):
        restore_backup(file, data_dir)
    assert len(journal(data_dir)) == 4


def test_a_backup_of_a_newer_papertape_is_refused(data_dir: Path, tmp_path: Path) -> None:
    file = tmp_path / "b.tar.zst"
    write_backup(data_dir, file, NOW)
    members = unpack(file)
    pack(file, [listed(members, folder_version=FOLDER_VERSION + 1), *members[1:]])
    with pytest.raises(Conflict, match="written by a newer papertape") as refusal:
        restore_backup(file, data_dir)
    assert refusal.value.code == "folder.newer"


def test_a_missing_backup_makes_no_folder(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="There is no file"):
        restore_backup(tmp_path / "none.tar.zst", tmp_path / "data")
    assert not (tmp_path / "data").exists()
