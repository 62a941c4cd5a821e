"""Starts a desk: data folder, store, feeds, sessions, server; and takes it down in the opposite order."""

from __future__ import annotations

import asyncio
import gc
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import structlog

from papertape import __version__, kernel
from papertape.app.backtest_process import BacktestProcess
from papertape.app.feeds import build_feeds
from papertape.app.logs import open_log
from papertape.app.settings import Settings
from papertape.app.storage import open_storage
from papertape.errors import PapertapeError
from papertape.model.session import StartSession
from papertape.server.app import create_app
from papertape.server.hub import StreamHub
from papertape.server.serve import serving
from papertape.server.settings import ServerSettings, StreamLimits
from papertape.session.backtests import Backtests
from papertape.session.clock import wall_clock
from papertape.session.desk import Desk
from papertape.session.library import Library
from papertape.store.folder import open_folder
from papertape.store.strategy_files import StrategyFiles

_DEMO_STRATEGY = "pump-peak-short"
_DEMO_SPOT_STRATEGY = "flash-pump-long"  # a spot market cannot be sold short
_DEMO_SYMBOLS: dict[str, tuple[str, ...]] = {
    "binance": ("BTCUSDT-PERP.BINANCE", "ETHUSDT-PERP.BINANCE", "DOGEUSDT-PERP.BINANCE"),
    "simulated": ("PUMPUSDT-PERP.SIMULATED", "MOONUSDT-PERP.SIMULATED", "BTCUSDT-PERP.SIMULATED"),
}
_DEMO_COUNT = 3
_OFFERED = 100
_SWITCH_S = 0.000_5  # the loop waits that long for a thread that calculates, and again after each of its system calls

_log = structlog.get_logger(__name__)


class Started(msgspec.Struct, frozen=True, kw_only=True):
    """What a trader is told once the desk answers. `notes` are sentences about what is not as asked."""

    url: str
    public_urls: tuple[str, ...]
    data_dir: Path
    store: str | None
    notes: tuple[str, ...]
    feed: str
    feed_note: str | None
    sessions: tuple[str, ...]


async def serve_desk(settings: Settings, on_started: Callable[[Started], None]) -> None:
    """Run a desk until it is interrupted; its sessions are then suspended.

    Raises:
        Refused: the address, the feed or the data folder cannot be used.
        Unavailable: the data folder cannot be written.
        Broken: the store does not fit this version.
    """
    interrupted = interrupted_event()
    _favour_the_loop()
    notes = [] if kernel.mode() == kernel.COMPILED else [f"the engine runs slower than it could: {kernel.told()}"]
    async with open_desk(settings, notes.append) as desk:
        server = ServerSettings(
            host=settings.host,
            port=settings.port,
            extra_hosts=frozenset(shown.host for shown in settings.public_urls),
            extra_origins=frozenset(shown.origin for shown in settings.public_urls),
            stream=StreamLimits(memory_limit_mb=settings.memory_limit_mb),
        )
        hub = StreamHub(desk, server.stream)
        desk.outlets.append(hub)
        said = await desk.open()
        async with serving(create_app(desk, server, hub), hub, server) as url:
            sessions = [f"session {session_id} goes on" for session_id in said]
            sessions += await _open_demo(desk, settings)
            feed = desk.feeds()[0]
            on_started(
                Started(
                    url=url,
                    public_urls=tuple(shown.origin for shown in settings.public_urls),
                    data_dir=settings.data_dir,
                    store=None if settings.mirror is None else f"journal, copied to {settings.mirror.location}",
                    notes=tuple(notes),
                    feed=feed.name,
                    feed_note=feed.note,
                    sessions=tuple(sessions),
                )
            )
            await interrupted.wait()


def _favour_the_loop() -> None:
    sys.setswitchinterval(_SWITCH_S)
    gc.collect()
    gc.freeze()  # what was imported stays: it need not be looked through again and again, which takes 0.1 s each time


def interrupted_event() -> asyncio.Event:
    """Return an event that is set when the process is asked to end: Ctrl-C or SIGTERM."""
    event = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, event.set)
    return event


@asynccontextmanager
async def open_desk(settings: Settings, on_note: Callable[[str], None] | None = None) -> AsyncIterator[Desk]:
    """Open the data folder, the store and the feeds; suspend every session and close all at the end.

    `on_note` is told in sentences what is not as asked; without it they are warnings in the log.
    """
    folder = open_folder(settings.data_dir)
    try:
        open_log(folder.log_file)
        mirrored_to = None if settings.mirror is None else settings.mirror.location
        _log.info("desk_opened", version=__version__, data_dir=str(settings.data_dir), feed=settings.feed,
                  mirrored_to=mirrored_to, kernel=kernel.told())  # fmt: skip
        async with open_storage(settings, folder, wall_clock) as storage:
            library = Library(StrategyFiles(folder.strategies))
            desk = Desk(
                feeds=await build_feeds(settings, wall_clock),
                library=library,
                backtests=Backtests(BacktestProcess(folder.path), library, storage.store, wall_clock),
                appender=storage.store,
                history=storage.store,
                research=storage.research,
                mirror=storage.mirror,
                clock=wall_clock,
            )
            try:
                for note in storage.notes:
                    (on_note or _log.warning)(note)
                yield desk
            finally:
                await desk.close()
    finally:
        folder.close()


async def _open_demo(desk: Desk, settings: Settings) -> list[str]:
    if desk.has_live_session or not settings.demo:
        return []
    try:
        view = await desk.start(await _demo_request(desk), None)
    except PapertapeError as error:
        return [f"no demonstration session: {error.message}"]
    return [f"session {view.session_id} started: {', '.join(view.strategies)} on {', '.join(view.instruments)}"]


async def _demo_request(desk: Desk) -> StartSession:
    feed = desk.feeds()[0]
    symbols = _DEMO_SYMBOLS.get(feed.name)
    if symbols is not None:
        return StartSession(strategies=(_DEMO_STRATEGY,), symbols=symbols)
    offered = await desk.instruments(None, "", _OFFERED)
    perpetuals = [instrument.id for instrument in offered if instrument.kind == "perpetual"]
    if perpetuals:
        return StartSession(strategies=(_DEMO_STRATEGY,), symbols=tuple(perpetuals[:_DEMO_COUNT]))
    return StartSession(
        strategies=(_DEMO_SPOT_STRATEGY,), symbols=tuple(instrument.id for instrument in offered[:_DEMO_COUNT])
    )
