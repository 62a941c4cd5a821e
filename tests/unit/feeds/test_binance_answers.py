"""REST answers become instruments, bars and refusals."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import pytest
import zstandard

from papertape.errors import Invalid, PapertapeError, Unavailable
from papertape.feeds.binance.answers import make_refusal, parse_closed_klines, parse_instruments
from papertape.feeds.binance.endpoints import LIVE, Endpoints, parse_venue_url
from papertape.feeds.recorded.discover import Precision, make_instrument
from papertape.model.entries import VenueBar
from papertape.model.instrument import Instrument
from papertape.testkit.shared_data import shared_data


def exchange_information(path: Path) -> bytes:
    with zstandard.open(path, "rt") as stream:
        return str(
            next(entry["data"] for line in stream if "exchangeInfo" in (entry := json.loads(line)).get("url", ""))
        ).encode()


def test_the_spot_rules_of_a_recorded_session_become_instruments() -> None:
    body = exchange_information(shared_data("cryptofeed-raw-ws/BINANCE.jsonl.zst"))
    found = {instrument.id: instrument for instrument in parse_instruments(body, "spot")}
    assert len(found) > 1_000
    assert found["BTCUSDT.BINANCE"] == Instrument(
        id="BTCUSDT.BINANCE",
        symbol="BTCUSDT",
        venue="BINANCE",
        kind="spot",
        base="BTC",
        quote="USDT",
        price_decimals=2,
        size_decimals=5,
        price_increment=Decimal("0.01"),
        size_increment=Decimal("0.00001"),
        min_quantity=Decimal("0.00001"),
        min_notional=Decimal(10),
    )


def test_the_usdm_rules_of_a_recorded_session_become_perpetuals_and_dated_futures_are_left_out() -> None:
    body = exchange_information(shared_data("cryptofeed-raw-ws/BINANCE_FUTURES.jsonl.zst"))
    found = {instrument.id: instrument for instrument in parse_instruments(body, "usdm")}
    perpetual = found["BTCUSDT-PERP.BINANCE"]
    assert {instrument.kind for instrument in found.values()} == {"perpetual"}
    assert (perpetual.price_increment, perpetual.size_increment, perpetual.min_notional, perpetual.max_leverage) == (
        Decimal("0.01"),
        Decimal("0.001"),
        Decimal(5),
        20,
    )


def test_what_does_not_trade_or_cannot_be_named_is_no_instrument() -> None:
    filters = [
        {"filterType": "PRICE_FILTER", "tickSize": "0.01"},
        {"filterType": "LOT_SIZE", "stepSize": "1.00", "minQty": "1.00"},
    ]
    symbols = [
        {"symbol": "HALTUSDT", "status": "BREAK", "baseAsset": "HALT", "quoteAsset": "USDT", "filters": filters},
        {"symbol": "狗USDT", "status": "TRADING", "baseAsset": "狗", "quoteAsset": "USDT", "filters": filters},
        {"symbol": "NOUSDT", "status": "TRADING", "baseAsset": "NO", "quoteAsset": "USDT", "filters": []},
        {"symbol": "OKUSDT", "status": "TRADING", "baseAsset": "OK", "quoteAsset": "USDT", "filters": filters},
    ]
    found = parse_instruments(json.dumps({"symbols": symbols}).encode(), "spot")
    assert [(i.id, i.price_decimals, i.size_decimals, i.min_notional) for i in found] == [
        ("OKUSDT.BINANCE", 2, 0, Decimal(0))
    ]


def test_bars_are_closed_ones_with_their_close_as_time() -> None:
    precision = Precision()
    precision.price, precision.size = 2, 3
    instrument = make_instrument("spot", "BTCUSDT", precision)
    rows = [
        [1_499_040_000_000, "1.50", "1.60", "1.40", "1.55", "2.000", 1_499_040_059_999, "3.1", 3, "1", "1.5", "0"],
        [1_499_040_060_000, "1.55", "1.55", "1.55", "1.55", "0.100", 1_499_040_119_999, "0.1", 1, "0", "0.0", "0"],
    ]
    assert parse_closed_klines(json.dumps(rows).encode(), instrument, 60, 9) == [
        VenueBar(
            ts=1_499_040_060_000_000,
            recv_ts=9,
            instrument=instrument.id,
            open_ts=1_499_040_000_000_000,
            interval_s=60,
            open=150,
            high=160,
            low=140,
            close=155,
            volume=2_000,
        )
    ]


@pytest.mark.parametrize(
    ("status", "body", "kind", "said"),
    [
        (400, b'{"code":-1121,"msg":"Invalid symbol."}', Invalid, "does not know the symbol"),
        (429, b'{"code":-1003,"msg":"Too many requests"}', Unavailable, "try again in 7 s"),
        (418, b"", Unavailable, "too many requests"),
        (451, b"<html>", Unavailable, "answered 451"),
        (500, b'{"code":-1000,"msg":"Oops"}', Unavailable, "-1000 Oops"),
    ],
)
def test_a_refusal_says_what_to_do(status: int, body: bytes, kind: type[PapertapeError], said: str) -> None:
    error = make_refusal(status, body, "/api/v3/depth", "7")
    assert (type(error), said in error.message) == (kind, True)


def test_a_venue_address_points_every_route_elsewhere() -> None:
    assert parse_venue_url("ws://127.0.0.1:9000/,http://127.0.0.1:9000") == Endpoints(
        spot_stream="ws://127.0.0.1:9000/stream",
        spot_rest="http://127.0.0.1:9000",
        usdm_public_stream="ws://127.0.0.1:9000/public/stream",
        usdm_market_stream="ws://127.0.0.1:9000/market/stream",
        usdm_rest="http://127.0.0.1:9000",
    )


@pytest.mark.parametrize("text", ["", "ws://a", "http://a,ws://a", "ws://a,ftp://a", "a,b"])
def test_a_malformed_venue_address_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(Invalid, match=r"such as ws://127\.0\.0\.1:9000,http://127\.0\.0\.1:9000"):
        parse_venue_url(text)


def test_the_live_venue_is_spoken_to_in_secret() -> None:
    addresses = [LIVE.spot_stream, LIVE.usdm_public_stream, LIVE.usdm_market_stream, LIVE.spot_rest, LIVE.usdm_rest]
    assert [address.split(":")[0] for address in addresses] == ["wss", "wss", "wss", "https", "https"]
