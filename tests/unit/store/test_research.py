"""Which place answers a question about the past, and what is said when it is not the copy."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from papertape.errors import Invalid, Unavailable
from papertape.journal.ports import Commit
from papertape.journal.research import Found, Span
from papertape.model.entries import Batch, Lifecycle
from papertape.model.session import SessionId
from papertape.model.tables import SIGNALS
from papertape.model.views import MirrorState
from papertape.store.research import MirroredResearch
from papertape.testkit.fake_mirror import FakeMirror
from papertape.testkit.fake_research import FakeResearch
from papertape.testkit.manual_time import ManualTime
from papertape.testkit.memory_store import MemoryStore
from papertape.testkit.research_contract import SECOND, START, ended, tape, trade
from papertape.testkit.store_contract import OTHER, SESSION, session_row, write
from papertape.testkit.venue import PERPETUAL

DAY = 86_400 * SECOND
LOCATION = "questdb://127.0.0.1:9000"
NOT_YET = (
    f"Read from the journal on this machine: the copy at {LOCATION} may not have everything of this session yet; ask "
    "again in a moment."
)
SILENT = Unavailable("QuestDB does not answer.", code="store.mirror_unreachable")
DIFFERS = Unavailable("QuestDB lacks a column.", code="store.mirror_differs")


class VisibleMirror(FakeMirror):
    """A fake copy that shows everything up to a moment."""

    visible_until = START + DAY


class AskedResearch(FakeResearch):
    """A fake that counts what it is asked; where it has a gate, it answers once that is open."""

    asked = 0
    is_closed = False
    gate: asyncio.Event | None = None

    def hold(self) -> asyncio.Event:
        """Answer nothing until the returned gate is opened."""
        self.has_arrived = asyncio.Event()
        self.gate = asyncio.Event()
        return self.gate

    async def events(self, *args: Any, **window: Any) -> Found[Any]:  # Any: passed on as it is
        self.asked += 1
        if self.gate is not None:
            self.has_arrived.set()
            await self.gate.wait()
        return await super().events(*args, **window)

    async def close(self) -> None:
        self.is_closed = True


class Choice:
    """Research over fakes: an ended session, its journal, and a copy that has everything of it."""

    def __init__(self, kind: type[MemoryStore] = MemoryStore) -> None:
        self.time = ManualTime()
        self.store = kind(self.time.clock)
        write(self.store, ended(created_ts=START))
        self.mirror = VisibleMirror()
        self.quest = AskedResearch(self.store)
        self.journal = AskedResearch(self.store)
        self.journal.source = "journal"
        self.research = MirroredResearch(
            self.quest,
            self.journal,
            self.store,
            self.mirror,
            clock=self.time.clock,
            monotonic=self.time.monotonic,
        )

    async def answer(self, session_id: str = SESSION) -> tuple[str, str | None]:
        """Return where a question about facts is answered, and the note."""
        found = await self.research.events(SIGNALS, session_id)
        return found.source, found.note

    async def bars(self) -> tuple[str, str | None]:
        """Return where a question about bars is answered, and the note."""
        found = await self.research.bars(SESSION, PERPETUAL.id, 60, Span())
        return found.source, found.note


@pytest.fixture
def choice() -> Choice:
    return Choice()


async def test_an_ended_session_is_answered_from_a_copy_that_has_everything(choice: Choice) -> None:
    assert await choice.answer() == ("questdb", None)
    assert choice.journal.asked == 0


@pytest.mark.parametrize("state", ["starting", "running", "stopping", "suspended"])
async def test_a_session_that_is_or_may_be_live_is_answered_from_the_journal(choice: Choice, state: Lifecycle) -> None:
    row = session_row(SESSION, 2, state=state, updated_ts=START)
    write(choice.store, Commit(session_id=SESSION, batch=None, row=row))
    assert await choice.answer() == ("journal", None)


async def test_an_unknown_session_is_answered_from_the_journal(choice: Choice) -> None:
    assert await choice.research.events(SIGNALS, "exec_none") == Found(items=[], source="journal")


@pytest.mark.parametrize("state", ["unreachable", "refused", "suspended", "behind"])
async def test_a_copy_that_is_not_healthy_is_not_asked(choice: Choice, state: MirrorState) -> None:
    choice.mirror.become(state)
    detail = choice.mirror.status().detail
    assert await choice.answer() == ("journal", f"Read from the journal on this machine: {detail}")
    assert choice.quest.asked == 0


async def test_a_copy_is_asked_once_it_shows_what_was_there_at_the_start(choice: Choice) -> None:
    for visible_until in (0, choice.time.clock() - 1):
        choice.mirror.visible_until = visible_until
        assert await choice.answer() == ("journal", NOT_YET)
    choice.mirror.visible_until = choice.time.clock()
    assert await choice.answer() == ("questdb", None)


async def test_a_session_that_came_later_is_asked_of_a_copy_that_shows_more_than_that_moment(choice: Choice) -> None:
    choice.mirror.visible_until = choice.time.clock()
    choice.time.advance(60)
    write(choice.store, ended(OTHER))  # an imported one: its row is as old as it was elsewhere
    assert await choice.answer(OTHER) == ("journal", NOT_YET)
    choice.mirror.visible_until = choice.time.clock()
    choice.time.advance(60)
    assert await choice.answer(OTHER) == ("questdb", None)


@pytest.mark.parametrize("failure", [SILENT, DIFFERS])
async def test_what_the_copy_cannot_answer_the_journal_answers(choice: Choice, failure: Unavailable) -> None:
    choice.quest.failure = failure
    assert await choice.answer() == ("journal", f"Read from the journal on this machine: {failure.message}")
    assert await choice.bars() == ("journal", f"Read from the journal on this machine: {failure.message}")


async def test_after_a_copy_was_silent_the_next_questions_do_not_wait_for_it(choice: Choice) -> None:
    choice.quest.failure = SILENT
    first = await choice.answer()
    choice.quest.failure = None
    assert [await choice.answer() for _ in range(3)] == [first] * 3
    assert choice.quest.asked == 1
    choice.time.advance(5)
    assert [await choice.answer() for _ in range(2)] == [("questdb", None)] * 2


async def test_while_one_question_tries_a_silent_copy_again_others_do_not_wait(choice: Choice) -> None:
    choice.quest.failure = SILENT
    await choice.answer()
    choice.time.advance(5)
    choice.quest.failure = None
    gate = choice.quest.hold()
    trying = asyncio.create_task(choice.answer())
    await choice.quest.has_arrived.wait()
    assert (await choice.answer())[0] == "journal"
    gate.set()
    assert await trying == ("questdb", None)


async def test_a_copy_that_differs_is_asked_again_at_once(choice: Choice) -> None:
    choice.quest.failure = DIFFERS
    await choice.answer()
    choice.quest.failure = None
    assert await choice.answer() == ("questdb", None)


async def test_a_question_that_is_wrong_is_refused_and_not_asked_twice(choice: Choice) -> None:
    choice.quest.failure = Invalid("No such value.", code="store.malformed_filter")
    with pytest.raises(Invalid, match="No such value"):
        await choice.answer()
    assert choice.journal.asked == 0


@pytest.mark.parametrize(("age_days", "source"), [(0, "questdb"), (80, "questdb"), (91, "journal")])
async def test_market_data_older_than_the_copy_keeps_is_read_from_the_journal(
    choice: Choice, age_days: int, source: str
) -> None:
    write(choice.store, tape(trade(-age_days * 86_400, 100)))
    answered, note = await choice.bars()
    assert answered == source
    assert await choice.answer() == ("questdb", None)
    assert note == (
        None
        if source == "questdb"
        else f"Read from the journal on this machine: the copy at {LOCATION} keeps trades for 90 days of market time, "
        "and this session reaches further back."
    )


class BusyOnce(MemoryStore):
    """A journal whose tape cannot be read the first time."""

    is_busy = True

    def batches(self, session_id: SessionId, *, after_seq: int = 0) -> Iterator[Batch]:
        was_busy, self.is_busy = self.is_busy, False
        if was_busy:
            raise Unavailable("All readers are busy.", code="store.readers_busy")
        return super().batches(session_id, after_seq=after_seq)


async def test_market_data_whose_age_cannot_be_told_now_is_not_asked_of_the_copy_then_or_later() -> None:
    choice = Choice(BusyOnce)
    write(choice.store, tape(trade(-91 * 86_400, 100)))  # a replay of the past: its row is young, its market time not
    assert [(await choice.bars())[0] for _ in range(2)] == ["journal", "journal"]


async def test_closing_lets_go_of_the_copy(choice: Choice) -> None:
    await choice.research.close()
    assert choice.quest.is_closed
