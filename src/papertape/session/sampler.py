"""Samples a session once a second of entry time: every indicator of every instance, and the bars that closed.

Samples follow from the journalled batches alone, so that a restored session goes on without losing or doubling a bar.
Time of the tape never goes back: a bar that ends by a batch's last entry is final.
"""

from __future__ import annotations

from papertape.engine.engine import Engine
from papertape.model.entries import Batch, ClockTick
from papertape.model.samples import Samples
from papertape.model.views import BarView

BAR_INTERVALS_S = (1, 5, 15, 60, 300)
"""The intervals of the bars that are stored as they close, and of those the chart keeps, in seconds."""

_LONGEST_WAIT_US = 60_000_000


class Sampler:
    """Follows an engine batch by batch. Only clock ticks cause samples; warm-up causes none."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._sampled_until = 0
        self._overdue = 0
        self._waiting: list[BarView] = []

    def take(self, batch: Batch) -> Samples | None:
        """Return the samples of the batch just stepped, None where it does not end with a clock tick."""
        entries = batch.entries
        if entries and entries[-1].ts < self._overdue and type(entries[-1]) is not ClockTick:
            return None  # nearly always
        if not self._collect(batch):
            return None
        tick = entries[-1]
        bars, self._waiting = tuple(self._waiting), []
        indicators = tuple(self._engine.indicator_samples())
        if not indicators and not bars:  # a session that only records, while nothing is traded
            return None
        return Samples(entry_seq=batch.last_seq, ts=tick.ts, indicators=indicators, bars=bars)

    def follow(self, batch: Batch) -> None:
        """Take note of a batch just stepped whose samples, if it had any, are stored already."""
        if self._collect(batch):
            self._waiting = []

    def _collect(self, batch: Batch) -> bool:
        if batch.is_warmup or not batch.entries:
            return False
        last = batch.entries[-1]
        is_due = isinstance(last, ClockTick)
        if self._sampled_until == 0:
            self._sampled_until = batch.entries[0].ts
            self._overdue = self._sampled_until + _LONGEST_WAIT_US
        # What was missed comes without clock ticks; the engine does not keep its seconds for ever.
        if is_due or last.ts >= self._overdue:
            for interval_s in BAR_INTERVALS_S:
                self._waiting += self._engine.closed_bars(interval_s, self._sampled_until, last.ts)
            self._sampled_until = last.ts
            self._overdue = last.ts + _LONGEST_WAIT_US
        return is_due
