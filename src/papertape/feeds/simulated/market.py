"""The market of one coin, step by step: its value, its episodes, and the order flow at each of its instruments.

A step is 100 ms of market time. What happens in step n depends on the seed, the coin and n alone: not on who listens,
nor on how many steps are taken at once. Only the times in the events depend on when the market began.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection
from operator import attrgetter
from random import Random

from papertape.feeds.simulated.coins import Coin, list_instrument
from papertape.feeds.simulated.episodes import STEP_US, STEPS_PER_S, EpisodeSchedule, Influence
from papertape.feeds.simulated.flow import OrderFlow
from papertape.feeds.simulated.value import Value
from papertape.model.entries import BookUpdate, MarketEvent, Ticker
from papertape.model.instrument import Instrument, InstrumentId

_TICKER_EVERY = 3 * STEPS_PER_S

by_time = attrgetter("ts")


class CoinMarket:
    """One coin with all its instruments. Keeps the trades, quotes and tickers of the last `keep_us` in memory."""

    def __init__(self, coin: Coin, seed: int, *, live_step: int, keep_us: int) -> None:
        """Open the market before its first step; `live_step` is the step its pump starts are counted from."""
        rng = Random(f"{seed}/{coin.base}")
        self.coin = coin
        self.steps = 0
        self.is_watched = False
        self._value = Value(rng, coin.price, coin.daily_volatility)
        self._day_ago = coin.price * (1 + rng.gauss(0.0, coin.daily_volatility))
        starts = [live_step + round(seconds * STEPS_PER_S) for seconds in coin.pump_starts]
        self._episodes = EpisodeSchedule(rng, starts)
        self._flows = [OrderFlow(rng, list_instrument(coin, listing), listing, coin.price) for listing in coin.listings]
        self._keep_us = keep_us
        self._log: deque[MarketEvent] = deque()

    @property
    def instruments(self) -> list[Instrument]:
        """The instruments of this coin."""
        return [flow.instrument for flow in self._flows]

    @property
    def price(self) -> float:
        """What the coin is worth now, in quote units."""
        return self._value.price

    def advance(self, until: int, base_ts: int) -> list[MarketEvent]:
        """Take steps until `until` have been taken, step n at `base_ts` + n × 100 ms; return their events in order."""
        events: list[MarketEvent] = []
        while self.steps < until:
            step = self.steps
            events += self._step(step, base_ts + step * STEP_US)
            self.steps += 1
        self._remember(events)
        return events

    def recall(self, instruments: Collection[InstrumentId], since_ts: int = 0) -> list[MarketEvent]:
        """Return the remembered trades, quotes and tickers of these instruments after `since_ts`, in order."""
        return [event for event in self._log if event.ts > since_ts and event.instrument in instruments]

    def picture(self, instruments: Collection[InstrumentId], ts: int) -> list[MarketEvent]:
        """Return what a new watcher needs first: book, quote and ticker of these instruments as they are now."""
        events: list[MarketEvent] = []
        for flow in self._flows:
            if flow.instrument.id in instruments:
                events += (flow.snapshot(ts), flow.quote(ts), self._ticker(flow, ts))
        return events

    def _step(self, step: int, ts: int) -> list[MarketEvent]:
        influence = self._episodes.at(step)
        self._value.step(influence.drift)
        events = self._flow(step, ts, influence)
        if step % _TICKER_EVERY == 0:
            events += [self._ticker(flow, ts + STEP_US - 1) for flow in self._flows]
        return events

    def _flow(self, step: int, ts: int, influence: Influence) -> list[MarketEvent]:
        price = self._value.price
        events: list[MarketEvent] = []
        for flow in self._flows:
            new, pressure = flow.step(step, ts, price, influence)
            events += new
            if pressure:
                self._value.press(pressure)
        if len(self._flows) > 1:
            events.sort(key=by_time)
        return events

    def _ticker(self, flow: OrderFlow, ts: int) -> Ticker:
        change_pct = 100 * (self._value.price / self._day_ago - 1)
        return Ticker(
            ts=ts,
            recv_ts=ts,
            instrument=flow.instrument.id,
            change_pct=round(change_pct, 3),
            volume_quote=round(flow.usual_daily_value + flow.traded_value, 2),
        )

    def _remember(self, events: list[MarketEvent]) -> None:
        log = self._log
        log.extend(event for event in events if not isinstance(event, BookUpdate))
        while log and log[0].ts < log[-1].ts - self._keep_us:
            log.popleft()
