"""The simulated feed: runs the coins by a clock and hands their events to whoever subscribed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence

import msgspec

from papertape.errors import Invalid, NotFound
from papertape.feeds.simulated.coins import COINS, VENUE, Coin
from papertape.feeds.simulated.episodes import STEP_US, STEPS_PER_S
from papertape.feeds.simulated.market import CoinMarket, by_time
from papertape.feeds.simulated.origin import MarketOrigin
from papertape.feeds.simulated.subscription import SimulatedSubscription
from papertape.model.entries import MarketEvent, Trade
from papertape.model.feed import FeedListener
from papertape.model.instrument import Instrument, InstrumentId

BURST_S = 0.08
MAX_SPEED = 100.0
_LONGEST_SILENCE_US = 10_000_000
_LONGEST_REVIVAL_US = 7_200_000_000  # every step since must be taken again: about 5 s of work for an hour
_CATCH_UP_STEPS = 60
_CHUNK_STEPS = 40  # about 2 ms of the event loop's time


class SimulatedSource:
    """The feed `simulated`: a `MarketSource`. The market begins `pre_roll_s` before the first question about it.

    All sessions share one market. Instruments nobody asked for are brought up to date in small portions.
    """

    name = "simulated"
    venue = VENUE
    is_simulated = True

    def __init__(
        self,
        seed: int,
        clock: Callable[[], int],
        speed: float = 1.0,
        pre_roll_s: float = 1200.0,
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        origin: MarketOrigin | None = None,
        on_origin: Callable[[MarketOrigin], None] = lambda _: None,
    ) -> None:
        """Prepare a market; `clock` is ours in microseconds UTC, `speed` is market seconds a second, 0.1 to 100.

        A market that went live at most two hours ago, at the same speed, goes on from its `origin`; `on_origin` is
        told where this one comes from, for the next process.

        Raises:
            Invalid: the speed or the pre-roll is out of range.
        """
        if not (0.1 <= speed <= MAX_SPEED and 0 <= pre_roll_s <= 86_400):
            raise Invalid(
                f"The simulated market cannot run at speed {speed} with a pre-roll of {pre_roll_s} s; "
                f"choose a speed from 0.1 to {MAX_SPEED:.0f} and a pre-roll of at most 86400 s.",
                code="feed.simulated.out_of_range",
            )
        self._clock = clock
        self._speed = speed
        self._sleep = sleep
        self._on_origin = on_origin
        self._origin = origin if origin is not None and 0 <= clock() - origin.live_ts <= _LONGEST_REVIVAL_US else None
        seed = seed if self._origin is None else self._origin.seed
        self._start_prices = {} if self._origin is None else dict(self._origin.start_prices)
        self.note: str | None = f"SIMULATED market, seed {seed}: no exchange, no real prices"
        self._detail = f"simulated market, seed {seed}, {speed:g}×"
        self._seed = seed
        self._pre_roll_steps = round(pre_roll_s * STEPS_PER_S)
        self._markets = [self._make(coin) for coin in COINS]
        self._left_at: dict[InstrumentId, int] = {}
        self._subscriptions: list[SimulatedSubscription] = []
        self._live_ts: int | None = None
        self._last_ts = self._base_ts = 0
        self._steps = self._pre_roll_steps
        self._task: asyncio.Task[None] | None = None

    async def instruments(self) -> list[Instrument]:
        """Return every instrument of the simulated venue."""
        return [instrument for market in self._markets for instrument in market.instruments]

    async def history(self, instruments: Sequence[Instrument]) -> list[MarketEvent]:
        """Return the trades, quotes and tickers of the pre-roll's length until now, then each book, oldest first.

        Raises:
            NotFound: an instrument is not listed here.
        """
        self._open()
        events: list[MarketEvent] = []
        ids = self._listed(instruments)
        markets = await self._ready(ids)
        for market in markets:
            events += market.recall(ids)
        events.sort(key=by_time)
        ts = self._now_ts()
        return events + [event for market in markets for event in market.picture(ids, ts)]

    async def subscribe(self, instruments: Sequence[Instrument], listener: FeedListener) -> SimulatedSubscription:
        """Start delivering a burst about every 80 ms; the first is book, quote and ticker of every instrument.

        Raises:
            NotFound: an instrument is not listed here.
        """
        self._open()
        ids = self._listed(instruments)
        await self._ready(ids)
        subscription = SimulatedSubscription(ids, listener, self._detach)
        self._subscriptions.append(subscription)
        return subscription

    def take_up(self, since_ts: int, last_prices: Mapping[InstrumentId, int]) -> None:
        """Let coins nobody has watched yet stand, when the market goes live, where a restored session left them.

        A market that goes on from its origin is the one the session knows.
        """
        if since_ts < self._open():
            self._left_at |= last_prices

    async def missed(self, instruments: Sequence[Instrument], since_ts: int) -> list[MarketEvent]:
        """Return the trades after `since_ts` that the market still remembers, at most the pre-roll's length back.

        The list is empty when this market was not yet live then: whoever asks has seen another one.

        Raises:
            NotFound: an instrument is not listed here.
        """
        live_ts = self._open()
        ids = self._listed(instruments)
        if since_ts < live_ts:
            return []
        events = [event for market in await self._ready(ids) for event in market.recall(ids, since_ts)]
        return sorted((event for event in events if isinstance(event, Trade)), key=by_time)

    async def close(self) -> None:
        """Stop the market and end every subscription; idempotent."""
        for subscription in list(self._subscriptions):
            subscription.end("closed", "the simulated market was closed")
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    def deliver_due(self) -> None:
        """Run the market until now and deliver what happened; the feed's own task calls this as long as it lives."""
        now = self._clock()
        self._stand_still_if_asleep(now)
        before, self._steps = self._steps, max(self._steps, self._due(now))
        events: list[MarketEvent] = []
        portion = _CATCH_UP_STEPS  # for all that are behind together
        for market in self._markets:
            if market.steps >= before:
                events += market.advance(self._steps, self._base_ts)
            elif portion > 0:
                steps, portion = min(portion, self._steps - market.steps), 0
                market.advance(market.steps + steps, self._base_ts)
        if self._subscriptions:
            self._deliver(sorted(events, key=by_time), now)

    def _deliver(self, events: list[MarketEvent], now: int) -> None:
        burst = [msgspec.structs.replace(event, recv_ts=now) for event in events]
        for subscription in list(self._subscriptions):
            ids = subscription.instruments
            if subscription.has_picture:
                wanted = [event for event in burst if event.instrument in ids]
            else:
                pictures = [event for market in self._markets for event in market.picture(ids, self._now_ts())]
                wanted = [msgspec.structs.replace(event, recv_ts=now) for event in pictures]
                subscription.has_picture = True
            if wanted:
                subscription.deliver(wanted, now, self._detail)

    def _open(self) -> int:
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name="simulated-market")
        if self._live_ts is not None:
            return self._live_ts
        self._last_ts = self._clock()
        self._live_ts = self._last_ts if self._origin is None else self._origin.live_ts
        self._base_ts = self._live_ts - self._pre_roll_steps * STEP_US
        self._steps = self._due(self._last_ts)
        self._tell_origin()
        return self._live_ts

    def _tell_origin(self) -> None:
        if self._live_ts is not None:
            self._on_origin(MarketOrigin(seed=self._seed, live_ts=self._live_ts, start_prices=dict(self._start_prices)))

    async def _run(self) -> None:
        try:
            while True:
                await self._sleep(BURST_S)
                self.deliver_due()
        finally:
            for subscription in list(self._subscriptions):
                subscription.end("failed", "the simulated market has stopped")

    def _stand_still_if_asleep(self, now: int) -> None:
        """After a suspended machine the market goes on where it stood, at the present time."""
        silence, self._last_ts = now - self._last_ts, now
        if silence > _LONGEST_SILENCE_US and self._live_ts is not None:
            self._live_ts += silence
            self._base_ts += silence
            self._tell_origin()

    def _due(self, now: int) -> int:
        if self._live_ts is None:
            return self._pre_roll_steps
        return self._pre_roll_steps + int((now - self._live_ts) * self._speed / STEP_US)

    def _now_ts(self) -> int:
        return self._base_ts + self._steps * STEP_US

    def _make(self, coin: Coin) -> CoinMarket:
        keep_us = max(self._pre_roll_steps, 60 * STEPS_PER_S) * STEP_US
        coin = msgspec.structs.replace(coin, price=self._start_prices.get(coin.base, coin.price))
        return CoinMarket(coin, self._seed, live_step=self._pre_roll_steps, keep_us=keep_us)

    async def _ready(self, ids: frozenset[InstrumentId]) -> list[CoinMarket]:
        """Bring the coins of these instruments up to date; in portions, so that the loop stays free."""
        wanted = [n for n, market in enumerate(self._markets) if any(own.id in ids for own in market.instruments)]
        for number in wanted:
            await self._catch_up(number)
            market = self._markets[number]
            left_at = self._price_left(market)
            if left_at is not None and not market.is_watched:
                self._start_prices[market.coin.base] = market.coin.price * left_at / market.price
                self._markets[number] = self._make(market.coin)
                self._tell_origin()
            self._markets[number].is_watched = True
            await self._catch_up(number)
        return [self._markets[number] for number in wanted]

    async def _catch_up(self, number: int) -> None:
        while self._markets[number].steps < self._steps:
            market = self._markets[number]
            market.advance(min(self._steps, market.steps + _CHUNK_STEPS), self._base_ts)
            await asyncio.sleep(0)

    def _price_left(self, market: CoinMarket) -> float | None:
        left = [own.price_float(self._left_at[own.id]) for own in market.instruments if own.id in self._left_at]
        return left[0] if left and left[0] > 0 else None

    def _listed(self, instruments: Sequence[Instrument]) -> frozenset[InstrumentId]:
        listed = {own.id for market in self._markets for own in market.instruments}
        for instrument in instruments:
            if instrument.id not in listed:
                raise NotFound(
                    f"{instrument.id} is not traded at the simulated venue; it lists {', '.join(sorted(listed))}.",
                    code="feed.simulated.unknown_instrument",
                )
        return frozenset(instrument.id for instrument in instruments)

    def _detach(self, subscription: SimulatedSubscription) -> None:
        if subscription in self._subscriptions:
            self._subscriptions.remove(subscription)
