"""The short way of the hot messages gives what the long way gives, or refuses without a trace."""

from __future__ import annotations

import re
from itertools import islice

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from papertape.feeds.binance.decoder import MarketDecoder
from papertape.feeds.binance.frames import Market, SnapshotFrame
from papertape.feeds.binance.hot_fields import are_streams
from papertape.feeds.binance.protocol import parse_frame
from papertape.feeds.recorded.discover import Precision, discover_instruments, make_instrument
from papertape.feeds.recorded.reading import find_frame_files, read_file
from papertape.model.entries import MarketEvent
from papertape.model.instrument import Instrument
from papertape.testkit.shared_data import shared_data

RAW = "binance-raw-ws-2024-08/raw"
RECV = 1_723_161_255_088_176

MESSAGES = [
    b'{"stream":"btcusdt@bookTicker","data":{"u":9,"s":"BTCUSDT","b":"61837.63000000","B":"3.78826000",'
    b'"a":"61837.64000000","A":"1.54698000"}}',
    b'{"stream":"btcusdt@bookTicker","data":{"e":"bookTicker","u":9,"s":"BTCUSDT","b":"61800.20","B":"2.507",'
    b'"a":"61800.30","A":"2.510","T":1723161256313,"E":1723161256314}}',
    b'{"stream":"btcusdt@trade","data":{"e":"trade","E":1723161255343,"s":"BTCUSDT","t":6,"p":"61837.63000000",'
    b'"q":"0.02000000","T":1723161255342,"m":true,"M":true}}',
    b'{"stream":"btcusdt@trade","data":{"e":"trade","E":1723161256322,"T":1723161256321,"s":"BTCUSDT","t":6,'
    b'"p":"61800.30","q":"0.006","X":"MARKET","m":false}}',
    b'{"stream":"btcusdt@aggTrade","data":{"e":"aggTrade","E":1723161256322,"a":5,"s":"BTCUSDT","p":"61800.30",'
    b'"q":"0.006","nq":"0.006","f":3,"l":4,"T":1723161256321,"m":false}}',
    b'{"stream":"btcusdt@depth@100ms","data":{"e":"depthUpdate","E":1723161255208,"s":"BTCUSDT","U":4,"u":8,'
    b'"b":[["61737.63000000","0.00000000"],["61730.17000000","1.5"]],"a":[["61837.64000000","1.54698000"]]}}',
    b'{"stream":"btcusdt@depth@100ms","data":{"e":"depthUpdate","E":1723161255208,"T":1723161255207,"s":"BTCUSDT",'
    b'"U":1,"u":8,"pu":3,"b":[],"a":[["61801.4","0"],["61818.0","0.014"]]}}',
]
PIECES = [
    b"0", b"9", b"-1", b"1e5", b"1.5", b"007", b"null", b"true", b"false", b" ", b"\\", b'"', b"{}", b"[]", b"}}", b",",
    b":", b"\x00", b"\xff", b"\xc3\xa9", b"99999999999999999999", b"1000000000000001", b"999999999999999999",
    b'"X":"INSURANCE_FUND",', b'"X":"MARKET",', b'"T":0,', b'"u":9,', b'"s":"ETHUSDT",', b'"pu":4,', b'"\\u0073":1,',
    b'"xy":"z",', b'"M":1,', b'"61800.305"', b'"61800."', b'".5"', b'"00061800.3"', b'"123456789012345678.00"', b'""',
    b'["1","2"],', b'["1","2","3"],', b"",
]  # fmt: skip


def instrument(market: Market = "spot", price: int = 2, size: int = 5) -> Instrument:
    precision = Precision()
    precision.price, precision.size = price, size
    return make_instrument(market, "BTCUSDT", precision)


def begun(found: Instrument) -> MarketDecoder:
    decoder = MarketDecoder("usdm")
    decoder.add(found)
    decoder.continue_after(found.symbol, 5)
    decoder.on_snapshot(found.symbol, SnapshotFrame(3, (), ()), RECV, [])
    return decoder


def state(decoder: MarketDecoder) -> list[object]:
    asked = decoder.take_requests()
    return [decoder.frames, decoder.events, decoder.decode_errors, decoder.last_error, decoder.gaps, asked,
            decoder.clock.offset_us]  # fmt: skip


def both_ways(bursts: list[list[bytes]], found: Instrument) -> None:
    short, long = begun(found), begun(found)
    for index, burst in enumerate(bursts):
        taken: list[MarketEvent] = []
        expected: list[MarketEvent] = []
        short.take_burst(list(burst), RECV + index, taken)
        for raw in burst:
            long.take(parse_frame(raw), RECV + index, expected)
        assert (taken, state(short)) == (expected, state(long)), burst


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    raw = draw(st.sampled_from(MESSAGES))
    for _ in range(draw(st.integers(0, 3))):
        places = [match.start() for match in re.finditer(rb'[\[{,:"]|\d+', raw)] or [0]
        at = draw(st.sampled_from(places) | st.integers(0, len(raw)))
        until = at + draw(st.integers(0, 14))
        raw = raw[:at] + draw(st.sampled_from(PIECES) | st.binary(max_size=3)) + raw[until:]
    return raw


@st.composite
def reordered(draw: st.DrawFn) -> bytes:
    raw = draw(st.sampled_from(MESSAGES))
    message = msgspec.json.decode(raw)
    fields = draw(st.permutations(list(message["data"].items())))
    kept = fields[draw(st.integers(0, 2)) :]
    return msgspec.json.encode({"stream": message["stream"], "data": dict(kept)})


@settings(max_examples=1500, deadline=None)
@given(
    st.lists(st.lists(mutated() | reordered() | st.sampled_from(MESSAGES), max_size=4), max_size=3),
    st.sampled_from([(2, 5), (0, 0), (1, 3), (8, 8), (10, 9)]),
)
def test_damaged_and_reordered_messages_give_the_same_events_and_state_as_the_long_way(
    bursts: list[list[bytes]], decimals: tuple[int, int]
) -> None:
    both_ways(bursts, instrument("usdm", *decimals))


@pytest.mark.parametrize("raw", MESSAGES)
def test_every_message_cut_short_gives_the_same_as_the_long_way(raw: bytes) -> None:
    both_ways([[raw[:length]] for length in range(len(raw) + 1)], instrument())
    both_ways([[raw[:length] + b"}}"] for length in range(len(raw) + 1)], instrument())


@pytest.mark.parametrize("raw", MESSAGES)
def test_every_byte_changed_gives_the_same_as_the_long_way(raw: bytes) -> None:
    for byte in b'"0 9}]\\.-\xff\x00':
        bursts = [[raw[:at] + bytes([byte]) + raw[at + 1 :]] for at in range(len(raw))]
        for burst in bursts:
            both_ways([burst], instrument())


@pytest.mark.parametrize(
    ("name", "refused"),
    [("spot_btcusdt_20240808", 4), ("spot_ethusdt_20240808", 3), ("usdm_btcusdt_20240808", 7)],
)
def test_recorded_frames_are_decoded_alike_and_almost_none_is_refused(name: str, refused: int) -> None:
    files = find_frame_files(shared_data(f"{RAW}/{name}.gz"))
    (found,) = discover_instruments(files)
    short, long = (MarketDecoder(files[0].market, can_fetch=False) for _ in range(2))
    short.add(found)
    long.add(found)
    count = 0
    for recorded in islice(read_file(files[0]), 30_000):
        recv_ts, frame = recorded.recv_ns // 1000, parse_frame(recorded.raw)
        taken: list[MarketEvent] = []
        expected: list[MarketEvent] = []
        if isinstance(frame, SnapshotFrame):
            short.on_snapshot(found.symbol, frame, recv_ts, taken)
            long.on_snapshot(found.symbol, frame, recv_ts, expected)
        else:
            if not short.take_hot(recorded.raw, recv_ts, taken):
                count += 1
                short.take(frame, recv_ts, taken)
            long.take(frame, recv_ts, expected)
        assert taken == expected
    assert (count, state(short)) == (refused, state(long))


@pytest.mark.parametrize(
    "raw",
    [
        b'{"result":null,"id":4}',
        b'{"stream":"!serverShutdown","data":{"e":"serverShutdown","E":1}}',
        b'{"stream":"","result":null,"id":4}',
        b'{"stream":"@trade","data":{}}',
        b'{"e":"serverShutdown","E":1}',
        b'{"stream":"btcusdt',
        b"",
    ],
)
def test_an_answer_or_an_announcement_is_never_taken_for_a_message_of_a_stream(raw: bytes) -> None:
    assert (are_streams([*MESSAGES, raw]), are_streams(MESSAGES)) == (False, True)
