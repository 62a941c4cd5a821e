"""What is removed and what is merged follows from the manifest alone."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from papertape.model.tables import SegmentRow
from papertape.store.segments.retention import expired_sessions, mergeable

DAY_US = 86_400_000_000


def _segment(session_id: str, first_seq: int, last_seq: int, *, size: int = 10, removed: bool = False) -> SegmentRow:
    return SegmentRow(
        session_id=session_id,
        first_seq=first_seq,
        last_seq=last_seq,
        first_row=first_seq,
        last_row=last_seq,
        first_ts=first_seq,
        last_ts=last_seq,
        file=f"segments/{session_id}.{first_seq}-{last_seq}.parquet",
        sha256="0" * 64,
        size=size,
        sealed_ts=1,
        removed_ts=5 if removed else None,
    )


SEGMENTS = [
    _segment("a", 1, 10, size=100),
    _segment("b", 1, 10, size=20),
    _segment("b", 11, 20, size=30),
    _segment("c", 1, 5, size=1_000),
    _segment("gone", 1, 5, size=10_000, removed=True),
]
ENDED = {"a": 3 * DAY_US, "b": 1 * DAY_US, "gone": 0, "without files": 0}


@pytest.mark.parametrize(
    ("keep_days", "keep_bytes", "expected"),
    [
        (None, None, []),
        (9.0, None, []),
        (8.0, None, ["b"]),
        (0.0, None, ["b", "a"]),
        (None, 1_150, []),
        (None, 1_149, ["b"]),
        (None, 1_100, ["b"]),
        (None, 1_099, ["b", "a"]),
        (None, 0, ["b", "a"]),
        (8.0, 1_100, ["b"]),
    ],
)
def test_sessions_go_by_age_and_by_size_the_one_that_ended_first_first(
    keep_days: float | None, keep_bytes: int | None, expected: list[str]
) -> None:
    now = 9 * DAY_US + 1
    assert expired_sessions(SEGMENTS, ENDED, now=now, keep_days=keep_days, keep_bytes=keep_bytes) == expected


def _spans(runs: Sequence[Sequence[SegmentRow]]) -> list[list[tuple[str, int, int]]]:
    return [[(row.session_id, row.first_seq, row.last_seq) for row in run] for run in runs]


def test_neighbours_are_merged_as_far_as_they_fit() -> None:
    segments = [_segment("a", first, first + 9) for first in (31, 1, 11, 21, 41)]
    assert _spans(mergeable(segments, 20, 1_000)) == [[("a", 1, 10), ("a", 11, 20)], [("a", 21, 30), ("a", 31, 40)]]
    assert _spans(mergeable(segments, 1_000, 30)) == [
        [("a", 1, 10), ("a", 11, 20), ("a", 21, 30)],
        [("a", 31, 40), ("a", 41, 50)],
    ]
    assert mergeable(segments, 19, 1_000) == []


def test_nothing_is_merged_over_a_hole_a_removed_file_or_two_sessions() -> None:
    segments = [
        _segment("a", 1, 10),
        _segment("a", 12, 20),
        _segment("b", 21, 30),
        _segment("b", 31, 40, removed=True),
        _segment("b", 41, 50),
    ]
    assert mergeable(segments, 1_000, 1_000) == []
