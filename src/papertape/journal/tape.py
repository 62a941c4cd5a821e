"""The order of one trading session's entries."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from papertape.model.entries import Batch, Entry


class Tape:
    """Gives each entry of one session its `seq` and makes `ts` non-decreasing, in the order of arrival."""

    def __init__(self, *, last_seq: int = 0, last_ts: int = 0) -> None:
        self._last_seq = last_seq
        self._last_ts = last_ts
        self._last_recv_ts = 0

    @property
    def last_seq(self) -> int:
        """The seq of the newest entry, 0 before the first."""
        return self._last_seq

    @property
    def last_ts(self) -> int:
        """The time of the newest entry in microseconds UTC, 0 before the first."""
        return self._last_ts

    @property
    def last_recv_ts(self) -> int:
        """When we took the newest entry by our clock, microseconds UTC, 0 before the first."""
        return self._last_recv_ts

    def append(self, entries: Sequence[Entry], *, is_warmup: bool = False) -> Batch:
        """Return the entries as the next batch. An entry older than the one before it takes that one's time."""
        last_ts = self._last_ts
        ordered: list[Entry] = []
        for entry in entries:
            if entry.ts < last_ts:
                entry = msgspec.structs.replace(entry, ts=last_ts)
            last_ts = entry.ts
            ordered.append(entry)
        batch = Batch(first_seq=self._last_seq + 1, entries=tuple(ordered), is_warmup=is_warmup)
        self._last_ts = last_ts
        self._last_seq = batch.last_seq
        if ordered:
            self._last_recv_ts = ordered[-1].recv_ts
        return batch

    def follow(self, batch: Batch) -> None:
        """Take note of a batch read back from the journal, so that `append` goes on after it."""
        self._last_seq = batch.last_seq
        if batch.entries:
            self._last_ts = max(self._last_ts, batch.entries[-1].ts)
            self._last_recv_ts = batch.entries[-1].recv_ts
