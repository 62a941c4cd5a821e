"""The port of market data, kept by the Binance and the recorded feed alike, on the same frames."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from papertape.errors import Invalid
from papertape.feeds.binance.client import BinanceSource
from papertape.feeds.binance.endpoints import parse_venue_url
from papertape.feeds.recorded.source import RecordedSource
from papertape.model.entries import BookUpdate, MarketEvent, Quote, Trade
from papertape.model.instrument import Instrument
from papertape.session.clock import wall_clock
from papertape.session.source import MarketSource
from papertape.testkit.exchange_server import ExchangeServer
from papertape.testkit.exchange_server_listener import CollectingListener
from papertape.testkit.exchange_server_sample import write_sample

WARMUP_S = 5.0
PERP, SPOT = "BTCUSDT-PERP.BINANCE", "BTCUSDT.BINANCE"


@asynccontextmanager
async def binance(folder: Path) -> AsyncIterator[MarketSource]:
    async with ExchangeServer(folder, speed=500, warmup_s=WARMUP_S) as server:
        source = BinanceSource(wall_clock, endpoints=parse_venue_url(server.venue_url))
        yield source
        await source.close()


@asynccontextmanager
async def recorded(folder: Path) -> AsyncIterator[MarketSource]:
    source = RecordedSource(folder, math.inf, wall_clock, warmup_s=WARMUP_S)
    yield source
    await source.close()


@pytest.fixture(params=[binance, recorded])
async def source(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[MarketSource]:
    write_sample(tmp_path, steps=1_000, markets=("spot", "usdm"))
    async with request.param(tmp_path) as made:
        yield made


async def test_instruments_carry_ids_kinds_and_rules(source: MarketSource) -> None:
    found = sorted(await source.instruments(), key=lambda instrument: instrument.id)
    assert [(i.id, i.kind, i.symbol, i.venue, i.price_decimals, i.size_decimals) for i in found] == [
        (PERP, "perpetual", "BTCUSDT", "BINANCE", 2, 3),
        (SPOT, "spot", "BTCUSDT", "BINANCE", 2, 3),
    ]


async def test_history_is_from_before_the_start_and_oldest_first(source: MarketSource) -> None:
    instruments = await source.instruments()
    history = await source.history(instruments)
    listener = CollectingListener()
    await source.subscribe(instruments, listener)
    await listener.until(lambda: {event.instrument for event in listener.of(Trade)} == {SPOT, PERP})
    times = [event.ts for event in history]
    assert times == sorted(times)
    assert {type(event) for event in history} >= {Trade, Quote}
    assert max(int(trade.trade_id) for trade in history if isinstance(trade, Trade)) == 1_500


async def test_live_events_follow_the_history_without_a_hole(source: MarketSource) -> None:
    instruments = await source.instruments()
    before = trade_ids(await source.history(instruments), SPOT)
    listener = CollectingListener()
    await source.subscribe(instruments, listener)
    await listener.until(lambda: trade_ids(listener.events, SPOT)[-1:] == ["2000"])
    assert before + trade_ids(listener.events, SPOT) == [str(trade_id) for trade_id in range(1_001, 2_001)]


async def test_a_book_starts_with_a_snapshot(source: MarketSource) -> None:
    listener = CollectingListener()
    await source.subscribe(await source.instruments(), listener)
    await listener.until(lambda: {update.instrument for update in listener.of(BookUpdate)} == {SPOT, PERP})
    first = {instrument: first_update(listener.events, instrument) for instrument in (SPOT, PERP)}
    assert {instrument: update.is_snapshot for instrument, update in first.items()} == {SPOT: True, PERP: True}


async def test_delivery_carries_our_clock_as_receive_time(source: MarketSource) -> None:
    started = wall_clock()
    listener = CollectingListener()
    await source.subscribe(await source.instruments(), listener)
    await listener.until(lambda: len(listener.of(Trade)) > 100)
    received = [event.recv_ts for event in listener.events]
    assert received == sorted(received)
    assert started <= received[0] <= received[-1] <= wall_clock()


async def test_status_tells_what_is_subscribed_and_how_many_events_came(source: MarketSource) -> None:
    listener = CollectingListener()
    subscription = await source.subscribe(await source.instruments(), listener)
    await listener.until(lambda: len(listener.events) > 100 and len(subscription.status().subscribed) == 2)
    status = subscription.status()
    assert (set(status.subscribed), status.events, status.decode_errors) == ({SPOT, PERP}, len(listener.events), 0)
    assert status.connected_ts is not None
    assert "live" in listener.states


async def test_a_closed_subscription_delivers_nothing_more_and_may_be_closed_again(source: MarketSource) -> None:
    instruments = await source.instruments()
    listener, other = CollectingListener(), CollectingListener()
    subscription = await source.subscribe(instruments, listener)
    await listener.until(lambda: len(listener.events) > 10)
    await subscription.close()
    await subscription.close()
    count = len(listener.events)
    await source.subscribe(instruments, other)
    await other.until(lambda: len(other.events) > 10)
    assert (len(listener.events), subscription.status().state in {"closed", "ended"}) == (count, True)


async def test_a_subscription_gets_its_own_instruments_only(source: MarketSource) -> None:
    instruments = {instrument.id: instrument for instrument in await source.instruments()}
    spot, perpetual = CollectingListener(), CollectingListener()
    await source.subscribe([instruments[SPOT]], spot)
    await source.subscribe([instruments[PERP]], perpetual)
    await spot.until(lambda: len(spot.of(Trade)) > 10)
    await perpetual.until(lambda: len(perpetual.of(Trade)) > 10)
    assert [{event.instrument for event in each.events} for each in (spot, perpetual)] == [{SPOT}, {PERP}]


async def test_missed_trades_are_those_after_the_time_asked_for(source: MarketSource) -> None:
    instruments: list[Instrument] = await source.instruments()
    history = await source.history(instruments)
    since = next(event.ts for event in history if isinstance(event, Trade) and event.trade_id == "1400")
    missed = await source.missed(instruments, since)
    assert trade_ids(missed, SPOT) in ([], [str(trade_id) for trade_id in range(1_401, 1_501)])


async def test_the_exchange_gives_what_was_missed_however_long_ago(tmp_path: Path) -> None:
    write_sample(tmp_path, steps=5_000)
    async with ExchangeServer(tmp_path, speed=0, warmup_s=45) as server:
        source = BinanceSource(wall_clock, endpoints=parse_venue_url(server.venue_url))
        instruments = await source.instruments()
        first = server.market("spot", "BTCUSDT").trades[0].trade_ms * 1000
        missed = await source.missed(instruments, first)
        bars = [event for event in await source.history(instruments) if not isinstance(event, Trade | Quote)]
        await source.close()
    assert [event.trade_id for event in missed if isinstance(event, Trade)] == [str(n) for n in range(1_002, 5_501)]
    assert [bar.ts for bar in bars] == [1_700_000_040_000_000]


async def test_an_unknown_symbol_is_refused(tmp_path: Path) -> None:
    write_sample(tmp_path)
    async with ExchangeServer(tmp_path, speed=0) as server:
        source = BinanceSource(wall_clock, endpoints=parse_venue_url(server.venue_url))
        (known,) = await source.instruments()
        unknown = Instrument(**{name: getattr(known, name) for name in known.__struct_fields__} | {"symbol": "NONE"})
        with pytest.raises(Invalid, match="does not know the symbol"):
            await source.history([unknown])
        await source.close()


def trade_ids(events: Sequence[MarketEvent], instrument: str) -> list[str]:
    return [event.trade_id for event in events if isinstance(event, Trade) and event.instrument == instrument]


def first_update(events: list[MarketEvent], instrument: str) -> BookUpdate:
    return next(event for event in events if isinstance(event, BookUpdate) and event.instrument == instrument)
