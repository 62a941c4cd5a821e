"""Routes of the strategy library, the indicator catalogue, feeds and instruments: what a session can be made of."""

from __future__ import annotations

import asyncio
from typing import Annotated

import msgspec
from litestar import delete, get, post, put
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter

from papertape.indicators.catalogue import CATALOGUE
from papertape.model.instrument import Instrument
from papertape.model.views import FeedView
from papertape.server.desk_port import DeskPort, StrategyListing
from papertape.wire.http import IndicatorKindView, Listing, StrategyText, StrategyView, Validation

_TAGS = ["strategies"]
_MARKET = ["market"]


def library_routes(desk: DeskPort) -> list[HTTPRouteHandler]:
    """Return the routes that list, save, validate and delete strategies.

    Reading a definition is slow, so it is done in threads; changes are made one after the other.
    """
    changing = asyncio.Lock()

    async def save(text: str, name: str | None = None) -> StrategyView:
        async with changing:
            return _view(await asyncio.to_thread(desk.library.save, text, name))

    @get("/api/strategies", tags=_TAGS)
    async def list_strategies() -> Listing[StrategyView]:
        return Listing(items=[_view(strategy) for strategy in await asyncio.to_thread(desk.library.list)])

    @get("/api/strategies/{name:str}", tags=_TAGS)
    async def show_strategy(name: FromPath[str]) -> StrategyView:
        return _view(await asyncio.to_thread(desk.library.get, name))

    @post("/api/strategies", tags=_TAGS, summary="Save a definition under the name it gives")
    async def create_strategy(data: JSONBody[StrategyText]) -> StrategyView:
        return await save(data.text)

    @put("/api/strategies/{name:str}", tags=_TAGS, summary="Save a new version")
    async def update_strategy(name: FromPath[str], data: JSONBody[StrategyText]) -> StrategyView:
        return await save(data.text, name)

    @delete("/api/strategies/{name:str}", tags=_TAGS)
    async def delete_strategy(name: FromPath[str]) -> None:
        async with changing:
            await asyncio.to_thread(desk.library.delete, name)

    @post("/api/strategies/validate", tags=_TAGS, status_code=200, summary="Say whether a definition is valid")
    async def validate_strategy(data: JSONBody[StrategyText]) -> Validation:
        await asyncio.to_thread(desk.library.validate, data.text)
        return Validation(is_valid=True, message="The definition is valid.")

    return [
        list_strategies, show_strategy, create_strategy, update_strategy, delete_strategy, validate_strategy,
    ]  # fmt: skip


def market_routes(desk: DeskPort) -> list[HTTPRouteHandler]:
    """Return the routes of feeds, instruments and the indicator catalogue."""

    @get("/api/feeds", tags=_MARKET)
    async def list_feeds() -> Listing[FeedView]:
        return Listing(items=[*desk.feeds()])

    @get("/api/instruments", tags=_MARKET)
    async def list_instruments(
        feed: FromQuery[str | None] = None,
        q: FromQuery[str] = "",
        limit: Annotated[int, QueryParameter(ge=1, le=10_000)] = 100,
    ) -> Listing[Instrument]:
        return Listing(items=[*await desk.instruments(feed, q, limit)])

    @get("/api/indicators", tags=_MARKET, summary="Show the indicator catalogue")
    async def list_indicator_kinds() -> Listing[IndicatorKindView]:
        return Listing(
            items=[msgspec.convert(kind, IndicatorKindView, from_attributes=True) for kind in CATALOGUE.values()]
        )

    return [list_feeds, list_instruments, list_indicator_kinds]


def _view(strategy: StrategyListing) -> StrategyView:
    return msgspec.convert(strategy, StrategyView, from_attributes=True)
