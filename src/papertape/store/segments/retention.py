"""Which sessions' market data has to go: by age and by size, oldest first, whole sessions only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from papertape.model.session import SessionId
from papertape.model.tables import SegmentRow

_DAY_US = 86_400_000_000


def expired_sessions(
    segments: Sequence[SegmentRow],
    ended: Mapping[SessionId, int],
    *,
    now: int,
    keep_days: float | None,
    keep_bytes: int | None,
) -> list[SessionId]:
    """Return the sessions whose sealed files are to be removed, the one that ended first first.

    Args:
        segments: The manifest.
        ended: The sessions whose tape may go, with when they ended: microseconds UTC, our clock.
        now: Our clock, microseconds UTC.
        keep_days: How long a tape is kept after its session ended; for ever when None.
        keep_bytes: How much all sealed files may hold together; any size when None. Files of sessions that may not
            go count as well, so that the files can hold more than this while only such sessions are left.
    """
    sizes: dict[SessionId, int] = {}
    for segment in segments:
        if segment.removed_ts is None:
            sizes[segment.session_id] = sizes.get(segment.session_id, 0) + segment.size
    held = sum(sizes.values())
    expired: list[SessionId] = []
    for session_id in sorted(sizes.keys() & ended.keys(), key=lambda each: (ended[each], each)):
        is_old = keep_days is not None and now - ended[session_id] > keep_days * _DAY_US
        is_too_much = keep_bytes is not None and held > keep_bytes
        if is_old or is_too_much:
            expired.append(session_id)
            held -= sizes[session_id]
    return expired


def mergeable(segments: Sequence[SegmentRow], most_entries: int, most_bytes: int) -> list[tuple[SegmentRow, ...]]:
    """Return runs of neighbouring segments of one session, in the order of seq, that fit into one file together."""
    runs: list[tuple[SegmentRow, ...]] = []
    run: list[SegmentRow] = []
    for segment in segments:
        joins = bool(run) and run[-1].last_seq + 1 == segment.first_seq and segment.removed_ts is None
        size = segment.size + sum(each.size for each in run)
        if not (joins and segment.last_seq - run[0].first_seq < most_entries and size <= most_bytes):
            runs.append(tuple(run))
            run = []
        if segment.removed_ts is None:
            run.append(segment)
    return [each for each in (*runs, tuple(run)) if len(each) > 1]
