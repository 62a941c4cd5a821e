"""Files are found, belong to one symbol for certain, and are the same market however they were reached."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from papertape.app.backtest_files import FilesAsked, find_files, open_market
from papertape.errors import Invalid, NotFound, PapertapeError

NOON = 1_700_000_000_000_000
BTC, ETH = "BTCUSDT.BINANCE", "ETHUSDT.BINANCE"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name, price in (("btc", 60_000), ("eth", 2_000)):
        rows = "".join(f"{NOON + at},{price + at}.5,1,buy\n" for at in range(3))
        (tmp_path / f"{name}.csv").write_text(f"ts,price,size,side\n{rows}")
        os.utime(tmp_path / f"{name}.csv", (1_700_000_000, 1_700_000_000))
    (tmp_path / "quotes.csv").write_text(f"ts,bid,bid_size,ask,ask_size\n{NOON},59999,1,60001,1\n")
    return tmp_path


def refusal(asked: FilesAsked, folder: Path) -> PapertapeError:
    with pytest.raises(PapertapeError) as refused:
        open_market(asked, folder / "data")
    return refused.value


def test_a_folder_a_pattern_and_files_by_name_are_the_same_files(folder: Path) -> None:
    (folder / "trades").mkdir()
    for name in ("b.csv", "a.csv", "notes.txt"):
        (folder / "trades" / name).write_text("ts\n")
    found = [find_files(FilesAsked(trades=paths))[0] for paths in (("trades",), ("trades/*.csv",),
             ("trades/a.csv", "trades/b.csv"))]  # fmt: skip
    assert [file.path for file in found[0]] == ["trades/a.csv", "trades/b.csv"]
    assert found[0] == found[1] == found[2]


def test_symbols_with_files_need_no_option_for_their_kind(folder: Path) -> None:
    asked = FilesAsked(symbols=(f"{BTC}=btc.csv", f"{ETH}=eth.csv", f"{BTC}=quotes.csv"))
    opened = open_market(asked, folder / "data")
    assert [each.id for each in opened.market.instruments] == [BTC, ETH]
    assert (sorted(opened.market.trades.lane), [*opened.market.quotes.lane]) == ([0, 0, 0, 1, 1, 1], [0])
    assert opened.grade == "trades"


def test_what_was_read_once_is_found_again_by_content_whatever_its_name(folder: Path) -> None:
    first = open_market(FilesAsked(trades=("btc.csv",), symbols=(BTC,)), folder / "data")
    os.rename("btc.csv", "moved.csv")
    again = open_market(FilesAsked(trades=("moved.csv",), symbols=(BTC,)), folder / "data")
    assert (first.is_cached, again.is_cached, first.place == again.place) == (False, True, True)
    assert first.market.sha256() == again.market.sha256()
    other = open_market(FilesAsked(trades=("moved.csv",), symbols=(ETH,)), folder / "data")
    assert (other.is_cached, other.place == again.place) == (False, False)


def test_without_the_cache_nothing_is_written_and_the_market_is_the_same(folder: Path) -> None:
    asked = FilesAsked(trades=("btc.csv",), symbols=(BTC,))
    plain = open_market(asked, folder / "data", is_caching=False)
    assert (plain.place, (folder / "data").exists()) == (None, False)
    assert plain.market.sha256() == open_market(asked, folder / "data").market.sha256()


def test_a_folder_that_cannot_be_written_is_a_note_and_no_failure(folder: Path) -> None:
    (folder / "data").write_text("a file")
    opened = open_market(FilesAsked(trades=("btc.csv",), symbols=(BTC,)), folder / "data")
    assert (opened.market.trades.count, "could not be kept" in opened.notes[-1]) == (3, True)


def test_a_file_that_is_missing_or_given_twice_is_refused(folder: Path) -> None:
    assert isinstance(refusal(FilesAsked(trades=("none.csv",), symbols=(BTC,)), folder), NotFound)
    assert refusal(FilesAsked(trades=("btc.csv", "*c.csv"), symbols=(BTC,)), folder).code == "columns.twice"


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        (FilesAsked(trades=("btc.csv",)), "columns.no_symbol"),
        (FilesAsked(trades=("btc.csv",), symbols=(BTC, ETH)), "columns.whose"),
        (FilesAsked(trades=("btc.csv",), symbols=("BTC",)), "instrument.malformed_id"),
        (FilesAsked(trades=("btc.csv",), symbols=(BTC, f"{ETH}=quotes.csv")), "columns.whose"),
        (FilesAsked(trades=("btc.csv",), symbols=(BTC,), unit="weeks"), "import.unit"),
        (FilesAsked(symbols=(f"{BTC}=odd.csv",)), "columns.kind"),
    ],
)
def test_what_is_not_certain_is_refused(folder: Path, asked: FilesAsked, code: str) -> None:
    (folder / "odd.csv").write_text("colour,shape\nred,round\n")
    error = refusal(asked, folder)
    assert (type(error), error.code) == (Invalid, code)
