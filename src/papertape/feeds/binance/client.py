"""Binance as a market source: spot and USD-M, one shared connection per market and kind of stream."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from operator import attrgetter
from random import Random
from typing import NamedTuple

from papertape.errors import PapertapeError, Unavailable
from papertape.feeds.binance.connection import Timing, VenueConnection
from papertape.feeds.binance.endpoints import LIVE, Endpoints
from papertape.feeds.binance.frames import Market
from papertape.feeds.binance.hub import Lane, MarketHub
from papertape.feeds.binance.streams import BOOK_AND_TRADES, STATISTICS
from papertape.feeds.binance.subscription import BinanceSubscription
from papertape.feeds.binance.venue_rest import VenueRest
from papertape.model.entries import MarketEvent
from papertape.model.feed import FeedListener
from papertape.model.instrument import Instrument, InstrumentId

_HISTORY_BARS = 120
_HISTORY_CALLS = 4
_INSTRUMENTS_FRESH_US = 3600 * 1_000_000
# A history older than this is not joined to the live prints: the hole would be too wide to fetch.
_HISTORY_FRESH_US = 60 * 1_000_000


class _LastPrint(NamedTuple):
    trade_id: int
    at: int


class BinanceSource:
    """Public market data of Binance; no account, no key. Create it inside a running event loop.

    Args:
        clock: our wall clock, microseconds UTC.
        endpoints: the venue, or another server that speaks its dialect (`parse_venue_url`).
        timing: waits and limits.
        jitter: spreads reconnects; not used for anything a session could replay.
    """

    name = "binance"
    venue = "BINANCE"
    is_simulated = False

    def __init__(
        self,
        clock: Callable[[], int],
        *,
        endpoints: Endpoints = LIVE,
        timing: Timing | None = None,
        jitter: Random | None = None,
    ) -> None:
        self._clock = clock
        self._timing = timing or Timing()
        self._jitter = jitter or Random()
        self._endpoints = endpoints
        self._hubs: dict[Market, MarketHub] = {}
        self._last_prints: dict[InstrumentId, _LastPrint] = {}
        self._instruments: list[Instrument] = []
        self._instruments_ts: int | None = None
        self.note = None if endpoints == LIVE else f"Binance's dialect from {endpoints.spot_rest}, not the exchange."

    async def instruments(self) -> list[Instrument]:
        """Return spot pairs and USD-M perpetuals that trade now; remembered for an hour.

        Raises:
            Unavailable: neither market answers.
        """
        now = self._clock()
        if self._instruments_ts is not None and now - self._instruments_ts < _INSTRUMENTS_FRESH_US:
            return self._instruments
        answers = await asyncio.gather(
            *(self._hub(market).rest.instruments() for market in _MARKETS), return_exceptions=True
        )
        found = [instrument for answer in answers if isinstance(answer, list) for instrument in answer]
        if not found:
            raise next(answer for answer in answers if isinstance(answer, BaseException))
        if all(isinstance(answer, list) for answer in answers):
            self._instruments, self._instruments_ts = found, now
        return found

    async def history(self, instruments: Sequence[Instrument]) -> list[MarketEvent]:
        """Return the last 120 closed one-minute bars, 1,000 trades and the present quote of each, oldest first.

        Raises:
            Unavailable: the venue does not answer.
        """
        for market in {_market_of(instrument) for instrument in instruments}:
            await self._learn_clock(market)
        calls = asyncio.Semaphore(_HISTORY_CALLS)
        parts = await asyncio.gather(*(self._history_of(instrument, calls) for instrument in instruments))
        return sorted((event for part in parts for event in part), key=attrgetter("ts"))

    async def subscribe(self, instruments: Sequence[Instrument], listener: FeedListener) -> BinanceSubscription:
        """Ask for trades, quotes, books and statistics; the subscription's status tells what is acknowledged."""
        hubs = {market: self._hub(market) for market in {_market_of(instrument) for instrument in instruments}}
        subscription = BinanceSubscription(instruments, listener, list(hubs.values()))
        for market, hub in hubs.items():
            hub.join(subscription)
            hub.want([instrument for instrument in instruments if _market_of(instrument) == market])
        for instrument in instruments:
            self._continue_history(instrument)
        return subscription

    def take_up(self, since_ts: int, last_prices: Mapping[InstrumentId, int]) -> None:
        """Do nothing: the exchange goes on by itself."""

    async def missed(self, instruments: Sequence[Instrument], since_ts: int) -> list[MarketEvent]:
        """Return the trades between `since_ts` and now, oldest first.

        The last 1,000 come one by one; what lies before them as aggregated trades, at most 10,000 an instrument.
        """
        found: list[MarketEvent] = []
        for instrument in instruments:
            found.extend(await self._missed_of(instrument, since_ts))
        return sorted(found, key=attrgetter("ts"))

    async def reachable(self, timeout_s: float) -> str | None:
        """Return None when the venue's REST and stream answer within `timeout_s`, otherwise the sentence why not."""
        connection = VenueConnection(self._endpoints.spot_stream, self._timing, lambda _: None, lambda: None)
        try:
            async with asyncio.timeout(timeout_s):
                await self._hub("spot").rest.ping(timeout_s)
                await connection.open()
        except PapertapeError as error:
            return error.message
        except TimeoutError:
            return f"Binance did not answer within {timeout_s:g} s."
        finally:
            await connection.close()
        return None

    async def close(self) -> None:
        """Close every connection."""
        hubs, self._hubs = self._hubs, {}
        for hub in hubs.values():
            await hub.close()

    def _hub(self, market: Market) -> MarketHub:
        hub = self._hubs.get(market)
        if hub is None:
            address = self._endpoints.spot_rest if market == "spot" else self._endpoints.usdm_rest
            rest = VenueRest(market, address, self._clock, self._timing.rest)
            hub = MarketHub(market, self._lanes(market), rest, self._timing, self._clock, self._jitter)
            self._hubs[market] = hub
        return hub

    def _lanes(self, market: Market) -> list[Lane]:
        if market == "spot":
            return [Lane(self._endpoints.spot_stream, BOOK_AND_TRADES + STATISTICS, carries_books=True)]
        return [
            Lane(self._endpoints.usdm_public_stream, BOOK_AND_TRADES, carries_books=True),
            Lane(self._endpoints.usdm_market_stream, STATISTICS, carries_books=False),
        ]

    def _continue_history(self, instrument: Instrument) -> None:
        last = self._last_prints.pop(instrument.id, None)
        if last is not None and self._clock() - last.at < _HISTORY_FRESH_US:
            self._hub(_market_of(instrument)).decoder.continue_after(instrument.symbol, last.trade_id)

    async def _learn_clock(self, market: Market) -> None:
        hub = self._hub(market)
        server_us = await hub.rest.server_time()
        hub.decoder.clock.observe(server_us, self._clock())

    async def _history_of(self, instrument: Instrument, calls: asyncio.Semaphore) -> list[MarketEvent]:
        hub = self._hub(_market_of(instrument))
        async with calls:
            bars = await hub.rest.klines(instrument, _HISTORY_BARS)
            prints = await hub.rest.recent_trades(instrument)
            quote = await hub.rest.book_ticker(instrument, hub.decoder.clock.offset_us)
        if prints:
            self._last_prints[instrument.id] = _LastPrint(prints[-1].trade_id, self._clock())
        return [*bars, *(found.trade for found in prints if found.trade is not None), quote]

    async def _missed_of(self, instrument: Instrument, since_ts: int) -> list[MarketEvent]:
        rest = self._hub(_market_of(instrument)).rest
        try:
            prints = await rest.recent_trades(instrument)
            recent = [found.trade for found in prints if found.trade is not None]
            if not prints or recent[0].ts <= since_ts:
                return [trade for trade in recent if trade.ts > since_ts]
            aggregated = await rest.agg_trades_since(instrument, since_ts // 1000 + 1)
        except Unavailable:
            return []
        first_id = prints[0].trade_id
        earlier = [found.trade for found in aggregated if found.last_trade_id < first_id]
        return [*earlier, *recent]


_MARKETS: tuple[Market, ...] = ("spot", "usdm")


def _market_of(instrument: Instrument) -> Market:
    return "spot" if instrument.kind == "spot" else "usdm"
