"""Real recorded frames: nothing is lost in decoding, and the book agrees with the venue's own best bid and ask."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import islice

import pytest

from papertape.feeds.binance.decoder import MarketDecoder
from papertape.feeds.binance.frames import BookTickerFrame, DepthFrame, Frame, SnapshotFrame, TradeFrame
from papertape.feeds.binance.protocol import parse_frame
from papertape.feeds.level_book import LevelBook
from papertape.feeds.recorded.discover import discover_instruments
from papertape.feeds.recorded.reading import find_frame_files, read_file
from papertape.model.entries import BookUpdate, MarketEvent, Quote
from papertape.testkit.shared_data import shared_data

RAW = "binance-raw-ws-2024-08/raw"


def frames_of(name: str) -> Iterator[tuple[int, Frame]]:
    (file,) = find_frame_files(shared_data(f"{RAW}/{name}.gz"))
    for recorded in read_file(file):
        yield recorded.recv_ns // 1000, parse_frame(recorded.raw)


@pytest.mark.parametrize(
    ("name", "trades", "quotes", "depth", "snapshots"),
    [("spot_ethusdt_20240808", 6_106, 24_077, 3_434, 1), ("usdm_ethusdt_20240808", 14_076, 53_992, 6_586, 1)],
)
def test_every_line_of_a_recording_is_parsed_to_its_kind(
    name: str, trades: int, quotes: int, depth: int, snapshots: int
) -> None:
    kinds = Counter(type(frame) for _, frame in frames_of(name))
    assert kinds == {TradeFrame: trades, BookTickerFrame: quotes, DepthFrame: depth, SnapshotFrame: snapshots}


@pytest.mark.parametrize(("name", "comparable"), [("spot_btcusdt_20240808", 564), ("spot_ethusdt_20240808", 577)])
def test_the_rebuilt_book_has_the_best_bid_and_ask_of_the_same_update_id(name: str, comparable: int) -> None:
    (file,) = find_frame_files(shared_data(f"{RAW}/{name}.gz"))
    (instrument,) = discover_instruments([file])
    decoder = MarketDecoder("spot")
    decoder.add(instrument)
    book, quotes, tops = LevelBook(), {}, {}
    for recv_ts, frame in frames_of(name):
        out: list[MarketEvent] = []
        if isinstance(frame, SnapshotFrame):
            decoder.on_snapshot(instrument.symbol, frame, recv_ts, out)
        else:
            decoder.take(frame, recv_ts, out)
        for event in out:
            if isinstance(event, BookUpdate):
                book.apply(event)
            elif isinstance(event, Quote) and isinstance(frame, BookTickerFrame):
                quotes[frame.update_id] = ((event.bid, event.bid_size), (event.ask, event.ask_size))
        if isinstance(frame, DepthFrame) and book.is_valid:
            tops[frame.last_id] = book.best
    both = tops.keys() & quotes.keys()
    assert {update: tops[update] for update in both} == {update: quotes[update] for update in both}
    assert (len(both), decoder.gaps, decoder.decode_errors) == (comparable, 0, 0)


def test_the_recorders_clock_is_found_to_run_behind_the_exchange() -> None:
    decoder = MarketDecoder("usdm")
    decoder.add(discover_instruments(find_frame_files(shared_data(f"{RAW}/usdm_btcusdt_20240808.gz")))[0])
    out: list[MarketEvent] = []
    for recv_ts, frame in islice(frames_of("usdm_btcusdt_20240808"), 5_000):
        decoder.take(frame, recv_ts, out)
    assert 1_200_000 < decoder.clock.offset_us < 1_300_000
