"""The market of the measurement is the same wherever it is made."""

from __future__ import annotations

import hashlib
from itertools import pairwise
from pathlib import Path

from peers.columns import NAMES, Columns, column_file, read_columns
from peers.load import LOTS, QUOTE_AMOUNT, SIZE_UNIT
from peers.market import START_TS, generate, market_folder


def _sha256(columns: Columns) -> str:
    digest = hashlib.sha256()
    for name in NAMES:
        digest.update(b"".join(number.to_bytes(8, "little", signed=True) for number in getattr(columns, name)))
    return digest.hexdigest()


def test_a_seed_gives_the_same_trades_on_every_machine() -> None:
    assert _sha256(generate(7, 1000, 3)) == "1cfa8d3558623d79335239413d7998581e0a1fb854aaff2ae2f1f1f109a2c67e"
    assert _sha256(generate(7, 1000, 1)) == "10a492bef783d2d2fca9d837201ae72d938e4a92052265fa556d8fb1474b64d6"


def test_another_seed_gives_other_trades() -> None:
    assert generate(7, 100, 1) != generate(8, 100, 1)


def test_a_longer_market_begins_with_the_shorter_one() -> None:
    assert generate(7, 500, 50).first(200) == generate(7, 200, 50)


def test_times_grow_by_a_millisecond_on_average_and_never_stand_still() -> None:
    ts = generate(7, 20_000, 50).ts
    assert all(before < after for before, after in pairwise(ts))
    assert abs((ts[-1] - START_TS) / len(ts) - 1000) < 20


def test_every_symbol_trades_and_any_order_fits_in_one_trade() -> None:
    columns = generate(7, 20_000, 50)
    assert set(columns.symbol) == set(range(50))
    assert min(columns.size) >= LOTS
    assert set(columns.side) == {1, -1}


def test_the_fixed_amount_of_quote_buys_the_same_lots_at_every_price() -> None:
    prices = generate(7, 50_000, 1).price
    assert {int(QUOTE_AMOUNT / (price / 100) / SIZE_UNIT) for price in (min(prices), max(prices))} == {LOTS}


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    folder = market_folder(tmp_path, 7, 300, 2)
    assert read_columns(folder, 300) == generate(7, 300, 2)
    assert read_columns(folder, 120) == generate(7, 120, 2)
    assert column_file(folder, "ts").read_bytes()[:8] == generate(7, 1, 2).ts[0].to_bytes(8, "little")


def test_a_market_that_is_there_is_not_made_again(tmp_path: Path) -> None:
    folder = market_folder(tmp_path, 7, 100, 1)
    before = column_file(folder, "price").stat().st_mtime_ns
    assert market_folder(tmp_path, 7, 100, 1) == folder
    assert column_file(folder, "price").stat().st_mtime_ns == before


def test_the_trades_of_one_symbol_keep_their_order() -> None:
    columns = generate(7, 200, 4)
    chosen = columns.of_symbol(2)
    assert set(chosen.symbol) == {2}
    assert list(chosen.ts) == [ts for ts, of in zip(columns.ts, columns.symbol, strict=True) if of == 2]
