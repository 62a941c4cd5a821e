"""A session's own tape played as a recording: books, tickers and gaps included, nothing exported first."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from papertape.feeds.recorded.recording import Moment, Tally
from papertape.model.entries import Batch, MarketEvent
from papertape.model.instrument import Instrument


class TapeRecording:
    """The market events of a journalled session by exchange time; its clock ticks, commands and notes are left out.

    Args:
        instruments: those of the session's plan.
        batches: gives the session's batches from the first one, each time it is called.
    """

    def __init__(self, instruments: Sequence[Instrument], batches: Callable[[], Iterable[Batch]]) -> None:
        self._instruments = list(instruments)
        self._batches = batches

    def instruments(self) -> list[Instrument]:
        """Return the instruments of the session, by id."""
        return sorted(self._instruments, key=lambda instrument: instrument.id)

    def warmup_s(self) -> float | None:
        """Return how many seconds of exchange time the session warmed up on, None when it did not."""
        first: int | None = None
        for batch in self._batches():
            for entry in batch.entries:
                if not isinstance(entry, MarketEvent):
                    continue
                if not batch.is_warmup:
                    return None if first is None else (entry.ts - first) / 1e6
                first = entry.ts if first is None else first
        return None

    def play(self, instruments: Sequence[Instrument], tally: Tally) -> Iterator[Moment]:
        """Yield one moment an event."""
        wanted = {instrument.id for instrument in instruments}
        for batch in self._batches():
            for entry in batch.entries:
                if isinstance(entry, MarketEvent) and entry.instrument in wanted:
                    tally.frames += 1
                    yield Moment(entry.ts, [entry])
