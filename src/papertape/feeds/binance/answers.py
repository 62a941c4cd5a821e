"""REST answers of both markets to instruments, history and book snapshots. Pure."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from papertape.errors import Invalid, PapertapeError, Unavailable
from papertape.feeds.binance.frames import Market, Milliseconds, SnapshotFrame, VenueId
from papertape.feeds.binance.numbers import make_scale
from papertape.feeds.binance.trade_sync import Print
from papertape.model.entries import Quote, Trade, VenueBar
from papertape.model.instrument import Instrument, check_instrument_id

# The venue gives leverage brackets to account holders only; a new account starts with 20.
_LEVERAGE = 20
_UNKNOWN_SYMBOL = -1121


class _Filter(msgspec.Struct, frozen=True):
    kind: str = msgspec.field(name="filterType")
    tick_size: str = msgspec.field(name="tickSize", default="")
    step_size: str = msgspec.field(name="stepSize", default="")
    min_quantity: str = msgspec.field(name="minQty", default="0")
    min_notional: str = msgspec.field(name="minNotional", default="0")
    notional: str = "0"


class _Symbol(msgspec.Struct, frozen=True):
    symbol: str
    status: str
    base: str = msgspec.field(name="baseAsset")
    quote: str = msgspec.field(name="quoteAsset")
    filters: list[_Filter]
    contract: str = msgspec.field(name="contractType", default="")


class _ExchangeInformation(msgspec.Struct, frozen=True):
    symbols: list[_Symbol]


class _RestTrade(msgspec.Struct, frozen=True):
    id: VenueId
    price: str
    qty: str
    time: Milliseconds
    buyer_is_maker: bool = msgspec.field(name="isBuyerMaker")


class _RestAggTrade(msgspec.Struct, frozen=True):
    agg_id: VenueId = msgspec.field(name="a")
    price: str = msgspec.field(name="p")
    size: str = msgspec.field(name="q")
    last_trade_id: VenueId = msgspec.field(name="l")
    time: Milliseconds = msgspec.field(name="T")
    buyer_is_maker: bool = msgspec.field(name="m")


class _RestBookTicker(msgspec.Struct, frozen=True):
    bid: str = msgspec.field(name="bidPrice")
    bid_size: str = msgspec.field(name="bidQty")
    ask: str = msgspec.field(name="askPrice")
    ask_size: str = msgspec.field(name="askQty")
    time: Milliseconds | None = None


class _ServerTime(msgspec.Struct, frozen=True):
    time: Milliseconds = msgspec.field(name="serverTime")


class _Refusal(msgspec.Struct, frozen=True):
    code: int = 0
    msg: str = ""


class AggregatedTrade(msgspec.Struct, frozen=True):
    """An aggregated trade with its own id and the id of the last print in it."""

    agg_id: int
    last_trade_id: int
    trade: Trade


_Row = tuple[int, str, str, str, str, str, int, str, int, str, str, str]

_information = msgspec.json.Decoder(_ExchangeInformation).decode
_trades = msgspec.json.Decoder(list[_RestTrade]).decode
_agg_trades = msgspec.json.Decoder(list[_RestAggTrade]).decode
_klines = msgspec.json.Decoder(list[_Row]).decode
_book_ticker = msgspec.json.Decoder(_RestBookTicker).decode
_depth = msgspec.json.Decoder(SnapshotFrame).decode
_time = msgspec.json.Decoder(_ServerTime).decode
_refusal = msgspec.json.Decoder(_Refusal).decode


def parse_instruments(body: bytes, market: Market) -> list[Instrument]:
    """Return what `exchangeInfo` says can be traded now: spot pairs, or USD-M perpetuals."""
    is_spot = market == "spot"
    found: list[Instrument] = []
    for symbol in _information(body).symbols:
        if symbol.status == "TRADING" and (is_spot or symbol.contract == "PERPETUAL"):
            instrument = _instrument(symbol, is_spot=is_spot)
            if instrument is not None:
                found.append(instrument)
    return found


def parse_trades(body: bytes, instrument: Instrument, recv_ts: int) -> list[Print]:
    """Return the prints of `trades` or `historicalTrades`, oldest first."""
    scale = make_scale(instrument)
    return [
        Print(
            found.id,
            Trade(
                ts=found.time * 1000,
                recv_ts=recv_ts,
                instrument=instrument.id,
                price=scale.price(found.price),
                size=scale.size(found.qty),
                side="sell" if found.buyer_is_maker else "buy",
                trade_id=str(found.id),
            ),
        )
        for found in _trades(body)
    ]


def parse_agg_trades(body: bytes, instrument: Instrument, recv_ts: int) -> list[AggregatedTrade]:
    """Return the aggregated trades of `aggTrades`, oldest first; `trade_id` is that of the last print in each."""
    scale = make_scale(instrument)
    return [
        AggregatedTrade(
            found.agg_id,
            found.last_trade_id,
            Trade(
                ts=found.time * 1000,
                recv_ts=recv_ts,
                instrument=instrument.id,
                price=scale.price(found.price),
                size=scale.size(found.size),
                side="sell" if found.buyer_is_maker else "buy",
                trade_id=str(found.last_trade_id),
            ),
        )
        for found in _agg_trades(body)
    ]


def parse_closed_klines(body: bytes, instrument: Instrument, interval_s: int, recv_ts: int) -> list[VenueBar]:
    """Return the closed bars of `klines`, oldest first; the last row is the bar still open and is left out."""
    scale = make_scale(instrument)
    return [
        VenueBar(
            ts=row[0] * 1000 + interval_s * 1_000_000,
            recv_ts=recv_ts,
            instrument=instrument.id,
            open_ts=row[0] * 1000,
            interval_s=interval_s,
            open=scale.price(row[1]),
            high=scale.price(row[2]),
            low=scale.price(row[3]),
            close=scale.price(row[4]),
            volume=scale.size(row[5]),
        )
        for row in _klines(body)[:-1]
    ]


def parse_book_ticker(body: bytes, instrument: Instrument, recv_ts: int, offset_us: int) -> Quote:
    """Return the best bid and ask of `ticker/bookTicker`; spot gives no time, so it is `recv_ts + offset_us`."""
    found, scale = _book_ticker(body), make_scale(instrument)
    return Quote(
        ts=recv_ts + offset_us if found.time is None else found.time * 1000,
        recv_ts=recv_ts,
        instrument=instrument.id,
        bid=scale.price(found.bid),
        bid_size=scale.size(found.bid_size),
        ask=scale.price(found.ask),
        ask_size=scale.size(found.ask_size),
    )


def parse_depth(body: bytes) -> SnapshotFrame:
    """Return the book snapshot of `depth`."""
    return _depth(body)


def parse_server_time(body: bytes) -> int:
    """Return the venue's clock in microseconds UTC."""
    return _time(body).time * 1000


def make_refusal(status: int, body: bytes, path: str, retry_after: str | None) -> PapertapeError:
    """Return the error for an answer with an HTTP status of 400 or more."""
    try:
        refusal = _refusal(body)
    except msgspec.DecodeError:
        refusal = _Refusal()
    if refusal.code == _UNKNOWN_SYMBOL:
        return Invalid(
            f"Binance does not know the symbol asked for at {path}; reload the instruments.", code="binance.symbol"
        )
    if status in {418, 429}:
        wait = f" in {retry_after} s" if retry_after else " later"
        return Unavailable(f"Binance refuses {path}: too many requests; try again{wait}.", code="binance.rate_limit")
    said = f"{refusal.code} {refusal.msg}".strip() if refusal.code else "no reason given"
    return Unavailable(f"Binance answered {status} at {path} ({said}); try again later.", code="binance.refused")


def _instrument(symbol: _Symbol, *, is_spot: bool) -> Instrument | None:
    filters = {found.kind: found for found in symbol.filters}
    price, lot = filters.get("PRICE_FILTER"), filters.get("LOT_SIZE")
    if price is None or lot is None:
        return None
    try:
        instrument_id = check_instrument_id(f"{symbol.symbol}{'' if is_spot else '-PERP'}.BINANCE")
    except Invalid:
        # A few symbols are not in Latin letters; they cannot be named here.
        return None
    limit = filters.get("NOTIONAL") or filters.get("MIN_NOTIONAL")
    return Instrument(
        id=instrument_id,
        symbol=symbol.symbol,
        venue="BINANCE",
        kind="spot" if is_spot else "perpetual",
        base=symbol.base,
        quote=symbol.quote,
        price_decimals=_decimals(price.tick_size),
        size_decimals=_decimals(lot.step_size),
        price_increment=Decimal(price.tick_size).normalize(),
        size_increment=Decimal(lot.step_size).normalize(),
        min_quantity=Decimal(lot.min_quantity).normalize(),
        min_notional=_notional(limit),
        max_leverage=1 if is_spot else _LEVERAGE,
    )


def _notional(limit: _Filter | None) -> Decimal:
    if limit is None:
        return Decimal(0)
    return max(Decimal(limit.min_notional), Decimal(limit.notional)).normalize()


def _decimals(step: str) -> int:
    exponent = Decimal(step).normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0
