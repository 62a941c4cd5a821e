"""One topic's part of a session's ring: its newest publications, and the newest records for a snapshot."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

import msgspec

from papertape.server.frames import pub_fact, snap_pages


class Published(msgspec.Struct, frozen=True, gc=False):
    """One encoded publication. `at` is the monotonic second it was made."""

    topic: str
    seq: int
    frame: bytes
    at: float


class FactLane:
    """Every publication on the topic after `floor` is here; `head` is the seq of the newest, None while unknown."""

    def __init__(self, topic: str, epoch: str, floor: int, snapshot_facts: int, head: int | None = None) -> None:
        self.topic = topic
        self.floor = floor
        self.head = head
        self.is_filled = False
        self._epoch = epoch
        self._entries: deque[Published] = deque()
        self._rows: deque[tuple[int, msgspec.Raw]] = deque(maxlen=snapshot_facts)
        self._snapshot: tuple[int, list[bytes]] | None = None

    def append(self, seq: int, row: msgspec.Raw, ts: int, now: float) -> Published:
        """Add the newest fact and return its publication."""
        entry = self._published(seq, row, ts, now, self.head or 0)
        self._entries.append(entry)
        self._rows.append((seq, row))
        self.head = seq
        return entry

    def fill(self, rows: Sequence[tuple[int, msgspec.Raw]], ts: int, now: float, *, is_whole: bool) -> int:
        """Take the newest facts of the store, oldest first; return how many publications were added in front.

        `is_whole`: there are no older ones.
        """
        self.is_filled = True
        first = self._entries[0].seq if self._entries else None
        older = [row for row in rows if first is None or row[0] < first]
        if older:
            self.head = self.head or older[-1][0]
            self._rows = deque([*older, *(row for row in self._rows if row[0] > older[-1][0])], self._rows.maxlen)
        elif self.head is None:
            self.head = 0
        known = 0 if is_whole else 1  # what came before the oldest one is not known, so it is a `prev` only
        prev = 0 if is_whole or not older else older[0][0]
        entries = []
        for seq, row in older[known:]:
            entries.append(self._published(seq, row, ts, now, prev))
            prev = seq
        if older or is_whole:
            self._correct_first(dict(rows), prev, ts)
        self._entries.extendleft(reversed(entries))
        self.floor = 0 if is_whole else min(self.floor, older[0][0] if older else self.floor)
        return len(entries)

    def _correct_first(self, rows: dict[int, msgspec.Raw], prev: int, ts: int) -> None:
        first = self._entries[0] if self._entries else None
        if first is not None and first.seq in rows:  # it may have been published while the store did not answer
            self._entries[0] = self._published(first.seq, rows[first.seq], ts, first.at, prev)

    def after(self, seq: int, room: int) -> list[bytes] | None:
        """Return the publications after `seq`, which is not before the floor; None when they exceed `room` bytes."""
        frames: list[bytes] = []
        for entry in reversed(self._entries):
            if entry.seq <= seq:
                break
            room -= len(entry.frame)
            if room < 0:
                return None
            frames.append(entry.frame)
        frames.reverse()
        return frames

    def snapshot(self, last_seq: int, frame_bytes: int) -> list[bytes]:
        """Return the newest records as pages true at `last_seq`, encoded once a position."""
        if self._snapshot is None or self._snapshot[0] != last_seq:
            rows = [row for _, row in self._rows]
            self._snapshot = (last_seq, snap_pages(self.topic, self._epoch, last_seq, rows, frame_bytes))
        return self._snapshot[1]

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def oldest_at(self) -> float:
        """When the oldest publication was made, in monotonic seconds."""
        return self._entries[0].at

    def drop_oldest(self) -> None:
        """Leave the oldest publication to the store."""
        self.floor = max(self.floor, self._entries.popleft().seq)

    def _published(self, seq: int, row: msgspec.Raw, ts: int, now: float, prev: int) -> Published:
        return Published(self.topic, seq, pub_fact(self.topic, self._epoch, seq, ts, row, prev), now)
