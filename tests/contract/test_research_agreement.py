"""The journal and QuestDB give the same records to the same questions, whatever was recorded."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from papertape.journal.ports import Commit, Filter
from papertape.journal.research import Research, Span
from papertape.model.entries import Entry
from papertape.model.tables import MIRRORED_TABLES, SIGNALS
from papertape.store.folder import open_folder
from papertape.store.journal_research import JournalResearch
from papertape.store.outbox import SOURCES, PageLimits, Position
from papertape.store.questdb.address import QuestAddress
from papertape.store.questdb.lines import LineSender
from papertape.store.questdb.research import QuestResearch
from papertape.store.questdb.statements import Statements
from papertape.store.questdb.verify import verify_mirror
from papertape.store.sqlite import SqliteStore, open_store
from papertape.testkit.questdb_server import execute, wait_until_applied
from papertape.testkit.research_contract import (
    COIN,
    SECOND,
    START,
    ended,
    fired,
    quote,
    reading,
    sampled,
    tape,
    trade,
)  # fmt: skip
from papertape.testkit.store_contract import SESSION, facts, write
from papertape.testkit.venue import PERPETUAL, SPOT

INSTRUMENTS = st.sampled_from([PERPETUAL, SPOT, COIN])
STEP_S = st.sampled_from([0.0, 0.0, 0.000_001, 0.5, 1.0, 59.0])
NAMES = st.sampled_from(["rsi", "ema|9", "zażółć 🟢", 'it\'s "odd", a=b'])


class Moment(msgspec.Struct, frozen=True):
    """What happens `step_s` seconds after the moment before."""

    step_s: float
    instrument: Any
    price: int
    size: int
    is_quote: bool
    has_signal: bool
    indicator: str
    value: float | None


MOMENTS = st.lists(
    st.builds(
        Moment, STEP_S, INSTRUMENTS, st.integers(1, 10**12), st.integers(1, 10**14), st.booleans(), st.booleans(),
        NAMES, st.none() | st.floats(allow_nan=False, allow_infinity=False),
    ),
    min_size=1,
    max_size=40,
)  # fmt: skip


def recorded(moments: list[Moment]) -> list[Commit]:
    """Return a session in which these moments happened, each a batch of its own."""
    commits, at_s = [ended()], 0.0
    for seq, each in enumerate(moments, 1):
        at_s += each.step_s
        entry: Entry = quote(at_s, each.price, each.instrument)
        if not each.is_quote:
            entry = trade(at_s, each.price, each.size, each.instrument)
        commits.append(tape(entry, first_seq=seq))
        commits.append(sampled(seq, at_s, reading(each.value, each.indicator, instrument=each.instrument)))
        if each.has_signal:
            commits.append(facts(SESSION, fired(seq, at_s, each.instrument)))
    return commits


async def told(research: Research, span: Span, limit: int) -> list[Any]:
    """Return the answers to one question of each kind and instrument."""
    odd = [Filter(column="instrument", value=COIN.id)]
    found: list[Any] = [
        await research.events(SIGNALS, SESSION, limit=limit, newest_first=True),
        await research.events(SIGNALS, SESSION, filters=odd),
        await research.latest_values(SESSION),
        await research.signals_in_context(SESSION, limit=limit),
    ]
    for instrument in (PERPETUAL, SPOT, COIN):
        found += [await research.bars(SESSION, instrument.id, width, span, limit=limit) for width in (1, 7, 60)]
        found.append(await research.indicator_values(SESSION, "pump-peak-short", instrument.id, "ema|9", span))
    return [each.items for each in found]


def copy(store: SqliteStore, address: QuestAddress) -> None:
    """Send everything the journal holds to emptied tables, as a mirror does, and wait until it can be read."""
    for table in MIRRORED_TABLES:
        if execute(address, f'SELECT 1 FROM "{table.name}" LIMIT 1'):
            execute(address, f'TRUNCATE TABLE "{table.name}"')
    sender, outbox = LineSender(address), store.outbox(address.location)
    for source in SOURCES:
        for table, rows in outbox.page(source, Position(), PageLimits()).flushes:
            sender.send(table, rows)
    sender.close()
    wait_until_applied(address)


def both(moments: list[Moment], span: Span, limit: int, address: QuestAddress) -> tuple[list[Any], list[Any]]:
    """Return what the journal and QuestDB answer about a session of these moments."""

    async def asked(store: SqliteStore) -> tuple[list[Any], list[Any]]:
        quest = QuestResearch(address)
        try:
            return await told(JournalResearch(store), span, limit), await told(quest, span, limit)
        finally:
            await quest.close()

    with tempfile.TemporaryDirectory() as path:
        folder = open_folder(Path(path))
        store = open_store(folder, lambda: 0)
        try:
            write(store, *recorded(moments))
            copy(store, address)
            return asyncio.run(asked(store))
        finally:
            store.close()
            folder.close()


@pytest.fixture
def declared(quest: QuestAddress) -> QuestAddress:
    """Return a server with all tables, empty."""
    statements = Statements(quest)
    verify_mirror(statements)
    statements.close()
    return quest


@pytest.mark.questdb
@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    moments=MOMENTS,
    span=st.builds(
        lambda start, end: Span(
            start_ts=None if start is None else START + start * SECOND // 2,
            end_ts=None if end is None else START + end * SECOND // 2,
        ),
        st.none() | st.integers(-5, 40),
        st.none() | st.integers(0, 400),
    ),
    limit=st.integers(0, 50),
)
def test_the_journal_and_questdb_agree(declared: QuestAddress, moments: list[Moment], span: Span, limit: int) -> None:
    journal, questdb = both(moments, span, limit, declared)
    assert questdb == journal
