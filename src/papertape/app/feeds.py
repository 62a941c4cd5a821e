"""Chooses and builds the feeds of a desk."""

from __future__ import annotations

import secrets
from collections.abc import Callable

import msgspec
import structlog

from papertape.app.settings import Settings
from papertape.feeds.binance.client import BinanceSource
from papertape.feeds.binance.endpoints import LIVE, parse_venue_url
from papertape.feeds.recorded.source import RecordedSource
from papertape.feeds.simulated.origin import MarketOrigin
from papertape.feeds.simulated.source import SimulatedSource
from papertape.session.feeds import Feeds
from papertape.session.source import MarketSource
from papertape.store.folder import write_file

_REACH_TIMEOUT_S = 5.0

_log = structlog.get_logger(__name__)


async def build_feeds(settings: Settings, clock: Callable[[], int]) -> Feeds:
    """Return every feed this desk offers; `auto` takes the live exchange where it answers within 5 s.

    Raises:
        NotFound: there is no such recording.
        Invalid: nothing readable is in it.
    """
    binance = make_binance(settings, clock)
    simulated = make_simulated(settings, clock)
    sources: dict[str, MarketSource] = {binance.name: binance, simulated.name: simulated}
    default = settings.feed
    if settings.feed.startswith("recorded:"):
        recorded = RecordedSource(
            settings.feed.removeprefix("recorded:"),
            settings.recorded_speed,
            clock,
            warmup_s=settings.recorded_warmup_s,
        )
        sources[recorded.name] = recorded
        default = recorded.name
    elif settings.feed == "auto":
        default = await _choose(binance, simulated)
    return Feeds(sources, default)


def make_simulated(settings: Settings, clock: Callable[[], int]) -> SimulatedSource:
    """Return the simulated market; one that ran in this data folder a short while ago goes on."""
    memory = settings.data_dir / "simulated-market.json"
    origin: MarketOrigin | None = None
    if memory.exists():
        try:
            origin = msgspec.json.decode(memory.read_bytes(), type=MarketOrigin)
        except msgspec.DecodeError as error:
            _log.warning("simulated_market_forgotten", file=str(memory), error=str(error))
    seed = 1 + secrets.randbelow(1_000_000)
    return SimulatedSource(
        seed, clock, origin=origin, on_origin=lambda known: write_file(memory, msgspec.json.encode(known).decode())
    )


def make_binance(settings: Settings, clock: Callable[[], int]) -> BinanceSource:
    """Return the Binance feed at the exchange, or where `--venue-url` points it; raises `Invalid`."""
    elsewhere = settings.venue_urls.get("binance")
    return BinanceSource(clock, endpoints=parse_venue_url(elsewhere) if elsewhere else LIVE)


async def _choose(binance: BinanceSource, simulated: SimulatedSource) -> str:
    why_not = await binance.reachable(_REACH_TIMEOUT_S)
    if why_not is None:
        return binance.name
    simulated.note = f"SIMULATED market: the live exchange cannot be reached. {why_not}"
    _log.info("feed_auto", chosen=simulated.name, reason=why_not)
    return simulated.name
