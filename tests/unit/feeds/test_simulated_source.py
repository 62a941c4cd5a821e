"""The simulated feed: one market for all sessions, run by our clock, with a past, honest about what it is."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence

import pytest

from papertape.errors import Broken, Invalid, NotFound
from papertape.feeds.simulated import SimulatedSource
from papertape.model.entries import BookUpdate, MarketEvent, Quote, Ticker, Trade
from papertape.model.feed import FeedListener, FeedStatus
from papertape.model.instrument import Instrument
from papertape.session.source import MarketSource

START_TS = 1_760_000_000_000_000
SECOND = 1_000_000
PRE_ROLL_S = 30.0


class HandClock:
    """Our clock, moved by the test."""

    def __init__(self) -> None:
        self.now = START_TS

    def __call__(self) -> int:
        return self.now


class Ear:
    """A listener that keeps what it heard; it can be told to refuse."""

    def __init__(self, *, refuses: bool = False) -> None:
        self.bursts: list[Sequence[MarketEvent]] = []
        self.statuses: list[FeedStatus] = []
        self.refuses = refuses

    @property
    def heard(self) -> list[MarketEvent]:
        return [event for burst in self.bursts for event in burst]

    def on_events(self, events: Sequence[MarketEvent]) -> None:
        if self.refuses:
            raise Broken("The journal is full; stop the session.", code="test.full")
        self.bursts.append(events)

    def on_status(self, status: FeedStatus) -> None:
        self.statuses.append(status)


async def never(_seconds: float) -> None:
    """Sleep until the task is cancelled: the test runs the market by hand."""
    await asyncio.Event().wait()


def make_source(
    clock: HandClock, *, seed: int = 7, speed: float = 1.0, pre_roll_s: float = PRE_ROLL_S
) -> SimulatedSource:
    return SimulatedSource(seed, clock, speed, pre_roll_s, sleep=never)


def run(source: SimulatedSource, clock: HandClock, seconds: float, *, burst_us: int = 100_000) -> None:
    for _ in range(round(seconds * SECOND / burst_us)):
        clock.now += burst_us
        source.deliver_due()


async def choose(source: SimulatedSource, *symbols: str) -> list[Instrument]:
    listed = {instrument.id: instrument for instrument in await source.instruments()}
    return [listed[f"{symbol}.SIMULATED"] for symbol in symbols]


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
async def source(clock: HandClock) -> AsyncIterator[SimulatedSource]:
    source = make_source(clock)
    yield source
    await source.close()


async def test_it_is_a_market_source_that_says_it_is_simulated(source: SimulatedSource) -> None:
    port: MarketSource = source
    ear: FeedListener = Ear()
    assert (port.name, port.venue, port.is_simulated) == ("simulated", "SIMULATED", True)
    assert port.note is not None
    assert "SIMULATED" in port.note
    assert ear is not None


async def test_twenty_minutes_of_three_instruments_come_before_the_start_in_at_most_60000_events(
    clock: HandClock,
) -> None:
    source = make_source(clock, pre_roll_s=1200)
    wanted = await choose(source, "BTCUSDT-PERP", "PUMPUSDT-PERP", "MOONUSDT-PERP")
    history = await source.history(wanted)
    await source.close()

    times = [event.ts for event in history]
    assert 15_000 <= len(history) <= 60_000
    assert times == sorted(times)
    assert START_TS - 1200 * SECOND <= times[0] < START_TS - 1199 * SECOND
    assert times[-1] <= START_TS
    assert {event.instrument for event in history} == {instrument.id for instrument in wanted}
    books = [event for event in history if isinstance(event, BookUpdate)]
    assert Counter((book.instrument, book.is_snapshot) for book in books) == {
        (instrument.id, True): 1 for instrument in wanted
    }


async def test_a_subscription_is_live_with_its_first_burst_which_is_the_picture_of_the_market(
    source: SimulatedSource, clock: HandClock
) -> None:
    ear = Ear()
    [pump] = await choose(source, "PUMPUSDT-PERP")
    subscription = await source.subscribe([pump], ear)
    assert (subscription.status().state, subscription.status().subscribed) == ("connecting", frozenset())

    run(source, clock, 0.1)

    assert [type(event) for event in ear.heard] == [BookUpdate, Quote, Ticker]
    assert {event.recv_ts for event in ear.heard} == {clock.now}
    assert [(status.state, status.subscribed) for status in ear.statuses] == [("live", frozenset({pump.id}))]
    assert subscription.status().last_frame_ts == clock.now


async def test_what_follows_the_history_is_what_the_clock_makes_due(source: SimulatedSource, clock: HandClock) -> None:
    ear = Ear()
    wanted = await choose(source, "BTCUSDT-PERP", "BTCUSDT")
    last = (await source.history(wanted))[-1].ts
    await source.subscribe(wanted, ear)
    run(source, clock, 20)

    times = [event.ts for event in ear.heard]
    assert times == sorted(times)
    assert last <= times[0] < times[-1] < clock.now
    assert {event.instrument for event in ear.heard} == {instrument.id for instrument in wanted}
    assert all(0 <= event.recv_ts - event.ts <= 200_000 for event in ear.heard)
    assert len(ear.bursts) > 100


async def test_sessions_share_one_market_and_do_not_move_it(source: SimulatedSource, clock: HandClock) -> None:
    other_clock = HandClock()
    other = make_source(other_clock)
    first, late, alone = Ear(), Ear(), Ear()
    wanted = await choose(source, "PUMPUSDT-PERP")

    await source.subscribe(wanted, first)
    run(source, clock, 5)
    await source.subscribe(await choose(source, "ETHUSDT", "PUMPUSDT-PERP"), late)
    run(source, clock, 5)
    await other.subscribe(wanted, alone)
    run(other, other_clock, 10)
    await other.close()

    pump = [event for event in late.heard[6:] if event.instrument == wanted[0].id]
    assert first.heard[-len(pump) :] == pump
    assert first.heard == alone.heard


async def test_a_closed_subscription_hears_nothing_more_and_the_others_go_on(
    source: SimulatedSource, clock: HandClock
) -> None:
    leaving, staying = Ear(), Ear()
    wanted = await choose(source, "SOLUSDT-PERP")
    subscription = await source.subscribe(wanted, leaving)
    await source.subscribe(wanted, staying)
    run(source, clock, 2)
    heard = len(leaving.heard)
    await subscription.close()
    await subscription.close()
    run(source, clock, 2)

    assert (len(leaving.heard), subscription.status().state) == (heard, "closed")
    assert len(staying.heard) > heard


async def test_a_session_that_cannot_take_a_burst_fails_alone(source: SimulatedSource, clock: HandClock) -> None:
    refusing, staying = Ear(refuses=True), Ear()
    wanted = await choose(source, "SOLUSDT-PERP")
    subscription = await source.subscribe(wanted, refusing)
    await source.subscribe(wanted, staying)
    run(source, clock, 2)

    status = subscription.status()
    assert (status.state, status.last_error) == ("failed", "The journal is full; stop the session.")
    assert [heard.state for heard in refusing.statuses] == ["live", "failed"]
    assert len(staying.bursts) > 10


async def test_closing_the_market_ends_every_subscription(source: SimulatedSource, clock: HandClock) -> None:
    ear = Ear()
    await source.subscribe(await choose(source, "SOLUSDT-PERP"), ear)
    run(source, clock, 0.1)
    await source.close()
    await source.close()
    assert [status.state for status in ear.statuses] == ["live", "closed"]


async def test_missed_trades_are_those_the_market_made_meanwhile(source: SimulatedSource, clock: HandClock) -> None:
    ear = Ear()
    wanted = await choose(source, "BTCUSDT-PERP", "MOONUSDT-PERP")
    await source.subscribe(wanted, ear)
    run(source, clock, 3)
    since = clock.now
    run(source, clock, 10)

    missed = await source.missed(wanted, since)
    heard = [event for event in ear.heard if isinstance(event, Trade) and event.ts > since]
    assert [trade.trade_id for trade in missed if isinstance(trade, Trade)] == [trade.trade_id for trade in heard]
    assert len(missed) > 10


async def test_nothing_was_missed_of_a_market_that_was_not_live_yet(source: SimulatedSource) -> None:
    wanted = await choose(source, "BTCUSDT-PERP")
    assert await source.missed(wanted, START_TS - SECOND) == []


async def test_a_restored_session_goes_on_from_the_prices_it_left(clock: HandClock) -> None:
    source = make_source(clock, seed=8)
    [pump, moon] = await choose(source, "PUMPUSDT-PERP", "MOONUSDT-PERP")
    ear = Ear()
    source.take_up(START_TS - 60 * SECOND, {pump.id: 462_000})
    assert await source.missed([pump, moon], START_TS - 60 * SECOND) == []
    await source.subscribe([pump, moon], ear)
    run(source, clock, 1)
    await source.close()

    first = {event.instrument: event for event in reversed(ear.heard) if isinstance(event, Quote)}
    assert first[pump.id].bid == pytest.approx(462_000, rel=0.002)
    assert first[moon.id].bid == pytest.approx(128_400, rel=0.01)


async def test_a_market_that_is_watched_does_not_jump_for_a_restored_session(
    source: SimulatedSource, clock: HandClock
) -> None:
    ear = Ear()
    [pump] = await choose(source, "PUMPUSDT-PERP")
    await source.subscribe([pump], ear)
    run(source, clock, 1)
    source.take_up(START_TS, {pump.id: 900_000})
    await source.subscribe([pump], Ear())
    run(source, clock, 1)
    assert max(event.bid for event in ear.heard if isinstance(event, Quote)) < 450_000


async def test_two_sessions_restored_at_once_find_the_same_market(source: SimulatedSource, clock: HandClock) -> None:
    one, other = Ear(), Ear()
    [pump] = await choose(source, "PUMPUSDT-PERP")
    source.take_up(START_TS, {pump.id: 462_000})
    source.take_up(START_TS, {pump.id: 462_000})
    await asyncio.gather(source.subscribe([pump], one), source.subscribe([pump], other))
    run(source, clock, 2)
    assert one.heard == other.heard


async def test_while_the_machine_sleeps_the_market_stands_still(source: SimulatedSource, clock: HandClock) -> None:
    ear = Ear()
    await source.subscribe(await choose(source, "BTCUSDT-PERP"), ear)
    run(source, clock, 2)
    heard = len(ear.heard)
    clock.now += 3600 * SECOND
    run(source, clock, 2)

    after = ear.heard[heard:]
    assert len(after) < 100
    assert all(clock.now - 3 * SECOND < event.ts < clock.now for event in after)


async def test_at_speed_ten_market_time_runs_ten_times_ours_and_the_offset_says_so(clock: HandClock) -> None:
    source = make_source(clock, speed=10)
    ear = Ear()
    subscription = await source.subscribe(await choose(source, "BTCUSDT-PERP"), ear)
    run(source, clock, 6)
    await source.close()

    assert 58 * SECOND < ear.heard[-1].ts - START_TS < 60 * SECOND
    assert ear.heard[-1].recv_ts == clock.now
    assert subscription.status().clock_offset_us == ear.heard[-1].ts - clock.now


async def test_instruments_nobody_asked_for_catch_up_in_small_portions(
    source: SimulatedSource, clock: HandClock
) -> None:
    await source.subscribe(await choose(source, "BTCUSDT-PERP"), Ear())
    run(source, clock, 10)
    ear = Ear()
    await source.subscribe(await choose(source, "COMETUSDT-PERP"), ear)
    run(source, clock, 2)
    assert clock.now - 2 * SECOND < ear.heard[-1].ts < clock.now


async def test_the_feeds_own_task_runs_the_market(clock: HandClock) -> None:
    has_run = asyncio.Event()

    async def nap(_seconds: float) -> None:
        if clock.now > START_TS + SECOND:
            has_run.set()
            await asyncio.Event().wait()
        clock.now += 100_000

    source = SimulatedSource(7, clock, pre_roll_s=0, sleep=nap)
    ear = Ear()
    await source.subscribe(await choose(source, "BTCUSDT-PERP"), ear)
    await has_run.wait()
    await source.close()
    assert ([status.state for status in ear.statuses], len(ear.bursts) > 3) == (["live", "closed"], True)


async def test_an_unknown_instrument_is_refused_with_what_there_is(source: SimulatedSource) -> None:
    [known] = await choose(source, "BTCUSDT")
    stranger = Instrument(**{field: getattr(known, field) for field in known.__struct_fields__} | {"id": "X.BINANCE"})
    with pytest.raises(NotFound, match=r"X\.BINANCE is not traded at the simulated venue; it lists BTCUSDT-PERP"):
        await source.subscribe([stranger], Ear())


@pytest.mark.parametrize(("speed", "pre_roll_s"), [(0.0, 10.0), (101.0, 10.0), (1.0, -1.0), (float("nan"), 10.0)])
def test_an_impossible_speed_or_pre_roll_is_refused(clock: HandClock, speed: float, pre_roll_s: float) -> None:
    with pytest.raises(Invalid, match="choose a speed from"):
        make_source(clock, speed=speed, pre_roll_s=pre_roll_s)
