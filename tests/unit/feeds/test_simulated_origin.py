"""A simulated market that goes on in another process, as the one it was."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from papertape.feeds.simulated.origin import MarketOrigin
from papertape.feeds.simulated.source import SimulatedSource
from papertape.model.entries import MarketEvent, Trade
from papertape.model.feed import FeedStatus
from papertape.model.instrument import Instrument
from papertape.testkit.manual_time import ManualTime


class Ear:
    """A listener that keeps the trades it heard, without our receive time."""

    def __init__(self) -> None:
        self.trades: list[tuple[int, int, int]] = []

    def on_events(self, events: Sequence[MarketEvent]) -> None:
        self.trades += [(event.ts, event.price, event.size) for event in events if isinstance(event, Trade)]

    def on_status(self, status: FeedStatus) -> None:
        assert status.last_error is None


async def never(_: float) -> None:
    await asyncio.Event().wait()


def run(source: SimulatedSource, time: ManualTime, seconds: int) -> None:
    for _ in range(seconds * 10):
        time.advance(0.1)
        source.deliver_due()


async def pump_of(source: SimulatedSource) -> Instrument:
    return next(item for item in await source.instruments() if item.id == "PUMPUSDT-PERP.SIMULATED")


async def test_another_process_goes_on_with_the_same_market_and_knows_what_was_missed() -> None:
    time, known = ManualTime(), list[MarketOrigin]()
    first, ear = SimulatedSource(7, time.clock, pre_roll_s=60, sleep=never, on_origin=known.append), Ear()
    pump = await pump_of(first)
    await first.subscribe([pump], ear)
    run(first, time, 30)
    left_at = time.clock()
    run(first, time, 20)
    await first.close()

    second, again = SimulatedSource(99, time.clock, pre_roll_s=60, sleep=never, origin=known[-1]), Ear()
    second.take_up(left_at, {pump.id: 1})
    missed = await second.missed([pump], left_at)
    assert [(trade.ts, trade.price, trade.size) for trade in missed if isinstance(trade, Trade)] == [
        trade for trade in ear.trades if trade[0] > left_at
    ]
    await second.subscribe([pump], again)
    run(second, time, 5)
    await second.close()

    assert second.note == first.note
    assert again.trades
    assert again.trades[0][0] >= ear.trades[-1][0]


async def test_a_market_that_ended_long_ago_is_not_revived() -> None:
    time = ManualTime()
    old = MarketOrigin(seed=7, live_ts=time.clock() - 3 * 3600 * 1_000_000)
    known: list[MarketOrigin] = []
    source = SimulatedSource(99, time.clock, pre_roll_s=60, sleep=never, origin=old, on_origin=known.append)
    pump = await pump_of(source)
    await source.subscribe([pump], Ear())
    await source.close()
    assert known[0] == MarketOrigin(seed=99, live_ts=time.clock())


async def test_a_coin_taken_up_at_another_price_is_remembered_with_it() -> None:
    time, known = ManualTime(), list[MarketOrigin]()
    source = SimulatedSource(7, time.clock, pre_roll_s=60, sleep=never, on_origin=known.append)
    pump = await pump_of(source)
    source.take_up(time.clock() - 60_000_000, {pump.id: 462_000})
    await source.subscribe([pump], Ear())
    await source.close()
    assert set(known[-1].start_prices) == {"PUMP"}
