"""The structured log of the kernel: facts as rows of numbers, made into objects only for whoever asks.

A row is a run of integers and a run of floats; words that cannot be made from numbers are kept beside them. The one
that writes a kind of row also reads it (`broker.telling`, `engine.telling`). `drain` gives a chunk away and starts the
next, so that a backtest of any length keeps as much memory as it likes.
"""

# kernel: compiled by scripts/kernel_build.py

from __future__ import annotations

from papertape.errors import Broken
from papertape.model.buffers import Exact, Floats, Ints, floats, ints
from papertape.model.fact_rows import FactRows
from papertape.model.narrow import MASK, WIDE, narrow

FIRST_ROOM = 4_096
NO_REASON = -1
"""The place of a reason that is empty."""

ORDER, FILL, POSITION, ACCOUNT, EQUITY = 1, 2, 3, 4, 5
SIGNAL, TRANSITION, SESSION, ALERT = 6, 7, 8, 9
REASON = 0
"""Kinds of rows. A reason is no fact: it has no seq, and facts refer to it by its place."""


class Reason:
    """Why, in words made on demand: a text, or numbers that its writer can make a sentence from.

    `kind` 0 is `text` alone; others are the writer's own, with `int_count` of `ints` and `float_count` of `floats` that
    mean what the writer says, and a text where numbers do not tell all.
    """

    __slots__ = ("chunk", "float_count", "floats", "int_count", "ints", "kind", "place", "text")
    kind: int
    text: str
    ints: Ints
    int_count: int
    floats: Floats
    float_count: int
    chunk: int
    place: int

    def __init__(self, text: str = "", int_room: int = 0, float_room: int = 0) -> None:
        self.kind = 0
        self.text = text
        self.ints = ints(max(1, int_room))
        self.int_count = 0
        self.floats = floats(max(1, float_room))
        self.float_count = 0
        self.chunk = -1
        self.place = NO_REASON

    def clear(self, kind: int) -> None:
        """Begin anew; numbers follow by `put_int` and `put_float`, within the room it was made with."""
        self.kind = kind
        self.text = ""
        self.int_count = 0
        self.float_count = 0
        self.chunk = -1

    def say(self, text: str) -> None:
        """Become a text."""
        self.clear(0)
        self.text = text

    def put_int(self, number: int) -> None:
        """Append an integer."""
        self.ints[self.int_count] = number
        self.int_count += 1

    def put_float(self, number: float) -> None:
        """Append a float."""
        self.floats[self.float_count] = number
        self.float_count += 1

    def put_exact(self, number: Exact) -> None:
        """Append an integer of any size, as `FactLog.put_exact` does."""
        low = narrow(number)
        if low == WIDE:
            self.put_int(number & MASK)
            self.put_int((number >> 62) & MASK)
            self.put_int(number >> 124)
            return
        self.put_int(low & MASK)
        self.put_int(0 if low >= 0 else MASK)
        self.put_int(0 if low >= 0 else -1)


class FactLog:
    """The rows since the last `drain`. A row of `starts` is: kind, where its integers begin, where its floats begin.

    Facts begin with the integers seq, ts and entry_seq; `last_seq` numbers the facts of a session without holes. Times
    are microseconds UTC.
    """

    __slots__ = (
        "chunk",
        "entry_seq",
        "float_count",
        "floats",
        "int_count",
        "ints",
        "last_seq",
        "row_count",
        "starts",
        "texts",
        "ts",
    )
    last_seq: int
    ts: int
    entry_seq: int
    chunk: int
    row_count: int
    starts: Ints
    int_count: int
    ints: Ints
    float_count: int
    floats: Floats
    texts: list[str]

    def __init__(self) -> None:
        self.last_seq = 0
        self.ts = 0
        self.entry_seq = 0
        self.chunk = 0
        self.row_count = 0
        self.starts = ints(3 * FIRST_ROOM)
        self.int_count = 0
        self.ints = ints(8 * FIRST_ROOM)
        self.float_count = 0
        self.floats = floats(4 * FIRST_ROOM)
        self.texts = []

    def begin(self, entry_seq: int, ts: int) -> None:
        """Begin the next entry.

        Raises:
            Broken: its seq leaves a hole or its time goes back.
        """
        if entry_seq != self.entry_seq + 1 and self.entry_seq:
            raise Broken(
                f"Entry {entry_seq} came after entry {self.entry_seq}; entries have no holes and come once. "
                "Keep the journal and report it.",
                code="engine.entry_order",
            )
        if ts < self.ts:
            raise Broken(
                f"The time of entry {entry_seq} is {self.ts - ts} µs before the one before; the journal makes times "
                "non-decreasing. Keep the journal and report it.",
                code="engine.time_went_back",
            )
        self.entry_seq = entry_seq
        self.ts = ts

    def next(self, ts: int) -> None:
        """Begin the entry after the newest one; raises as `begin`."""
        if ts < self.ts:
            self.begin(self.entry_seq + 1, ts)
        self.entry_seq += 1
        self.ts = ts

    def open(self, kind: int) -> None:
        """Begin the row of the next fact; its own numbers follow."""
        self._start(kind)
        self.last_seq += 1
        at = self.room(3)
        own: Ints = self.ints
        own[at] = self.last_seq
        own[at + 1] = self.ts
        own[at + 2] = self.entry_seq
        self.int_count = at + 3

    def room(self, count: int) -> int:
        """Make room for `count` integers and return where the first belongs; who writes them moves `int_count`."""
        while self.int_count + count > len(self.ints):
            self.ints = _wider_ints(self.ints)
        return self.int_count

    def put_int(self, number: int) -> None:
        """Append an integer to the row."""
        if self.int_count == len(self.ints):
            self.ints = _wider_ints(self.ints)
        self.ints[self.int_count] = number
        self.int_count += 1

    def put_float(self, number: float) -> None:
        """Append a float to the row."""
        if self.float_count == len(self.floats):
            self.floats = _wider_floats(self.floats)
        self.floats[self.float_count] = number
        self.float_count += 1

    def put_text(self, text: str) -> None:
        """Append words to the row."""
        self.put_int(len(self.texts))
        self.texts.append(text)

    def put_exact(self, number: Exact) -> None:
        """Append an integer of any size to the row: three integers of 62 bits, the lowest first, sign in the last.

        Raises:
            OverflowError: it does not fit 186 bits.
        """
        at = self.room(3)
        self.set_exact(at, number)
        self.int_count = at + 3

    def set_exact(self, at: int, number: Exact) -> None:
        """Write what `put_exact` appends at a place of which `room` was told; raises as it."""
        own: Ints = self.ints
        low = narrow(number)
        if low == WIDE:
            own[at] = number & MASK
            own[at + 1] = (number >> 62) & MASK
            own[at + 2] = number >> 124
            return
        own[at] = low & MASK
        own[at + 1] = 0 if low >= 0 else MASK
        own[at + 2] = 0 if low >= 0 else -1

    def place(self, reason: Reason) -> int:
        """Return the row of a reason in this chunk, written on first use; do so before `open`."""
        if reason.kind == 0 and not reason.text:
            return NO_REASON
        if reason.chunk != self.chunk:
            reason.chunk = self.chunk
            reason.place = self.row_count
            self._start(REASON)
            text = NO_REASON
            if reason.text:
                text = len(self.texts)
                self.texts.append(reason.text)
            _write_reason(self, reason, text)
        return reason.place

    def drain(self) -> FactRows:
        """Give the rows away and begin the next chunk."""
        chunk = FactRows(
            _copied(self.starts, 3 * self.row_count),
            _copied(self.ints, self.int_count),
            _copied(self.floats, self.float_count),
            self.texts,
        )
        self.texts = []
        self.row_count = self.int_count = self.float_count = 0
        self.chunk += 1
        return chunk

    def _start(self, kind: int) -> None:
        at = 3 * self.row_count
        if at == len(self.starts):
            self.starts = _wider_ints(self.starts)
        starts: Ints = self.starts
        starts[at] = kind
        starts[at + 1] = self.int_count
        starts[at + 2] = self.float_count
        self.row_count += 1


def _write_reason(log: FactLog, reason: Reason, text: int) -> None:
    at = log.room(2 + reason.int_count)
    count = reason.int_count
    into: Ints = log.ints
    said: Ints = reason.ints
    into[at] = reason.kind
    into[at + 1] = text
    for index in range(count):
        into[at + 2 + index] = said[index]
    log.int_count = at + 2 + count
    count = reason.float_count
    at = log.float_count
    while at + count > len(log.floats):
        log.floats = _wider_floats(log.floats)
    values: Floats = log.floats
    kept: Floats = reason.floats
    for index in range(count):
        values[at + index] = kept[index]
    log.float_count = at + count


def _copied(buffer: object, count: int) -> bytes:
    return bytes(memoryview(buffer).cast("B")[: 8 * count])  # type: ignore[arg-type]  # either kind of buffer


def _wider_ints(old: Ints) -> Ints:
    wider = ints(2 * len(old))
    memoryview(wider)[: len(old)] = memoryview(old)
    return wider


def _wider_floats(old: Floats) -> Floats:
    wider = floats(2 * len(old))
    memoryview(wider)[: len(old)] = memoryview(old)
    return wider
