"""Records a market without trading: a desk without a server, and one session of mode RECORD on it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import msgspec

from papertape.app.serve import interrupted_event, open_desk
from papertape.app.settings import Settings
from papertape.app.stores import open_history
from papertape.errors import Unavailable
from papertape.journal.ports import History
from papertape.model.entries import BookGap, MarketEvent, Quote, Trade
from papertape.model.instrument import Instrument, InstrumentId
from papertape.model.session import SessionId, StartSession
from papertape.model.views import SessionView
from papertape.session.desk import Desk
from papertape.session.lifecycle import ENDED

REPORT_EVERY_S = 5.0
_STOP_WITHIN_S = 20.0
_LOOK_EVERY_S = 0.05


class Arrived(msgspec.Struct, kw_only=True):
    """What is on the tape of one instrument. `price` is the newest trade's, or the newest bid's before any trade."""

    instrument: InstrumentId
    events: int = 0
    trades: int = 0
    quotes: int = 0
    gaps: int = 0
    price: str | None = None
    ts: int | None = None
    rate: float = 0.0


class TapeCount:
    """Follows a session's tape as it becomes durable, and counts what of each instrument is on it."""

    def __init__(self, history: History, session_id: SessionId, instruments: tuple[Instrument, ...]) -> None:
        self._history = history
        self._session_id = session_id
        self._instruments = {item.id: item for item in instruments}
        self._last_seq = 0
        self.arrived = {item.id: Arrived(instrument=item.id) for item in instruments}

    def follow(self, seconds: float) -> None:
        """Count what has become durable since the last look, `seconds` ago. Warm-up history is counted as well."""
        before = {key: one.events for key, one in self.arrived.items()}
        is_first = self._last_seq == 0
        for batch in self._history.batches(self._session_id, after_seq=self._last_seq):
            for entry in batch.entries:
                if isinstance(entry, MarketEvent):
                    self._count(entry)
                    before[entry.instrument] += batch.is_warmup
            self._last_seq = batch.last_seq
        for key, one in self.arrived.items():
            one.rate = 0.0 if is_first and seconds <= 0 else (one.events - before[key]) / max(seconds, 1e-3)

    def _count(self, entry: MarketEvent) -> None:
        one, instrument = self.arrived[entry.instrument], self._instruments[entry.instrument]
        one.events += 1
        one.ts = entry.ts
        if isinstance(entry, Trade):
            one.trades += 1
            one.price = format(instrument.price_decimal(entry.price), "f")
        elif isinstance(entry, Quote):
            one.quotes += 1
            if one.trades == 0:
                one.price = format(instrument.price_decimal(entry.bid), "f")
        elif isinstance(entry, BookGap):
            one.gaps += 1


class Recorded(msgspec.Struct, frozen=True, kw_only=True):
    """What was recorded, and how the session ended."""

    session_id: SessionId
    state: str
    reason: str
    feed: str
    seconds: float
    symbols: tuple[Arrived, ...]


async def record_market(
    settings: Settings,
    request: StartSession,
    *,
    seconds: float | None,
    on_started: Callable[[SessionView], None],
    on_note: Callable[[str], None],
    on_report: Callable[[SessionView, list[Arrived]], None],
) -> Recorded:
    """Record until interrupted, until `seconds` have passed, or until the feed ends; then stop the session.

    Sessions that wait in the data folder are left waiting.

    Raises:
        Refused: the request is wrong, or another desk holds the data folder.
        Unavailable: the venue does not answer, the store cannot be written, or the session failed.
    """
    interrupted = interrupted_event()
    loop = asyncio.get_running_loop()
    async with open_desk(settings, on_note) as desk:
        session = await desk.start(request, None)
        if session.state == "failed":
            raise Unavailable(f"The recording could not start: {session.reason}", code="record.failed")
        on_started(session)
        started = looked = loop.time()
        with open_history(settings.data_dir) as history:
            count = TapeCount(history, session.session_id, _instruments(history, session.session_id))
            while not interrupted.is_set() and session.state not in ENDED:
                left = REPORT_EVERY_S if seconds is None else seconds - (loop.time() - started)
                if left <= 0:
                    break
                await _wait(interrupted, min(left, REPORT_EVERY_S))
                now = loop.time()
                await asyncio.to_thread(count.follow, now - looked)
                looked = now
                session = desk.session(session.session_id)
                on_report(session, list(count.arrived.values()))
            session = await _stop(desk, session)
            await asyncio.to_thread(count.follow, loop.time() - looked)
        return Recorded(
            session_id=session.session_id, state=session.state, reason=session.reason, feed=session.feed,
            seconds=round(loop.time() - started, 1), symbols=tuple(count.arrived.values()),
        )  # fmt: skip


def _instruments(history: History, session_id: SessionId) -> tuple[Instrument, ...]:
    row = history.session(session_id)
    return row.plan.instruments if row is not None else ()


async def _wait(interrupted: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await interrupted.wait()
    except TimeoutError:
        return


async def _stop(desk: Desk, session: SessionView) -> SessionView:
    if session.state in ENDED:
        return session
    session = await desk.stop(session.session_id, close_positions=False)
    loop = asyncio.get_running_loop()
    deadline = loop.time() + _STOP_WITHIN_S
    while session.state not in ENDED and loop.time() < deadline:
        await asyncio.sleep(_LOOK_EVERY_S)
        session = desk.session(session.session_id)
    return session
