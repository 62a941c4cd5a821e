"""A session leaves as one file and arrives on another machine with the same result, or not at all."""

from __future__ import annotations

import hashlib
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import apsw
import msgspec
import pytest
import zstandard

from papertape.errors import Broken, Conflict, Invalid, NotFound
from papertape.model.session import SessionRow
from papertape.model.tables import EVENT_TABLES, SAMPLES, SampleRow
from papertape.session.backtest import first_difference
from papertape.store.bundle import LENGTH_BYTES, MANIFEST, Bundled, Manifest, export_bundle
from papertape.store.bundle_reading import import_bundle
from papertape.store.folder import database_path, open_folder
from papertape.store.history import open_history
from papertape.store.segments.sealer import Sealer, SealPolicy
from papertape.store.segments.work import carry_out
from papertape.store.sqlite import open_store
from papertape.testkit.store_contract import SESSION, facts, signal, write
from papertape.testkit.stored_session import STORED_ID, StoredSession

NOW = 1_800_000_000_000_000


def export(data_dir: Path, file: Path) -> Bundled:
    history = open_history(database_path(data_dir))
    try:
        row = history.session(STORED_ID)
        assert row is not None
        return export_bundle(history, row, file)
    finally:
        history.close()


def take(file: Path, data_dir: Path) -> Bundled:
    folder = open_folder(data_dir)
    try:
        return import_bundle(file, folder, lambda: NOW)
    finally:
        folder.close()


def stored(data_dir: Path) -> dict[str, list[object]]:
    """Everything of the session, as it can be read."""
    history = open_history(database_path(data_dir))
    try:
        found: dict[str, list[object]] = {
            table.name: list(history.records(table, STORED_ID)) for table in (*EVENT_TABLES, SAMPLES)
        }
        return {
            **found,
            "session": [history.session(STORED_ID)],
            "tape": list(history.batches(STORED_ID)),
            "views": [history.views(STORED_ID)],
        }
    finally:
        history.close()


def difference(data_dir: Path) -> object:
    history = open_history(database_path(data_dir))
    try:
        row = history.session(STORED_ID)
        assert row is not None
        return first_difference(row, history)
    finally:
        history.close()


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    data_dir = tmp_path_factory.mktemp("source") / "here"
    session = StoredSession(data_dir)
    session.warm_up(5)
    session.play(14)
    session.crash_and_resume()
    session.play(10)
    session.end()
    return data_dir


@pytest.fixture(scope="module")
def bundled(source: Path) -> bytes:
    file = source.parent / "bundled.papertape"
    export(source, file)
    return file.read_bytes()


@pytest.fixture
def bundle(bundled: bytes, tmp_path: Path) -> Path:
    (tmp_path / "one.papertape").write_bytes(bundled)
    return tmp_path / "one.papertape"


def test_a_session_with_a_gap_arrives_elsewhere_whole_and_replays_to_the_same_facts(
    source: Path, bundle: Path, tmp_path: Path
) -> None:
    taken = take(bundle, tmp_path / "there")
    there = stored(tmp_path / "there")
    assert there == stored(source)
    assert [len(there[name]) > 0 for name in ("fills", "positions", "alerts", "samples", "tape")] == [True] * 5
    assert difference(tmp_path / "there") is None
    assert (taken.is_new, taken.session_id, taken.facts) == (
        True,
        STORED_ID,
        sum(len(there[t.name]) for t in EVENT_TABLES),
    )


def test_what_was_imported_is_exported_again_byte_for_byte(bundle: Path, tmp_path: Path) -> None:
    take(bundle, tmp_path / "there")
    export(tmp_path / "there", tmp_path / "again.papertape")
    assert (tmp_path / "again.papertape").read_bytes() == bundle.read_bytes()


def test_a_session_in_sealed_files_gives_the_same_bundle(source: Path, bundled: bytes, tmp_path: Path) -> None:
    shutil.copytree(source, tmp_path / "sealed")
    folder = open_folder(tmp_path / "sealed")
    store = open_store(folder, lambda: NOW)
    sealer = Sealer(store, lambda: NOW, SealPolicy(segment_entries=100, live_entries=50), work=carry_out)
    assert len(sealer.seal_now().sealed) > 1
    sealer.close()
    store.close()
    folder.close()
    export(tmp_path / "sealed", tmp_path / "one.papertape")
    assert (tmp_path / "one.papertape").read_bytes() == bundled
    assert take(tmp_path / "one.papertape", tmp_path / "sealed").is_new is False


def test_the_same_bundle_twice_is_said_to_be_there_already(bundle: Path, tmp_path: Path) -> None:
    take(bundle, tmp_path / "there")
    before = stored(tmp_path / "there")
    assert take(bundle, tmp_path / "there").is_new is False
    assert stored(tmp_path / "there") == before


def test_a_session_that_runs_is_exported_up_to_a_commit_and_ends_where_it_is_imported(tmp_path: Path) -> None:
    running = StoredSession(tmp_path / "here")
    running.play(12)
    file = tmp_path / "running.papertape"
    export(tmp_path / "here", file)
    running.play(1)
    running.end()
    take(file, tmp_path / "there")
    row = stored(tmp_path / "there")["session"][0]
    assert isinstance(row, SessionRow)
    assert (row.state, row.reason) == (
        "stopped",
        "Imported as it was while running elsewhere; here it can be read and replayed only.",
    )
    assert difference(tmp_path / "there") is None
    assert take(file, tmp_path / "there").is_new is False


def test_the_same_session_with_other_content_is_refused_and_kept(tmp_path: Path) -> None:
    session = StoredSession(tmp_path / "here")
    session.play(3)
    file = tmp_path / "early.papertape"
    export(tmp_path / "here", file)
    session.play(3)
    session.end()
    before = stored(tmp_path / "here")
    with pytest.raises(Conflict, match="a session exec_20251227_170000_0badcafe with other content"):
        take(file, tmp_path / "here")
    assert stored(tmp_path / "here") == before


def test_nothing_is_imported_into_a_folder_that_a_desk_holds(bundle: Path, source: Path) -> None:
    desk = open_folder(source)
    try:
        with pytest.raises(Conflict, match="is used by another papertape desk"):
            take(bundle, source)
    finally:
        desk.close()


def test_nothing_is_imported_into_a_journal_that_lost_acknowledged_rows(bundle: Path, tmp_path: Path) -> None:
    folder = open_folder(tmp_path)
    store = open_store(folder, lambda: NOW)
    write(store, *(facts(SESSION, signal(seq)) for seq in (1, 2)))
    store.close()
    folder.close()
    with apsw.Connection(str(folder.database)) as connection:
        connection.execute("DELETE FROM signals WHERE seq = 2")  # as if its log had been cut
    connection.close()
    with pytest.raises(Broken, match="but row 2 was acknowledged"):
        take(bundle, tmp_path)


def test_a_file_that_exists_is_not_replaced(source: Path, bundle: Path) -> None:
    before = bundle.read_bytes()
    with pytest.raises(Conflict, match="exists already and was not touched"):
        export(source, bundle)
    assert bundle.read_bytes() == before
    assert [path.name for path in bundle.parent.iterdir()] == ["one.papertape"]


def rewrite(bundle: Path, change: Callable[[dict[str, bytes]], None], *, is_signed: bool = False) -> None:
    """Write the bundle anew with changed members; `is_signed` gives the manifest their checksums."""
    with zipfile.ZipFile(bundle) as archive:
        members = {info.filename: archive.read(info) for info in archive.infolist()}
    change(members)
    if is_signed:
        manifest = msgspec.json.decode(members[MANIFEST], type=Manifest)
        signed = tuple(
            msgspec.structs.replace(
                one, size=len(members[one.name]), sha256=hashlib.sha256(members[one.name]).hexdigest()
            )
            for one in manifest.members
        )
        members[MANIFEST] = msgspec.json.encode(msgspec.structs.replace(manifest, members=signed))
    with zipfile.ZipFile(bundle, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)


def flip(members: dict[str, bytes]) -> None:
    content = bytearray(members["tape.msgpack.zst"])
    content[len(content) // 2] ^= 1
    members["tape.msgpack.zst"] = bytes(content)


def climb(members: dict[str, bytes]) -> None:
    members["../../evil.sh"] = b"#!"


def lose_facts(members: dict[str, bytes]) -> None:
    members["fills.msgpack.zst"] = members["alerts.msgpack.zst"]


def swap_tape(members: dict[str, bytes]) -> None:
    members["tape.msgpack.zst"] = members["samples.msgpack.zst"]


def cut_tape(members: dict[str, bytes]) -> None:
    members["tape.msgpack.zst"] = members["tape.msgpack.zst"][:-40]


def drop_tape(members: dict[str, bytes]) -> None:
    del members["tape.msgpack.zst"]


def drop_manifest(members: dict[str, bytes]) -> None:
    del members[MANIFEST]


def rename_session(members: dict[str, bytes]) -> None:
    members[MANIFEST] = members[MANIFEST].replace(STORED_ID.encode(), b"exec_20251227_170000_00000000")


def inflate_samples(members: dict[str, bytes]) -> None:
    name = "samples.msgpack.zst"
    packed = zstandard.ZstdDecompressor().decompressobj().decompress(members[name])
    length = int.from_bytes(packed[:LENGTH_BYTES], "little")
    first = msgspec.msgpack.decode(packed[LENGTH_BYTES:][:length], type=SampleRow)
    terabyte = bytes.fromhex("28b52ffde0") + (2**40).to_bytes(8, "little") + bytes.fromhex("010000")
    spoilt = msgspec.msgpack.encode(msgspec.structs.replace(first, payload=terabyte))
    rest = packed[LENGTH_BYTES + length :]
    members[name] = zstandard.ZstdCompressor().compress(len(spoilt).to_bytes(LENGTH_BYTES, "little") + spoilt + rest)


def break_manifest(members: dict[str, bytes]) -> None:
    members[MANIFEST] = b"{"


@pytest.mark.parametrize(
    ("change", "is_signed", "sentence"),
    [
        (flip, False, "the checksum of tape.msgpack.zst"),
        (climb, False, "it holds '../../evil.sh', which no bundle holds"),
        (drop_tape, False, "names other members than it holds"),
        (drop_manifest, False, "it has no manifest.json"),
        (break_manifest, False, "its manifest.json cannot be read"),
        (cut_tape, True, r"its tape end after \d+ of \d+ records"),
        (swap_tape, True, "its tape cannot be read"),
        (inflate_samples, True, "it says that it holds 1099511627776 bytes"),
        (lose_facts, True, "its fills cannot be read"),
        (rename_session, True, "hold a record of another session"),
    ],
)
def test_a_bundle_that_was_changed_is_refused_and_leaves_nothing(
    bundle: Path, tmp_path: Path, change: Callable[[dict[str, bytes]], None], is_signed: bool, sentence: str
) -> None:
    rewrite(bundle, change, is_signed=is_signed)
    with pytest.raises(Invalid, match=sentence) as refused:
        take(bundle, tmp_path / "there")
    assert refused.value.code == "bundle.damaged"
    if database_path(tmp_path / "there").exists():
        history = open_history(database_path(tmp_path / "there"))
        assert (history.session(STORED_ID), list(history.batches(STORED_ID))) == (None, [])
        history.close()
    assert not list(tmp_path.rglob("evil.sh"))


@pytest.mark.parametrize("part", [0.0, 0.3, 0.999])
def test_a_bundle_that_was_cut_is_refused(bundle: Path, tmp_path: Path, part: float) -> None:
    content = bundle.read_bytes()
    bundle.write_bytes(content[: int(len(content) * part)])
    with pytest.raises(Invalid, match="cut short or no bundle at all"):
        take(bundle, tmp_path / "there")


def test_a_bundle_of_a_newer_papertape_is_refused(bundle: Path, tmp_path: Path) -> None:
    def renew(members: dict[str, bytes]) -> None:
        members[MANIFEST] = b'{"format": 99, "and": "more"}'

    rewrite(bundle, renew)
    with pytest.raises(Conflict, match="has format 99, written by a newer papertape"):
        take(bundle, tmp_path / "there")


def test_a_bundle_that_does_not_exist_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="There is no bundle"):
        take(tmp_path / "none.papertape", tmp_path / "there")


def test_leftover_rows_of_the_same_session_are_a_conflict(source: Path, bundle: Path, tmp_path: Path) -> None:
    there = tmp_path / "there"
    there.mkdir()
    shutil.copy(database_path(source), database_path(there))
    folder = open_folder(there)
    try:
        with apsw.Connection(str(folder.database)) as connection:
            connection.execute("DELETE FROM sessions")
        with pytest.raises(Conflict, match="holds rows of session exec_20251227_170000_0badcafe already"):
            import_bundle(bundle, folder, lambda: NOW)
    finally:
        folder.close()
