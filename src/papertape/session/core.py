"""The part of a session that is the same in paper, replay and backtest: one tape, one engine."""

from __future__ import annotations

from collections.abc import Sequence

from papertape.engine.engine import Engine
from papertape.journal.tape import Tape
from papertape.model.columns import MarketCursor
from papertape.model.entries import Batch, Entry
from papertape.model.events import AnyEvent
from papertape.model.fact_rows import FactRows
from papertape.model.session import SessionPlan
from papertape.session.sampler import Sampler


class SessionCore:
    """The one way in: a plan becomes an engine whose instances exist at once, and a tape that feeds it."""

    def __init__(self, plan: SessionPlan) -> None:
        self.plan = plan
        self.engine = Engine(plan)
        self.tape = Tape()
        self.sampler = Sampler(self.engine)

    def feed(self, entries: Sequence[Entry], *, is_warmup: bool = False) -> tuple[Batch, list[AnyEvent]]:
        """Journal new entries and step the engine; return the batch and the facts it caused, to be made durable."""
        batch = self.tape.append(entries, is_warmup=is_warmup)
        return batch, self.engine.step(batch)

    def scan(self, cursor: MarketCursor, rows: int) -> FactRows:
        """Take the next rows of columns and a clock tick for each second; return what they caused, not yet as facts."""
        self.engine.scan(cursor, rows)
        return self.engine.drain()

    def replay(self, batch: Batch) -> list[AnyEvent]:
        """Step the engine over a batch read back from a journal; return the facts it causes again."""
        self.tape.follow(batch)
        facts = self.engine.step(batch)
        self.sampler.follow(batch)
        return facts
