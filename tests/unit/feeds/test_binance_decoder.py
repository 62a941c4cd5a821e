"""Frames become market events with integers, exchange times and announced gaps."""

from __future__ import annotations

import msgspec
import pytest

from papertape.feeds.binance.decoder import MarketDecoder, NeedSnapshot, NeedTrades
from papertape.feeds.binance.frames import Frame, Market, SnapshotFrame
from papertape.feeds.binance.protocol import parse_frame
from papertape.feeds.binance.trade_sync import Print
from papertape.feeds.recorded.discover import Precision, make_instrument
from papertape.model.entries import BookGap, BookUpdate, MarketEvent, Quote, Ticker, Trade
from papertape.model.instrument import Instrument

RECV = 1_723_161_255_088_176
SPOT, PERP = "BTCUSDT.BINANCE", "BTCUSDT-PERP.BINANCE"


def instrument(market: Market) -> Instrument:
    precision = Precision()
    precision.price, precision.size = 2, 5
    return make_instrument(market, "BTCUSDT", precision)


def decoder(market: Market = "spot", *, can_fetch: bool = True) -> MarketDecoder:
    made = MarketDecoder(market, can_fetch=can_fetch)
    made.add(instrument(market))
    return made


def frame(kind: str, **fields: object) -> Frame:
    return parse_frame(msgspec.json.encode({"stream": f"btcusdt@{kind}", "data": {"s": "BTCUSDT", **fields}}))


def trade_frame(trade_id: int, ms: int = 1_723_161_256_322, **fields: object) -> Frame:
    print_fields: dict[str, object] = {
        "e": "trade",
        "E": ms,
        "t": trade_id,
        "p": "61800.30",
        "q": "0.006",
        "T": ms,
        "m": False,
    }
    return frame("trade", **(print_fields | fields))


def depth_frame(first: int, last: int, ms: int = 1_723_161_256_322) -> Frame:
    return frame("depth@100ms", e="depthUpdate", E=ms, U=first, u=last, b=[["61800.20000000", "0.00000000"]], a=[])


def take(made: MarketDecoder, *frames: Frame, recv_ts: int = RECV) -> list[MarketEvent]:
    out: list[MarketEvent] = []
    for each in frames:
        made.take(each, recv_ts, out)
    return out


def trade(trade_id: int, ms: int = 1_723_161_256_322) -> Trade:
    return Trade(
        ts=ms * 1000, recv_ts=RECV, instrument=SPOT, price=6180030, size=600, side="buy", trade_id=str(trade_id)
    )


def test_a_print_becomes_a_trade_of_the_aggressor_with_the_venues_trade_time() -> None:
    made = decoder("usdm")
    sold = frame("trade", e="trade", E=1002, T=1001, t=5, p="61800.30", q="0.006", X="MARKET", m=True)
    assert take(made, sold) == [
        Trade(ts=1_001_000, recv_ts=RECV, instrument=PERP, price=6180030, size=600, side="sell", trade_id="5")
    ]


def test_a_print_of_the_insurance_fund_uses_its_id_but_is_no_trade() -> None:
    made = decoder("usdm")
    fund = trade_frame(6, X="INSURANCE_FUND")
    assert [
        event.trade_id for event in take(made, trade_frame(5), fund, trade_frame(7)) if isinstance(event, Trade)
    ] == [
        "5",
        "7",
    ]
    assert made.gaps == 0


def test_a_usdm_quote_carries_its_transaction_time() -> None:
    quoted = frame("bookTicker", e="bookTicker", u=9, b="61800.20", B="2.507", a="61800.30", A="2.510", T=1001, E=1002)
    assert take(decoder("usdm"), quoted) == [
        Quote(ts=1_001_000, recv_ts=RECV, instrument=PERP, bid=6180020, bid_size=250700, ask=6180030, ask_size=251000)
    ]


def test_a_spot_quote_has_no_time_so_it_gets_the_receive_time_plus_the_tracked_offset() -> None:
    made = decoder()
    event_ms = RECV // 1000 + 1270
    quoted = frame("bookTicker", u=9, b="61800.20000000", B="2.50700000", a="61800.30000000", A="2.51000000")
    events = take(made, trade_frame(1, event_ms), quoted)
    assert events[1] == Quote(
        ts=event_ms * 1000, recv_ts=RECV, instrument=SPOT, bid=6180020, bid_size=250700, ask=6180030, ask_size=251000
    )
    assert made.clock.offset_us == event_ms * 1000 - RECV


def test_statistics_become_a_ticker() -> None:
    seen = frame("ticker", e="24hrTicker", E=1_000, P="-0.855", q="207024349.13")
    assert take(decoder(), seen, seen) == [
        Ticker(ts=1_000_000, recv_ts=RECV, instrument=SPOT, change_pct=-0.855, volume_quote=207024349.13)
    ]


def test_a_book_is_a_snapshot_and_the_updates_that_continue_it() -> None:
    made = decoder()
    assert take(made, depth_frame(1, 3), depth_frame(4, 6)) == []
    assert made.take_requests() == [NeedSnapshot("BTCUSDT")]
    out: list[MarketEvent] = []
    snapshot = SnapshotFrame(3, (("61800.20", "1"),), (("61800.30", "2"),))
    made.on_snapshot("BTCUSDT", snapshot, RECV, out)
    ts = 1_723_161_256_322_000
    assert out == [
        BookUpdate(
            ts=ts,
            recv_ts=RECV,
            instrument=SPOT,
            is_snapshot=True,
            bids=((6180020, 100000),),
            asks=((6180030, 200000),),
        ),
        BookUpdate(ts=ts, recv_ts=RECV, instrument=SPOT, is_snapshot=False, bids=((6180020, 0),), asks=()),
    ]


def test_a_hole_in_the_book_is_announced_and_a_snapshot_asked_for_once() -> None:
    made = decoder()
    made.on_snapshot("BTCUSDT", SnapshotFrame(3, (), ()), RECV, [])
    events = take(made, depth_frame(4, 4), depth_frame(6, 6), depth_frame(7, 7))
    assert [type(event) for event in events] == [BookUpdate, BookGap]
    assert (made.take_requests(), made.take_requests(), made.gaps) == ([NeedSnapshot("BTCUSDT")], [], 1)


def test_a_hole_in_the_prints_holds_what_follows_until_the_missing_ones_are_fetched() -> None:
    made = decoder()
    assert take(made, trade_frame(5), trade_frame(8), trade_frame(9)) == [trade(5)]
    assert made.take_requests() == [NeedTrades("BTCUSDT", 5, 8)]
    out: list[MarketEvent] = []
    made.on_trades("BTCUSDT", [Print(6, trade(6)), Print(7, trade(7))], RECV, out)
    assert (out, made.gaps, made.missing_trades) == ([trade(n) for n in (6, 7, 8, 9)], 1, 0)


def test_prints_that_stay_missing_are_announced_as_a_gap_before_what_follows() -> None:
    made = decoder()
    take(made, trade_frame(5), trade_frame(8))
    out: list[MarketEvent] = []
    made.on_trades("BTCUSDT", [], RECV, out)
    assert [type(event) for event in out] == [BookGap, Trade]
    assert made.missing_trades == 2


def test_a_recording_passes_over_a_hole_and_says_so() -> None:
    made = decoder(can_fetch=False)
    events = take(made, trade_frame(5), trade_frame(8))
    assert [type(event) for event in events] == [Trade, BookGap, Trade]
    assert made.take_requests() == []


def test_a_lost_connection_voids_every_book_and_the_next_asks_for_the_trades_between() -> None:
    made = decoder()
    take(made, trade_frame(5))
    out: list[MarketEvent] = []
    made.on_lost("connection lost", RECV, out)
    made.on_connected()
    offset = made.clock.offset_us
    assert out == [BookGap(ts=RECV + offset, recv_ts=RECV, instrument=SPOT, reason="connection lost")]
    assert made.take_requests() == [NeedTrades("BTCUSDT", 5, None)]


def test_the_same_frames_on_two_connections_are_taken_once() -> None:
    made = decoder()
    made.on_snapshot("BTCUSDT", SnapshotFrame(3, (), ()), RECV, [])
    quoted = frame("bookTicker", u=9, b="1.00", B="1", a="2.00", A="1")
    twice = [trade_frame(5), quoted, depth_frame(4, 4)] * 2
    assert [type(event) for event in take(made, *twice)] == [Trade, Quote, BookUpdate]


@pytest.mark.parametrize(
    "bad",
    [
        parse_frame(b"garbage"),
        trade_frame(5, p="abc"),
        trade_frame(5, p="1.23456789"),
        frame("ticker", e="24hrTicker", E=1, P="much", q="1"),
        frame("bookTicker", u=1, b="", B="1", a="1", A="1"),
    ],
)
def test_a_frame_that_cannot_be_used_is_counted_with_its_reason(bad: Frame) -> None:
    made = decoder()
    assert take(made, bad) == []
    assert (made.decode_errors, bool(made.last_error)) == (1, True)


def test_a_book_update_that_cannot_be_read_voids_the_book_instead_of_being_passed_over() -> None:
    made = decoder()
    made.on_snapshot("BTCUSDT", SnapshotFrame(3, (), ()), RECV, [])
    unreadable = frame("depth@100ms", e="depthUpdate", E=1, U=4, u=4, b=[["much", "1"]], a=[])
    assert [type(event) for event in take(made, unreadable)] == [BookGap]
    assert (made.take_requests(), made.decode_errors) == ([NeedSnapshot("BTCUSDT")], 1)


def test_a_level_between_todays_prices_is_left_out_of_the_book() -> None:
    made = decoder()
    levels = (("61800.123", "1"), ("61800.10", "2"))
    out: list[MarketEvent] = []
    made.on_snapshot("BTCUSDT", SnapshotFrame(3, levels, ()), RECV, out)
    assert [event.bids for event in out if isinstance(event, BookUpdate)] == [((6180010, 200_000),)]
    assert made.decode_errors == 0


def test_a_venue_that_begins_anew_at_earlier_ids_is_followed_after_a_gap() -> None:
    made = decoder()
    quoted = frame("bookTicker", u=9, b="1.00", B="1", a="2.00", A="1")
    earlier = frame("bookTicker", u=3, b="1.00", B="1", a="2.00", A="1")
    take(made, trade_frame(500), quoted)
    events = take(made, trade_frame(20, 1_723_161_100_000), earlier, trade_frame(21, 1_723_161_100_001))
    assert [type(event) for event in events] == [BookGap, Trade, Quote, Trade]
    assert made.take_requests() == [NeedSnapshot("BTCUSDT")]


def test_frames_of_instruments_nobody_asked_for_are_passed_over() -> None:
    made = decoder()
    made.remove("BTCUSDT")
    assert (take(made, trade_frame(5)), made.decode_errors) == ([], 0)
