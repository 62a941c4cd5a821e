"""Columns are kept whole or not at all, mapped when they are wanted again, and bounded."""

from __future__ import annotations

import os
from array import array
from pathlib import Path

import pytest

from papertape.model.columns import MarketColumns, TradeColumns
from papertape.store.market_columns_cache import HEAD, KeptColumns, map_columns, size_of
from papertape.testkit.fake_source import make_instrument

BTC = make_instrument("BTCUSDT")
KEY = "a" * 64


def market(*prices: int) -> MarketColumns:
    ones = array("q", [1] * len(prices))
    times = array("q", range(len(prices)))
    return MarketColumns((BTC,), TradeColumns(times, array("q", [0] * len(prices)), array("q", prices), ones))


def test_kept_columns_are_mapped_with_their_hash_notes_and_instruments(tmp_path: Path) -> None:
    kept = KeptColumns(tmp_path)
    assert kept.find(KEY) is None
    place = kept.keep(KEY, market(7, 8, 9), ["put in order"], "trades")
    found = kept.find(KEY)
    assert found is not None
    columns, head = found
    assert (place, head.notes, head.grade, head.instruments) == (
        tmp_path / "columns" / KEY, ("put in order",), "trades", (BTC,),
    )  # fmt: skip
    assert ([*columns.trades.price], columns.quotes.count, columns.sha256()) == (
        [7, 8, 9], 0, market(7, 8, 9).sha256(),
    )  # fmt: skip


def test_what_is_written_into_mapped_columns_stays_out_of_the_file(tmp_path: Path) -> None:
    kept = KeptColumns(tmp_path)
    kept.keep(KEY, market(7), [], "trades")
    found = kept.find(KEY)
    assert found is not None
    found[0].trades.price[0] = 8
    again = kept.find(KEY)
    assert again is not None
    assert again[0].trades.price[0] == 7


@pytest.mark.parametrize("damage", ["short", "no head", "torn head", "no file"])
def test_columns_that_are_not_whole_are_read_again(tmp_path: Path, damage: str) -> None:
    kept = KeptColumns(tmp_path)
    place = kept.keep(KEY, market(7, 8, 9), [], "trades")
    assert place is not None
    if damage == "short":
        (place / "trades.i64").write_bytes(b"\0" * 8)
    elif damage == "no file":
        (place / "trades.i64").unlink()
    elif damage == "no head":
        (place / HEAD).unlink()
    else:
        (place / HEAD).write_bytes((place / HEAD).read_bytes()[:20])
    assert kept.find(KEY) is None
    assert kept.keep(KEY, market(7, 8, 9), [], "trades") == place
    assert kept.find(KEY) is not None


def test_what_was_not_used_for_the_longest_time_goes_first(tmp_path: Path) -> None:
    one = market(*range(1_000))
    kept = KeptColumns(tmp_path, largest=3 * size_of(one))
    for at, key in enumerate(("a" * 64, "b" * 64)):
        place = kept.keep(key, one, [], "trades")
        assert place is not None
        os.utime(place / HEAD, (at, at))
    assert kept.find("a" * 64) is not None
    kept.keep("c" * 64, one, [], "trades")
    assert [kept.find(key * 64) is not None for key in "abc"] == [True, False, True]


def test_more_than_all_may_take_is_not_kept(tmp_path: Path) -> None:
    assert KeptColumns(tmp_path, largest=10).keep(KEY, market(7, 8), [], "trades") is None
    assert map_columns(tmp_path / "columns" / KEY) is None


def test_columns_stay_mapped_when_their_files_are_deleted(tmp_path: Path) -> None:
    kept = KeptColumns(tmp_path)
    place = kept.keep(KEY, market(7, 8), [], "trades")
    assert place is not None
    found = kept.find(KEY)
    for file in place.iterdir():
        file.unlink()
    assert found is not None
    assert [*found[0].trades.price] == [7, 8]


def test_a_folder_that_cannot_be_written_keeps_nothing(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file")
    assert KeptColumns(tmp_path / "data").keep(KEY, market(7), [], "trades") is None


def test_the_hash_of_a_file_is_remembered_until_it_changes(tmp_path: Path) -> None:
    kept, file = KeptColumns(tmp_path), tmp_path / "trades.csv"
    file.write_text("one")
    os.utime(file, (1_700_000_000, 1_700_000_000))
    first = kept.file_sha256(file)
    assert len(list((tmp_path / "columns" / "files").iterdir())) == 1
    file.write_text("two")
    os.utime(file, (1_700_000_000, 1_700_000_000))
    assert kept.file_sha256(file) == first  # the same size and times: it is taken for the same file
    os.utime(file, (1_700_000_001, 1_700_000_001))
    assert kept.file_sha256(file) != first


def test_a_file_changed_a_moment_ago_is_hashed_every_time(tmp_path: Path) -> None:
    kept, file = KeptColumns(tmp_path), tmp_path / "trades.csv"
    file.write_text("one")
    first = kept.file_sha256(file)
    file.write_text("two")
    assert kept.file_sha256(file) != first
