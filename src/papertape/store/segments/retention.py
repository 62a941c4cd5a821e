"""Which sessions' market data has to go: by age and by size, oldest first, whole sessions only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

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


def mergeable(segments: Iterable[SegmentRow], most_entries: int, most_bytes: int) -> list[tuple[SegmentRow, ...]]:
    """Return runs of neighbouring segments of one session, in the order of seq, that fit into one file together."""
    runs: list[list[SegmentRow]] = []
    for segment in sorted(segments, key=lambda row: (row.session_id, row.first_seq)):
        if segment.removed_ts is not None:
            continue
        if runs and _joins(segment, runs[-1], most_entries, most_bytes):
            runs[-1].append(segment)
        else:
            runs.append([segment])
    return [tuple(run) for run in runs if len(run) > 1]


def _joins(segment: SegmentRow, run: Sequence[SegmentRow], most_entries: int, most_bytes: int) -> bool:
    return (
        run[-1].session_id == segment.session_id
        and run[-1].last_seq + 1 == segment.first_seq
        and segment.last_seq - run[0].first_seq < most_entries
        and segment.size + sum(row.size for row in run) <= most_bytes
    )
