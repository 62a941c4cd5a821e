"""The QuestDB that is fetched, the one in the container and the one in tests are the same, with the same settings."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

import pytest
import yaml

from papertape.errors import NotFound
from papertape.store.questdb.address import QuestAddress
from papertape.testkit.questdb_runtime import (
    DEFAULT_JAVA,
    DEFAULT_VERSION,
    QuestRuntime,
    commit_mode,
    find_runtime,
    server_settings,
    stored_password,
    write_settings,
)
from questdb_matrix import PAIRS, Pair, parse_pair, table
from run_suites import Count

ROOT = Path(__file__).resolve().parents[2]
ADDRESS = QuestAddress(host="127.0.0.1", http_port=9000, pg_port=8812, user="papertape", password="not-guessed")


def _container() -> dict[str, object]:
    service: dict[str, object] = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]["questdb"]
    return service


def test_make_the_tests_and_the_container_take_the_same_version() -> None:
    makefile = (ROOT / "Makefile").read_text()
    assert re.findall(r"^QUESTDB_(?:VERSION|JAVA) +\?= (\S+)$", makefile, re.MULTILINE) == [
        DEFAULT_VERSION,
        DEFAULT_JAVA,
    ]
    assert _container()["image"] == f"questdb/questdb:{DEFAULT_VERSION}"


def test_every_server_of_the_matrix_has_its_checksum_and_every_java_its_lock() -> None:
    pinned = (ROOT / "scripts/questdb.sha256").read_text()
    pairs = [parse_pair(pair) for pair in (f"{DEFAULT_VERSION}:{DEFAULT_JAVA}", *PAIRS)]
    assert [pair for pair in pairs if f"  questdb-{pair.server}.jar\n" not in pinned] == []
    assert [pair for pair in pairs if not (ROOT / f"requirements-java{pair.java}.txt").exists()] == []


def test_the_container_has_our_settings_a_password_of_ones_own_and_no_open_port() -> None:
    container = _container()
    environment = container["environment"]
    assert isinstance(environment, dict)
    asked = "${PAPERTAPE_QUESTDB_PASSWORD:?set it to a password of your own, which the desk's --store then names}"
    credentials = {"QDB_HTTP_USER", "QDB_HTTP_PASSWORD", "QDB_PG_USER", "QDB_PG_PASSWORD"}
    assert {key: environment[key] for key in sorted(credentials)} == {
        "QDB_HTTP_PASSWORD": asked,
        "QDB_HTTP_USER": "papertape",
        "QDB_PG_PASSWORD": asked,
        "QDB_PG_USER": "papertape",
    }
    ours = {f"QDB_{key.upper().replace('.', '_')}": value for key, value in server_settings(DEFAULT_VERSION).items()}
    assert {key: value for key, value in environment.items() if key not in credentials} == ours
    assert container["ports"] == ["127.0.0.1:9000:9000", "127.0.0.1:8812:8812"]


def test_a_server_is_bound_to_its_address_and_its_settings_are_its_owners_only(tmp_path: Path) -> None:
    write_settings(tmp_path, ADDRESS, DEFAULT_VERSION, {"shared.worker.count": "3", "dev.mode.enabled": "true"})
    path = tmp_path / "conf" / "server.conf"
    assert (path.stat().st_mode & 0o777, dict(line.split("=", 1) for line in path.read_text().splitlines())) == (
        0o600,
        {
            **server_settings(DEFAULT_VERSION),
            "http.bind.to": "127.0.0.1:9000",
            "pg.net.bind.to": "127.0.0.1:8812",
            "http.user": "papertape",
            "http.password": "not-guessed",
            "pg.user": "papertape",
            "pg.password": "not-guessed",
            "shared.worker.count": "3",
            "dev.mode.enabled": "true",
        },
    )


@pytest.mark.parametrize(("version", "mode"), [("9.3.2", "sync"), ("9.3.4", "sync"), ("10.2.0", "adaptive")])
def test_every_commit_reaches_the_disk_in_the_words_of_the_version(version: str, mode: str) -> None:
    assert commit_mode(version) == mode


@pytest.mark.parametrize(("java", "has_flag"), [(17, False), (22, False), (23, True), (25, True)])
def test_java_is_given_only_the_flags_it_knows(java: int, has_flag: bool) -> None:
    runtime = QuestRuntime(jar=Path("q.jar"), java=Path("java"), version="9.3.4", java_version=java)
    assert ("--sun-misc-unsafe-memory-access=allow" in runtime.command(Path("data"))) == has_flag


def test_a_password_is_made_once_and_kept_from_others(tmp_path: Path) -> None:
    path = tmp_path / "questdb" / "password"
    first = stored_password(path)
    assert (stored_password(path), len(first) >= 24, path.stat().st_mode & 0o777) == (first, True, 0o600)
    assert stored_password(tmp_path / "other") != first


@pytest.mark.parametrize("missing", ["PAPERTAPE_QUESTDB_JAR", "PAPERTAPE_QUESTDB_JAVA_BIN"])
def test_a_missing_server_or_java_says_which_command_fetches_it(
    missing: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("PAPERTAPE_QUESTDB_JAR", "PAPERTAPE_QUESTDB_JAVA_BIN"):
        (tmp_path / name).touch()
        monkeypatch.setenv(name, str(tmp_path / name))
    (tmp_path / missing).unlink()
    with pytest.raises(NotFound, match=r"Run `make questdb-setup`"):
        find_runtime()


def test_the_matrix_ends_with_one_line_for_each_pair() -> None:
    counts = {Pair("9.3.4", "25"): Count(7), Pair("9.1.1", "17"): Count(6, 1)}
    assert table(counts) == (
        "ok      QuestDB 9.3.4 on Java 25  7 passed, 0 failed\nFAILED  QuestDB 9.1.1 on Java 17  6 passed, 1 failed"
    )


def test_a_pair_that_is_none_is_refused() -> None:
    with pytest.raises(argparse.ArgumentTypeError, match=r"expected for example 9\.3\.4:25"):
        parse_pair("9.3.4")
