"""The venue's public REST interface: one call a method, bytes parsed by `answers`."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from typing import TypeVar

import httpx
import msgspec

from papertape.errors import Invalid, Unavailable
from papertape.feeds.binance import answers
from papertape.feeds.binance.frames import Market, SnapshotFrame
from papertape.feeds.binance.trade_sync import Print
from papertape.model.entries import Quote, VenueBar
from papertape.model.instrument import Instrument

_PREFIX: dict[Market, str] = {"spot": "/api/v3", "usdm": "/fapi/v1"}
_PAGE = 1000
_MOST_PAGES = 10

_T = TypeVar("_T")


class VenueRest:
    """Public REST calls of one market.

    Every method raises `Unavailable` when the venue does not answer, refuses or answers nonsense, and `Invalid` when it
    does not know the symbol.
    """

    def __init__(self, market: Market, address: str, clock: Callable[[], int], timeout_s: float) -> None:
        self._market: Market = market
        self._address = address
        self._clock = clock
        self._timeout_s = timeout_s
        self._http: httpx.AsyncClient | None = None
        self._opening = asyncio.Lock()

    async def ping(self, timeout_s: float) -> None:
        """Return when the venue answers."""
        await self._get("/ping", timeout_s=timeout_s)

    async def server_time(self) -> int:
        """Return the venue's clock, microseconds UTC."""
        return await self._parsed("/time", answers.parse_server_time)

    async def instruments(self) -> list[Instrument]:
        """Return what can be traded."""
        return await self._parsed("/exchangeInfo", lambda body: answers.parse_instruments(body, self._market))

    async def depth(self, symbol: str) -> SnapshotFrame:
        """Return the book, 1,000 levels a side."""
        return await self._parsed("/depth", answers.parse_depth, symbol=symbol, limit=_PAGE)

    async def klines(self, instrument: Instrument, count: int) -> list[VenueBar]:
        """Return the last `count` closed one-minute bars."""
        return await self._parsed(
            "/klines",
            lambda body: answers.parse_closed_klines(body, instrument, 60, self._clock()),
            symbol=instrument.symbol,
            interval="1m",
            limit=count + 1,
        )

    async def recent_trades(self, instrument: Instrument) -> list[Print]:
        """Return the last 1,000 prints."""
        return await self._trades("/trades", instrument, limit=_PAGE)

    async def trades_after(self, instrument: Instrument, after_id: int, before_id: int | None) -> list[Print]:
        """Return the prints after `after_id`, as far as the venue gives them without a key.

        Spot gives any past print; USD-M only the last 1,000.
        """
        if self._market == "usdm":
            return [found for found in await self.recent_trades(instrument) if found.trade_id > after_id]
        found: list[Print] = []
        last = after_id
        for _ in range(_MOST_PAGES):
            page = await self._trades("/historicalTrades", instrument, fromId=last + 1, limit=_PAGE)
            found.extend(page)
            if len(page) < _PAGE or (before_id is not None and page[-1].trade_id >= before_id - 1):
                break
            last = page[-1].trade_id
        return found

    async def agg_trades_since(self, instrument: Instrument, since_ms: int) -> list[answers.AggregatedTrade]:
        """Return the aggregated trades from `since_ms` on, at most 10,000."""
        found: list[answers.AggregatedTrade] = []
        parameters: dict[str, int] = {"startTime": since_ms}
        for _ in range(_MOST_PAGES):
            page = await self._parsed(
                "/aggTrades",
                lambda body: answers.parse_agg_trades(body, instrument, self._clock()),
                symbol=instrument.symbol,
                limit=_PAGE,
                **parameters,
            )
            found.extend(page)
            if len(page) < _PAGE:
                break
            parameters = {"fromId": page[-1].agg_id + 1}
        return found

    async def book_ticker(self, instrument: Instrument, offset_us: int) -> Quote:
        """Return the best bid and ask now."""
        return await self._parsed(
            "/ticker/bookTicker",
            lambda body: answers.parse_book_ticker(body, instrument, self._clock(), offset_us),
            symbol=instrument.symbol,
        )

    async def close(self) -> None:
        """Close the connections."""
        http, self._http = self._http, None
        if http is not None:
            await http.aclose()

    async def _trades(self, path: str, instrument: Instrument, **parameters: int) -> list[Print]:
        return await self._parsed(
            path,
            lambda body: answers.parse_trades(body, instrument, self._clock()),
            symbol=instrument.symbol,
            **parameters,
        )

    async def _parsed(self, path: str, parse: Callable[[bytes], _T], **parameters: str | int) -> _T:
        body = await self._get(path, timeout_s=self._timeout_s, **parameters)
        try:
            return parse(body)
        except (msgspec.DecodeError, ValueError, Invalid) as error:
            raise Unavailable(
                f"Binance's answer at {path} is not what its documentation says ({error}); try again later.",
                code="binance.unreadable_answer",
            ) from error

    async def _open(self) -> httpx.AsyncClient:
        async with self._opening:
            if self._http is None:
                # Loading the certificates takes a tenth of a second: not on the event loop, and not for plain HTTP.
                is_secure = self._address.startswith("https")
                verify = await asyncio.to_thread(ssl.create_default_context) if is_secure else False
                self._http = httpx.AsyncClient(base_url=self._address, verify=verify)
        return self._http

    async def _get(self, path: str, *, timeout_s: float, **parameters: str | int) -> bytes:
        http = self._http or await self._open()
        full = _PREFIX[self._market] + path
        try:
            answer = await http.get(full, params=parameters, timeout=timeout_s)
        except httpx.HTTPError as error:
            raise Unavailable(
                f"Binance does not answer at {self._address}{full} ({type(error).__name__}: {error}); "
                "check the network, or choose another feed.",
                code="binance.unreachable",
            ) from error
        if answer.status_code >= 400:
            raise answers.make_refusal(answer.status_code, answer.content, full, answer.headers.get("retry-after"))
        return answer.content
