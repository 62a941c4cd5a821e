"""One session's subscription: its instruments out of what the shared connections deliver."""

from __future__ import annotations

from collections.abc import Sequence

from papertape.errors import PapertapeError
from papertape.feeds.binance.hub import MarketHub
from papertape.feeds.binance.route import Route
from papertape.model.entries import MarketEvent
from papertape.model.feed import FeedListener, FeedState, FeedStatus
from papertape.model.instrument import Instrument

_WORST_FIRST: tuple[FeedState, ...] = ("failed", "reconnecting", "connecting", "live")


class BinanceSubscription:
    """Delivers one session's instruments. Counters of frames and errors are those of the shared connections."""

    def __init__(self, instruments: Sequence[Instrument], listener: FeedListener, hubs: Sequence[MarketHub]) -> None:
        self.ids = frozenset(instrument.id for instrument in instruments)
        self._instruments = tuple(instruments)
        self._listener = listener
        self._hubs = tuple(hubs)
        self._events = 0
        self._gaps_before = sum(hub.decoder.gaps for hub in hubs)
        self._is_closed = False
        self._end: tuple[FeedState, str] = ("closed", "closed by us")

    def take(self, events: Sequence[MarketEvent]) -> None:
        """Hand a burst to the session."""
        if self._is_closed:
            return
        self._events += len(events)
        try:
            self._listener.on_events(events)
        except PapertapeError as error:
            # One session that cannot go on must not take the shared connection from the others.
            self._leave("failed", f"delivery stopped: {error.message}")
            self._listener.on_status(self.status())

    def refresh(self) -> None:
        """Hand the changed status to the session."""
        if not self._is_closed:
            self._listener.on_status(self.status())

    def status(self) -> FeedStatus:
        """Return how the connections are doing now; the worst of them decides the state."""
        decoders = [hub.decoder for hub in self._hubs]
        routes = [route for hub in self._hubs for route in hub.routes.values()]
        state, detail = _worst(routes)
        if self._is_closed:
            state, detail = self._end
        return FeedStatus(
            state=state,
            detail=detail,
            connected_ts=max((hub.connected_ts for hub in self._hubs if hub.connected_ts), default=None),
            last_frame_ts=max((hub.last_frame_ts for hub in self._hubs if hub.last_frame_ts), default=None),
            frames=sum(decoder.frames for decoder in decoders),
            events=self._events,
            decode_errors=sum(decoder.decode_errors for decoder in decoders),
            last_error=next((decoder.last_error for decoder in decoders if decoder.last_error), None),
            reconnects=sum(route.reconnects for route in routes),
            gaps=sum(decoder.gaps for decoder in decoders) - self._gaps_before,
            subscribed=frozenset(i.id for i in self._instruments if self._is_acknowledged(i)),
            clock_offset_us=next((d.clock.offset_us for d in decoders if d.clock.offset_us), 0),
        )

    async def close(self) -> None:
        """Stop delivering; idempotent."""
        if not self._is_closed:
            self._leave("closed", "closed by us")

    def _leave(self, state: FeedState, detail: str) -> None:
        self._is_closed, self._end = True, (state, detail)
        for hub in self._hubs:
            hub.leave(self)

    def _is_acknowledged(self, instrument: Instrument) -> bool:
        wanted = "spot" if instrument.kind == "spot" else "usdm"
        return any(hub.is_acknowledged(instrument) for hub in self._hubs if hub.decoder.market == wanted)


def _worst(routes: Sequence[Route]) -> tuple[FeedState, str]:
    worst = min(routes, key=lambda route: _WORST_FIRST.index(route.state))
    return worst.state, worst.detail
