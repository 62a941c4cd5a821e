"""The contract of research on the journal, on its sealed segments, and on a real QuestDB."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from itertools import count
from pathlib import Path

import msgspec
import pytest

from papertape.journal.ports import Commit
from papertape.journal.research import Research
from papertape.model.tables import BARS, INDICATOR_VALUES, QUOTES, SESSIONS, TABLE_OF, TRADES, Table
from papertape.store.folder import open_folder
from papertape.store.journal_research import JournalResearch
from papertape.store.market_rows import market_rows, sample_rows
from papertape.store.questdb.address import QuestAddress
from papertape.store.questdb.lines import LineSender
from papertape.store.questdb.research import QuestResearch
from papertape.store.questdb.statements import Statements
from papertape.store.questdb.verify import verify_mirror
from papertape.store.rows import Row
from papertape.store.schema import CODECS
from papertape.store.segments.sealer import Sealer, SealPolicy
from papertape.store.segments.work import carry_out
from papertape.store.sqlite import SqliteStore, open_store
from papertape.testkit.questdb_server import QuestServer, drop_tables, execute, wait_until_applied
from papertape.testkit.research_contract import COIN, Past, ResearchContract
from papertape.testkit.store_contract import write
from papertape.testkit.venue import PERPETUAL, SPOT

INSTRUMENTS = {each.id: each for each in (PERPETUAL, SPOT, COIN)}
POLICY = SealPolicy(segment_entries=40, live_entries=10)


class JournalPast:
    """A journal, and research on it."""

    def __init__(self, store: SqliteStore) -> None:
        self.research: Research = JournalResearch(store)
        self._store = store

    def write(self, *commits: Commit) -> None:
        """Make commits durable."""
        write(self._store, *commits)


class SealedPast:
    """A journal whose batches are sealed as soon as they may be, and research on it."""

    def __init__(self, store: SqliteStore, sealer: Sealer) -> None:
        self.research: Research = JournalResearch(store)
        self._store = store
        self._sealer = sealer

    def write(self, *commits: Commit) -> None:
        """Make commits durable, batches in their order, and seal what is due."""
        write(self._store, *sorted(commits, key=lambda each: each.batch.first_seq if each.batch else 0))
        assert self._sealer.seal_now().failures == ()


class QuestPast:
    """A QuestDB that is filled as a mirror fills it, one table a flush, and no journal."""

    def __init__(self, address: QuestAddress, research: QuestResearch) -> None:
        self.research: Research = research
        self._address = address
        self._sender = LineSender(address)
        self._filled: set[str] = set()

    def write(self, *commits: Commit) -> None:
        """Send the rows of commits, commit by commit, and wait until they can be read."""
        for commit in commits:
            rows: defaultdict[str, list[Row]] = defaultdict(list)
            for table, record in _records(commit):
                rows[table.name].append(CODECS[table.name].encode(commit.session_id, record))
            for name, some in rows.items():
                self._sender.send(CODECS[name].table, some)
            self._filled |= rows.keys()
        wait_until_applied(self._address)

    def close(self) -> None:
        """Empty the tables again and let go of the server."""
        self._sender.close()
        for name in self._filled:
            execute(self._address, f'TRUNCATE TABLE "{name}"')
        wait_until_applied(self._address)


def _records(commit: Commit) -> Iterator[tuple[Table, msgspec.Struct]]:
    for event in commit.events:
        yield TABLE_OF[type(event)], event
    if commit.row is not None:
        yield SESSIONS, commit.row
    if commit.batch is not None:
        trades, quotes = market_rows(commit.session_id, commit.batch, INSTRUMENTS)
        yield from ((TRADES, trade) for trade in trades)
        yield from ((QUOTES, quote) for quote in quotes)
    if commit.samples is not None:
        bars, values = sample_rows(commit.session_id, commit.samples)
        yield from ((BARS, bar) for bar in bars)
        yield from ((INDICATOR_VALUES, value) for value in values)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    folder = open_folder(tmp_path / "data")
    store = open_store(folder, count(1_000_000, 1_000).__next__)
    yield store
    store.close()
    folder.close()


@pytest.fixture(scope="module")
def declared_tables(quest_of_the_run: QuestServer) -> QuestAddress:
    """Make the tables once for this module: each test empties those it has filled."""
    drop_tables(quest_of_the_run.address)
    statements = Statements(quest_of_the_run.address)
    verify_mirror(statements)
    statements.close()
    return quest_of_the_run.address


class TestJournal(ResearchContract):
    @pytest.fixture
    def past(self, store: SqliteStore) -> Past:
        return JournalPast(store)


class TestSealedJournal(ResearchContract):
    @pytest.fixture
    def past(self, store: SqliteStore) -> Iterator[Past]:
        sealer = Sealer(store, count(1_000_000, 1_000).__next__, POLICY, work=carry_out)
        yield SealedPast(store, sealer)
        sealer.close()


@pytest.mark.questdb
class TestQuestDB(ResearchContract):
    @pytest.fixture
    async def past(self, declared_tables: QuestAddress) -> AsyncIterator[Past]:
        research = QuestResearch(declared_tables)
        past = QuestPast(declared_tables, research)
        yield past
        past.close()
        await research.close()
