"""The order of one trading session's entries."""

# kernel: compiled by scripts/kernel_build.py

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from papertape.model.entries import Batch, Entry


class Tape:
    """Gives each entry of one session its `seq` and makes `ts` non-decreasing, in the order of arrival."""

    __slots__ = ("last_recv_ts", "last_seq", "last_ts")
    last_seq: int
    """The seq of the newest entry, 0 before the first."""
    last_ts: int
    """The time of the newest entry in microseconds UTC, 0 before the first."""
    last_recv_ts: int
    """When we took the newest entry by our clock, microseconds UTC, 0 before the first."""

    def __init__(self, *, last_seq: int = 0, last_ts: int = 0) -> None:
        self.last_seq = last_seq
        self.last_ts = last_ts
        self.last_recv_ts = 0

    def append(self, entries: Sequence[Entry], *, is_warmup: bool = False) -> Batch:
        """Return the entries as the next batch. An entry older than the one before it takes that one's time."""
        last_ts: int = self.last_ts
        ordered: list[Entry] = list(entries)
        for index in range(len(ordered)):
            ts: int = ordered[index].ts
            if ts < last_ts:
                ordered[index] = replace(ordered[index], ts=last_ts)
            else:
                last_ts = ts
        batch = Batch(first_seq=self.last_seq + 1, entries=tuple(ordered), is_warmup=is_warmup)
        self.last_ts = last_ts
        self.last_seq += len(ordered)
        if ordered:
            self.last_recv_ts = ordered[len(ordered) - 1].recv_ts
        return batch

    def follow(self, batch: Batch) -> None:
        """Take note of a batch read back from the journal, so that `append` goes on after it."""
        self.last_seq = batch.last_seq
        if batch.entries:
            newest = batch.entries[len(batch.entries) - 1]
            self.last_ts = max(self.last_ts, newest.ts)
            self.last_recv_ts = newest.recv_ts
