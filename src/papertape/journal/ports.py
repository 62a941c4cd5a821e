"""The ports of the tape: append (one writer), read (many), and the session registry. Drivers live in `store`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

import msgspec

from papertape.model.entries import Batch
from papertape.model.events import AnyEvent
from papertape.model.samples import Samples
from papertape.model.session import SessionId, SessionRow
from papertape.model.tables import Table
from papertape.model.views import MirrorStatus
from papertape.model.views import StoreStatus as StoreStatus


class Commit(msgspec.Struct, frozen=True, kw_only=True):
    """What becomes durable together: a batch of entries, the facts and samples they caused, the session's row.

    Every part may be empty.
    """

    session_id: SessionId
    batch: Batch | None
    events: tuple[AnyEvent, ...] = ()
    row: SessionRow | None = None
    samples: Samples | None = None


class Appender(Protocol):
    """Makes commits durable in the order they are submitted."""

    def submit(self, commit: Commit, on_durable: Callable[[BaseException | None], None]) -> None:
        """Queue a commit; `on_durable` is called once, on the writer's thread, with None or the failure.

        Raises:
            Broken: the queue is full or the store has failed; nothing was queued and the session must halt.
        """

    def probe(self) -> None:
        """Write one row, read it back, remove it.

        Raises:
            Unavailable: the store does not take or return the row; the message says why and what to do.
        """

    def status(self) -> StoreStatus:
        """Return how the store is doing now."""


class Mirror(Protocol):
    """A copy of what the journal holds in another database, for research; the journal never waits for it."""

    def status(self) -> MirrorStatus:
        """Return how the copy is doing, as of the last look at it; cheap, from any thread."""

    def resume_suspended(self) -> list[str]:
        """Let the database go on with the tables it has suspended and return their names; blocks.

        Raises:
            Unavailable: the database does not answer, or refuses; the message says why and what to do.
        """


class Filter(msgspec.Struct, frozen=True, kw_only=True):
    """Equality on one declared column."""

    column: str
    value: str


class History(Protocol):
    """Reads what is durable. Every method may raise `Unavailable`."""

    def events(
        self,
        table: Table,
        session_id: SessionId,
        *,
        after: int = 0,
        until: int | None = None,
        limit: int = 1000,
        filters: Sequence[Filter] = (),
        newest_first: bool = False,
    ) -> list[Any]:
        """Return records of one event table with `after < seq <= until`, decoded to the table's record type."""

    def batches(self, session_id: SessionId, *, after_seq: int = 0) -> Iterator[Batch]:
        """Yield the journalled batches whose first seq is above `after_seq`, in order.

        Raises:
            Broken: a hole in seq, or a payload that cannot be decoded.
        """

    def last_event_seq(self, session_id: SessionId) -> int:
        """Return the highest durable fact seq of the session, 0 when there is none."""

    def last_entry_seq(self, session_id: SessionId) -> int:
        """Return the highest durable entry seq of the session, 0 when there is none."""

    def session(self, session_id: SessionId) -> SessionRow | None:
        """Return the newest revision of a session's row."""

    def sessions(self, *, limit: int = 200) -> list[SessionRow]:
        """Return the newest revision of every session, newest session first."""

    def session_by_idempotency_key(self, key: str) -> SessionRow | None:
        """Return the session that was started with this idempotency key."""

    def views(self, session_id: SessionId) -> bytes | None:
        """Return the saved last views of a session, as JSON by topic."""

    def save_views(self, session_id: SessionId, saved_ts: int, payload: bytes) -> None:
        """Replace the saved last views of a session."""
