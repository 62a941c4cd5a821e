"""The port of market data: a feed that can be asked for instruments, history and live events."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from papertape.model.entries import MarketEvent
from papertape.model.feed import FeedListener, FeedStatus
from papertape.model.instrument import Instrument, InstrumentId


class Subscription(Protocol):
    """A running subscription of one session."""

    def status(self) -> FeedStatus:
        """Return how the connection is doing now."""

    async def close(self) -> None:
        """Stop delivering; idempotent."""


class MarketSource(Protocol):
    """One feed: `binance`, `simulated` or `recorded:PATH`."""

    name: str
    venue: str
    is_simulated: bool
    note: str | None

    async def instruments(self) -> list[Instrument]:
        """Return every instrument that can be subscribed.

        Raises:
            Unavailable: the venue does not answer.
        """

    async def history(self, instruments: Sequence[Instrument]) -> list[MarketEvent]:
        """Return market events from before now, oldest first over all instruments, to warm indicators.

        Raises:
            Unavailable: the venue does not answer.
        """

    async def subscribe(self, instruments: Sequence[Instrument], listener: FeedListener) -> Subscription:
        """Start delivering live events. Returns once asked for, not once acknowledged; status tells.

        A cut connection is reconnected, resubscribed and its gap announced by `BookGap`, without end.
        """

    def take_up(self, since_ts: int, last_prices: Mapping[InstrumentId, int]) -> None:
        """Take note of where a restored session stands, before `missed` and `subscribe`.

        A market made here goes on from these prices, a recording from this time; a real venue needs nothing.
        """

    async def missed(self, instruments: Sequence[Instrument], since_ts: int) -> list[MarketEvent]:
        """Return the trades between `since_ts` and now where the venue has them, oldest first; else an empty list."""

    async def close(self) -> None:
        """Close every connection of the feed."""


Clock = Callable[[], int]
"""Our wall clock in microseconds UTC, injected everywhere outside the core."""
