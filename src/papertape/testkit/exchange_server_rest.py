"""The exchange server's REST answers, in the venue's own shapes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple
from urllib.parse import parse_qsl, urlsplit

import msgspec

from papertape.feeds.binance.frames import Market, TradeFrame
from papertape.testkit.exchange_server_market import PlayedBar, PlayedMarket

_PREFIXES: dict[str, Market] = {"/api/v3": "spot", "/fapi/v1": "usdm"}
_MINUTE_MS = 60_000

Markets = Mapping[tuple[Market, str], PlayedMarket]
Query = Mapping[str, str]


class Answer(NamedTuple):
    """An HTTP status and a JSON body."""

    status: int
    body: bytes


def is_rest_path(path: str) -> bool:
    """Return whether a request path belongs to the REST interface."""
    return path.startswith(tuple(_PREFIXES))


def answer(path: str, markets: Markets, now_ms: int) -> Answer:
    """Return the answer to `GET path`."""
    parts = urlsplit(path)
    prefix = next((known for known in _PREFIXES if parts.path.startswith(known)), "")
    name = parts.path.removeprefix(prefix)
    query = dict(parse_qsl(parts.query))
    if name == "/ping":
        return _ok({})
    if name == "/time":
        return _ok({"serverTime": now_ms})
    market = _PREFIXES[prefix]
    if name == "/exchangeInfo":
        listed = [_listing(played) for (of, _), played in markets.items() if of == market]
        return _ok({"timezone": "UTC", "serverTime": now_ms, "symbols": listed})
    return _about_symbol(name, query, markets.get((market, query.get("symbol", ""))))


def _about_symbol(name: str, query: Query, played: PlayedMarket | None) -> Answer:
    make = _ANSWERS.get(name)
    if make is None:
        return Answer(404, b'{"code":-5000,"msg":"Path not found."}')
    if played is None:
        return Answer(400, b'{"code":-1121,"msg":"Invalid symbol."}')
    return make(played, query)


def _ok(value: object) -> Answer:
    return Answer(200, msgspec.json.encode(value))


def _limit(query: Query, default: int) -> int:
    text = query.get("limit", "")
    return int(text) if text.isdigit() else default


def _listing(played: PlayedMarket) -> dict[str, object]:
    rules = played.instrument
    tick, step = f"{rules.price_increment:f}", f"{rules.size_increment:f}"
    is_spot = played.market == "spot"
    notional = (
        {"filterType": "NOTIONAL", "minNotional": "5"} if is_spot else {"filterType": "MIN_NOTIONAL", "notional": "5"}
    )
    listing: dict[str, object] = {
        "symbol": rules.symbol,
        "status": "TRADING",
        "baseAsset": rules.base,
        "quoteAsset": rules.quote,
        "filters": [
            {"filterType": "PRICE_FILTER", "minPrice": tick, "maxPrice": "1000000", "tickSize": tick},
            {"filterType": "LOT_SIZE", "minQty": step, "maxQty": "9000", "stepSize": step},
            notional,
        ],
    }
    return listing if is_spot else listing | {"contractType": "PERPETUAL", "pair": rules.symbol}


def _klines(played: PlayedMarket, query: Query) -> Answer:
    if query.get("interval") != "1m":
        return Answer(400, b'{"code":-1120,"msg":"Invalid interval."}')
    bars = list(played.bars.values())[-_limit(query, 500) :]
    return _ok([_kline(bar) for bar in bars])


def _kline(bar: PlayedBar) -> list[object]:
    volume, quote_volume = f"{bar.volume:f}", f"{bar.quote_volume:f}"
    close_ms = bar.open_ms + _MINUTE_MS - 1
    prices = [bar.open, bar.high, bar.low, bar.close]
    return [bar.open_ms, *prices, volume, close_ms, quote_volume, bar.trades, volume, quote_volume, "0"]


def _recent_trades(played: PlayedMarket, query: Query) -> Answer:
    return _ok([_trade(trade) for trade in list(played.trades)[-_limit(query, 500) :]])


def _old_trades(played: PlayedMarket, query: Query) -> Answer:
    first = query.get("fromId", "")
    if not first.isdigit():
        return _recent_trades(played, query)
    later = [trade for trade in played.trades if trade.trade_id >= int(first)]
    return _ok([_trade(trade) for trade in later[: _limit(query, 500)]])


def _agg_trades(played: PlayedMarket, query: Query) -> Answer:
    found = list(played.trades)
    limit = _limit(query, 500)
    if "fromId" in query:
        found = [trade for trade in found if trade.trade_id >= int(query["fromId"])][:limit]
    elif "startTime" in query:
        found = [trade for trade in found if trade.trade_ms >= int(query["startTime"])][:limit]
    return _ok([_agg_trade(trade) for trade in found[-limit:]])


def _trade(trade: TradeFrame) -> dict[str, object]:
    return {
        "id": trade.trade_id,
        "price": trade.price,
        "qty": trade.size,
        "time": trade.trade_ms,
        "isBuyerMaker": trade.buyer_is_maker,
        "isBestMatch": True,
    }


def _agg_trade(trade: TradeFrame) -> dict[str, object]:
    return {
        "a": trade.trade_id,
        "p": trade.price,
        "q": trade.size,
        "f": trade.trade_id,
        "l": trade.trade_id,
        "T": trade.trade_ms,
        "m": trade.buyer_is_maker,
    }


def _depth(played: PlayedMarket, query: Query) -> Answer:
    bids, asks = played.levels(_limit(query, 100))
    book: dict[str, object] = {"lastUpdateId": played.last_update_id}
    if played.market == "usdm":
        book |= {"E": played.event_ms, "T": played.event_ms}
    return _ok(book | {"bids": bids, "asks": asks})


def _book_ticker(played: PlayedMarket, query: Query) -> Answer:
    _ = query
    quote = played.quote
    if quote is None:
        return Answer(503, b'{"code":-1000,"msg":"No quote has been played yet."}')
    found: dict[str, object] = {
        "symbol": quote.symbol,
        "bidPrice": quote.bid,
        "bidQty": quote.bid_size,
        "askPrice": quote.ask,
        "askQty": quote.ask_size,
    }
    return _ok(found if quote.event_ms is None else found | {"time": quote.transaction_ms or quote.event_ms})


_ANSWERS: dict[str, Callable[[PlayedMarket, Query], Answer]] = {
    "/klines": _klines,
    "/trades": _recent_trades,
    "/historicalTrades": _old_trades,
    "/aggTrades": _agg_trades,
    "/depth": _depth,
    "/ticker/bookTicker": _book_ticker,
}
