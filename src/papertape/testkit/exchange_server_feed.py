"""The Binance feed at an exchange server that plays by hand: what its scenario tests stand on."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random

import msgspec

from papertape.feeds.binance.client import BinanceSource
from papertape.feeds.binance.connection import Timing
from papertape.feeds.binance.endpoints import parse_venue_url
from papertape.feeds.binance.frames import Market
from papertape.feeds.level_book import LevelBook
from papertape.model.entries import BookGap, BookUpdate, MarketEvent, Trade
from papertape.model.instrument import Instrument
from papertape.session.clock import wall_clock
from papertape.testkit.exchange_server import ExchangeServer
from papertape.testkit.exchange_server_listener import CollectingListener
from papertape.testkit.exchange_server_sample import write_sample

SPOT, PERP = "BTCUSDT.BINANCE", "BTCUSDT-PERP.BINANCE"
FAST = Timing(
    open=3, ack=3, ping=20, silence=30, rotate=3600, overlap=0.05, rest=3, retry=0.02, longest_retry=0.1, stable=30
)


def fast(**changes: float) -> Timing:
    """Return `FAST` with some waits changed, in seconds."""
    return msgspec.structs.replace(FAST, **changes)


class FeedAtServer:
    """A Binance feed at an exchange server, with one session's subscription."""

    def __init__(self, server: ExchangeServer, source: BinanceSource, instruments: list[Instrument]) -> None:
        self.server = server
        self.source = source
        self.instruments = instruments
        self.listener = CollectingListener()

    async def subscribe(self) -> None:
        """Subscribe, and wait until the venue has acknowledged everything."""
        self.subscription = await self.source.subscribe(self.instruments, self.listener)
        await self.until(lambda: len(self.subscription.status().subscribed) == len(self.instruments))

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until `condition` holds."""
        await self.listener.until(condition)

    async def all_delivered(self) -> None:
        """Wait until the last print the server played has come."""
        last = [str(self.server.market(market, "BTCUSDT").trades[-1].trade_id) for market in self.markets]
        await self.until(lambda: [self.trade_ids(market)[-1:] for market in self.markets] == [[each] for each in last])

    @property
    def markets(self) -> list[Market]:
        """Return the market of each instrument."""
        return ["spot" if instrument.kind == "spot" else "usdm" for instrument in self.instruments]

    def trade_ids(self, market: Market = "spot") -> list[str]:
        """Return the ids of the trades delivered, in order."""
        wanted = SPOT if market == "spot" else PERP
        return [trade.trade_id for trade in self.listener.of(Trade) if trade.instrument == wanted]

    def gaps(self) -> list[BookGap]:
        """Return the gaps announced."""
        return self.listener.of(BookGap)


@asynccontextmanager
async def feed_at(
    folder: Path, *, timing: Timing = FAST, instruments: tuple[str, ...] = (SPOT,), steps: int = 1_000
) -> AsyncIterator[FeedAtServer]:
    """Give a feed subscribed at a server that plays the sample by hand, and close both."""
    sample = write_sample(folder, steps=steps, markets=("spot", "usdm"))
    async with ExchangeServer(sample.path, speed=0) as server:
        source = BinanceSource(wall_clock, endpoints=parse_venue_url(server.venue_url), timing=timing, jitter=Random(1))
        try:
            offered = {instrument.id: instrument for instrument in await source.instruments()}
            made = FeedAtServer(server, source, [offered[each] for each in instruments])
            await made.subscribe()
            yield made
        finally:
            await source.close()


def best_of(events: Iterable[MarketEvent]) -> tuple[tuple[int, int], tuple[int, int]] | None:
    """Return the best bid and ask of the book that the events of one instrument build, None while it is void."""
    book = LevelBook()
    for event in events:
        if isinstance(event, BookUpdate):
            book.apply(event)
        elif isinstance(event, BookGap):
            book.void()
    return book.best
