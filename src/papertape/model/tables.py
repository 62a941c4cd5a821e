"""The one declaration of every stored record: table, record type, key and stream topic.

DDL, migrations, inserts, column lists, decoding, JSON Schema, OpenAPI and TypeScript derive from it; nothing of them
is written by hand.
"""

from __future__ import annotations

import msgspec

from papertape.errors import Broken
from papertape.model import events
from papertape.model.session import SessionRow


class TapeRow(msgspec.Struct, frozen=True, kw_only=True):
    """One journalled batch. `payload` is the msgpack of its entries; seqs are inclusive."""

    session_id: str
    first_seq: int
    last_seq: int
    is_warmup: bool
    payload: bytes


class ViewsRow(msgspec.Struct, frozen=True, kw_only=True):
    """The last views of a session that no longer runs, so that its page still shows what was. JSON by topic."""

    session_id: str
    saved_ts: int
    payload: bytes


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """One table. `session_id` is stored as the first column of every table and is no field of an event.

    `topic` is the stream topic whose publications are the rows, or None when the rows are not streamed as such.
    """

    name: str
    record: type[msgspec.Struct]
    key: tuple[str, ...]
    topic: str | None = None

    def column(self, name: str) -> str:
        """Return `name` when the table declares it, so that a wrong column fails at import.

        Raises:
            Broken: the record has no such field.
        """
        if name != "session_id" and name not in self.record.__struct_fields__:
            raise Broken(
                f"Table {self.name} declares no column {name!r}; it declares "
                f"{', '.join(self.record.__struct_fields__)}.",
                code="schema.unknown_column",
            )
        return name


SESSIONS = Table(name="sessions", record=SessionRow, key=("session_id", "revision"))
TAPE = Table(name="tape", record=TapeRow, key=("session_id", "first_seq"))
VIEWS = Table(name="views", record=ViewsRow, key=("session_id",))
TRANSITIONS = Table(
    name="transitions", record=events.InstanceTransitioned, key=("session_id", "seq"), topic="transitions"
)
SIGNALS = Table(name="signals", record=events.SignalFired, key=("session_id", "seq"), topic="signals")
ORDERS = Table(name="orders", record=events.OrderUpdated, key=("session_id", "seq"), topic="orders")
FILLS = Table(name="fills", record=events.OrderFilled, key=("session_id", "seq"), topic="fills")
POSITIONS = Table(name="positions", record=events.PositionChanged, key=("session_id", "seq"), topic="positions")
ACCOUNT = Table(name="account", record=events.AccountChanged, key=("session_id", "seq"), topic="account")
EQUITY = Table(name="equity", record=events.EquityMarked, key=("session_id", "seq"))
SESSION_EVENTS = Table(name="session_events", record=events.SessionChanged, key=("session_id", "seq"), topic="session")
ALERTS = Table(name="alerts", record=events.AlertRaised, key=("session_id", "seq"), topic="alerts")

EVENT_TABLES: tuple[Table, ...] = (
    TRANSITIONS,
    SIGNALS,
    ORDERS,
    FILLS,
    POSITIONS,
    ACCOUNT,
    EQUITY,
    SESSION_EVENTS,
    ALERTS,
)
TABLES: tuple[Table, ...] = (SESSIONS, TAPE, VIEWS, *EVENT_TABLES)

TABLE_OF: dict[type[msgspec.Struct], Table] = {table.record: table for table in TABLES}
