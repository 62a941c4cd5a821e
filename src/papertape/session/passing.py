"""What passes a session, looked at one by one: which instruments, and how many prints."""

# kernel: compiled by scripts/kernel_build.py

from __future__ import annotations

from collections.abc import Sequence

from papertape.model.buffers import Exact
from papertape.model.entries import Entry, MarketEvent, Quote, Trade
from papertape.model.instrument import InstrumentId


def note_data(
    events: Sequence[MarketEvent], now: int, data_ts: dict[InstrumentId, int], quote_ts: dict[InstrumentId, int]
) -> None:
    """Set the time of the newest data, and of the newest quote, of each instrument in the events."""
    ts: Exact = now
    newest: object = None
    for event in events:
        instrument = event.instrument
        if instrument is not newest:
            data_ts[instrument] = ts
            newest = instrument
        if type(event) is Quote:
            quote_ts[instrument] = ts


def count_prints(entries: Sequence[Entry], instruments: set[InstrumentId]) -> int:
    """Return how many trades and quotes are among the entries, and add their instruments to the set."""
    count = 0
    newest: object = None
    for entry in entries:
        if type(entry) is Trade or type(entry) is Quote:
            count += 1
            instrument = entry.instrument
            if instrument is not newest:
                instruments.add(instrument)
                newest = instrument
    return count
