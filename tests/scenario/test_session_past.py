"""What a desk answers about the past: a session that runs from its journal, any other one from research."""

from __future__ import annotations

import pytest

from papertape.errors import Broken, Invalid, Unavailable
from papertape.journal.research import Found, Span
from papertape.model.session import SessionId
from papertape.model.tables import SIGNALS
from papertape.model.views import BarView
from papertape.testkit.fake_source import FakeSource, make_instrument
from papertape.testkit.manual_time import settle
from papertape.testkit.session_bench import SessionBench

BTC = make_instrument("BTCUSDT")
WHOLE = Span()


async def ended() -> tuple[SessionBench, SessionId]:
    desk = SessionBench(FakeSource([BTC]))
    session_id = (await desk.start("BTCUSDT")).session_id
    await settle()
    await desk.play([BTC], 20)
    await desk.desk.stop(session_id, close_positions=False)
    await desk.time.pass_time(3)
    assert desk.desk.session(session_id).state == "stopped"
    await desk.desk.close()  # its views are put away by then
    return desk, session_id


def seven_seconds() -> BarView:
    return BarView(
        instrument=BTC.id, interval_s=7, ts=0, open=1.0, high=1.0, low=1.0, close=1.0, volume=1.0, is_partial=False
    )


async def test_facts_of_a_live_session_come_from_the_journal_whatever_research_says() -> None:
    desk = SessionBench(FakeSource([BTC]))
    session_id = (await desk.start("BTCUSDT")).session_id
    await settle()
    await desk.play([BTC], 8)
    desk.research.failure = Unavailable("QuestDB is away.", code="store.unavailable")
    found = await desk.desk.past.facts(session_id, SIGNALS)
    assert found == Found(items=desk.store.events(SIGNALS, session_id), source="journal")
    assert found.items
    await desk.desk.close()


async def test_facts_of_an_ended_session_come_from_research_with_its_note() -> None:
    desk, session_id = await ended()
    desk.research.note = "QuestDB answered late."
    found = await desk.desk.past.facts(session_id, SIGNALS, limit=1)
    first = desk.store.events(SIGNALS, session_id, limit=1)
    assert found == Found(items=first, source="questdb", note="QuestDB answered late.")


async def test_bars_of_an_ended_session_are_those_kept_and_otherwise_built_by_research() -> None:
    desk, session_id = await ended()
    kept = await desk.desk.past.bars(session_id, BTC.id, 5, WHOLE, 2)
    assert (kept.source, len(kept.items), {bar.interval_s for bar in kept.items}) == ("journal", 2, {5})
    desk.research.kept_bars = [seven_seconds()]
    built = await desk.desk.past.bars(session_id, BTC.id, 7, WHOLE, 10)
    assert built == Found(items=[seven_seconds()], source="questdb")
    assert (await desk.desk.past.bars(session_id, BTC.id, 5, Span(start_ts=1), 10)).source == "questdb"


async def test_bars_of_a_live_session_within_a_span_come_from_its_engine() -> None:
    desk = SessionBench(FakeSource([BTC]))
    session_id = (await desk.start("BTCUSDT")).session_id
    await settle()
    await desk.play([BTC], 10)
    every = (await desk.desk.past.bars(session_id, BTC.id, 1, WHOLE, 100)).items
    part = await desk.desk.past.bars(session_id, BTC.id, 1, Span(start_ts=every[2].ts, end_ts=every[6].ts), 3)
    assert part == Found(items=every[3:6], source="journal")
    await desk.desk.close()


async def test_a_question_that_the_session_cannot_have_an_answer_to_is_refused_with_the_choices() -> None:
    desk, session_id = await ended()
    past = desk.desk.past
    with pytest.raises(Invalid, match=f"it watches {BTC.id}"):
        await past.bars(session_id, "ETHUSDT-PERP.FAKE", 1, WHOLE, 1)
    with pytest.raises(Invalid, match="it has buy-the-tick"):
        await past.indicator_values(session_id, "nope", BTC.id, "rate", WHOLE, 1)
    with pytest.raises(Invalid, match="it has rate, spread"):
        await past.indicator_values(session_id, "buy-the-tick", BTC.id, "nope", WHOLE, 1)
    assert (await past.indicator_values(session_id, "buy-the-tick", BTC.id, "rate", WHOLE, 1)).items == []


async def test_what_is_damaged_in_the_store_is_unavailable_and_no_failure_of_the_desk() -> None:
    desk, session_id = await ended()
    desk.research.failure = Broken("The batch at seq 5 cannot be read.", code="store.undecodable_batch")
    with pytest.raises(Unavailable, match="cannot be read") as failure:
        await desk.desk.past.signals_in_context(session_id, 10)
    assert failure.value.code == "store.undecodable_batch"
