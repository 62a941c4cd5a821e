"""A sealed file holds batches exactly, in columns that any reader of Parquet can use."""

from __future__ import annotations

import io
import random
from typing import get_args

import msgspec
import polars as pl
import pytest

from papertape.errors import Broken
from papertape.model.entries import Batch, ClockTick, Entry, Quote, Ticker, Trade
from papertape.store.segments.catalogue import select_rows
from papertape.store.segments.format import SCHEMA, PlacedBatch, frame_of, read_batches, write_batches, write_frame
from papertape.testkit.record_samples import sample

TRADE = Trade(ts=7, recv_ts=9, instrument="BTCUSDT.BINANCE", price=6_180_020, size=15, side="sell", trade_id="a7")
QUOTE = Quote(ts=8, recv_ts=9, instrument="BTCUSDT.BINANCE", bid=1, bid_size=2, ask=3, ask_size=4)
TICK = ClockTick(ts=8, recv_ts=10)
KINDS = get_args(Entry)


def _round_trip(batches: list[PlacedBatch]) -> list[PlacedBatch]:
    return list(read_batches(write_batches(batches), "a.parquet"))


def _random_batches(seed: int) -> list[PlacedBatch]:
    chance = random.Random(seed)
    seq = chance.choice((1, 2**40))
    batches: list[PlacedBatch] = []
    for place in range(chance.randint(1, 40)):
        kinds = chance.choices(KINDS, k=chance.choice((1, 2, 30)))
        entries = tuple(sample(kind, chance) for kind in kinds)
        batch = Batch(first_seq=seq, entries=entries, is_warmup=chance.random() < 0.3)
        batches.append(PlacedBatch(batch, chance.choice((None, 5 * place + 1))))
        seq = batch.last_seq + 1
    return batches


@pytest.mark.parametrize("seed", range(60))
def test_batches_of_any_entries_are_read_back_equal(seed: int) -> None:
    batches = _random_batches(seed)
    assert _round_trip(batches) == batches


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_kind_of_entry_is_read_back_equal(kind: type[msgspec.Struct]) -> None:
    chance = random.Random(3)
    entries = tuple(sample(kind, chance) for _ in range(200))
    batches = [PlacedBatch(Batch(first_seq=1, entries=entries), 1)]  # type: ignore[arg-type]  # each is an entry
    assert _round_trip(batches) == batches


def test_more_batches_than_are_decoded_at_once_keep_their_bounds() -> None:
    batches = [
        PlacedBatch(Batch(first_seq=1 + 7 * n, entries=(TRADE, TICK, QUOTE) * 2 + (TICK,)), n) for n in range(5000)
    ]
    assert _round_trip(batches) == batches


@pytest.mark.parametrize("large", [2**63, 2**64 - 1])
def test_integers_beyond_64_signed_bits_are_kept(large: int) -> None:
    odd = (
        msgspec.structs.replace(TRADE, price=large),
        msgspec.structs.replace(QUOTE, ts=large),
        TICK,
    )
    batches = [PlacedBatch(Batch(first_seq=1, entries=odd), 1)]
    assert _round_trip(batches) == batches


def test_a_number_that_is_not_equal_to_itself_is_kept() -> None:
    ticker = Ticker(ts=1, recv_ts=1, instrument="A.B", change_pct=float("nan"), volume_quote=-0.0)
    (read,) = _round_trip([PlacedBatch(Batch(first_seq=1, entries=(ticker,)), 1)])
    assert repr(read.batch.entries) == repr((ticker,))


def test_reading_starts_after_a_seq_at_the_bounds_of_batches() -> None:
    batches = [PlacedBatch(Batch(first_seq=seq, entries=(TICK, TICK)), seq) for seq in (1, 3, 5)]
    content = write_batches(batches)
    assert [[each.place for each in read_batches(content, "a", after_seq=seq)] for seq in (0, 1, 2, 3, 5)] == [
        [1, 3, 5],
        [3, 5],
        [3, 5],
        [5],
        [],
    ]


def test_any_reader_finds_plain_columns() -> None:
    content = write_batches([PlacedBatch(Batch(first_seq=4, entries=(TRADE, QUOTE, TICK), is_warmup=True), 77)])
    frame = pl.read_parquet(io.BytesIO(content))
    shared = {"batch": 4, "place": 77, "is_warmup": True, "payload": None}
    trade = {"price": 6_180_020, "size": 15, "side": "sell", "trade_id": "a7"}
    quote = {"bid": 1, "bid_size": 2, "ask": 3, "ask_size": 4}
    no_trade, no_quote = dict.fromkeys(trade), dict.fromkeys(quote)
    instrument = "BTCUSDT.BINANCE"
    assert dict(frame.schema) == SCHEMA
    assert frame.to_dicts() == [
        {"seq": 4, "kind": "trade", "ts": 7, "recv_ts": 9, "instrument": instrument, **shared, **trade, **no_quote},
        {"seq": 5, "kind": "quote", "ts": 8, "recv_ts": 9, "instrument": instrument, **shared, **no_trade, **quote},
        {"seq": 6, "kind": "clock", "ts": 8, "recv_ts": 10, "instrument": None, **shared, **no_trade, **no_quote},
    ]


def test_rows_are_selected_by_kind_seq_time_and_column() -> None:
    frame = frame_of([PlacedBatch(Batch(first_seq=1, entries=(TRADE, QUOTE, TICK, TRADE)), 1)])

    def seqs(selected: pl.DataFrame) -> list[int]:
        return selected["seq"].to_list()

    assert seqs(select_rows(frame, kinds=["trade", "quote"])) == [1, 2, 4]
    assert seqs(select_rows(frame, after_seq=1, until_seq=3)) == [2, 3]
    assert seqs(select_rows(frame, since_ts=7, until_ts=8)) == [1, 4]
    assert select_rows(frame, kinds=["trade"], columns=["price"]).to_dicts() == [{"price": 6_180_020}] * 2


def test_a_batch_without_entries_is_refused() -> None:
    with pytest.raises(Broken, match="The batch at seq 3 has no entries"):
        write_batches([PlacedBatch(Batch(first_seq=3, entries=()), 1)])


FRAME = frame_of([PlacedBatch(Batch(first_seq=1, entries=(TRADE, QUOTE)), 1)])
PAYLOAD = pl.lit(b"\xc1").alias("payload")


@pytest.mark.parametrize(
    ("frame", "why"),
    [
        (FRAME.drop("price"), "its columns are seq, batch"),
        (FRAME.clear(), "rows lack their seq"),
        (FRAME.with_columns(batch=None).cast({"batch": pl.Int64}), "rows lack their seq"),
        (FRAME.with_columns(kind=pl.lit("levitation")), "unknown kinds levitation"),
        (FRAME.with_columns(kind=pl.lit("book")), "entries lack values"),
        (FRAME.with_columns(price=pl.lit(None, pl.Int64)), "entries lack values"),
        (FRAME.with_columns(ask=pl.lit(None, pl.Int64)), "entries lack values"),
        (FRAME.with_columns(side=pl.lit("up")), "entries lack values"),
        (FRAME.with_columns(ts=pl.lit(None, pl.Int64)), "entries lack values"),
        (FRAME.with_columns(seq=pl.Series([1, 3])), "seqs are not consecutive"),
        (FRAME.with_columns(batch=pl.Series([2, 2])), "seqs are not consecutive"),
        (FRAME.with_columns(PAYLOAD), "an entry near seq 1 cannot be decoded"),
    ],
)
def test_a_file_that_is_not_as_written_is_refused_with_a_sentence(frame: pl.DataFrame, why: str) -> None:
    with pytest.raises(Broken, match=f"The sealed tape b.parquet cannot be read: .*{why}"):
        list(read_batches(write_frame(frame), "b.parquet"))


def test_what_is_no_parquet_is_refused_with_a_sentence() -> None:
    with pytest.raises(Broken, match=r"The sealed tape b\.parquet cannot be read: it is no Parquet file"):
        list(read_batches(b"PAR1 or not", "b.parquet"))
