"""One file of sealed tape: batches as plain Parquet columns, and back, exactly.

A row is an entry, in the order of seq. Any Parquet reader can use it: `kind` names the type of the entry, prices and
sizes are the scaled integers of the entries, times are microseconds UTC. `batch` is the first seq of the entry's batch,
`place` the place that batch had in the journal's tape (null in a file that was not made from a journal). An entry that
has no columns of its own stands as msgpack in `payload`, and so does one whose integers exceed 64 signed bits.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple, cast, get_args

import msgspec
import polars as pl

from papertape.errors import Broken
from papertape.model.entries import Batch, ClockTick, Entry, Quote, Side, Trade

SCHEMA: dict[str, pl.DataType] = {
    "seq": pl.Int64(),
    "batch": pl.Int64(),
    "place": pl.Int64(),
    "is_warmup": pl.Boolean(),
    "kind": pl.String(),
    "ts": pl.Int64(),
    "recv_ts": pl.Int64(),
    "instrument": pl.String(),
    "price": pl.Int64(),
    "size": pl.Int64(),
    "side": pl.String(),
    "trade_id": pl.String(),
    "bid": pl.Int64(),
    "bid_size": pl.Int64(),
    "ask": pl.Int64(),
    "ask_size": pl.Int64(),
    "payload": pl.Binary(),
}
"""The columns of a file, in order."""

TRADE_COLUMNS = ("price", "size", "side", "trade_id")
QUOTE_COLUMNS = ("bid", "bid_size", "ask", "ask_size")

_KIND: dict[type, str] = {kind: str(kind.__struct_config__.tag) for kind in get_args(Entry)}
_TRADE, _QUOTE, _CLOCK = _KIND[Trade], _KIND[Quote], _KIND[ClockTick]
_ENTRIES_AT_ONCE = 8_192

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Entry).decode


class PlacedBatch(NamedTuple):
    """A batch and its place: the number of its row in the journal's tape, growing in the order of commits."""

    batch: Batch
    place: int | None


def write_batches(batches: Iterable[PlacedBatch]) -> bytes:
    """Return the bytes of a file that holds consecutive batches of one session.

    Raises:
        Broken: a batch without entries, which a file cannot hold.
    """
    return write_frame(frame_of(batches))


def write_frame(frame: pl.DataFrame) -> bytes:
    """Return the bytes of a file with the rows of `frame_of`."""
    file = io.BytesIO()
    frame.write_parquet(file, compression="zstd")
    return file.getvalue()


def read_batches(content: bytes, name: str, *, after_seq: int = 0) -> Iterator[PlacedBatch]:
    """Return the batches of a file whose first seq is above `after_seq`, in order; they are decoded bit by bit.

    Raises:
        Broken: it is no such file; `name` is given in the sentence.
    """
    return batches_of(read_frame(content, name), name, after_seq=after_seq)


def read_frame(content: bytes, name: str) -> pl.DataFrame:
    """Return the rows of a file; raises as `read_batches` does."""
    try:
        frame = pl.read_parquet(io.BytesIO(content))
    except (pl.exceptions.PolarsError, OSError) as error:
        raise malformed(name, f"it is no Parquet file ({error})") from error
    if dict(frame.schema) != SCHEMA:
        raise malformed(name, f"its columns are {', '.join(frame.columns)}")
    problem = _problem(frame)
    if problem is not None:
        raise malformed(name, problem)
    return frame


def malformed(name: str, why: str) -> Broken:
    """Return the failure of a file that does not hold what papertape writes."""
    return Broken(
        f"The sealed tape {name} cannot be read: {why}. Expected the file as papertape wrote it; restore it from a "
        "copy. Nothing was changed.",
        code="store.segment_damaged",
    )


def frame_of(batches: Iterable[PlacedBatch]) -> pl.DataFrame:
    """Return batches as rows; raises as `write_batches` does."""
    placed = list(batches)
    try:
        return _frame(placed, set())
    except (OverflowError, TypeError, pl.exceptions.PolarsError):
        large = {id(entry) for each in placed for entry in each.batch.entries if not _fits(entry)}
        return _frame(placed, large)


def batches_of(frame: pl.DataFrame, name: str, *, after_seq: int = 0) -> Iterator[PlacedBatch]:
    """Yield the batches of rows that `read_frame` returned."""
    wanted = frame.filter(pl.col("batch") > after_seq)
    lengths = wanted["batch"].rle().struct.field("len").to_list()
    start = taken = 0
    group: list[int] = []
    for index, length in enumerate(lengths):
        group.append(length)
        taken += length
        if taken >= _ENTRIES_AT_ONCE or index == len(lengths) - 1:
            yield from _decoded(wanted.slice(start, taken), group, name)
            start, taken, group = start + taken, 0, []


def _frame(placed: Sequence[PlacedBatch], large: set[int]) -> pl.DataFrame:
    columns = _common(placed)
    entries = [entry for each in placed for entry in each.batch.entries]
    numbered: dict[str, list[tuple[int, Entry]]] = {kind: [] for kind in (_TRADE, _QUOTE, _CLOCK, "")}
    for index, entry in enumerate(entries):
        kind = _KIND[type(entry)]
        numbered[kind if kind in numbered and id(entry) not in large else ""].append((index, entry))
    columns["kind"] = [_KIND[type(entry)] for entry in entries]
    columns["ts"] = [entry.ts for entry in entries]
    columns["recv_ts"] = [entry.recv_ts for entry in entries]
    if large:
        for name in ("ts", "recv_ts"):
            columns[name] = [value if _is_long(value) else None for value in columns[name]]
    columns["instrument"] = [getattr(entry, "instrument", None) for entry in entries]
    for rows, names in ((numbered[_TRADE], TRADE_COLUMNS), (numbered[_QUOTE], QUOTE_COLUMNS)):
        for name in names:
            values: list[object] = [None] * len(entries)
            for index, entry in rows:
                values[index] = getattr(entry, name)
            columns[name] = values
    payloads: list[object] = [None] * len(entries)
    for index, entry in numbered[""]:
        payloads[index] = _encode(entry)
    columns["payload"] = payloads
    return pl.DataFrame(columns, schema=SCHEMA)


def _common(placed: Sequence[PlacedBatch]) -> dict[str, list[Any]]:  # Any: each column has its own type
    columns: dict[str, list[Any]] = {name: [] for name in SCHEMA}
    for batch, place in placed:
        count = len(batch.entries)
        if count == 0:
            raise Broken(
                f"The batch at seq {batch.first_seq} has no entries, so that no row of a sealed file can stand for it; "
                "expected batches of at least one entry.",
                code="store.empty_batch",
            )
        columns["seq"].extend(range(batch.first_seq, batch.first_seq + count))
        columns["batch"].extend([batch.first_seq] * count)
        columns["place"].extend([place] * count)
        columns["is_warmup"].extend([batch.is_warmup] * count)
    return columns


def _is_long(value: int) -> bool:
    return -(2**63) <= value < 2**63


def _fits(entry: Entry) -> bool:
    values = (getattr(entry, name) for name in entry.__struct_fields__)
    return all(_is_long(value) for value in values if isinstance(value, int))


def _problem(frame: pl.DataFrame) -> str | None:
    required = frame.select("seq", "batch", "is_warmup", "kind").null_count().row(0)
    if frame.height == 0 or any(required):
        return "rows lack their seq, batch or kind"
    unknown = set(frame["kind"].unique()) - set(_KIND.values())
    if unknown:
        return f"it holds entries of unknown kinds {', '.join(sorted(unknown))}"
    in_columns = frame.filter(pl.col("payload").is_null())
    is_trade, is_quote = pl.col("kind") == _TRADE, pl.col("kind") == _QUOTE
    is_bad = (
        _lacks(("ts", "recv_ts"))
        | (is_trade & (_lacks(("instrument", *TRADE_COLUMNS)) | ~pl.col("side").is_in(get_args(Side))))
        | (is_quote & _lacks(("instrument", *QUOTE_COLUMNS)))
        | ~pl.col("kind").is_in([_TRADE, _QUOTE, _CLOCK])
    )
    if in_columns.select(is_bad.any()).item():
        return "entries lack values that their kind needs"
    starts = frame.select(
        pl.when(pl.col("batch") == pl.col("batch").shift(1))
        .then(pl.col("seq") == pl.col("seq").shift(1) + 1)
        .otherwise(pl.col("seq") == pl.col("batch"))
        .all()
    )
    return None if starts.item() else "its seqs are not consecutive"


def _lacks(names: Sequence[str]) -> pl.Expr:
    return pl.any_horizontal(pl.col(name).is_null() for name in names)


def _decoded(frame: pl.DataFrame, lengths: Sequence[int], name: str) -> Iterator[PlacedBatch]:
    try:
        entries = [_entry(row) for row in frame.select(_VALUES).iter_rows()]
    except msgspec.MsgspecError as error:
        raise malformed(name, f"an entry near seq {frame['seq'][0]} cannot be decoded ({error})") from error
    start = 0
    heads = frame.select("batch", "place", "is_warmup")
    for length in lengths:
        first_seq, place, is_warmup = heads.row(start)
        batch = Batch(first_seq=first_seq, entries=tuple(entries[start : start + length]), is_warmup=is_warmup)
        yield PlacedBatch(batch, place)
        start += length


_VALUES = ("kind", "ts", "recv_ts", "instrument", *TRADE_COLUMNS, *QUOTE_COLUMNS, "payload")


def _entry(row: tuple[Any, ...]) -> Entry:  # Any: the columns have different types, which polars does not tell
    kind, ts, recv_ts, instrument, price, size, side, trade_id, bid, bid_size, ask, ask_size, payload = row
    if payload is not None:
        return cast("Entry", _decode(payload))
    if kind == _TRADE:
        return Trade(
            ts=ts, recv_ts=recv_ts, instrument=instrument, price=price, size=size, side=side, trade_id=trade_id
        )
    if kind == _QUOTE:
        return Quote(
            ts=ts, recv_ts=recv_ts, instrument=instrument, bid=bid, bid_size=bid_size, ask=ask, ask_size=ask_size
        )
    return ClockTick(ts=ts, recv_ts=recv_ts)
