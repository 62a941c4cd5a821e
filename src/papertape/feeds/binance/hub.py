"""One market shared by all sessions: its routes, decoder, books and recoveries."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from random import Random
from typing import NamedTuple, Protocol

from papertape.errors import PapertapeError
from papertape.feeds.binance.connection import Timing
from papertape.feeds.binance.decoder import MarketDecoder, NeedSnapshot, NeedTrades
from papertape.feeds.binance.frames import Market, Received
from papertape.feeds.binance.route import Route, RouteEvents
from papertape.feeds.binance.streams import stream_names
from papertape.feeds.binance.trade_sync import Print
from papertape.feeds.binance.venue_rest import VenueRest
from papertape.feeds.level_book import LevelBook
from papertape.model.entries import BookGap, BookUpdate, MarketEvent
from papertape.model.instrument import Instrument, InstrumentId

_CALLS_AT_ONCE = 4


class Subscriber(Protocol):
    """One session's part of a hub."""

    ids: frozenset[InstrumentId]

    def take(self, events: Sequence[MarketEvent]) -> None:
        """Take events of its instruments."""

    def refresh(self) -> None:
        """Learn that the connection changed."""


class Lane(NamedTuple):
    """A stream address, the kinds of stream it carries, and whether books and trades come from it."""

    url: str
    kinds: tuple[str, ...]
    carries_books: bool


class MarketHub:
    """The shared connection of one market: streams are asked for once, whatever number of sessions want them."""

    def __init__(
        self,
        market: Market,
        lanes: Sequence[Lane],
        rest: VenueRest,
        timing: Timing,
        clock: Callable[[], int],
        jitter: Random,
    ) -> None:
        self.decoder = MarketDecoder(market)
        self.rest = rest
        self.last_frame_ts: int | None = None
        self.connected_ts: int | None = None
        self._timing = timing
        self._clock = clock
        self._book_urls = [lane.url for lane in lanes if lane.carries_books]
        self._kinds = {lane.url: lane.kinds for lane in lanes}
        self.routes = {lane.url: self._new_route(lane, jitter) for lane in lanes}
        self._subscribers: list[Subscriber] = []
        self._instruments: dict[str, Instrument] = {}
        self._books: dict[InstrumentId, LevelBook] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._calls = asyncio.Semaphore(_CALLS_AT_ONCE)
        self._attempts: dict[str, int] = {}

    def join(self, subscriber: Subscriber) -> None:
        """Deliver to `subscriber` from now on, beginning with the books that are known already."""
        self._subscribers.append(subscriber)
        known = [self._snapshot(i, book) for i, book in self._books.items() if i in subscriber.ids and book.is_valid]
        if known:
            subscriber.take(known)

    def want(self, instruments: Sequence[Instrument]) -> None:
        """Ask for the streams of instruments; those asked for already stay as they are."""
        for instrument in instruments:
            self._instruments[instrument.symbol] = instrument
            self._books.setdefault(instrument.id, LevelBook())
            self.decoder.add(instrument)
        for url, route in self.routes.items():
            route.want(name for i in instruments for name in stream_names(i.symbol, self._kinds[url]))
        self._spawn(self._ask_quiet_books())

    def leave(self, subscriber: Subscriber) -> None:
        """Stop delivering to `subscriber`; streams nobody wants any more are dropped. Idempotent."""
        if subscriber not in self._subscribers:
            return
        self._subscribers.remove(subscriber)
        needed = frozenset[InstrumentId]().union(*(other.ids for other in self._subscribers))
        for symbol, instrument in tuple(self._instruments.items()):
            if instrument.id not in needed:
                self._forget(symbol, instrument)

    def is_acknowledged(self, instrument: Instrument) -> bool:
        """Return whether the venue acknowledged every stream of `instrument`."""
        return all(
            route.acknowledged.issuperset(stream_names(instrument.symbol, self._kinds[url]))
            for url, route in self.routes.items()
        )

    async def close(self) -> None:
        """Close connections and cancel recoveries."""
        for route in self.routes.values():
            await route.close()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.rest.close()

    def _new_route(self, lane: Lane, jitter: Random) -> Route:
        events = RouteEvents(
            on_frames=self.take,
            on_ready=self._on_ready if lane.carries_books else _nothing,
            on_lost=self._on_lost if lane.carries_books else _ignore,
            on_change=self._on_change,
        )
        return Route(lane.url, self._timing, jitter, events)

    def _forget(self, symbol: str, instrument: Instrument) -> None:
        self.decoder.remove(symbol)
        self._instruments.pop(symbol)
        self._books.pop(instrument.id, None)
        for url, route in self.routes.items():
            route.unwant(stream_names(symbol, self._kinds[url]))

    def take(self, burst: list[Received]) -> None:
        """Take a burst of one connection: decode it and deliver its events."""
        now = self._clock()
        self.last_frame_ts = now
        events: list[MarketEvent] = []
        self.decoder.take_burst(burst, now, events)
        self.publish(events)
        self._serve_requests()

    def _on_ready(self) -> None:
        self.connected_ts = self._clock()
        self.decoder.on_connected()
        self._serve_requests()
        self._spawn(self._ask_quiet_books())

    def _on_lost(self, reason: str) -> None:
        events: list[MarketEvent] = []
        self.decoder.on_lost(f"connection lost: {reason}", self._clock(), events)
        self.publish(events)

    def _on_change(self) -> None:
        for subscriber in tuple(self._subscribers):
            subscriber.refresh()

    def publish(self, events: list[MarketEvent]) -> None:
        """Deliver events, each to the sessions that want its instrument; the books are kept after that.

        A session that joins is not one that is delivered to: it joins between bursts, where the books are whole.
        """
        if not events:
            return
        try:
            self._deliver(events)
        finally:
            self._keep_books(events)

    def _deliver(self, events: list[MarketEvent]) -> None:
        if len(self._subscribers) == 1:
            self._subscribers[0].take(events)
            return
        for subscriber in tuple(self._subscribers):
            own = [event for event in events if event.instrument in subscriber.ids]
            if own:
                subscriber.take(own)

    def _keep_books(self, events: list[MarketEvent]) -> None:
        for event in events:
            if type(event) is BookUpdate or type(event) is BookGap:
                book = self._books.get(event.instrument)  # none where its last session left while it was delivered to
                if book is None:
                    continue
                if type(event) is BookUpdate:
                    book.apply(event)
                else:
                    book.void()

    def _serve_requests(self) -> None:
        for request in self.decoder.take_requests():
            if isinstance(request, NeedSnapshot):
                self._spawn(self._fetch_book(request.symbol))
            else:
                self._spawn(self._fetch_trades(request))

    async def _ask_quiet_books(self) -> None:
        await asyncio.sleep(self._timing.retry)
        # Without the stream a snapshot would have nothing that continues it.
        if all(self.routes[url].state == "live" for url in self._book_urls):
            self.decoder.ask_missing_books()
            self._serve_requests()

    async def _fetch_book(self, symbol: str) -> None:
        attempt = self._attempts.get(symbol, 0)
        self._attempts[symbol] = attempt + 1
        if attempt:
            await asyncio.sleep(min(self._timing.longest_retry, self._timing.retry * 2 ** min(attempt - 1, 16)))
        try:
            async with self._calls:
                snapshot = await self.rest.depth(symbol)
        except PapertapeError as error:
            self.decoder.count_error(error.message)
            self.decoder.snapshot_failed(symbol)
        else:
            events: list[MarketEvent] = []
            self.decoder.on_snapshot(symbol, snapshot, self._clock(), events)
            self.publish(events)
            if any(isinstance(event, BookUpdate) for event in events):
                self._attempts.pop(symbol, None)
        self._serve_requests()

    async def _fetch_trades(self, request: NeedTrades) -> None:
        instrument = self._instruments.get(request.symbol)
        if instrument is None:
            return
        found: list[Print] = []
        try:
            async with asyncio.timeout(self._timing.rest), self._calls:
                found = await self.rest.trades_after(instrument, request.after_id, request.before_id)
        except PapertapeError as error:
            self.decoder.count_error(error.message)
        except TimeoutError:
            self.decoder.count_error(f"The missed trades of {instrument.id} did not come in {self._timing.rest:g} s.")
        events: list[MarketEvent] = []
        self.decoder.on_trades(request.symbol, found, self._clock(), events)
        self.publish(events)
        self._serve_requests()

    def _snapshot(self, instrument: InstrumentId, book: LevelBook) -> BookUpdate:
        now = self._clock()
        ts = now + self.decoder.clock.offset_us
        return book.snapshot(instrument, ts, now)

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work, name="binance recovery")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _nothing() -> None:
    return


def _ignore(reason: str) -> None:
    del reason
