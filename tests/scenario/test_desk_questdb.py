"""A desk on a real QuestDB: what it lacked is there afterwards, and a wrong address is answered with what to do."""

from __future__ import annotations

import asyncio
import re
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from papertape.app.doctor import examine
from papertape.app.settings import Settings
from papertape.app.storage import open_storage
from papertape.errors import Broken, Invalid
from papertape.journal.ports import Commit
from papertape.model.events import SignalFired
from papertape.model.session import SessionRow
from papertape.model.tables import SIGNALS
from papertape.session.clock import wall_clock
from papertape.session.desk import Desk
from papertape.session.feeds import Feeds
from papertape.session.library import Library
from papertape.store.folder import open_folder
from papertape.store.questdb.address import QuestAddress
from papertape.store.questdb.statements import Statements
from papertape.store.questdb.words import create_table_sql
from papertape.testkit.engine_run import session_plan
from papertape.testkit.facts import fact
from papertape.testkit.fake_source import FakeSource, make_instrument
from papertape.testkit.http_probe import http_probe
from papertape.testkit.processes import DeskProcess, free_port, papertape_command
from papertape.testkit.questdb_server import QuestServer, store_option
from papertape.testkit.session_bench import SIMPLE_STRATEGY, MemoryFiles
from papertape.wire.http import Page

SESSION = "exec_20251227_165822_fe61be26"
LONG_AGO_US = 1_766_854_702_000_000
DEADLINE_S = 60.0


def stopped_session() -> SessionRow:
    return SessionRow(
        session_id=SESSION, revision=1, epoch="e-1", created_ts=LONG_AGO_US, updated_ts=LONG_AGO_US, feed="fake",
        state="stopped", reason="Stopped by the trader.", is_degraded=False, entries_paused=False,
        idempotency_key=None, plan=session_plan(SIMPLE_STRATEGY), instances=(),
    )  # fmt: skip


async def until(is_so: Callable[[], bool], why: str) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not is_so():
        assert time.monotonic() < deadline, why
        await asyncio.sleep(0.05)


def eventually(look: Callable[[], Any], is_so: Callable[[Any], bool]) -> Any:
    deadline = time.monotonic() + DEADLINE_S
    while not is_so(found := look()):
        assert time.monotonic() < deadline, found
        time.sleep(0.1)
    return found


def columns_of_signals(address: QuestAddress) -> set[str]:
    statements = Statements(address)
    try:
        return {str(row[0]) for row in statements.run("SHOW COLUMNS FROM signals")}
    finally:
        statements.close()


def create_signals(address: QuestAddress, declared: str, made: str) -> None:
    """Create the table of signals with one part of its declaration made otherwise."""
    ddl = create_table_sql(SIGNALS)
    changed = re.sub(declared, made, ddl)
    assert changed != ddl
    statements = Statements(address)
    try:
        statements.run(changed)
    finally:
        statements.close()


async def signals_page(http: httpx.AsyncClient) -> Page[SignalFired]:
    answer = await http.get(f"/api/sessions/{SESSION}/signals")
    assert answer.status_code == 200, answer.text
    return msgspec.json.decode(answer.content, type=Page[SignalFired])


async def test_signals_are_answered_200_on_a_questdb_whose_table_lacked_the_side(
    quest: QuestAddress, tmp_path: Path
) -> None:
    create_signals(quest, '"side" [^,]+, ', "")
    assert "side" not in columns_of_signals(quest)
    signals = [fact(SignalFired, 1), fact(SignalFired, 2, side=None), fact(SignalFired, 3, side="sell")]
    folder = open_folder(tmp_path / "data")
    try:
        async with open_storage(Settings(mirror=quest), folder, wall_clock) as storage:
            mirror = storage.mirror
            assert mirror is not None
            assert storage.notes == ()
            answers: list[BaseException | None] = []
            commit = Commit(session_id=SESSION, batch=None, events=tuple(signals), row=stopped_session())
            storage.store.submit(commit, answers.append)
            await until(lambda: answers == [None], "the commit never became durable")
            source = FakeSource([make_instrument()])
            desk = Desk(
                feeds=Feeds({"fake": source}, "fake"), library=Library(MemoryFiles()), appender=storage.store,
                history=storage.store, research=storage.research, mirror=mirror, clock=wall_clock,
            )  # fmt: skip
            async with http_probe(desk) as http:
                page = await signals_page(http)
                deadline = time.monotonic() + DEADLINE_S
                while page.source == "journal":  # the copy does not have everything yet, and the answer says so
                    assert page.note is not None
                    assert page.items == signals
                    assert time.monotonic() < deadline, page.note
                    await asyncio.sleep(0.05)
                    page = await signals_page(http)
                assert page == Page(epoch="e-1", seq=3, items=signals, source="questdb")
                shown = (await http.get("/api/store")).text
                assert quest.location in shown
                assert quest.password not in shown
            await desk.close()
    finally:
        folder.close()
    assert "side" in columns_of_signals(quest)


async def test_a_password_that_is_refused_and_a_port_of_something_else_are_told_before_anything_runs(
    quest: QuestAddress, tmp_path: Path
) -> None:
    wrong = msgspec.structs.replace(quest, password="not-s3cret")
    other_port = msgspec.structs.replace(quest, http_port=quest.pg_port)
    for address, said in ((wrong, "does not accept the user and password"), (other_port, "belongs behind ?pg=")):
        folder = open_folder(tmp_path / "data")
        with pytest.raises(Invalid) as refused:
            async with open_storage(Settings(mirror=address), folder, wall_clock):
                raise AssertionError("it opened")
        folder.close()  # the journal and its lock were let go of
        assert said in refused.value.message
        assert "s3cret" not in refused.value.message


async def test_a_questdb_whose_column_has_another_type_is_refused_with_the_statements_to_run(
    quest: QuestAddress, tmp_path: Path
) -> None:
    create_signals(quest, '"price" DOUBLE', '"price" LONG')
    folder = open_folder(tmp_path / "data")
    with pytest.raises(Broken, match="RENAME TABLE"):
        async with open_storage(Settings(mirror=quest), folder, wall_clock):
            raise AssertionError("it opened")
    folder.close()


def test_the_command_refuses_a_wrong_password_with_a_sentence_and_status_2(quest: QuestAddress, tmp_path: Path) -> None:
    wrong = msgspec.structs.replace(quest, password="not-s3cret")
    ended = subprocess.run(
        [papertape_command(), "run", "--port", "0", "--data-dir", str(tmp_path / "data"), "--store",
         store_option(wrong)],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.startswith(f"papertape: QuestDB at {quest.location} does not accept the user and password")
    assert "s3cret" not in ended.stderr


def test_a_desk_whose_questdb_is_not_there_starts_says_so_and_catches_up_when_it_comes(
    quest_server: QuestServer, tmp_path: Path
) -> None:
    quest_server.stop()
    desk = DeskProcess(tmp_path / "data", "--feed", "simulated", "--store", quest_server.store)
    try:
        desk.process.wait_for("QuestDB does not answer at .*Nothing is lost.*`make questdb`")
        session = desk.get("/api/sessions")["items"][0]["session_id"]
        health = eventually(lambda: desk.get("/health"), lambda found: found["status"] == "degraded")
        assert quest_server.address.location in health["detail"]
        assert health["store"]["is_healthy"]
        assert desk.get(f"/api/sessions/{session}/signals")["source"] == "journal"
        quest_server.start()
        mirror = eventually(lambda: desk.get("/api/store")["mirror"], lambda found: found["state"] == "live")
        assert mirror["rows_total"] > 0
        arguments = Path(f"/proc/{desk.process.pid}/cmdline").read_bytes()
        assert quest_server.address.password.encode() not in arguments
        log = (tmp_path / "data" / "logs" / "papertape.log").read_text(encoding="utf-8")
        assert quest_server.address.password not in log
    finally:
        assert desk.end() == 0
    assert quest_server.address.password not in "".join(desk.process.said)


async def test_a_wrong_port_for_questions_is_told_though_rows_are_taken(quest: QuestAddress, tmp_path: Path) -> None:
    wrong = msgspec.structs.replace(quest, pg_port=free_port())
    folder = open_folder(tmp_path / "data")
    async with open_storage(Settings(mirror=wrong), folder, wall_clock) as storage:
        (note,) = storage.notes
    folder.close()
    found = {one.name: one for one in await examine(Settings(data_dir=tmp_path / "data", port=0, mirror=wrong))}
    said = f"does not answer questions (port {wrong.pg_port}: nobody listens there). Check that the server runs, and"
    assert said in note
    assert (found["QuestDB"].is_well, said in found["QuestDB"].detail) == (False, True)


def test_the_doctor_looks_at_the_questdb_without_changing_it(quest: QuestAddress, tmp_path: Path) -> None:
    command = [papertape_command(), "doctor", "--json", "--port", str(free_port()), "--data-dir", str(tmp_path / "d")]
    looked = subprocess.run(
        [*command, "--store", store_option(quest)], capture_output=True, text=True, timeout=60, check=False
    )
    finding = next(one for one in msgspec.json.decode(looked.stdout) if one["name"] == "QuestDB")
    assert (finding["is_well"], "the next `papertape run` makes" in finding["detail"]) == (True, True)
    statements = Statements(quest)
    assert statements.run("SELECT table_name FROM tables() WHERE table_name = 'signals'") == []
    statements.close()
