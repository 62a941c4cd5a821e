"""Files of trades, quotes and bars become exact columns, or are refused with the line that is wrong."""

from __future__ import annotations

import gzip
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from papertape.errors import Invalid, NotFound, PapertapeError
from papertape.feeds.recorded.discover import Precision, make_instrument
from papertape.model.columns import MarketColumns
from papertape.model.instrument import Instrument, InstrumentId
from papertape.model.market_file import MarketKind
from papertape.store import foreign_tables
from papertape.store.column_lanes import lane_of
from papertape.store.market_columns import ColumnFile, ColumnRequest, ReadColumns, read_columns
from papertape.testkit.shared_data import shared_data

BTC, ETH = "BTCUSDT.BINANCE", "ETHUSDT.BINANCE"
NOON = 1_700_000_000_000_000


def make(name: InstrumentId, price_decimals: int, size_decimals: int) -> Instrument:
    precision = Precision()
    precision.price, precision.size = price_decimals, size_decimals
    symbol, _, venue = name.partition(".")
    return make_instrument("spot", symbol, precision, venue)


def read(
    *files: tuple[Path, MarketKind], symbols: tuple[str, ...] = (BTC,), known: tuple[Instrument, ...] = (),
    interval_s: int | None = None,
) -> ReadColumns:  # fmt: skip
    request = ColumnRequest(
        files=tuple(ColumnFile(path=str(path), kind=kind) for path, kind in files), instruments=symbols, known=known,
        interval_s=interval_s,
    )  # fmt: skip
    return read_columns(request, make)


def csv(path: Path, *lines: str) -> Path:
    path.write_text("\n".join(lines) + "\n")
    return path


def rows(market: MarketColumns) -> list[tuple[int, ...]]:
    return list(zip(*market.trades.columns(), strict=True))


def refusal(path: Path, kind: MarketKind = "trades", **options: object) -> PapertapeError:
    with pytest.raises(PapertapeError) as refused:
        read((path, kind), **options)  # type: ignore[arg-type]  # the options of `read`
    return refused.value


def test_a_csv_and_a_parquet_of_the_same_trades_are_the_same_columns(tmp_path: Path) -> None:
    text = csv(tmp_path / "a.csv", "timestamp,price,qty,side", "1700000000000,61800.2,0.05,buy",
               "1700000000500,61800.25,1,sell")  # fmt: skip
    frame = pl.DataFrame(
        {"time": [1_700_000_000_000, 1_700_000_000_500], "price": [61800.2, 61800.25], "amount": [0.05, 1.0],
         "is_buyer_maker": [False, True]}
    )  # fmt: skip
    frame.write_parquet(tmp_path / "a.parquet")
    one, other = read((text, "trades")).market, read((tmp_path / "a.parquet", "trades")).market
    assert rows(one) == [(NOON, 0, 6_180_020, 5), (NOON + 500_000, 0, 6_180_025, -100)]
    assert one.sha256() == other.sha256()
    assert [(each.price_decimals, each.size_decimals) for each in one.instruments] == [(2, 2)]


def test_line_ends_marks_of_order_and_packing_change_nothing(tmp_path: Path) -> None:
    lines = ["ts,price,size,side", f"{NOON},10.5,1,buy", f"{NOON + 1},11,2,sell"]
    plain = read((csv(tmp_path / "a.csv", *lines), "trades")).market.sha256()
    (tmp_path / "b.csv").write_bytes(b"\xef\xbb\xbf" + "\r\n".join(lines).encode())
    with gzip.open(tmp_path / "c.csv.gz", "wt") as packed:
        packed.write("\n".join(lines))
    others = [read((tmp_path / name, "trades")).market.sha256() for name in ("b.csv", "c.csv.gz")]
    assert others == [plain, plain]


def test_quotes_and_bars_are_read_with_the_close_of_a_bar_as_its_time(tmp_path: Path) -> None:
    quotes = csv(tmp_path / "q.csv", "ts,bid,bid_size,ask,ask_size", "1700000000000000,10.5,1,11,2",
                 "1700000001000000,0,0,11,2")  # fmt: skip
    bars = csv(tmp_path / "b.csv", "time,open,high,low,close,volume", "1700000000,10,12,9,11,5.25",
               "1700000300,11,11,11,11,0", "1700000900,11,11,11,11,0")  # fmt: skip
    market = read((bars, "bars"), (quotes, "quotes")).market
    assert list(zip(*market.quotes.columns(), strict=True)) == [
        (NOON, 0, 105, 100, 110, 200), (NOON + 1_000_000, 0, 0, 0, 110, 200),
    ]  # fmt: skip
    assert next(zip(*market.bars.columns(), strict=True)) == (
        NOON + 300_000_000, 0, NOON, 300_000_000, 100, 120, 90, 110, 525,
    )  # fmt: skip


def test_float64_is_read_to_fifteen_digits_and_its_noise_left_out(tmp_path: Path) -> None:
    frame = pl.DataFrame({"ts": [NOON], "price": [5.330000000000001e-05], "size": [0.1 + 0.2], "side": ["buy"]})
    frame.write_parquet(tmp_path / "a.parquet")
    market = read((tmp_path / "a.parquet", "trades")).market
    assert rows(market) == [(NOON, 0, 5330 // 10, 3)]
    assert market.instruments[0].price_decimals == 7


@pytest.mark.parametrize(
    ("text", "decimals"), [("0.1", 1), ("61800.20", 1), ("123456.789012345", 9), ("7", 0), ("1e-7", 7), ("1.5E2", 0)]
)
def test_a_text_is_taken_to_its_last_digit(tmp_path: Path, text: str, decimals: int) -> None:
    market = read((csv(tmp_path / "a.csv", "ts,price,size,side", f"{NOON},{text},1,buy"), "trades")).market
    assert market.instruments[0].price_decimals == decimals
    assert Decimal(market.trades.price[0]).scaleb(-decimals) == Decimal(text)


def test_rows_are_of_the_instrument_that_their_symbol_names(tmp_path: Path) -> None:
    file = csv(tmp_path / "a.csv", "ts,symbol,price,size,side", f"{NOON},ETH/USDT,2000.5,1,buy",
               f"{NOON},BTC/USDT,60000,0.5,sell", f"{NOON},SOL/USDT,1,1,sell",
               f"{NOON},ETH/USDT,2001,2,buy")  # fmt: skip
    market = read((file, "trades"), symbols=(BTC, ETH)).market
    assert rows(market) == [(NOON, 1, 20_005, 1), (NOON, 0, 60_000, -5), (NOON, 1, 20_010, 2)]
    assert rows(lane_of(market, 1)) == [(NOON, 0, 20_005, 1), (NOON, 0, 20_010, 2)]


def test_rows_of_equal_time_keep_the_order_of_the_files_and_within_them(tmp_path: Path) -> None:
    def one(name: str, *prices: int) -> Path:
        return csv(tmp_path / name, "ts,symbol,price,size,side", *(f"{NOON},{name[:3]}USDT,{p},1,buy" for p in prices))

    market = read((one("ETH.csv", 7, 5), "trades"), (one("BTC.csv", 9, 1), "trades"), symbols=(BTC, ETH)).market
    assert [*market.trades.price] == [7, 5, 9, 1]


def test_rows_out_of_time_are_put_in_order_with_a_note(tmp_path: Path) -> None:
    lines = [f"{NOON + second},{price},1,buy" for second, price in ((2, 4), (1, 2), (2, 5), (1, 3))]
    read_now = read((csv(tmp_path / "a.csv", "ts,price,size,side", *lines), "trades"))
    assert [*read_now.market.trades.price] == [2, 3, 4, 5]
    assert read_now.notes[0].endswith(
        f"trades of {BTC} went back in time 2 times and were put in order, those of equal time as they stood."
    )


def test_files_of_one_instrument_are_joined_by_time_and_refused_when_they_overlap(tmp_path: Path) -> None:
    def part(name: str, *seconds: int) -> tuple[Path, MarketKind]:
        return csv(tmp_path / name, "ts,price,size,side", *(f"{NOON + s},{s},1,buy" for s in seconds)), "trades"

    late, early = part("late.csv", 3, 4), part("early.csv", 1, 3)
    assert [*read(late, early).market.trades.price] == [1, 3, 3, 4]
    with pytest.raises(Invalid, match=r"both hold trades of BTCUSDT\.BINANCE at the same times"):
        read(late, part("within.csv", 1, 4))


def test_a_row_that_stands_twice_is_taken_once_and_two_of_one_name_are_refused(tmp_path: Path) -> None:
    row = f"{NOON},10,1,buy,a7"
    twice = read((csv(tmp_path / "a.csv", "ts,price,size,side,trade_id", row, row), "trades"))
    assert (twice.market.trades.count, "1 rows stood twice" in twice.notes[0]) == (1, True)
    clash = csv(tmp_path / "b.csv", "ts,price,size,side,trade_id", row, f"{NOON},11,1,buy,a7")
    assert "lines 2 and 3 have the same trade_id" in refusal(clash).message


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("1700000000000,10,1,up", "line 3 has side 'up'; expected buy or sell"),
        ("1700000000000,-1,1,buy", "line 3 has price '-1'; expected a positive number"),
        ("1700000000000,0,1,buy", "line 3 has price '0'; expected a positive number"),
        ("1700000000000,10,,buy", "line 3 has nothing for size; expected a positive number"),
        ("17,10,1,buy", "line 3 has ts '17'; expected a time between 2009 and 2100"),
        ("1700000000000,1234567890123456,1,buy", "line 3 has price '1234567890123456'; expected at most 15 digits"),
        ("1700000000000,0.12345678901234567,1,buy", "line 3 has price '0.12345678901234567'; expected a number with"),
    ],
)
def test_a_wrong_value_is_named_with_its_line(tmp_path: Path, line: str, said: str) -> None:
    error = refusal(csv(tmp_path / "a.csv", "ts,price,qty,side", "1700000000000,10,1,buy", line))
    assert (said in error.message, error.message.endswith("Nothing was run.")) == (True, True), error.message


def test_a_wrong_float_is_named_with_its_row(tmp_path: Path) -> None:
    frame = pl.DataFrame({"ts": [NOON] * 3, "price": [1.0, float("nan"), 1.0], "size": [1.0] * 3, "side": ["buy"] * 3})
    frame.write_parquet(tmp_path / "a.parquet")
    assert "line 2 has price 'nan'; expected a positive number" in refusal(tmp_path / "a.parquet").message


def test_more_decimals_than_the_instrument_has_are_refused_with_the_line(tmp_path: Path) -> None:
    file = csv(tmp_path / "a.csv", "ts,price,size,side", f"{NOON},1.5,1,buy", f"{NOON},1.25,1,buy")
    error = refusal(file, known=(make(BTC, 1, 3),))
    assert f"line 3 has price '1.25'; expected a number with at most 1 decimals, which is what {BTC} has" in str(error)
    assert read((file, "trades"), known=(make(BTC, 3, 3),)).market.trades.price[1] == 1250


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        (["ts,price,side", "1,2,buy"], "import.missing_column"),
        (["ts,price,size,side"], "import.wrong_row"),
        (["1,2"], "import.no_header"),
        (["ts,symbol,price,size,side", f"{NOON},SOLUSDT,1,1,buy"], "columns.no_rows"),
    ],
)
def test_a_file_without_what_is_needed_is_refused(tmp_path: Path, lines: list[str], code: str) -> None:
    assert refusal(csv(tmp_path / "a.csv", *lines)).code == code


def test_a_file_that_is_not_there_and_one_that_is_not_whole_are_refused(tmp_path: Path) -> None:
    assert isinstance(refusal(tmp_path / "none.csv"), NotFound)
    (tmp_path / "cut.parquet").write_bytes(b"PAR1 and no more")
    assert refusal(tmp_path / "cut.parquet").code == "import.unreadable"


def test_bars_closer_than_their_interval_are_refused(tmp_path: Path) -> None:
    file = csv(
        tmp_path / "b.csv", "ts,open,high,low,close,volume", f"{NOON},1,1,1,1,1", f"{NOON + 60_000_000},1,1,1,1,1"
    )
    assert "bars of 300 s do not overlap" in refusal(file, "bars", interval_s=300).message


def test_a_file_read_in_portions_is_the_same_as_read_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [
        f"{NOON + at},{100 + at / 10 ** (at % 4):.4f},{1 + at % 7},{'buy' if at % 3 else 'sell'}" for at in range(500)
    ]
    text = csv(tmp_path / "a.csv", "ts,price,size,side", *lines)
    pl.read_csv(text).write_parquet(tmp_path / "a.parquet")
    whole = read((text, "trades")).market.sha256()
    monkeypatch.setattr(foreign_tables, "_ROWS_AT_ONCE", 7)
    monkeypatch.setattr(foreign_tables, "_BYTES_AT_ONCE", 100)
    assert {read((text, "trades")).market.sha256(), read((tmp_path / "a.parquet", "trades")).market.sha256()} == {whole}


@pytest.mark.parametrize(
    ("name", "kind", "symbol", "rows_read", "decimals"),
    [
        ("freqtrade-testdata/XRP_ETH_trades.parquet", "trades", "XRPETH.BINANCE", 12_477, (8, 0)),
        ("freqtrade-testdata/ohlcv_5m_20180110-30.parquet", "bars", "ADABTC.BINANCE", 5_720, (8, 8)),
        ("nautilus-market-data/binance_btcusdt-trades.parquet", "trades", BTC, 2_001, (2, 6)),
        ("nautilus-market-data/binance_btcusdt-quotes.parquet", "quotes", BTC, 451, (2, 6)),
        ("nautilus-market-data/btc-perp_1m_20211231-20220201.parquet", "bars", "BTCUSD.FTX", 45_031, (3, 6)),
        ("lean-crypto-bars/trade_bars.parquet", "bars", "BTCUSDT.BYBIT", 1_440, (2, 6)),
    ],
)
def test_real_files_of_others_are_read_as_they_are(
    name: str, kind: MarketKind, symbol: str, rows_read: int, decimals: tuple[int, int]
) -> None:
    market = read((shared_data(name), kind), symbols=(symbol,)).market
    assert market.count() == rows_read
    assert (market.instruments[0].price_decimals, market.instruments[0].size_decimals) == decimals


def test_rows_of_one_symbol_at_two_markets_are_not_mixed() -> None:
    error = refusal(shared_data("binance-raw-ws-2024-08/normalized/trades.parquet"))
    assert f"rows of {BTC} have the venue binance-spot and binance-usdm" in error.message
