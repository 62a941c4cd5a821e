"""A book of one instrument in integers, kept from snapshots and changes."""

# kernel: compiled by scripts/kernel_build.py

from __future__ import annotations

from papertape.model.entries import BookUpdate
from papertape.model.instrument import InstrumentId

Levels = tuple[tuple[int, int], ...]


class LevelBook:
    """Price to size on both sides; empty until the first snapshot."""

    __slots__ = ("_asks", "_bids", "is_valid")
    _bids: dict[int, int]
    _asks: dict[int, int]
    is_valid: bool

    def __init__(self) -> None:
        self._bids = {}
        self._asks = {}
        self.is_valid = False

    def apply(self, update: BookUpdate) -> None:
        """Take a snapshot or a change; changes before the first snapshot are passed over."""
        if update.is_snapshot:
            self._bids.clear()
            self._asks.clear()
            self.is_valid = True
        if self.is_valid:
            _change(self._bids, update.bids)
            _change(self._asks, update.asks)

    def void(self) -> None:
        """Forget everything: levels are unknown until the next snapshot."""
        self._bids.clear()
        self._asks.clear()
        self.is_valid = False

    def snapshot(self, instrument: InstrumentId, ts: int, recv_ts: int) -> BookUpdate:
        """Return the whole book as one update; times in microseconds UTC."""
        return BookUpdate(
            ts=ts, recv_ts=recv_ts, instrument=instrument, is_snapshot=True, bids=self.bids, asks=self.asks
        )

    @property
    def bids(self) -> Levels:
        """Bid levels, best (highest) first."""
        return tuple(sorted(self._bids.items(), reverse=True))

    @property
    def asks(self) -> Levels:
        """Ask levels, best (lowest) first."""
        return tuple(sorted(self._asks.items()))

    @property
    def best(self) -> tuple[tuple[int, int], tuple[int, int]] | None:
        """The best bid and ask as `(price, size)`, or None while a side is empty."""
        if not self._bids or not self._asks:
            return None
        bid, ask = max(self._bids), min(self._asks)
        return (bid, self._bids[bid]), (ask, self._asks[ask])


def _change(side: dict[int, int], levels: Levels) -> None:
    for price, size in levels:
        if size:
            side[price] = size
        else:
            side.pop(price, None)
