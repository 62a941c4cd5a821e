"""The lock files pin every package by hash and name no host, so that they hold behind any mirror."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PYTHON_LOCKS = (
    "requirements.txt",
    "requirements-dev.txt",
    "requirements-setup.txt",
    "requirements-java25.txt",
    "requirements-java17.txt",
    *sorted(path.name for path in ROOT.glob("requirements-bench-*.txt")),
)


def _pinned(lock: str) -> list[str]:
    logical_lines = (ROOT / lock).read_text().replace("\\\n", " ").splitlines()
    return [line for line in logical_lines if line.strip() and not line.startswith("#")]


@pytest.mark.parametrize("lock", PYTHON_LOCKS)
def test_a_python_lock_names_no_host_and_no_index(lock: str) -> None:
    found = [line for line in _pinned(lock) if "://" in line or "index-url" in line or "find-links" in line]
    assert found == []


@pytest.mark.parametrize("lock", PYTHON_LOCKS)
def test_every_python_package_is_pinned_with_its_hashes(lock: str) -> None:
    loose = [line for line in _pinned(lock) if not re.match(r"[a-z0-9-]+==\S+ .*--hash=sha256:", line)]
    assert loose == []


def test_what_the_wheel_needs_is_locked_the_same_for_users_and_developers() -> None:
    users = {line.split()[0] for line in _pinned("requirements.txt")}
    developers = {line.split()[0] for line in _pinned("requirements-dev.txt")}
    assert users - developers == set()


def test_the_npm_lock_names_no_host() -> None:
    lock = json.loads((ROOT / "web" / "package-lock.json").read_text())
    found = [name for name, package in lock["packages"].items() if "resolved" in package]
    assert found == [], "add omit-lockfile-registry-resolved=true to web/.npmrc and run `make lock`"


def test_npm_is_told_to_keep_hosts_out_of_its_lock_and_is_given_no_registry() -> None:
    lines = (ROOT / "web" / ".npmrc").read_text().split()
    assert "omit-lockfile-registry-resolved=true" in lines
    assert [line for line in lines if "://" in line or line.startswith("registry")] == []


def test_every_peer_of_the_bench_has_its_lock() -> None:
    groups = re.findall(r"^(bench-\w+) = ", (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    assert [f"requirements-{group}.txt" for group in sorted(groups)] == [
        lock for lock in PYTHON_LOCKS if lock.startswith("requirements-bench-")
    ]
