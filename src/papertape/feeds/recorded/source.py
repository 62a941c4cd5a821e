"""A recording as a market source: history first, then the rest at a chosen pace."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import msgspec

from papertape.errors import NotFound
from papertape.feeds.binance.clock_offset import ClockOffset
from papertape.feeds.binance.frames import Market
from papertape.feeds.recorded.market_parquet import MarketRecording, has_head
from papertape.feeds.recorded.parquet import ParquetRecording
from papertape.feeds.recorded.recording import FrameRecording, Moment, Recording, Tally
from papertape.feeds.recorded.warmup import Prepared, prepare
from papertape.model.entries import MarketEvent
from papertape.model.feed import FeedListener, FeedState, FeedStatus
from papertape.model.instrument import Instrument, InstrumentId

# Below this the event loop's own timer is coarser than the gaps between frames.
_SHORTEST_WAIT_S = 0.002
_LONGEST_BURST = 500


class RecordedSource:
    """Plays a recording to every subscription from its beginning.

    Args:
        path: a file or folder of raw venue frames, or a Parquet file or folder of trades and quotes.
        speed: how many recorded seconds pass in one second, 1 to 1,000; `math.inf` for as fast as possible.
        clock: our wall clock, microseconds UTC; events carry it as `recv_ts` at delivery.
        warmup_s: seconds of recording that `history` gives at once; the live part starts after them.
        market: spot or USD-M, where the recording does not say.
        recording: what to play instead of what is at `path`, which then only names it.

    Raises:
        NotFound: there is no such file or folder.
        Invalid: nothing readable is in it.
    """

    is_simulated = False

    def __init__(
        self,
        path: Path | str,
        speed: float,
        clock: Callable[[], int],
        *,
        warmup_s: float = 60.0,
        market: Market | None = None,
        recording: Recording | None = None,
    ) -> None:
        self._recording = recording or open_recording(Path(path), market)
        self._speed = speed
        self._clock = clock
        self._warmup_us = int(warmup_s * 1_000_000)
        self._instruments: list[Instrument] | None = None
        self._resume_after: int | None = None
        self._prepared: dict[frozenset[InstrumentId], Prepared] = {}
        self._subscriptions: set[RecordedSubscription] = set()
        self.name = f"recorded:{path}"
        self.venue = "BINANCE"
        pace = "as fast as possible" if math.isinf(speed) else f"at {speed:g}×"
        self.note: str | None = f"Recorded market data, played {pace}: not the present market."

    async def instruments(self) -> list[Instrument]:
        """Return the instruments in the recording, by id."""
        if self._instruments is None:
            self._instruments = await asyncio.to_thread(self._recording.instruments)
        return self._instruments

    async def history(self, instruments: Sequence[Instrument]) -> list[MarketEvent]:
        """Return the warm-up part of the recording: trades, quotes and tickers, oldest first."""
        prepared = await self._prepare(instruments)
        self._prepared[_key(instruments)] = prepared
        now = self._clock()
        return [msgspec.structs.replace(event, recv_ts=now) for event in prepared.history]

    async def subscribe(self, instruments: Sequence[Instrument], listener: FeedListener) -> RecordedSubscription:
        """Start playing what follows the warm-up; the subscription's last status is `ended`."""
        resume_after, self._resume_after = self._resume_after, None
        prepared = None if resume_after is not None else self._prepared.pop(_key(instruments), None)
        if prepared is None:
            prepared = await self._prepare(instruments, resume_after)
        subscription = RecordedSubscription(prepared, instruments, listener, self._speed, self._clock)
        self._subscriptions.add(subscription)
        subscription.start(self._subscriptions.discard)
        return subscription

    def take_up(self, since_ts: int, last_prices: Mapping[InstrumentId, int]) -> None:
        """Let the next subscription go on after `since_ts` (exchange time) instead of after the warm-up."""
        _ = last_prices
        self._resume_after = since_ts

    async def missed(self, instruments: Sequence[Instrument], since_ts: int) -> list[MarketEvent]:
        """Return nothing: a recording stands still while nobody plays it."""
        _ = instruments, since_ts
        return []

    async def close(self) -> None:
        """Stop every subscription."""
        for subscription in tuple(self._subscriptions):
            await subscription.close()

    async def _prepare(self, instruments: Sequence[Instrument], resume_after: int | None = None) -> Prepared:
        return await asyncio.to_thread(prepare, self._recording, tuple(instruments), self._warmup_us, resume_after)


class RecordedSubscription:
    """One session's playing of a recording."""

    def __init__(
        self,
        prepared: Prepared,
        instruments: Sequence[Instrument],
        listener: FeedListener,
        speed: float,
        clock: Callable[[], int],
    ) -> None:
        self._rest = prepared.rest
        self._tally: Tally = prepared.tally
        self._listener = listener
        self._speed = speed
        self._clock = clock
        self._offset = ClockOffset()
        self._subscribed = _key(instruments)
        self._state: FeedState = "connecting"
        self._detail = "opening the recording"
        self._events = 0
        self._connected_ts: int | None = None
        self._last_ts: int | None = None
        self._task: asyncio.Task[None] | None = None

    def start(self, on_done: Callable[[RecordedSubscription], None]) -> None:
        """Begin to play; `on_done` is called when it has ended, whatever the cause."""
        self._task = asyncio.create_task(self._play(), name="recorded feed")
        self._task.add_done_callback(lambda task: self._finish(task, on_done))

    def status(self) -> FeedStatus:
        """Return how far the recording is."""
        tally = self._tally
        return FeedStatus(
            state=self._state,
            detail=self._detail,
            connected_ts=self._connected_ts,
            last_frame_ts=self._last_ts,
            frames=tally.frames,
            events=self._events,
            decode_errors=tally.decode_errors,
            last_error=tally.last_error,
            gaps=tally.gaps,
            subscribed=self._subscribed,
            clock_offset_us=self._offset.offset_us,
        )

    async def close(self) -> None:
        """Stop playing; idempotent."""
        task, self._task = self._task, None
        if task is None:
            return
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        if self._state != "ended":
            self._state, self._detail = "closed", "closed by us"

    async def _play(self) -> None:
        self._connected_ts = self._clock()
        self._enter("live", "playing")
        loop = asyncio.get_running_loop()
        started = loop.time()
        origin: int | None = None
        burst: list[MarketEvent] = []
        for moment in self._rest:
            origin = moment.recv_us if origin is None else origin
            wait = self._due_s(moment, origin) - (loop.time() - started)
            if wait > 0 or len(burst) >= _LONGEST_BURST:
                self._deliver(burst)
                burst = []
                await asyncio.sleep(max(wait, _SHORTEST_WAIT_S) if wait > 0 else 0)
            burst.extend(moment.events)
        self._deliver(burst)
        self._enter("ended", "the recording is at its end")

    def _due_s(self, moment: Moment, origin: int) -> float:
        return (moment.recv_us - origin) / 1e6 / self._speed

    def _deliver(self, burst: list[MarketEvent]) -> None:
        if not burst:
            return
        now = self._clock()
        self._last_ts = now
        self._events += len(burst)
        self._offset.observe(burst[-1].ts, now)
        self._listener.on_events([msgspec.structs.replace(event, recv_ts=now) for event in burst])

    def _enter(self, state: FeedState, detail: str) -> None:
        self._state, self._detail = state, detail
        self._listener.on_status(self.status())

    def _finish(self, task: asyncio.Task[None], on_done: Callable[[RecordedSubscription], None]) -> None:
        on_done(self)
        failure = None if task.cancelled() else task.exception()
        if failure is not None:
            self._enter("failed", f"playing stopped: {failure}")


def open_recording(path: Path, market: Market | None = None) -> Recording:
    """Return the recording at `path`: Parquet where the suffix says so, raw frames otherwise.

    Raises:
        NotFound: there is no such file or folder.
        Invalid: nothing readable is in it.
    """
    if not path.exists():
        raise NotFound(
            f"There is no recording at {path}; give a file or folder of recorded frames or Parquet.",
            code="recording.not_found",
        )
    if path.suffix == ".parquet" or (path.is_dir() and any(path.glob("*.parquet"))):
        files = [path] if path.is_file() else sorted(path.glob("*.parquet"))
        return MarketRecording(files) if any(map(has_head, files)) else ParquetRecording(path, market)
    return FrameRecording(path, market)


def _key(instruments: Sequence[Instrument]) -> frozenset[InstrumentId]:
    return frozenset(instrument.id for instrument in instruments)
