"""Every message of a stream connection has one typed outcome, garbage included."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from papertape.feeds.binance.frames import (
    Acknowledged,
    AggTradeFrame,
    BookTickerFrame,
    DepthFrame,
    Frame,
    Garbage,
    Ignored,
    RequestRefused,
    ShutdownAnnounced,
    SnapshotFrame,
    TickerFrame,
    TradeFrame,
)
from papertape.feeds.binance.protocol import parse_frame
from papertape.feeds.binance.streams import build_request, in_requests, stream_names

TRADE = '{"e":"trade","E":12,"s":"BTCUSDT","t":7,"p":"61800.30","q":"0.006","T":11,"m":true,"M":true}'
BOOK_TICKER = '{"u":9,"s":"BTCUSDT","b":"1.10","B":"2.00","a":"1.20","A":"3.00"}'
DEPTH = '{"e":"depthUpdate","E":12,"T":11,"s":"BTCUSDT","U":5,"u":8,"pu":4,"b":[["1.10","2"]],"a":[]}'

MESSAGES: list[tuple[str, Frame]] = [
    (f'{{"stream":"btcusdt@trade","data":{TRADE}}}', TradeFrame("BTCUSDT", 7, "61800.30", "0.006", 12, 11, True)),
    (TRADE, TradeFrame("BTCUSDT", 7, "61800.30", "0.006", 12, 11, True)),
    (
        f'{{"stream":"btcusdt@bookTicker","data":{BOOK_TICKER}}}',
        BookTickerFrame("BTCUSDT", 9, "1.10", "2.00", "1.20", "3.00"),
    ),
    (BOOK_TICKER, BookTickerFrame("BTCUSDT", 9, "1.10", "2.00", "1.20", "3.00")),
    (
        f'{{"stream":"btcusdt@depth@0ms","data":{DEPTH}}}',
        DepthFrame("BTCUSDT", 12, 5, 8, (("1.10", "2"),), (), 4, 11),
    ),
    (DEPTH, DepthFrame("BTCUSDT", 12, 5, 8, (("1.10", "2"),), (), 4, 11)),
    (
        '{"stream":"btcusdt@aggTrade","data":{"e":"aggTrade","E":2,"a":5,"s":"BTCUSDT","p":"1","q":"2","f":3,"l":4,"T":1,"m":false}}',
        AggTradeFrame("BTCUSDT", "1", "2", 2, 1, False, 5, 4),
    ),
    (
        '{"stream":"btcusdt@ticker","data":{"e":"24hrTicker","E":2,"s":"BTCUSDT","P":"-0.855","q":"20.5","n":1}}',
        TickerFrame("BTCUSDT", 2, "-0.855", "20.5"),
    ),
    (
        '{"lastUpdateId":3,"bids":[["1","2"]],"asks":[["3","4"]]}',
        SnapshotFrame(3, (("1", "2"),), (("3", "4"),)),
    ),
    ('{"result":null,"id":4}', Acknowledged(4)),
    ('{"result":["btcusdt@trade"],"id":4}', Acknowledged(4)),
    ('{"error":{"code":2,"msg":"Invalid request"},"id":4}', RequestRefused(4, 2, "Invalid request")),
    ('{"code":3,"msg":"Invalid JSON"}', RequestRefused(None, 3, "Invalid JSON")),
    ('{"e":"serverShutdown","E":1}', ShutdownAnnounced()),
    ('{"stream":"!serverShutdown","data":{"e":"serverShutdown","E":1}}', ShutdownAnnounced()),
    ('{"stream":"btcusdt@kline_1m","data":{"e":"kline"}}', Ignored("btcusdt@kline_1m")),
    ('{"stream":"!ticker@arr","data":[]}', Ignored("!ticker@arr")),
    ('{"e":"forceOrder"}', Ignored("forceOrder")),
]

GARBAGE = [
    b"",
    b"not json",
    b"{",
    b"[]",
    b"null",
    b"{}",
    b'"text"',
    b"\xff\xfe\x00",
    b'{"stream":"btcusdt@trade"}',
    b'{"stream":"btcusdt@trade","data":{}}',
    b'{"stream":"btcusdt@trade","data":{"e":"trade","E":"late","s":"BTCUSDT"}}',
    b'{"stream":"btcusdt@trade","data":null}',
    b'{"stream":7,"data":{}}',
    b'{"stream":"btcusdt@depth@100ms","data":{"e":"depthUpdate","E":1,"s":"B","U":1,"u":2,"b":[["1"]],"a":[]}}',
    b'{"stream":"btcusdt@trade","data":' + b"[" * 3000,
    TRADE.replace("7", "\ud800".encode("utf-8", "surrogatepass").hex()).encode()[:40],
]


@pytest.mark.parametrize(("message", "expected"), MESSAGES)
def test_a_message_of_the_venue_is_parsed_to_its_typed_frame(message: str, expected: Frame) -> None:
    assert (parse_frame(message), parse_frame(message.encode())) == (expected, expected)


@pytest.mark.parametrize("message", GARBAGE)
def test_what_is_no_message_of_the_venue_becomes_garbage_with_a_reason(message: bytes) -> None:
    frame = parse_frame(message)
    assert isinstance(frame, Garbage)
    assert frame.reason


@given(st.binary(max_size=200))
def test_no_bytes_whatever_make_the_parser_raise(message: bytes) -> None:
    assert parse_frame(message) is not None


@given(st.integers(0, len(MESSAGES) - 1), st.integers(0, 200), st.binary(max_size=3))
def test_a_damaged_message_never_makes_the_parser_raise(which: int, at: int, damage: bytes) -> None:
    message = MESSAGES[which][0].encode()
    assert parse_frame(message[:at] + damage + message[at + len(damage) :]) is not None


def test_a_subscription_names_streams_in_lower_case_and_in_order() -> None:
    names = stream_names("BTCUSDT", ("trade", "bookTicker"))
    assert build_request("SUBSCRIBE", names, 3) == (
        '{"method":"SUBSCRIBE","params":["btcusdt@bookTicker","btcusdt@trade"],"id":3}'
    )


def test_a_long_list_of_streams_is_asked_for_in_several_requests() -> None:
    names = [f"s{index:04}@trade" for index in range(450)]
    parts = list(in_requests(names))
    assert ([len(part) for part in parts], [name for part in parts for name in part]) == ([200, 200, 50], names)
