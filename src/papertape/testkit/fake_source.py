"""A market source that does what a test tells it, with no time of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

import msgspec

from papertape.errors import Unavailable
from papertape.model.entries import MarketEvent
from papertape.model.feed import FeedListener, FeedState, FeedStatus
from papertape.model.instrument import Instrument, InstrumentId


def make_instrument(symbol: str = "BTCUSDT", *, is_perpetual: bool = True, venue: str = "FAKE") -> Instrument:
    """Return an instrument with two price decimals and three size decimals."""
    return Instrument(
        id=f"{symbol}{'-PERP' if is_perpetual else ''}.{venue}",
        symbol=symbol,
        venue=venue,
        kind="perpetual" if is_perpetual else "spot",
        base=symbol.removesuffix("USDT"),
        quote="USDT",
        price_decimals=2,
        size_decimals=3,
        price_increment=Decimal("0.01"),
        size_increment=Decimal("0.001"),
        min_quantity=Decimal("0.001"),
        min_notional=Decimal(5),
        max_leverage=20 if is_perpetual else 1,
    )


class FakeSubscription:
    """One session's subscription; `emit` and `say` play the venue."""

    def __init__(self, instruments: Sequence[Instrument], listener: FeedListener) -> None:
        self._listener = listener
        self._status = FeedStatus(
            state="live", detail="The fake venue is live.", subscribed=frozenset(item.id for item in instruments)
        )
        self.is_closed = False

    def emit(self, *events: MarketEvent) -> None:
        """Deliver a burst."""
        self._status = msgspec.structs.replace(
            self._status, frames=self._status.frames + 1, events=self._status.events + len(events)
        )
        self._listener.on_events(events)

    def say(self, state: FeedState, detail: str) -> None:
        """Change the state of the connection."""
        self._status = msgspec.structs.replace(self._status, state=state, detail=detail)
        self._listener.on_status(self._status)

    def status(self) -> FeedStatus:
        """Return how the connection is doing."""
        return self._status

    async def close(self) -> None:
        """Stop delivering."""
        self.is_closed = True


class FakeSource:
    """A feed with given instruments, history and missed events; `error` makes it unreachable."""

    venue = "FAKE"
    is_simulated = False
    note: str | None = None

    def __init__(
        self,
        instruments: Sequence[Instrument],
        *,
        name: str = "fake",
        history: Sequence[MarketEvent] = (),
        missed: Sequence[MarketEvent] = (),
        error: str | None = None,
    ) -> None:
        self.name = name
        self.subscriptions: list[FakeSubscription] = []
        self.taken_up: list[tuple[int, dict[InstrumentId, int]]] = []
        self._instruments = list(instruments)
        self._history = list(history)
        self._missed = list(missed)
        self._error = error

    async def instruments(self) -> list[Instrument]:
        """Return what the test gave, or raise `Unavailable`."""
        if self._error is not None:
            raise Unavailable(self._error, code="feed.unreachable")
        return self._instruments

    async def history(self, instruments: Sequence[Instrument]) -> list[MarketEvent]:
        """Return the given history of these instruments."""
        wanted = {item.id for item in instruments}
        return [event for event in self._history if event.instrument in wanted]

    async def subscribe(self, instruments: Sequence[Instrument], listener: FeedListener) -> FakeSubscription:
        """Return a subscription that the test plays."""
        subscription = FakeSubscription(instruments, listener)
        self.subscriptions.append(subscription)
        return subscription

    def take_up(self, since_ts: int, last_prices: Mapping[InstrumentId, int]) -> None:
        """Remember what a restored session said."""
        self.taken_up.append((since_ts, dict(last_prices)))

    async def missed(self, instruments: Sequence[Instrument], since_ts: int) -> list[MarketEvent]:
        """Return the given missed events after `since_ts`."""
        wanted = {item.id for item in instruments}
        return [event for event in self._missed if event.ts > since_ts and event.instrument in wanted]

    async def close(self) -> None:
        """Close every subscription."""
        for subscription in self.subscriptions:
            await subscription.close()
