"""Looks over everything a desk needs, one finding at a time."""

from __future__ import annotations

import asyncio
import shutil
import socket
import sys
from collections.abc import Callable
from importlib import resources
from pathlib import Path

import apsw
import msgspec

from papertape import kernel
from papertape.app.feeds import make_binance
from papertape.app.settings import Settings
from papertape.errors import PapertapeError, Unavailable
from papertape.session.clock import wall_clock
from papertape.store.folder import DataFolder, open_folder
from papertape.store.questdb.address import QuestAddress
from papertape.store.questdb.health import TableHealth
from papertape.store.questdb.research import QuestResearch
from papertape.store.questdb.statements import Statements
from papertape.store.questdb.verify import verify_mirror
from papertape.store.sqlite import open_store

_ENOUGH_DISK = 1_000_000_000


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One thing looked at. `detail` says what it is and, when it is not well, what to do."""

    name: str
    is_well: bool
    detail: str


async def examine(settings: Settings) -> list[Finding]:
    """Return every finding; nothing is changed but a probe row that is removed again."""
    return [
        _python(),
        _kernel(),
        _user_interface(),
        _port(settings.host, settings.port),
        *_folder_and_store(settings.data_dir),
        *await _mirror(settings.mirror),
        await _venue(settings),
    ]


def _python() -> Finding:
    version = ".".join(str(part) for part in sys.version_info[:3])
    detail = f"Python {version}, SQLite {apsw.sqlite_lib_version()}"
    return Finding(name="Python", is_well=sys.version_info >= (3, 11), detail=detail)


def _kernel() -> Finding:
    # Interpreted is slower and not wrong: the results are the same.
    return Finding(name="kernel", is_well=not kernel.refusal(), detail=kernel.refusal() or kernel.told())


def _user_interface() -> Finding:
    is_built = resources.files("papertape.server").joinpath("ui", "index.html").is_file()
    detail = "built" if is_built else "not built; run `make ui`, or install the wheel, which carries it"
    return Finding(name="dashboard", is_well=is_built, detail=detail)


def _port(host: str, port: int) -> Finding:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            detail = f"{host}:{port} cannot be listened on ({error.strerror}); a desk may run there already: --port"
            return Finding(name="port", is_well=False, detail=detail)
    return Finding(name="port", is_well=True, detail=f"{host}:{port} is free")


def _folder_and_store(path: Path) -> list[Finding]:
    if not path.exists():
        return [Finding(name="data folder", is_well=True, detail=f"{path} is made by the first `papertape run`")]
    try:
        folder = open_folder(path)
    except PapertapeError as error:
        return [Finding(name="data folder", is_well=False, detail=error.message)]
    try:
        free = shutil.disk_usage(path).free
        detail = f"{path}, {free / 1e9:.1f} GB free" + ("" if free > _ENOUGH_DISK else "; make room")
        return [Finding(name="data folder", is_well=free > _ENOUGH_DISK, detail=detail),
                _finding("store", lambda: _probe_store(folder))]  # fmt: skip
    finally:
        folder.close()


def _probe_store(folder: DataFolder) -> str:
    store = open_store(folder, wall_clock)
    try:
        store.probe()
        return f"a row was written, read back and removed; {store.status().detail}"
    finally:
        store.close()


async def _mirror(address: QuestAddress | None) -> list[Finding]:
    if address is None:
        return []
    found = await asyncio.to_thread(_finding, "QuestDB", lambda: _look_at_mirror(address))
    why_not = await _why_unanswered(address) if found.is_well else None
    return [found if why_not is None else Finding(name=found.name, is_well=False, detail=why_not)]


async def _why_unanswered(address: QuestAddress) -> str | None:
    research = QuestResearch(address)
    try:
        await research.check()
    except PapertapeError as error:
        return error.message
    finally:
        await research.close()
    return None


def _look_at_mirror(address: QuestAddress) -> str:
    statements = Statements(address)
    try:
        version = statements.version()
        verified = verify_mirror(statements, is_changing=False)
        health = TableHealth()
        health.ask_transactions(statements)
    finally:
        statements.close()
    if health.suspended:
        raise Unavailable(
            f"QuestDB {version} at {address.location} has suspended {', '.join(health.suspended)}: it takes rows there "
            "and does not show them. Make room on its disk, then choose Resume on the desk's storage page.",
            code="store.mirror_suspended",
        )
    due = len(verified.changes)
    detail = f"QuestDB {version} answers at {address.location}"
    return f"{detail}; its tables fit" if not due else f"{detail}; the next `papertape run` makes {due} changes there"


async def _venue(settings: Settings) -> Finding:
    source = make_binance(settings, wall_clock)
    try:
        why_not = await source.reachable(5.0)
    finally:
        await source.close()
    detail = why_not or "the exchange answers"
    return Finding(name="live exchange", is_well=why_not is None, detail=detail)


def _finding(name: str, look: Callable[[], str]) -> Finding:
    try:
        return Finding(name=name, is_well=True, detail=look())
    except PapertapeError as error:
        return Finding(name=name, is_well=False, detail=error.message)
