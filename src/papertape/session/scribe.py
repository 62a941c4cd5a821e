"""Writes a session down: journals entries, steps the engine, submits both, and shows what has become durable."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from papertape.errors import Broken
from papertape.journal.ports import Appender, Commit
from papertape.model.entries import Entry
from papertape.model.events import AnyEvent
from papertape.model.session import SessionRow
from papertape.session.core import SessionCore
from papertape.session.ledger import CommitLedger
from papertape.session.lifecycle import ENDED
from papertape.session.outlet import Outlet
from papertape.session.stages import Pipeline


class Scribe:
    """One session's way to the store and from there to its outlets.

    Entries that were journalled but cannot be submitted would leave a hole in the tape, so any failure on the way is
    told to `on_broken`, and the session must not be fed again.
    """

    def __init__(
        self,
        row: SessionRow,
        core: SessionCore,
        *,
        appender: Appender,
        clock: Callable[[], int],
        outlets: Sequence[Outlet],
        on_broken: Callable[[BaseException], None],
        on_ended: Callable[[], None],
    ) -> None:
        self.pipeline = Pipeline()
        self.ledger = CommitLedger(appender, clock, self._show, on_broken)
        self.durable_revision = 0
        self._session_id = row.session_id
        self._epoch = row.epoch
        self._core = core
        self._clock = clock
        self._outlets = outlets
        self._on_broken = on_broken
        self._on_ended = on_ended

    def take(self, entries: Sequence[Entry], *, is_warmup: bool = False, row: SessionRow | None = None) -> None:
        """Journal new entries, step the engine and submit both with the session's row; raises what went wrong."""
        try:
            batch, facts = self._core.feed(entries, is_warmup=is_warmup)
            samples = self._core.sampler.take(batch)
        except Exception as error:
            self._on_broken(error)
            raise
        self.pipeline.note_step(entries, facts, self._clock())
        self._submit(Commit(session_id=self._session_id, batch=batch, events=tuple(facts), row=row, samples=samples))

    def take_row(self, row: SessionRow) -> None:
        """Submit a change of the session's row that is no entry; raises `Broken`."""
        self._submit(Commit(session_id=self._session_id, batch=None, row=row))

    def take_late(self, facts: Sequence[AnyEvent]) -> None:
        """Submit facts whose entries are durable already; raises `Broken`."""
        if facts:
            self._submit(Commit(session_id=self._session_id, batch=None, events=tuple(facts)))

    def tell_change(self) -> None:
        """Tell the outlets that the session's state or flags changed."""
        for outlet in self._outlets:
            outlet.session_changed(self._session_id)

    def _submit(self, commit: Commit) -> None:
        try:
            self.ledger.submit(commit)
        except Broken as error:
            self._on_broken(error)
            raise

    def _show(self, commit: Commit) -> None:
        now = self._clock()
        self.pipeline.note_durable(len(commit.events) + (len(commit.batch.entries) if commit.batch else 0), now)
        if commit.events:
            for outlet in self._outlets:
                outlet.facts_published(self._session_id, self._epoch, commit.events)
            self.pipeline.note_published(len(commit.events), now)
        if commit.row is not None:
            self.durable_revision = commit.row.revision
            if commit.row.state in ENDED:
                self._on_ended()
            self.tell_change()
