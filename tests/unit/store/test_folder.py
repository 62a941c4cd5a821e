"""The data folder: who may use it, which version it has, and what is said when it cannot be used."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from papertape.errors import Broken, Conflict, Invalid, Unavailable
from papertape.store.folder import FOLDER_VERSION, UPGRADES, open_folder, restore_mark
from papertape.store.sqlite import open_store

ORDINARY_USER = 65534


def test_a_new_folder_gets_its_places_and_its_version(tmp_path: Path) -> None:
    folder = open_folder(tmp_path / "a" / "b")
    assert sorted(path.name for path in folder.path.iterdir()) == ["lock", "logs", "segments", "strategies", "version"]
    assert (folder.path / "version").read_text() == "2\n"
    assert folder.log_file == folder.path / "logs" / "papertape.log"
    assert folder.strategies.is_dir()
    folder.close()


def test_a_second_desk_is_refused_by_the_pid_of_the_first(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from papertape.store.folder import open_folder\n"
        "folder = open_folder(Path(sys.argv[1])); print('open', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", program, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as first:
        assert first.stdout is not None
        assert first.stdout.readline() == b"open\n"
        with pytest.raises(Conflict, match=f"used by another papertape desk, process {first.pid}") as refusal:
            open_folder(tmp_path)
        first.kill()
    assert refusal.value.code == "folder.locked"
    open_folder(tmp_path).close()


def test_the_lock_is_let_go_on_close(tmp_path: Path) -> None:
    first = open_folder(tmp_path)
    with pytest.raises(Conflict, match=str(os.getpid())):
        open_folder(tmp_path)
    first.close()
    first.close()
    open_folder(tmp_path).close()


@contextmanager
def as_ordinary_user() -> Iterator[None]:
    """Give up the rights of root, who may write anywhere, for a while."""
    user = os.geteuid()
    os.seteuid(ORDINARY_USER if user == 0 else user)
    try:
        yield
    finally:
        os.seteuid(user)


@pytest.fixture
def read_only_folder() -> Iterator[Path]:
    path = Path(tempfile.mkdtemp())
    path.chmod(0o555)
    with as_ordinary_user():
        yield path
    path.chmod(0o755)
    shutil.rmtree(path)


def test_a_read_only_folder_is_refused_with_a_sentence(read_only_folder: Path) -> None:
    with pytest.raises(Unavailable, match=r"cannot be written \(Permission denied\).*--data-dir") as refusal:
        open_folder(read_only_folder)
    assert refusal.value.code == "folder.not_writable"


@pytest.mark.parametrize("tail", ["file", "file/beneath"])
def test_a_path_that_is_a_file_is_refused(tmp_path: Path, tail: str) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Invalid, match="is a file or lies beneath one"):
        open_folder(tmp_path / tail)


def test_a_newer_folder_is_refused_and_left_unlocked(tmp_path: Path) -> None:
    open_folder(tmp_path, version=7, upgrades={}).close()
    for _ in range(2):
        with pytest.raises(Conflict, match="has version 7, written by a newer papertape") as refusal:
            open_folder(tmp_path)
        assert refusal.value.code == "folder.newer"


@pytest.mark.parametrize("garbage", [b"one\n", b"", b"\x00\xff\xfe", b"-1", b"1.5", b"9" * 5_000])
def test_a_version_that_is_no_number_is_refused(tmp_path: Path, garbage: bytes) -> None:
    (tmp_path / "version").write_bytes(garbage)
    with pytest.raises(Invalid, match=r"version holds .*; expected the number of the data folder's version") as refusal:
        open_folder(tmp_path)
    assert refusal.value.code == "folder.malformed_version"
    assert (tmp_path / "version").read_bytes() == garbage


def test_an_older_folder_is_upgraded_step_by_step_after_a_copy(tmp_path: Path) -> None:
    folder = open_folder(tmp_path, version=1, upgrades={})
    assert folder.copy is None
    (folder.strategies / "mine.yaml").write_text("name: mine")
    folder.close()
    steps: list[int] = []

    def second(path: Path) -> None:
        steps.append(1)
        (path / "strategies" / "mine.yaml").write_text("name: changed")

    folder = open_folder(tmp_path, version=3, upgrades={1: second, 2: lambda _: steps.append(2)})
    folder.close()
    assert steps == [1, 2]
    assert (tmp_path / "version").read_text() == "3\n"
    copy = tmp_path / "backups" / "version-1-1"
    assert folder.copy == copy
    assert sorted(path.name for path in copy.iterdir()) == ["segments", "strategies", "version"]
    assert (copy / "strategies" / "mine.yaml").read_text() == "name: mine"
    assert (copy / "version").read_text() == "1\n"


def test_a_copy_before_an_upgrade_takes_no_room_for_sealed_files(tmp_path: Path) -> None:
    folder = open_folder(tmp_path, version=1, upgrades={})
    sealed = folder.segments / "s" / "1.parquet"
    sealed.parent.mkdir()
    sealed.write_bytes(b"sealed")
    (folder.path / "papertape.sqlite3").write_bytes(b"changes")
    folder.close()
    open_folder(tmp_path).close()
    copy = tmp_path / "backups" / "version-1-1"
    assert (copy / "segments" / "s" / "1.parquet").samefile(sealed)
    assert not (copy / "papertape.sqlite3").samefile(tmp_path / "papertape.sqlite3")
    assert (copy / "papertape.sqlite3").read_bytes() == b"changes"


def test_an_upgrade_that_fails_is_done_again_and_keeps_the_first_copy(tmp_path: Path) -> None:
    open_folder(tmp_path, version=1, upgrades={}).close()

    def fails(path: Path) -> None:
        raise OSError(28, "No space left on device", str(path))

    with pytest.raises(Unavailable, match="No space left"):
        open_folder(tmp_path, version=2, upgrades={1: fails})
    open_folder(tmp_path, version=2, upgrades={1: lambda _: None}).close()
    assert sorted(path.name for path in (tmp_path / "backups").iterdir()) == ["version-1-1", "version-1-2"]
    assert (tmp_path / "version").read_text() == "2\n"


def test_a_folder_of_every_older_version_is_upgraded(tmp_path: Path) -> None:
    assert sorted(UPGRADES) == list(range(1, FOLDER_VERSION))
    for version in UPGRADES:
        path = tmp_path / str(version)
        open_folder(path, version=version, upgrades={}).close()
        open_folder(path).close()
        assert (path / "version").read_text() == f"{FOLDER_VERSION}\n"


def test_a_folder_whose_restore_was_interrupted_is_refused(tmp_path: Path) -> None:
    open_folder(tmp_path).close()
    restore_mark(tmp_path).write_text("")
    with pytest.raises(Conflict, match=r"was interrupted, so it is not whole.*papertape store restore") as refusal:
        open_folder(tmp_path)
    assert refusal.value.code == "folder.half_restored"
    restore_mark(tmp_path).unlink()
    open_folder(tmp_path).close()


def test_a_network_file_system_is_warned_of(tmp_path: Path) -> None:
    folder = open_folder(tmp_path / "on a share")
    mounts = tmp_path / "mounts"
    escaped = str(tmp_path).replace(" ", "\\040")
    mounts.write_text(f"/dev/vda / ext4 rw 0 0\nhost:/share {escaped} nfs4 rw 0 0\nmalformed\n")
    assert [warning.split(",")[0] for warning in folder.warnings(mounts)] == [
        f"The data folder {folder.path} lies on a network file system (nfs4)"
    ]
    mounts.write_text("/dev/vda / ext4 rw 0 0\n")
    assert folder.warnings(mounts) == []
    assert folder.warnings(tmp_path / "absent") == []
    folder.close()


def test_a_database_that_may_only_be_read_is_refused_with_a_sentence(tmp_path: Path) -> None:
    folder = open_folder(tmp_path)
    open_store(folder, lambda: 0).close()
    folder.database.chmod(0o444)
    tmp_path.chmod(0o755)
    with as_ordinary_user(), pytest.raises(Unavailable, match="cannot be used now"):
        open_store(folder, lambda: 0)
    folder.close()


def test_a_file_that_is_no_database_is_refused_with_a_sentence(tmp_path: Path) -> None:
    folder = open_folder(tmp_path)
    folder.database.write_bytes(b"not a database at all, but long enough to be looked at" * 100)
    with pytest.raises(Broken, match=r"is damaged .*expected a database written by papertape") as refusal:
        open_store(folder, lambda: 0)
    assert refusal.value.code == "store.damaged"
    folder.close()
