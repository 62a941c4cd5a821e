"""A recording is played as it was received: history at once, then the rest at its pace, then the end."""

from __future__ import annotations

import gzip
import math
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import polars as pl
import pytest

from papertape.errors import Invalid
from papertape.feeds.level_book import LevelBook
from papertape.feeds.recorded.recording import FrameRecording, Tally
from papertape.feeds.recorded.source import RecordedSource
from papertape.model.entries import BookGap, BookUpdate, MarketEvent, Quote, Trade
from papertape.testkit.exchange_server_listener import CollectingListener
from papertape.testkit.exchange_server_sample import START_MS, write_sample
from papertape.testkit.shared_data import shared_data

SPOT = "BTCUSDT.BINANCE"


class CountingClock:
    """Our clock, one microsecond later at every look."""

    def __init__(self) -> None:
        self.now = 1_800_000_000_000_000

    def __call__(self) -> int:
        self.now += 1
        return self.now


async def play(source: RecordedSource) -> CollectingListener:
    listener = CollectingListener()
    await source.subscribe(await source.instruments(), listener)
    await listener.until(lambda: listener.states[-1:] == ["ended"], timeout_s=60)
    return listener


def trade_ids(events: list[MarketEvent]) -> list[int]:
    return [int(event.trade_id) for event in events if isinstance(event, Trade)]


async def test_the_recording_keeps_exchange_times_and_gets_our_receive_times(tmp_path: Path) -> None:
    clock = CountingClock()
    listener = await play(RecordedSource(write_sample(tmp_path, steps=300).path, math.inf, clock, warmup_s=1))
    times = [trade.ts for trade in listener.of(Trade)]
    assert times == [(START_MS + step * 10) * 1000 for step in range(100, 300)]
    assert all(1_800_000_000_000_000 < event.recv_ts <= clock.now for event in listener.events)


async def test_history_and_what_follows_are_the_whole_recording(tmp_path: Path) -> None:
    source = RecordedSource(write_sample(tmp_path, steps=300).path, math.inf, CountingClock(), warmup_s=1)
    history = await source.history(await source.instruments())
    listener = await play(source)
    assert {type(event) for event in history} == {Trade, Quote}
    assert (trade_ids(history), trade_ids(listener.events)) == (list(range(1_001, 1_101)), list(range(1_101, 1_301)))


async def test_every_subscription_plays_from_the_same_start(tmp_path: Path) -> None:
    source = RecordedSource(write_sample(tmp_path, steps=300).path, math.inf, CountingClock(), warmup_s=1)
    first, second = await play(source), await play(source)
    assert trade_ids(first.events) == trade_ids(second.events)


async def test_the_book_is_carried_over_the_border_of_the_warm_up(tmp_path: Path) -> None:
    source = RecordedSource(write_sample(tmp_path, steps=300).path, math.inf, CountingClock(), warmup_s=1)
    listener = await play(source)
    book = LevelBook()
    for update in listener.of(BookUpdate):
        book.apply(update)
    quote = listener.of(Quote)[-1]
    assert book.best == ((quote.bid, quote.bid_size), (quote.ask, quote.ask_size))
    assert [update.is_snapshot for update in listener.of(BookUpdate)][:2] == [True, False]


async def test_the_speed_is_kept(tmp_path: Path) -> None:
    source = RecordedSource(write_sample(tmp_path, steps=200).path, 10, CountingClock(), warmup_s=0)
    started = time.monotonic()
    listener = await play(source)
    assert time.monotonic() - started >= 0.199
    assert (listener.bursts > 10, listener.states) == (True, ["live", "ended"])


async def test_a_restored_session_goes_on_after_the_time_it_stood_at(tmp_path: Path) -> None:
    source = RecordedSource(write_sample(tmp_path, steps=300).path, math.inf, CountingClock(), warmup_s=1)
    source.take_up((START_MS + 2_000) * 1000, {})
    resumed = await play(source)
    again = await play(source)
    assert (trade_ids(resumed.events)[0], trade_ids(again.events)[0]) == (1_202, 1_101)


async def test_a_warm_up_longer_than_the_recording_ends_at_once(tmp_path: Path) -> None:
    source = RecordedSource(write_sample(tmp_path, steps=100).path, math.inf, CountingClock(), warmup_s=60)
    history = await source.history(await source.instruments())
    listener = await play(source)
    assert (len(trade_ids(history)), listener.events) == (100, [])


async def test_a_hole_in_the_recording_is_announced_and_counted(tmp_path: Path) -> None:
    path = write_sample(tmp_path / "whole", steps=100).path / "spot_btcusdt.gz"
    recording = FrameRecording(path)
    lines = gzip.decompress(path.read_bytes()).decode().splitlines()
    holed = tmp_path / "spot_holed.jsonl"
    holed.write_text("\n".join(line for line in lines if '"t":1050' not in line))
    tally = Tally()
    events = [event for moment in FrameRecording(holed).play(recording.instruments(), tally) for event in moment.events]
    after = events[[type(event) for event in events].index(BookGap) + 1]
    assert isinstance(after, BookUpdate)
    assert (after.is_snapshot, len([event for event in events if isinstance(event, BookGap)])) == (True, 1)
    assert (tally.gaps, trade_ids(events)) == (1, [*range(1_001, 1_050), *range(1_051, 1_101)])


async def test_a_listener_that_fails_ends_its_subscription_as_failed(tmp_path: Path) -> None:
    class Failing(CollectingListener):
        def on_events(self, events: Sequence[MarketEvent]) -> None:
            super().on_events(events)
            raise Invalid("the session cannot take this", code="test.refused")

    source = RecordedSource(write_sample(tmp_path, steps=100).path, math.inf, CountingClock(), warmup_s=0)
    listener = Failing()
    subscription = await source.subscribe(await source.instruments(), listener)
    await listener.until(lambda: listener.states[-1:] == ["failed"])
    assert subscription.status().detail == "playing stopped: the session cannot take this"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (
            "spot_ethusdt_20240808.gz",
            {"Trade": 6_106, "Quote": 24_077},
        )
    ],
)
async def test_a_real_recording_gives_every_trade_and_quote_of_its_table(name: str, expected: dict[str, int]) -> None:
    path = shared_data(f"binance-raw-ws-2024-08/raw/{name}")
    source = RecordedSource(path, math.inf, CountingClock(), warmup_s=60)
    history = await source.history(await source.instruments())
    listener = await play(source)
    counted = Counter(type(event).__name__ for event in [*history, *listener.events])
    assert {kind: counted[kind] for kind in expected} == expected
    assert counted["BookUpdate"] > 2_000


async def test_parquet_and_raw_frames_of_the_same_recording_give_the_same_trades() -> None:
    raw = RecordedSource(
        shared_data("binance-raw-ws-2024-08/raw/spot_ethusdt_20240808.gz"), math.inf, CountingClock(), warmup_s=3_600
    )
    parquet = RecordedSource(
        shared_data("binance-raw-ws-2024-08/normalized/trades.parquet"), math.inf, CountingClock(), warmup_s=3_600
    )
    (instrument,) = await raw.instruments()
    same = [found for found in await parquet.instruments() if found.id == instrument.id]
    from_raw = [event for event in await raw.history([instrument]) if isinstance(event, Trade)]
    from_parquet = [event for event in await parquet.history(same) if isinstance(event, Trade)][: len(from_raw)]
    assert _plain(from_parquet, same[0].size_decimals) == _plain(from_raw, instrument.size_decimals)


async def test_a_parquet_file_of_other_columns_is_refused_with_those_expected(tmp_path: Path) -> None:
    pl.DataFrame({"a": [1]}).write_parquet(tmp_path / "x.parquet")
    with pytest.raises(Invalid, match="aggressor, price, size, symbol"):
        RecordedSource(tmp_path / "x.parquet", 1, CountingClock())


async def test_a_small_parquet_file_of_trades_is_enough(tmp_path: Path) -> None:
    rows = {
        "symbol": ["ABCUSDT", "ABCUSDT"],
        "price": [1.25, 1.5],
        "size": [10.0, 0.5],
        "aggressor": ["buy", "sell"],
        "trade_id": [1, 2],
        "trade_ts_ms": [1_000, 2_000],
    }
    pl.DataFrame(rows).write_parquet(tmp_path / "trades.parquet")
    listener = await play(RecordedSource(tmp_path, math.inf, CountingClock(), warmup_s=0))
    assert [(trade.ts, trade.price, trade.size, trade.side, trade.trade_id) for trade in listener.of(Trade)] == [
        (1_000_000, 125, 100, "buy", "1"),
        (2_000_000, 150, 5, "sell", "2"),
    ]


def _plain(trades: list[Trade], size_decimals: int) -> list[tuple[int, int, float, str, str]]:
    return [(t.ts, t.price, t.size / 10**size_decimals, t.side, t.trade_id) for t in trades]
