"""Questions about the past while a real QuestDB dies, freezes, or lacks a column: each is answered, and says where."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from papertape.journal.ports import Commit
from papertape.journal.research import Found, Span
from papertape.model.entries import Entry
from papertape.model.tables import SIGNALS
from papertape.session.clock import wall_clock
from papertape.store.folder import open_folder
from papertape.store.journal_research import JournalResearch
from papertape.store.questdb.mirror import QuestMirror, open_mirror
from papertape.store.questdb.research import QuestResearch
from papertape.store.questdb.statements import Statements
from papertape.store.questdb.verify import verify_mirror
from papertape.store.research import MirroredResearch
from papertape.store.sqlite import open_store
from papertape.testkit.questdb_server import QuestServer
from papertape.testkit.research_contract import SECOND, START, ended, fired, quote, reading, sampled, tape, trade
from papertape.testkit.store_contract import SESSION, facts, write
from papertape.testkit.venue import PERPETUAL

pytestmark = pytest.mark.questdb

CONNECT_S, ANSWER_S = 1.0, 1.5
SOON_S = 30.0
WHOLE = Span()


def recorded() -> list[Commit]:
    """Return an ended session of an hour ago: market, samples and signals."""
    at_s = (wall_clock() - START) // SECOND - 3_600
    entries: list[Entry] = [trade(at_s + second, 100 + second) for second in range(100)]
    entries += [quote(at_s + 100 + second, 300 + second) for second in range(20)]
    return [
        ended(created_ts=START + at_s * SECOND),
        tape(*entries),
        *(sampled(second + 1, at_s + second, reading(second / 7)) for second in range(50)),
        facts(SESSION, *(fired(seq, at_s + 100 + seq) for seq in range(1, 31))),
    ]


class Desk:
    """A journal with an ended session, its copy in a QuestDB, and research on both."""

    def __init__(self, research: MirroredResearch, journal: JournalResearch, mirror: QuestMirror) -> None:
        self.research = research
        self.journal = journal
        self.mirror = mirror

    async def answers(self) -> list[Found[Any]]:  # Any: records of several kinds
        """Ask one question of each kind."""
        asked = self.research
        return [
            await asked.events(SIGNALS, SESSION, newest_first=True, limit=20),
            await asked.bars(SESSION, PERPETUAL.id, 7, WHOLE),
            await asked.indicator_values(SESSION, "pump-peak-short", PERPETUAL.id, "rsi", WHOLE),
            await asked.latest_values(SESSION),
            await asked.signals_in_context(SESSION, limit=10),
        ]

    async def expected(self) -> list[list[Any]]:
        """Return what the journal answers to the same questions."""
        mirrored, self.research = self.research, self.journal  # type: ignore[assignment]  # both answer alike
        try:
            return [found.items for found in await self.answers()]
        finally:
            self.research = mirrored

    async def signals(self) -> Found[Any]:
        """Ask for the signals."""
        return await self.research.events(SIGNALS, SESSION)

    async def wait_for_copy(self) -> None:
        """Ask until the copy answers."""
        await eventually(lambda: self.mirror.status().is_healthy)
        until = time.monotonic() + SOON_S
        while (found := await self.signals()).source != "questdb":
            assert time.monotonic() < until, found.note
            await asyncio.sleep(0.05)


@pytest.fixture
async def desk(tmp_path: Path, quest_server: QuestServer) -> AsyncIterator[Desk]:
    folder = open_folder(tmp_path / "data")
    store = open_store(folder, wall_clock)
    mirror = open_mirror(quest_server.address, store, wall_clock)
    mirror.start()
    write(store, *recorded())
    journal = JournalResearch(store)
    quest = QuestResearch(quest_server.address, connect_s=CONNECT_S, answer_s=ANSWER_S)
    research = MirroredResearch(quest, journal, store, mirror, clock=wall_clock)
    desk = Desk(research, journal, mirror)
    await desk.wait_for_copy()
    quest_server.wait_until_applied()
    yield desk
    await research.close()
    quest_server.thaw() if quest_server.is_running else None
    mirror.close()
    store.close()
    folder.close()


async def eventually(condition: Callable[[], bool]) -> None:
    """Wait for a condition, at most as long as a slow machine needs."""
    until = time.monotonic() + SOON_S
    while not condition():
        assert time.monotonic() < until, "it did not happen in time"
        await asyncio.sleep(0.05)


def sources(found: list[Found[Any]]) -> set[str]:
    return {each.source for each in found}


async def test_a_copy_that_is_killed_and_comes_back(desk: Desk, quest_server: QuestServer) -> None:
    expected = await desk.expected()
    before = await desk.answers()
    assert (sources(before), [each.items for each in before]) == ({"questdb"}, expected)
    assert {each.note for each in before} == {None}

    quest_server.kill()
    without = await desk.answers()
    assert (sources(without), [each.items for each in without]) == ({"journal"}, expected)
    for each in without:  # that it is gone, or, in the moment it goes, that it may lack something
        assert str(each.note).startswith("Read from the journal on this machine: ")
        assert quest_server.address.location in str(each.note)

    quest_server.start()
    await desk.wait_for_copy()
    after = await desk.answers()
    assert (sources(after), [each.items for each in after]) == ({"questdb"}, expected)


async def test_a_copy_that_stands_still_is_waited_for_once(desk: Desk, quest_server: QuestServer) -> None:
    expected = await desk.expected()
    quest_server.freeze()
    started = time.monotonic()
    first = await desk.signals()
    waited = time.monotonic() - started
    assert (first.source, first.items) == ("journal", await _signals(desk.journal))
    assert waited < SOON_S, "the journal answers once the bounds are over"

    started = time.monotonic()
    frozen = await desk.answers()
    assert (sources(frozen), [each.items for each in frozen]) == ({"journal"}, expected)
    assert time.monotonic() - started < ANSWER_S, "nobody waits again for what did not answer a moment ago"

    quest_server.thaw()
    await desk.wait_for_copy()
    assert [each.items for each in await desk.answers()] == expected


async def test_a_copy_whose_signals_lack_the_side(desk: Desk, quest_server: QuestServer) -> None:
    quest_server.execute('ALTER TABLE "signals" DROP COLUMN "side"')
    quest_server.wait_until_applied()
    without = await desk.signals()
    assert (without.source, without.items) == ("journal", await _signals(desk.journal))
    assert "Invalid column: side" in str(without.note)
    assert "papertape store migrate" in str(without.note)

    statements = Statements(quest_server.address)
    changes = verify_mirror(statements).changes
    statements.close()
    assert len(changes) == 1
    assert 'ADD COLUMN IF NOT EXISTS "side"' in changes[0]
    found = await desk.signals()
    assert (found.source, found.note) == ("questdb", None)
    assert [signal.seq for signal in found.items] == [signal.seq for signal in without.items]


async def _signals(research: JournalResearch) -> list[Any]:
    return (await research.events(SIGNALS, SESSION)).items
