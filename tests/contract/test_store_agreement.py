"""The fake and SQLite give the same answers to the same history, whatever it is."""

from __future__ import annotations

import tempfile
from pathlib import Path

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from papertape.errors import Broken
from papertape.journal.ports import Commit, Filter
from papertape.model.tables import SIGNALS
from papertape.store.folder import open_folder
from papertape.store.sqlite import open_store
from papertape.testkit.memory_store import MemoryStore
from papertape.testkit.store_contract import OTHER, SESSION, Store, commit, session_row, signal, ticks


class Step(msgspec.Struct, frozen=True):
    """A commit to make; a seq that repeats halts the session in both stores."""

    session_id: str
    seq: int
    side: str | None
    with_row: bool


class Question(msgspec.Struct, frozen=True):
    session_id: str
    after: int
    until: int | None
    limit: int
    side: str | None
    newest_first: bool


SESSIONS = st.sampled_from([SESSION, OTHER])
SIDES = st.sampled_from(["buy", "sell", None])
STEPS = st.lists(st.builds(Step, SESSIONS, st.integers(1, 20), SIDES, st.booleans()), max_size=12)
QUESTIONS = st.lists(
    st.builds(
        Question,
        SESSIONS,
        st.integers(-1, 20),
        st.none() | st.integers(0, 20),
        st.integers(-1, 5),
        SIDES,
        st.booleans(),
    ),
    max_size=5,
)


def _make(step: Step) -> Commit:
    return Commit(
        session_id=step.session_id,
        batch=ticks(2 * step.seq - 1, 2 * step.seq),
        events=(signal(step.seq, side=step.side),),
        row=session_row(step.session_id, step.seq) if step.with_row else None,
    )


def _outcome(store: Store, step: Step) -> str:
    try:
        answers = commit(store, _make(step))
    except Broken as refusal:
        return f"refused {refusal.code}"
    return ", ".join("durable" if answer is None else f"failed {type(answer).__name__}" for answer in answers)


def _answer(store: Store, question: Question) -> object:
    filters = [] if question.side is None else [Filter(column="side", value=question.side)]
    return store.events(
        SIGNALS,
        question.session_id,
        after=question.after,
        until=question.until,
        limit=question.limit,
        filters=filters,
        newest_first=question.newest_first,
    )


def _tape(store: Store, session_id: str, after_seq: int) -> object:
    try:
        return list(store.batches(session_id, after_seq=after_seq))
    except Broken as broken:
        return broken.message


def _told(store: Store, steps: list[Step], questions: list[Question]) -> list[object]:
    told: list[object] = [_outcome(store, step) for step in steps]
    told.extend(_answer(store, question) for question in questions)
    for session_id in (SESSION, OTHER):
        told.extend(_tape(store, session_id, after) for after in (0, 3))
        told.extend((store.last_entry_seq(session_id), store.last_event_seq(session_id), store.session(session_id)))
    return [*told, store.sessions(), store.sessions(limit=1), store.status().is_healthy, store.status().rows_total]


@settings(max_examples=30, deadline=None)
@given(steps=STEPS, questions=QUESTIONS)
def test_the_fake_and_sqlite_agree(steps: list[Step], questions: list[Question]) -> None:
    with tempfile.TemporaryDirectory() as path:
        folder = open_folder(Path(path))
        store = open_store(folder, lambda: 0)
        on_disk = _told(store, steps, questions)
        store.close()
        folder.close()
    assert on_disk == _told(MemoryStore(lambda: 0), steps, questions)
