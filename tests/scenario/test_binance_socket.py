"""The Binance feed over a real socket, through everything a venue and a network do."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import httpx
import pytest

from papertape.errors import Broken, Unavailable
from papertape.feeds.binance.client import BinanceSource
from papertape.feeds.binance.endpoints import parse_venue_url
from papertape.model.entries import BookGap, BookUpdate, MarketEvent, Quote, Ticker, Trade
from papertape.model.instrument import Instrument
from papertape.session.clock import wall_clock
from papertape.testkit.exchange_server import ExchangeServer
from papertape.testkit.exchange_server_feed import FAST, PERP, SPOT, FeedAtServer, best_of, fast, feed_at
from papertape.testkit.exchange_server_listener import CollectingListener
from papertape.testkit.exchange_server_market import PlayedMarket
from papertape.testkit.exchange_server_sample import START_MS, write_sample
from papertape.testkit.shared_data import shared_data


def ids(first: int, last: int) -> list[str]:
    return [str(trade_id) for trade_id in range(first, last + 1)]


async def test_trades_quotes_books_and_statistics_of_both_markets_arrive(tmp_path: Path) -> None:
    async with feed_at(tmp_path, instruments=(SPOT, PERP)) as made:
        await made.server.advance()
        await made.all_delivered()
        await made.until(lambda: best_of([e for e in made.listener.events if e.instrument == PERP]) is not None)
        kinds = {(type(event), event.instrument) for event in made.listener.events}
        status = made.subscription.status()
    assert kinds >= {(kind, each) for kind in (Trade, Quote, BookUpdate, Ticker) for each in (SPOT, PERP)}
    assert (made.trade_ids("spot"), made.trade_ids("usdm")) == (ids(1_001, 2_000), ids(1_001, 2_000))
    assert (status.state, status.gaps, status.decode_errors, status.reconnects) == ("live", 0, 0, 0)
    assert abs(status.clock_offset_us - (START_MS * 1000 - wall_clock())) < 3_600_000_000


async def test_a_burst_is_handed_over_at_once_and_not_message_by_message(tmp_path: Path) -> None:
    async with feed_at(tmp_path) as made:
        await made.server.advance()
        await made.all_delivered()
    assert made.listener.bursts < len(made.listener.events) / 5


async def test_the_book_agrees_with_the_quote_at_the_end(tmp_path: Path) -> None:
    async with feed_at(tmp_path) as made:
        await made.server.advance(frames=300)
        await made.until(lambda: best_of(made.listener.events) is not None)
        await made.server.advance()
        await made.all_delivered()
        quote = made.listener.of(Quote)[-1]
        expected = ((quote.bid, quote.bid_size), (quote.ask, quote.ask_size))
        await made.until(lambda: best_of(made.listener.events) == expected)
    assert made.gaps() == []


async def test_after_a_cut_everything_is_resubscribed_and_the_missed_trades_come_in_order(tmp_path: Path) -> None:
    async with feed_at(tmp_path, instruments=(SPOT, PERP)) as made:
        await made.server.advance(seconds=4)
        await made.all_delivered()
        made.server.cut()
        await made.until(lambda: len(made.gaps()) == 2)
        await made.server.advance(seconds=2)
        await made.until(lambda: len(made.subscription.status().subscribed) == 2)
        await made.server.advance()
        await made.all_delivered()
        await made.until(lambda: best_of([e for e in made.listener.events if e.instrument == SPOT]) is not None)
        status = made.subscription.status()
    assert {gap.instrument for gap in made.gaps()} == {SPOT, PERP}
    assert (made.trade_ids("spot"), made.trade_ids("usdm")) == (ids(1_001, 2_000), ids(1_001, 2_000))
    assert (status.state, status.reconnects) == ("live", 3)
    assert "reconnecting" in made.listener.states


async def test_twenty_cuts_lose_and_repeat_nothing(tmp_path: Path) -> None:
    async with feed_at(tmp_path) as made:
        for _ in range(20):
            await made.server.advance(seconds=0.3)
            made.server.cut()
            await made.until(_more_reconnects(made))
            await made.until(lambda: len(made.subscription.status().subscribed) == 1)
        await made.server.advance()
        await made.all_delivered()
    assert made.trade_ids() == ids(1_001, 2_000)


async def test_a_skipped_trade_is_noticed_and_fetched(tmp_path: Path) -> None:
    async with feed_at(tmp_path, instruments=(SPOT, PERP)) as made:
        await made.server.advance(seconds=2)
        made.server.skip("BTCUSDT", "trade", 3)
        made.server.skip("BTCUSDT", "trade", 3, market="usdm")
        await made.server.advance()
        await made.all_delivered()
        status = made.subscription.status()
    assert (made.trade_ids("spot"), made.trade_ids("usdm")) == (ids(1_001, 2_000), ids(1_001, 2_000))
    assert (status.gaps, made.gaps()) == (2, [])


async def test_a_trade_that_cannot_be_fetched_is_announced_as_a_gap_and_the_book_comes_back(tmp_path: Path) -> None:
    async with feed_at(tmp_path) as made:
        await made.server.advance(seconds=2)
        await made.all_delivered()
        made.server.skip("BTCUSDT", "trade", 1)
        await made.server.advance(seconds=0.01)
        made.server.forget_trades()
        await made.server.advance(seconds=1)
        await made.until(lambda: len(made.gaps()) == 1)
        await made.until(lambda: best_of(made.listener.events) is not None)
    assert made.gaps()[0].reason == "1 trades are missing and the venue no longer gives them"


async def test_a_skipped_book_update_voids_the_book_until_a_new_snapshot(tmp_path: Path) -> None:
    async with feed_at(tmp_path) as made:
        await made.server.advance(seconds=2)
        await made.until(lambda: best_of(made.listener.events) is not None)
        made.server.skip("BTCUSDT", "depth", 1)
        await made.server.advance(seconds=2)
        await made.until(lambda: len(made.gaps()) == 1)
        await made.until(lambda: best_of(made.listener.events) is not None)
        snapshots = [update for update in made.listener.of(BookUpdate) if update.is_snapshot]
    assert (len(snapshots), made.subscription.status().gaps) == (2, 1)


async def test_a_venue_that_hangs_is_left_and_connected_anew(tmp_path: Path) -> None:
    async with feed_at(tmp_path, timing=fast(silence=0.2)) as made:
        await made.server.advance(seconds=1)
        await made.all_delivered()
        made.server.hang()
        await made.until(lambda: "no data for 0.2 s" in "".join(gap.reason for gap in made.gaps()))
        await made.until(lambda: len(made.subscription.status().subscribed) == 1)
        await made.server.advance(seconds=1)
        await made.all_delivered()
    assert made.trade_ids() == ids(1_001, 1_200)


async def test_garbage_is_counted_and_the_data_goes_on(tmp_path: Path) -> None:
    garbage: list[str | bytes] = ["nonsense", b"\x00\xff", "{}", '{"stream":"btcusdt@trade","data":{"t":"x"}}', "[]"]
    async with feed_at(tmp_path) as made:
        for message in garbage:
            made.server.send_raw(message)
        await made.server.advance(seconds=1)
        await made.all_delivered()
        status = made.subscription.status()
    assert (status.decode_errors, bool(status.last_error), status.reconnects) == (5, True, 0)
    assert made.trade_ids() == ids(1_001, 1_100)


async def test_rotation_loses_and_repeats_nothing(tmp_path: Path) -> None:
    async with feed_at(tmp_path, instruments=(SPOT, PERP)) as made:
        for round_ in range(1, 4):
            await made.server.advance(seconds=1)
            replaced = _connections(made.server.connections + 3)
            made.server.announce_shutdown()
            await made.server.wait_for(replaced)
            await made.server.advance(seconds=1)
            await made.server.wait_for(lambda server: len(server.clients) == 3)
            assert made.subscription.status().state == "live", round_
        await made.server.advance()
        await made.all_delivered()
        status = made.subscription.status()
    assert (made.trade_ids("spot"), made.trade_ids("usdm")) == (ids(1_001, 2_000), ids(1_001, 2_000))
    assert (status.reconnects, status.gaps, made.gaps(), made.listener.states[-1]) == (0, 0, [], "live")
    assert _update_keys(made) == sorted(set(_update_keys(made)))


async def test_the_connection_is_replaced_before_the_venues_limit(tmp_path: Path) -> None:
    async with feed_at(tmp_path, timing=fast(rotate=0.15)) as made:
        await made.server.wait_for(lambda server: server.connections >= 3)
        await made.server.advance(seconds=1)
        await made.all_delivered()
        status = made.subscription.status()
    assert (made.trade_ids(), status.reconnects) == (ids(1_001, 1_100), 0)


async def test_a_refused_subscription_is_said_and_tried_again(tmp_path: Path) -> None:
    sample = write_sample(tmp_path)
    async with ExchangeServer(sample.path, speed=0) as server:
        source = BinanceSource(wall_clock, endpoints=parse_venue_url(server.venue_url), timing=FAST)
        server.refuse_subscriptions("Invalid request")
        listener = CollectingListener()
        subscription = await source.subscribe(await source.instruments(), listener)
        said = "Binance refused the subscription: 2 Invalid request"
        await listener.until(lambda: said in subscription.status().detail)
        assert subscription.status().subscribed == frozenset()
        server.refuse_subscriptions(None)
        await listener.until(lambda: subscription.status().subscribed == {SPOT})
        await source.close()


async def test_a_subscription_that_is_never_acknowledged_is_said_and_tried_again(tmp_path: Path) -> None:
    sample = write_sample(tmp_path)
    async with ExchangeServer(sample.path, speed=0) as server:
        source = BinanceSource(wall_clock, endpoints=parse_venue_url(server.venue_url), timing=fast(ack=0.1))
        server.answer_commands(answers=False)
        listener = CollectingListener()
        subscription = await source.subscribe(await source.instruments(), listener)
        await listener.until(lambda: "did not acknowledge SUBSCRIBE" in subscription.status().detail)
        server.answer_commands(answers=True)
        await listener.until(lambda: subscription.status().subscribed == {SPOT})
        await source.close()


async def test_the_prints_between_the_history_and_the_subscription_are_not_lost(tmp_path: Path) -> None:
    sample = write_sample(tmp_path)
    async with ExchangeServer(sample.path, speed=0, warmup_s=2) as server:
        source = BinanceSource(wall_clock, endpoints=parse_venue_url(server.venue_url), timing=FAST)
        instruments = await source.instruments()
        history = await source.history(instruments)
        await server.advance(seconds=1)
        listener = CollectingListener()
        subscription = await source.subscribe(instruments, listener)
        await listener.until(lambda: subscription.status().subscribed == {SPOT})
        await server.advance(seconds=1)
        await listener.until(lambda: len(listener.of(Trade)) == 200)
        await source.close()
    before = [event.trade_id for event in history if isinstance(event, Trade)]
    assert before + [trade.trade_id for trade in listener.of(Trade)] == ids(1_001, 1_400)
    assert (listener.of(BookGap), subscription.status().gaps) == ([], 0)


async def test_sessions_share_one_connection_and_the_second_starts_with_the_book(tmp_path: Path) -> None:
    async with feed_at(tmp_path) as made:
        await made.server.advance(seconds=1)
        await made.until(lambda: best_of(made.listener.events) is not None)
        await made.all_delivered()
        late = CollectingListener()
        second = await made.source.subscribe(made.instruments, late)
        await made.server.advance(seconds=1)
        await late.until(lambda: len(late.of(Trade)) == 100)
        await made.subscription.close()
        await made.server.advance(seconds=1)
        await late.until(lambda: len(late.of(Trade)) == 200)
        connections = made.server.connections
        await second.close()
        await made.server.wait_for(lambda server: server.clients == [])
    first = late.events[0]
    assert isinstance(first, BookUpdate)
    assert (first.is_snapshot, connections, len(made.trade_ids())) == (True, 1, 200)


async def test_an_exchange_that_refuses_is_unreachable_with_a_sentence_and_found_again(tmp_path: Path) -> None:
    sample = write_sample(tmp_path)
    async with ExchangeServer(sample.path, speed=0) as server:
        source = BinanceSource(wall_clock, endpoints=parse_venue_url(server.venue_url), timing=FAST)
        assert await source.reachable(3) is None
        server.refuse()
        sentence = await source.reachable(3)
        with pytest.raises(Unavailable, match="503"):
            await source.instruments()
        server.refuse(refuses=False)
        assert (await source.reachable(3), bool(sentence)) == (None, True)
        await source.close()


async def test_where_nobody_listens_the_sentence_says_so() -> None:
    source = BinanceSource(wall_clock, endpoints=parse_venue_url("ws://127.0.0.1:1,http://127.0.0.1:1"), timing=FAST)
    sentence = await source.reachable(3)
    await source.close()
    assert sentence is not None
    assert "does not answer at http://127.0.0.1:1" in sentence


async def test_the_market_plays_by_itself_at_its_speed(tmp_path: Path) -> None:
    sample = write_sample(tmp_path, steps=500)
    async with ExchangeServer(sample.path, speed=100) as server:
        source = BinanceSource(wall_clock, endpoints=parse_venue_url(server.venue_url), timing=FAST)
        listener = CollectingListener()
        await source.subscribe(await source.instruments(), listener)
        await listener.until(lambda: len(listener.of(Trade)) == len(sample.trade_ids))
        await source.close()
    assert [trade.trade_id for trade in listener.of(Trade)] == [str(each) for each in sample.trade_ids]


async def test_a_looping_market_goes_on_with_growing_ids_and_a_new_book(tmp_path: Path) -> None:
    sample = write_sample(tmp_path, steps=100)
    async with ExchangeServer(sample.path, speed=0, loops=True) as server:
        source = BinanceSource(wall_clock, endpoints=parse_venue_url(server.venue_url), timing=FAST)
        listener = CollectingListener()
        subscription = await source.subscribe(await source.instruments(), listener)
        await listener.until(lambda: subscription.status().subscribed == {SPOT})
        await server.advance(frames=150)
        await listener.until(lambda: best_of(listener.events) is not None)
        await server.advance(frames=300)
        await listener.until(lambda: len(listener.of(BookGap)) == 1 and best_of(listener.events) is not None)
        await source.close()
    numbers = [int(trade.trade_id) for trade in listener.of(Trade)]
    times = [trade.ts for trade in listener.of(Trade)]
    assert (numbers, times) == (list(range(1_001, 1_001 + len(numbers))), sorted(times))
    assert len(numbers) > 200


def _update_keys(made: FeedAtServer) -> list[tuple[int, int]]:
    return [(1, quote.ts) for quote in made.listener.of(Quote) if quote.instrument == PERP]


async def test_real_recorded_frames_of_both_markets_arrive_complete_over_the_socket() -> None:
    frames = shared_data("binance-raw-ws-2024-08/raw")
    async with ExchangeServer(frames, speed=0) as server:
        source = BinanceSource(wall_clock, endpoints=parse_venue_url(server.venue_url), timing=FAST)
        offered = {instrument.id: instrument for instrument in await source.instruments()}
        chosen = [offered[each] for each in (SPOT, "ETHUSDT.BINANCE", PERP)]
        listener = CollectingListener()
        subscription = await source.subscribe(chosen, listener)
        await listener.until(lambda: len(subscription.status().subscribed) == 3)
        await server.advance(frames=8_000)
        played = {i.id: [str(t.trade_id) for t in _market(server, i).trades] for i in chosen}
        await listener.until(lambda: {i.id: _ids_of(listener, i) for i in chosen} == played)
        await listener.until(lambda: {update.instrument for update in listener.of(BookUpdate)} == set(played))
        status = subscription.status()
        await source.close()
    assert (status.decode_errors, status.gaps, min(len(numbers) for numbers in played.values()) > 100) == (0, 0, True)


def _market(server: ExchangeServer, instrument: Instrument) -> PlayedMarket:
    return server.market("spot" if instrument.kind == "spot" else "usdm", instrument.symbol)


def _ids_of(listener: CollectingListener, instrument: Instrument) -> list[str]:
    return [trade.trade_id for trade in listener.of(Trade) if trade.instrument == instrument.id]


async def test_a_session_that_cannot_go_on_does_not_take_the_connection_from_the_others(tmp_path: Path) -> None:
    class Failing(CollectingListener):
        def on_events(self, events: Sequence[MarketEvent]) -> None:
            super().on_events(events)
            raise Broken("an invariant does not hold", code="test.broken")

    async with feed_at(tmp_path) as made:
        failing = Failing()
        broken = await made.source.subscribe(made.instruments, failing)
        await made.server.advance(seconds=1)
        await made.all_delivered()
        status = broken.status()
    assert (status.state, status.detail) == ("failed", "delivery stopped: an invariant does not hold")
    assert (failing.bursts, made.subscription.status().reconnects) == (1, 0)


def test_the_server_runs_as_a_command_and_says_where_it_is(tmp_path: Path) -> None:
    write_sample(tmp_path)
    command = [sys.executable, "-m", "papertape.testkit.exchange_server", "--frames", str(tmp_path), "--speed", "10"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            line = process.stdout.readline() if process.stdout else ""
            address = line.removeprefix("venue-url ").strip()
            answer = httpx.get(f"{parse_venue_url(address).spot_rest}/api/v3/ping", timeout=5)
        finally:
            process.send_signal(signal.SIGTERM)
            code = process.wait(timeout=10)
    assert (answer.json(), code) == ({}, 0)


def _more_reconnects(made: FeedAtServer) -> Callable[[], bool]:
    before = made.subscription.status().reconnects
    return lambda: made.subscription.status().reconnects > before


def _connections(count: int) -> Callable[[ExchangeServer], bool]:
    return lambda server: server.connections == count
