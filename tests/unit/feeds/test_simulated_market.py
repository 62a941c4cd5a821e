"""The simulated market: the same for the same seed, and plausible wherever it is looked at."""

from __future__ import annotations

from collections.abc import Iterable
from random import Random
from statistics import mean

import pytest

from papertape.feeds.simulated.coins import COINS
from papertape.feeds.simulated.episodes import CALM, EpisodeSchedule
from papertape.feeds.simulated.market import CoinMarket
from papertape.model.entries import BookUpdate, MarketEvent, Quote, Ticker, Trade
from papertape.model.instrument import InstrumentId, check_instrument_id

START_TS = 1_760_000_000_000_000
STEP_US = 100_000
MINUTE = 600

PUMPED = tuple(coin for coin in COINS if coin.pump_starts)


def open_market(base: str, seed: int = 7, live_step: int = 0) -> CoinMarket:
    coin = next(coin for coin in COINS if coin.base == base)
    return CoinMarket(coin, seed, live_step=live_step, keep_us=60_000_000)


def by_instrument(events: Iterable[MarketEvent]) -> dict[InstrumentId, list[MarketEvent]]:
    parts: dict[InstrumentId, list[MarketEvent]] = {}
    for event in events:
        parts.setdefault(event.instrument, []).append(event)
    return parts


def trades_between(events: Iterable[MarketEvent], first_s: float, last_s: float) -> list[Trade]:
    first, last = START_TS + first_s * 1e6, START_TS + last_s * 1e6
    return [event for event in events if isinstance(event, Trade) and first <= event.ts < last]


def test_the_same_seed_and_number_of_steps_give_identical_events() -> None:
    one, other = open_market("BTC"), open_market("BTC")
    assert one.advance(3 * MINUTE, START_TS) == other.advance(3 * MINUTE, START_TS)


def test_it_does_not_matter_how_many_steps_are_taken_at_once() -> None:
    at_once, one_by_one = open_market("PUMP"), open_market("PUMP")
    singly = [event for step in range(1, 2 * MINUTE + 1) for event in one_by_one.advance(step, START_TS)]
    assert singly == at_once.advance(2 * MINUTE, START_TS)


def test_looking_at_the_market_does_not_change_it() -> None:
    seen, unseen = open_market("ETH"), open_market("ETH")
    ids = {instrument.id for instrument in seen.instruments}
    events = []
    for step in range(50, MINUTE + 1, 50):
        events += seen.advance(step, START_TS)
        seen.picture(ids, START_TS + step * STEP_US)
        seen.recall(ids)
    assert events == unseen.advance(MINUTE, START_TS)


def test_another_seed_gives_another_market() -> None:
    assert open_market("BTC", 1).advance(MINUTE, START_TS) != open_market("BTC", 2).advance(MINUTE, START_TS)


@pytest.mark.parametrize("base", [coin.base for coin in COINS])
def test_every_number_is_a_positive_integer_on_the_increments(base: str) -> None:
    for event in open_market(base).advance(2 * MINUTE, START_TS):
        match event:
            case Trade():
                numbers = [event.price, event.size]
            case Quote():
                numbers = [event.bid, event.bid_size, event.ask, event.ask_size]
            case BookUpdate():
                numbers = [price for price, _ in (*event.bids, *event.asks)]
            case _:
                numbers = []
        assert all(type(number) is int and number > 0 for number in numbers), event


@pytest.mark.parametrize("base", [coin.base for coin in COINS])
def test_times_never_go_back_and_stay_inside_their_step(base: str) -> None:
    market = open_market(base)
    for step in range(2 * MINUTE):
        times = [event.ts for event in market.advance(step + 1, START_TS)]
        begin = START_TS + step * STEP_US
        assert times == sorted(times)
        assert all(begin <= ts < begin + STEP_US for ts in times)


@pytest.mark.parametrize("base", [coin.base for coin in COINS])
def test_a_trade_prints_at_the_touch_quoted_before_it_and_never_exceeds_its_size(base: str) -> None:
    for events in by_instrument(open_market(base).advance(5 * MINUTE, START_TS)).values():
        quote: Quote | None = None
        for event in events:
            if isinstance(event, Quote):
                assert event.bid < event.ask
                quote = event
            elif isinstance(event, Trade) and quote is not None:
                touch = (quote.ask, quote.ask_size) if event.side == "buy" else (quote.bid, quote.bid_size)
                assert (event.price, event.size <= touch[1]) == (touch[0], True)


@pytest.mark.parametrize("base", [coin.base for coin in COINS])
def test_snapshots_and_updates_make_a_book_of_15_levels_a_side_that_is_never_crossed_and_meets_the_quotes(
    base: str,
) -> None:
    for events in by_instrument(open_market(base).advance(3 * MINUTE, START_TS)).values():
        bids: dict[int, int] = {}
        asks: dict[int, int] = {}
        quote: Quote | None = None
        for event in events:
            if isinstance(event, Quote):
                quote = event
            elif isinstance(event, BookUpdate):
                if event.is_snapshot:
                    bids, asks = {}, {}
                bids = {price: size for price, size in (bids | dict(event.bids)).items() if size}
                asks = {price: size for price, size in (asks | dict(event.asks)).items() if size}
                assert (len(bids), len(asks), max(bids) < min(asks)) == (15, 15, True)
                assert quote is None or (max(bids), min(asks)) == (quote.bid, quote.ask)


def test_a_picture_is_the_book_to_which_the_next_updates_apply() -> None:
    market = open_market("SOL")
    ids = {instrument.id for instrument in market.instruments}
    market.advance(333, START_TS)
    picture = next(event for event in market.picture(ids, START_TS) if isinstance(event, BookUpdate))
    bids = dict(picture.bids)
    for event in market.advance(555, START_TS):
        if isinstance(event, BookUpdate):
            assert not event.is_snapshot
            bids = {price: size for price, size in (bids | dict(event.bids)).items() if size}
    later = next(event for event in market.picture(ids, START_TS) if isinstance(event, BookUpdate))
    assert tuple(sorted(bids.items(), reverse=True)) == later.bids


@pytest.mark.parametrize("base", [coin.base for coin in COINS])
def test_a_calm_instrument_has_5_to_15_events_a_second_of_every_kind(base: str) -> None:
    calm_step = -20 * MINUTE
    for events in by_instrument(open_market(base, live_step=calm_step).advance(3 * MINUTE, START_TS)).values():
        assert 5 <= len(events) / 180 <= 15
        assert {type(event) for event in events} == {Trade, Quote, BookUpdate, Ticker}


@pytest.mark.parametrize("seed", [1, 7, 42])
def test_the_first_pump_peaks_after_about_two_minutes_on_a_surge_of_volume_and_is_dumped(seed: int) -> None:
    market = open_market("PUMP", seed, live_step=6 * MINUTE)
    events = market.advance(12 * MINUTE, START_TS)
    instrument = market.instruments[0]

    live = trades_between(events, 360, 720)
    peak = max(live, key=lambda trade: trade.price)
    before = mean(trade.price for trade in trades_between(events, 360, 372))
    calm_volume = sum(trade.size for trade in trades_between(events, 60, 360)) / 300
    pump_volume = sum(trade.size for trade in trades_between(events, 400, 425)) / 25
    after = mean(trade.price for trade in trades_between(events, 600, 620))

    assert (peak.ts - START_TS) / 1e6 - 360 < 130
    assert 0.03 <= peak.price / before - 1 <= 0.09
    assert pump_volume / calm_volume >= 5
    assert after < before + 0.5 * (peak.price - before)
    assert instrument.kind == "perpetual"


@pytest.mark.parametrize("base", [coin.base for coin in PUMPED])
def test_episodes_come_back_every_five_to_seven_minutes(base: str) -> None:
    market = open_market(base, live_step=18 * MINUTE)
    trades = trades_between(market.advance(78 * MINUTE, START_TS), 0, 78 * 60)
    closes = list({trade.ts // 60_000_000: trade.price for trade in trades}.values())
    rises = [minute for minute in range(2, len(closes)) if closes[minute] / closes[minute - 2] > 1.02]
    pumps = [minute for minute in rises if minute - 1 not in rises and minute - 2 not in rises]
    assert 6 <= len(pumps) <= 16


def test_later_episodes_are_not_all_alike() -> None:
    schedule = EpisodeSchedule(Random(7), [0])
    influences = [schedule.at(step) for step in range(120 * MINUTE)]
    starts = [step for step in range(1, len(influences)) if influences[step - 1] == CALM != influences[step]]
    lengths = {
        next(end for end in range(start, len(influences)) if influences[end] == CALM) - start for start in starts[:-1]
    }
    assert 15 <= len(starts) <= 25
    assert min(lengths) < 100 * 10 < 200 * 10 < max(lengths)


def test_only_small_coins_are_pumped() -> None:
    assert {coin.base for coin in PUMPED} == {"PUMP", "MOON", "COMET"}


def test_every_instrument_says_that_it_is_simulated() -> None:
    instruments = [instrument for coin in COINS for instrument in open_market(coin.base).instruments]
    assert len(instruments) == 8
    for instrument in instruments:
        assert check_instrument_id(instrument.id).endswith(".SIMULATED")
        assert (instrument.venue, instrument.id.endswith("-PERP.SIMULATED")) == (
            "SIMULATED",
            instrument.kind == "perpetual",
        )
