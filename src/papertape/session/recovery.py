"""Restores a session from its tape: the engine is the fold of the journalled entries, nothing else."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from papertape.errors import Broken
from papertape.journal.ports import History
from papertape.model.events import AnyEvent
from papertape.model.session import SessionRow
from papertape.model.tables import EVENT_TABLES
from papertape.session.core import SessionCore


class Restored(msgspec.Struct, frozen=True, kw_only=True):
    """A session rebuilt from its tape. `late` are facts whose entries were durable before they were."""

    core: SessionCore
    durable_seq: int
    heads: dict[str, int]
    late: Sequence[AnyEvent]


def restore(row: SessionRow, history: History) -> Restored:
    """Rebuild the engine of a session by replaying its journalled entries.

    Raises:
        Broken: this build computes fewer facts from the tape than are stored, or the tape has a hole.
    """
    durable_seq = history.last_event_seq(row.session_id)
    core = SessionCore(row.plan)
    late: list[AnyEvent] = []
    for batch in history.batches(row.session_id):
        late += [fact for fact in core.replay(batch) if fact.seq > durable_seq]
    if core.engine.last_event_seq < durable_seq:
        raise Broken(
            f"Session {row.session_id} has {durable_seq} stored facts, but its tape gives only "
            f"{core.engine.last_event_seq} in this version; it cannot go on here. Start a new session; "
            "the old one can still be read.",
            code="recovery.fewer_facts",
        )
    return Restored(core=core, durable_seq=durable_seq, heads=stored_heads(row, history), late=late)


def stored_heads(row: SessionRow, history: History) -> dict[str, int]:
    """Return the newest durable seq of each must-not-lose topic."""
    heads: dict[str, int] = {}
    for table in EVENT_TABLES:
        newest = history.events(table, row.session_id, limit=1, newest_first=True)
        if table.topic is not None and newest:
            heads[table.topic] = newest[0].seq
    return heads
