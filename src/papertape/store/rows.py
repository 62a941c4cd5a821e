"""Turns commits into rows of the declared tables, and tape rows back into batches."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import msgspec
import zstandard

from papertape.errors import Broken, Invalid
from papertape.journal.ports import Commit
from papertape.model.entries import Batch, Entry
from papertape.model.samples import Samples
from papertape.model.tables import SAMPLES, SESSIONS, TABLE_OF, TAPE, SampleRow, Table, TapeRow
from papertape.store.schema import CODECS, Scalar

Row = tuple[Scalar, ...]

_LARGEST_SAMPLES = 64_000_000

_pack_samples = msgspec.msgpack.Encoder().encode
_decode_samples = msgspec.msgpack.Decoder(Samples).decode
_encode_entries = msgspec.msgpack.Encoder().encode
_decode_entries = msgspec.msgpack.Decoder(tuple[Entry, ...]).decode


def rows_of(commit: Commit) -> list[tuple[Table, Row]]:
    """Return the rows of a commit: the tape's, the facts', the session's, the samples'.

    Raises:
        Broken: something in it cannot be encoded.
    """
    session_id = commit.session_id
    try:
        rows = [(table, CODECS[table.name].encode(session_id, event)) for table, event in _tables_of(commit)]
        if commit.batch is not None:
            rows.insert(0, (TAPE, CODECS[TAPE.name].encode(session_id, tape_row(session_id, commit.batch))))
    except (TypeError, ValueError, OverflowError) as error:
        raise Broken(
            f"A commit of session {session_id} cannot be encoded ({error}); expected entries and facts as declared in "
            "the model. Nothing was queued: the session must halt; report this with its log.",
            code="store.unencodable_commit",
        ) from error
    return rows


def _tables_of(commit: Commit) -> Iterator[tuple[Table, msgspec.Struct]]:
    for event in commit.events:
        yield TABLE_OF[type(event)], event
    if commit.row is not None:
        yield SESSIONS, commit.row
    if commit.samples is not None:
        yield SAMPLES, _sample_row(commit.session_id, commit.samples)


def tape_row(session_id: str, batch: Batch) -> TapeRow:
    """Return the tape row of a batch."""
    return TapeRow(
        session_id=session_id,
        first_seq=batch.first_seq,
        last_seq=batch.last_seq,
        is_warmup=batch.is_warmup,
        payload=_encode_entries(batch.entries),
    )


def _encode_samples(samples: Samples) -> bytes:
    # The same names stand in every row: a fifth of the size for a few microseconds.
    return zstandard.ZstdCompressor(level=3).compress(_pack_samples(samples))


def _sample_row(session_id: str, samples: Samples) -> SampleRow:
    return SampleRow(
        session_id=session_id, entry_seq=samples.entry_seq, ts=samples.ts, payload=_encode_samples(samples)
    )


def samples_of(row: SampleRow) -> Samples:
    """Return the samples of a stored row.

    Raises:
        Broken: the payload cannot be decoded.
    """
    try:
        said = zstandard.frame_content_size(row.payload)
        if said > _LARGEST_SAMPLES:  # memory for it would be taken before a byte is read
            raise ValueError(f"it says that it holds {said} bytes")
        return _decode_samples(zstandard.ZstdDecompressor().decompress(row.payload))
    except (ValueError, zstandard.ZstdError) as error:
        raise Broken(
            f"The samples of entry {row.entry_seq} of session {row.session_id} cannot be read ({error}); expected "
            "them as papertape wrote them. Restore the database from a copy; the tape itself is not concerned.",
            code="store.undecodable_samples",
        ) from error


def size_of(rows: Sequence[tuple[Table, Row]]) -> int:
    """Return about how many bytes the rows hold."""
    return sum(len(value) if isinstance(value, str | bytes) else 8 for _, row in rows for value in row)


def decode_rows(table: Table, rows: Sequence[Row]) -> list[Any]:  # Any: the table's record type
    """Return the records of rows; raises `Broken` as `RowCodec.decode` does."""
    decode = CODECS[table.name].decode
    return [decode(row) for row in rows]


def filter_value(table: Table, column: str, value: str) -> Scalar:
    """Return the text of a filter in the stored form of its column.

    Raises:
        Invalid: the column cannot be compared for equality, or the text is not of its type.
        Broken: the table declares no such column.
    """
    name = table.column(column)
    logical = next(each.logical for each in CODECS[table.name].columns if each.name == name)
    try:
        if logical == "text":
            return value
        if logical == "integer":
            return _stored_integer(value)
        if logical == "boolean":
            return {"false": 0, "true": 1}[value]
    except (ValueError, KeyError) as error:
        raise Invalid(
            f"{value!r} is not a value of the {logical} column {name} of {table.name}; give "
            f"{'true or false' if logical == 'boolean' else 'a whole number'}.",
            code="store.malformed_filter",
            path=name,
        ) from error
    raise Invalid(
        f"Column {name} of {table.name} holds {logical} values, which are not compared for equality; filter by a text, "
        "integer or boolean column.",
        code="store.unfilterable_column",
        path=name,
    )


def _stored_integer(text: str) -> int:
    number = int(text)
    if not -(2**63) <= number < 2**63:
        raise ValueError("beyond 64 bits")
    return number


def read_batches(
    session_id: str, after_seq: int, seq_before: int, pages: Callable[[int], Sequence[TapeRow]]
) -> Iterator[Batch]:
    """Yield batches from pages of tape rows, checking that no seq is missing.

    Args:
        session_id: Named in failures.
        after_seq: Only batches whose first seq is above it.
        seq_before: The last seq of the batch before those, 0 when there is none.
        pages: Returns the next rows with a first seq above its argument, none at the end.

    Raises:
        Broken: a hole in seq, or a payload that cannot be decoded.
    """
    expected = seq_before + 1
    while rows := pages(after_seq):
        for row in rows:
            yield _batch(session_id, row, expected)
            expected, after_seq = row.last_seq + 1, row.first_seq


def batch_of(row: TapeRow) -> Batch:
    """Return the batch of a tape row.

    Raises:
        Broken: the payload cannot be decoded.
    """
    return _batch(row.session_id, row, row.first_seq)


def tape_hole(session_id: str, expected: int, found: int) -> Broken:
    """Return the failure of a tape whose next batch starts at `found` and not at `expected`."""
    return Broken(
        f"The tape of session {session_id} has a hole: a batch was expected at seq {expected}, the next one found "
        f"starts at {found}. The session cannot be resumed or replayed past seq {expected - 1}; keep the data folder, "
        "restore a copy of it, or start a new session.",
        code="store.tape_hole",
    )


def _batch(session_id: str, row: TapeRow, expected: int) -> Batch:
    if row.first_seq != expected:
        raise tape_hole(session_id, expected, row.first_seq)
    try:
        entries = _decode_entries(row.payload)
    except ValueError as error:
        raise Broken(_undecodable(session_id, row, str(error)), code="store.undecodable_batch") from error
    if len(entries) != row.last_seq - row.first_seq + 1:
        counted = f"it holds {len(entries)} entries"
        raise Broken(_undecodable(session_id, row, counted), code="store.undecodable_batch")
    return Batch(first_seq=row.first_seq, entries=entries, is_warmup=row.is_warmup)


def _undecodable(session_id: str, row: TapeRow, why: str) -> str:
    return (
        f"The batch at seq {row.first_seq} of session {session_id} cannot be read ({why}); expected entries "
        f"{row.first_seq} to {row.last_seq} as papertape wrote them. The session cannot be resumed or replayed past "
        f"seq {row.first_seq - 1}; keep the data folder, restore a copy of it, or start a new session."
    )
