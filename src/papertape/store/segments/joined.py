"""Reads a session's sealed files and the journal's tail as one tape."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from papertape.model.entries import Batch
from papertape.model.session import SessionId
from papertape.model.tables import TapeRow
from papertape.store.rows import batch_of, tape_hole
from papertape.store.segments.catalogue import Segments


def read_joined(
    session_id: SessionId,
    after_seq: int,
    tail_before: int,
    tail: Callable[[int], Sequence[TapeRow]],
    segments: Segments,
) -> Iterator[Batch]:
    """Yield the batches of a session, checking that no seq is missing.

    Where the tail has the batch that is next, it is taken from there, otherwise from the sealed file that has it. As
    the manifest is asked after the tail, a batch that is sealed in between is found, and being asked for by its seq
    it is found once.

    Args:
        session_id: The session.
        after_seq: Only batches whose first seq is above it.
        tail_before: The last seq of the batch before those in the tail, 0 when there is none.
        tail: Returns the next rows of the tail with a first seq above its argument, none at the end.
        segments: The sealed files.

    Raises:
        NotFound: retention has removed a sealed file of it.
        Broken: a hole in seq, a payload that cannot be decoded, a file that is missing or damaged.
    """
    expected = max(tail_before, _sealed_before(session_id, after_seq, segments)) + 1
    while True:
        is_at_end = True
        for batch in _next_batches(session_id, after_seq, expected, tail, segments):
            if batch.first_seq != expected:
                raise tape_hole(session_id, expected, batch.first_seq)
            yield batch
            expected, after_seq = batch.last_seq + 1, batch.first_seq
            is_at_end = False
        if is_at_end:
            return


def _sealed_before(session_id: SessionId, after_seq: int, segments: Segments) -> int:
    segment = segments.before(session_id, after_seq)
    if segment is None or segment.last_seq <= after_seq:
        return 0 if segment is None else segment.last_seq
    rows = segments.rows(segment, columns=["batch"])
    following = rows.filter(rows["batch"] > after_seq)
    return segment.last_seq if following.height == 0 else int(following["batch"][0]) - 1


def _next_batches(
    session_id: SessionId,
    after_seq: int,
    expected: int,
    tail: Callable[[int], Sequence[TapeRow]],
    segments: Segments,
) -> Iterable[Batch]:
    rows = tail(after_seq)
    if not rows or rows[0].first_seq != expected:
        segment = segments.after(session_id, max(after_seq, expected - 1))
        if segment is not None and (not rows or segment.first_seq < rows[0].first_seq):
            return segments.batches(segment, after_seq=after_seq)
    return map(batch_of, rows)
