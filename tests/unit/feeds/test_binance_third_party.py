"""What others made of the same frames: tardis-node, nautilus, Binance.Net, cryptofeed."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest

from papertape.feeds.binance import answers
from papertape.feeds.binance.decoder import MarketDecoder
from papertape.feeds.binance.frames import (
    Acknowledged,
    AggTradeFrame,
    BookTickerFrame,
    DepthFrame,
    Frame,
    Garbage,
    Ignored,
    Market,
    TickerFrame,
    TradeFrame,
)
from papertape.feeds.binance.protocol import parse_frame
from papertape.feeds.binance.streams import build_request
from papertape.feeds.recorded.discover import Precision, make_instrument
from papertape.feeds.recorded.reading import find_frame_files, read_file
from papertape.model.entries import MarketEvent, Quote, Trade
from papertape.model.instrument import Instrument
from papertape.testkit.shared_data import shared_data

Json = dict[str, Any]  # the fixtures' own shape, looked into field by field


def lines(name: str) -> Iterator[Json]:
    with shared_data(name).open() as stream:
        for line in stream:
            yield json.loads(line)


def with_eight_decimals(market: Market, symbol: str) -> Instrument:
    precision = Precision()
    precision.price = precision.size = 8
    return make_instrument(market, symbol, precision)


def microseconds(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp() * 1_000_000)


def as_tardis(event: MarketEvent, instrument: Instrument) -> Json:
    if isinstance(event, Trade):
        price, size = instrument.price_float(event.price), instrument.size_float(event.size)
        return {
            "type": "trade",
            "id": event.trade_id,
            "price": price,
            "amount": size,
            "side": event.side,
            "ts": event.ts,
        }
    assert isinstance(event, Quote)
    sizes = {"bidAmount": instrument.size_float(event.bid_size), "askAmount": instrument.size_float(event.ask_size)}
    prices = {"bidPrice": instrument.price_float(event.bid), "askPrice": instrument.price_float(event.ask)}
    return {"type": "book_ticker", **sizes, **prices}


@pytest.mark.parametrize(("name", "market"), [("binance", "spot"), ("binance-futures", "usdm")])
def test_trades_and_quotes_are_what_tardis_makes_of_the_same_frames(name: str, market: Market) -> None:
    compared = 0
    for case in lines(f"tardis-mapper-cases/{name}.jsonl"):
        stream = case["message"]["stream"]
        if case["expected"] is None or not stream.endswith(("@trade", "@bookTicker")):
            continue
        instrument = with_eight_decimals(market, case["message"]["data"]["s"])
        decoder, out = MarketDecoder(market), list[MarketEvent]()
        decoder.add(instrument)
        decoder.take(parse_frame(json.dumps(case["message"])), 0, out)
        expected = [
            {"ts": microseconds(record["timestamp"])} | record if record["type"] == "trade" else record
            for record in case["expected"]
        ]
        assert [as_tardis(event, instrument) for event in out] == [
            {key: record[key] for key in as_tardis(out[0], instrument)} for record in expected
        ]
        compared += 1
    assert compared >= 3


NAUTILUS: dict[str, type[Frame]] = {
    "agg_trade_stream": AggTradeFrame,
    "book_ticker_stream": BookTickerFrame,
    "depth_update_stream": DepthFrame,
    "kline_stream_closed": Ignored,
    "kline_stream_open": Ignored,
    "liquidation_stream": Ignored,
    "mark_price_stream": Ignored,
    "ticker_stream": TickerFrame,
    "trade_stream": TradeFrame,
}


def test_the_stream_fixtures_of_nautilus_are_parsed_to_their_kinds() -> None:
    found = {
        re.sub(r".*/|\.json", "", case["path"]): type(parse_frame(case["text"]))
        for case in lines("nautilus-adapter-fixtures/binance.jsonl")
        if "_stream" in case["path"]
    }
    assert found == NAUTILUS


def test_the_rest_fixtures_of_nautilus_are_parsed() -> None:
    texts = {
        re.sub(r".*/|\.json", "", case["path"]): case["text"].encode()
        for case in lines("nautilus-adapter-fixtures/binance.jsonl")
        if "http_json" in case["path"]
    }
    pair = with_eight_decimals("spot", "LTCBTC")
    trade = Trade(
        ts=1_499_865_549_590_000,
        recv_ts=1,
        instrument=pair.id,
        price=400_000_100,
        size=1_200_000_000,
        side="sell",
        trade_id="28457",
    )
    quote = Quote(
        ts=8,
        recv_ts=1,
        instrument=pair.id,
        bid=400_000_000,
        bid_size=43_100_000_000,
        ask=400_000_200,
        ask_size=900_000_000,
    )
    assert [found.trade for found in answers.parse_trades(texts["trades_response"], pair, 1)] == [trade]
    assert answers.parse_book_ticker(texts["book_ticker_response"], pair, 1, 7) == quote
    assert answers.parse_depth(texts["depth_response"]).last_id == 1_027_024
    assert answers.parse_server_time(texts["server_time_response"]) == 1_499_827_319_559_000
    assert answers.parse_closed_klines(texts["klines_response"], pair, 60, 1) == []


def test_our_subscription_and_its_answer_are_those_of_binance_net() -> None:
    compared = 0
    for case in lines("jkorf-exchange-samples/binance_ws.jsonl"):
        sample = re.match(r"> (.*)\n< (.*)\n", case["text"])
        if sample is None or "Subscriptions" not in case["path"]:
            continue
        sent, replied = (json.loads(part.replace('"|1|"', "1").replace("|1|", "1")) for part in sample.groups())
        assert json.loads(build_request("SUBSCRIBE", sent["params"], 1)) == sent
        assert parse_frame(json.dumps(replied)) == Acknowledged(1)
        compared += 1
    assert compared >= 10


def test_the_updates_of_binance_net_samples_are_never_garbage() -> None:
    updates = [
        case["text"].partition("\n= ")[2].replace("|1|", "1")
        for case in lines("jkorf-exchange-samples/binance_ws.jsonl")
        if re.search(r"Subscriptions/(Spot|UsdFutures).*(Trades|Ticker|Book)\.txt", case["path"])
    ]
    assert len(updates) >= 8
    assert [text for text in updates if isinstance(parse_frame(text.strip()), Garbage)] == []


@pytest.mark.parametrize("name", ["BINANCE", "BINANCE_FUTURES"])
def test_no_frame_of_a_cryptofeed_session_is_garbage(name: str) -> None:
    (file,) = find_frame_files(shared_data(f"cryptofeed-raw-ws/{name}.jsonl.zst"))
    frames = [parse_frame(recorded.raw) for recorded in read_file(file)]
    assert [frame for frame in frames if isinstance(frame, Garbage)] == []
    assert any(isinstance(frame, DepthFrame) for frame in frames)
