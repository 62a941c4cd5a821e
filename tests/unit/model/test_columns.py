"""Columns of market data: their order, their parts and their hash, interpreted and compiled alike."""

from __future__ import annotations

import mmap
from array import array
from pathlib import Path
from typing import cast

import pytest

from papertape.model.buffers import Ints
from papertape.model.columns import (
    BAR,
    NOTHING,
    QUOTE,
    TRADE,
    BarColumns,
    MarketColumns,
    MarketCursor,
    QuoteColumns,
    TradeColumns,
)
from papertape.testkit.fake_source import make_instrument

BTC = make_instrument("BTCUSDT")


def column(*values: int) -> Ints:
    return array("q", values)


def trades(*times: int) -> TradeColumns:
    ones = column(*(1 for _ in times))
    return TradeColumns(column(*times), column(*(0 for _ in times)), ones, ones)


def quotes(*times: int) -> QuoteColumns:
    ones = column(*(1 for _ in times))
    return QuoteColumns(column(*times), column(*(0 for _ in times)), ones, ones, ones, ones)


def bars(*times: int) -> BarColumns:
    ones = column(*(1 for _ in times))
    lanes = column(*(0 for _ in times))
    return BarColumns(column(*times), lanes, column(*(ts - 60 for ts in times)), ones, ones, ones, ones, ones, ones)


def order(market: MarketColumns) -> list[tuple[int, int]]:
    cursor = MarketCursor(market)
    met: list[tuple[int, int]] = []
    while (kind := cursor.next_kind()) != NOTHING:
        met.append((cursor.next_ts(), kind))
        if kind == TRADE:
            cursor.trade += 1
        elif kind == QUOTE:
            cursor.quote += 1
        else:
            cursor.bar += 1
    assert cursor.done() == market.count()
    return met


def test_rows_of_equal_time_are_met_as_trades_then_quotes_then_bars() -> None:
    market = MarketColumns((BTC,), trades(10, 20, 20), quotes(5, 20, 30), bars(20, 30))
    assert order(market) == [
        (5, QUOTE), (10, TRADE), (20, TRADE), (20, TRADE), (20, QUOTE), (20, BAR), (30, QUOTE), (30, BAR),
    ]  # fmt: skip


def test_columns_without_a_row_have_no_time_and_no_order() -> None:
    market = MarketColumns((BTC,))
    assert (market.count(), market.first_ts(), market.last_ts(), order(market)) == (0, 0, 0, [])


def test_the_first_and_last_times_are_those_of_all_kinds() -> None:
    market = MarketColumns((BTC,), trades(10, 20), quotes(5, 15), bars(60))
    assert (market.first_ts(), market.last_ts(), market.count()) == (5, 60, 5)


def test_a_part_holds_the_rows_from_its_start_to_before_its_end() -> None:
    market = MarketColumns((BTC,), trades(10, 20, 20, 30), quotes(20), bars(30)).between(20, 30)
    assert ([*market.trades.ts], [*market.quotes.ts], [*market.bars.ts]) == ([20, 20], [20], [])


def test_columns_of_different_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match="columns of trades have"):
        TradeColumns(column(1, 2), column(0), column(1), column(1))


def test_the_hash_tells_every_change_of_content_and_nothing_else() -> None:
    market = MarketColumns((BTC,), trades(10, 20), quotes(5), bars(60))
    same = MarketColumns((BTC,), trades(10, 20, 30).part(0, 2), quotes(5), bars(60))
    others = [
        MarketColumns((BTC,), trades(10, 21), quotes(5), bars(60)),
        MarketColumns((BTC,), trades(10, 20), quotes(), bars(60)),
        MarketColumns((make_instrument("ETHUSDT"),), trades(10, 20), quotes(5), bars(60)),
    ]
    assert market.sha256() == same.sha256()
    assert len({market.sha256(), *(other.sha256() for other in others)}) == 4


def test_a_hash_that_is_known_is_not_computed_again() -> None:
    assert MarketColumns((BTC,), sha256="known").sha256() == "known"


def test_columns_of_a_mapped_file_are_columns(tmp_path: Path) -> None:
    file = tmp_path / "ts.i64"
    file.write_bytes(array("q", [7, 8, 9]).tobytes())
    with file.open("rb") as opened:
        mapped = mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_COPY)
    ts = cast("Ints", memoryview(mapped).cast("q"))
    market = MarketColumns((BTC,), TradeColumns(ts, ts, ts, ts))
    assert [*market.between(8, 10).trades.ts] == [8, 9]
    assert market.sha256() == MarketColumns((BTC,), TradeColumns(*[column(7, 8, 9)] * 4)).sha256()
