"""The one declaration of every stored record: table, record type, key, place in time and stream topic.

DDL for both engines, migrations, inserts, column lists, decoding, JSON Schema, OpenAPI and TypeScript derive from it;
nothing of them is written by hand.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from papertape.errors import Broken
from papertape.model import events
from papertape.model.market_rows import BarRow, IndicatorValueRow, QuoteRow, TradeRow
from papertape.model.session import SessionRow

Partition = Literal["DAY", "MONTH"]


class TapeRow(msgspec.Struct, frozen=True, kw_only=True):
    """One journalled batch. `payload` is the msgpack of its entries; seqs are inclusive."""

    session_id: str
    first_seq: int
    last_seq: int
    is_warmup: bool
    payload: bytes


class SampleRow(msgspec.Struct, frozen=True, kw_only=True):
    """The samples of one clock tick. `payload` is the msgpack of `model.samples.Samples`, zstd."""

    session_id: str
    entry_seq: int
    ts: int
    payload: bytes


class ViewsRow(msgspec.Struct, frozen=True, kw_only=True):
    """The last views of a session that no longer runs, so that its page still shows what was. JSON by topic."""

    session_id: str
    saved_ts: int
    payload: bytes


class SegmentRow(msgspec.Struct, frozen=True, kw_only=True):
    """One sealed file that holds consecutive batches of a session's tape in their place.

    `file` is relative to the data folder, `sha256` that of its bytes, `size` in bytes. `first_row` and `last_row` are
    the places the batches had in the journal's tape, in the order of commits. `removed_ts` is set when retention has
    removed the file; the row stays, so that what is missing is known.
    """

    session_id: str
    first_seq: int
    last_seq: int
    first_row: int
    last_row: int
    first_ts: int
    last_ts: int
    file: str
    sha256: str
    size: int
    sealed_ts: int
    removed_ts: int | None = None


class WatermarkRow(msgspec.Struct, frozen=True, kw_only=True):
    """How far a copy elsewhere has acknowledged one table of the journal.

    `mirror` is the copy's address without its password, `source` the journal's table, `acknowledged` the place of the
    last acknowledged row in the order of commits, `rows` how many rows were sent in all.
    """

    mirror: str
    source: str
    acknowledged: int
    rows: int
    acknowledged_ts: int


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """One table.

    Where `is_per_session`, `session_id` is stored as its first column and is no field of an event. `topic` is the
    stream topic whose publications are the rows, or None when the rows are not streamed as such. `time` is the column
    that orders rows in time, `symbols` are text columns of few distinct values, `partition` is how an engine that
    divides tables by time divides this one, and `ttl_days` how long that engine keeps a partition (None: for ever).
    """

    name: str
    record: type[msgspec.Struct]
    key: tuple[str, ...]
    topic: str | None = None
    is_per_session: bool = True
    time: str = "ts"
    symbols: tuple[str, ...] = ("session_id", "strategy", "instrument")
    partition: Partition = "MONTH"
    ttl_days: int | None = None

    def column(self, name: str) -> str:
        """Return `name` when the table declares it, so that a wrong column fails at import.

        Raises:
            Broken: the record has no such field.
        """
        is_prefix = self.is_per_session and name == "session_id"
        if not is_prefix and name not in self.record.__struct_fields__:
            raise Broken(
                f"Table {self.name} declares no column {name!r}; it declares "
                f"{', '.join(self.record.__struct_fields__)}.",
                code="schema.unknown_column",
            )
        return name


SESSIONS = Table(name="sessions", record=SessionRow, key=("session_id", "revision"), time="updated_ts")
TAPE = Table(name="tape", record=TapeRow, key=("session_id", "first_seq"))
SAMPLES = Table(name="samples", record=SampleRow, key=("session_id", "entry_seq"))
VIEWS = Table(name="views", record=ViewsRow, key=("session_id",))
SEGMENTS = Table(name="segments", record=SegmentRow, key=("session_id", "first_seq"))
WATERMARKS = Table(name="watermarks", record=WatermarkRow, key=("mirror", "source"), is_per_session=False)
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

_SERIES = ("session_id", "strategy", "instrument", "series", "indicator")
TRADES = Table(name="trades", record=TradeRow, key=("session_id", "seq"), symbols=_SERIES, partition="DAY", ttl_days=90)
QUOTES = Table(name="quotes", record=QuoteRow, key=("session_id", "seq"), symbols=_SERIES, partition="DAY", ttl_days=90)
BARS = Table(name="bars", record=BarRow, key=("series",), symbols=_SERIES)
INDICATOR_VALUES = Table(
    name="indicator_values", record=IndicatorValueRow, key=("series",), symbols=_SERIES, partition="DAY", ttl_days=90
)

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
TABLES: tuple[Table, ...] = (SESSIONS, TAPE, SAMPLES, VIEWS, SEGMENTS, WATERMARKS, *EVENT_TABLES)
"""What the journal holds."""

MARKET_TABLES: tuple[Table, ...] = (TRADES, QUOTES, BARS, INDICATOR_VALUES)
"""What a copy for research holds instead of the tape and the samples: their rows, one by one."""

MIRRORED_TABLES: tuple[Table, ...] = (SESSIONS, *EVENT_TABLES, *MARKET_TABLES)
"""What a copy for research holds."""

TABLE_OF: dict[type[msgspec.Struct], Table] = {table.record: table for table in (*TABLES, *MARKET_TABLES)}
