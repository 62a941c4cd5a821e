"""Market data and facts leave as files for other programs, and data from elsewhere comes in, exact or not at all."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import msgspec
import polars as pl
import pytest

from papertape.errors import Conflict, Invalid, NotFound
from papertape.feeds.recorded.recording import Tally
from papertape.feeds.recorded.source import open_recording
from papertape.model.entries import MarketEvent, Quote, Trade, VenueBar
from papertape.model.market_file import MarketKind
from papertape.store.folder import database_path
from papertape.store.foreign_rows import Foreign, ForeignFile
from papertape.store.history import SqliteHistory, open_history
from papertape.store.market_files import EXPORTS, Exported, Wanted, export_rows
from papertape.store.market_import import import_rows
from papertape.store.sheet import format_of
from papertape.testkit.engine_run import START_TS
from papertape.testkit.fake_source import make_instrument
from papertape.testkit.stored_session import SECOND, STORED_ID, StoredSession
from papertape.testkit.venue import PERPETUAL, SPOT

BTC = make_instrument("BTCUSDT", venue="BINANCE")


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("desk") / "data"
    session = StoredSession(path)
    session.warm_up(3)
    session.play(25)
    session.end()
    return path


def journal(data_dir: Path) -> SqliteHistory:
    return open_history(database_path(data_dir))


def export(data_dir: Path, name: str, file: Path, **changes: object) -> Exported:
    history = journal(data_dir)
    row = history.session(STORED_ID)
    assert row is not None
    wanted = msgspec.structs.replace(Wanted(table=EXPORTS[name]), **changes)
    exported = export_rows(history, row, wanted, file, kind=format_of(file, None))
    history.close()
    return exported


def trades_on_tape(data_dir: Path) -> list[Trade]:
    history = journal(data_dir)
    found = [one for batch in history.batches(STORED_ID) for one in batch.entries if isinstance(one, Trade)]
    history.close()
    return found


def rows(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8") as text:
        return list(csv.DictReader(text))


def played(path: Path) -> list[MarketEvent]:
    recording = open_recording(path)
    return [event for moment in recording.play(recording.instruments(), Tally()) for event in moment.events]


def test_trades_leave_as_csv_with_exact_prices_and_both_forms_of_time(data_dir: Path, tmp_path: Path) -> None:
    exported = export(data_dir, "trades", tmp_path / "trades.csv", instruments=(PERPETUAL.id,))
    found = rows(tmp_path / "trades.csv")
    trades = [one for one in trades_on_tape(data_dir) if one.instrument == PERPETUAL.id]
    assert exported.rows == len(found) == len(trades) == 103
    assert found[3] == {
        "session_id": STORED_ID, "seq": "14", "ts": str(START_TS), "time": "2025-12-27T17:00:00.000000Z",
        "recv_ts": str(START_TS), "instrument": PERPETUAL.id, "price": "100.02", "size": "0.100", "side": "sell",
        "trade_id": trades[3].trade_id, "is_warmup": "false",
    }  # fmt: skip
    assert [PERPETUAL.parse_price(row["price"]) for row in found] == [trade.price for trade in trades]


def test_an_export_in_parquet_is_played_with_the_same_events_and_the_same_rules(data_dir: Path, tmp_path: Path) -> None:
    export(data_dir, "trades", tmp_path / "trades.parquet")
    export(data_dir, "quotes", tmp_path / "quotes.parquet")
    recording = open_recording(tmp_path)
    assert recording.instruments() == sorted([PERPETUAL, SPOT], key=lambda one: one.id)
    history = journal(data_dir)
    journalled = [
        msgspec.structs.replace(entry, recv_ts=entry.ts)
        for batch in history.batches(STORED_ID)
        for entry in batch.entries
        if isinstance(entry, Trade | Quote)
    ]
    history.close()
    assert played(tmp_path) == journalled


def test_trades_that_were_exported_as_csv_and_imported_are_the_same_trades(data_dir: Path, tmp_path: Path) -> None:
    export(data_dir, "trades", tmp_path / "trades.csv")
    foreign = ForeignFile(tmp_path / "trades.csv", "trades", PERPETUAL.id).read()
    import_rows(foreign, "trades", PERPETUAL, tmp_path / "in" / "trades.parquet")
    trades = [one for one in trades_on_tape(data_dir) if one.instrument == PERPETUAL.id]
    assert played(tmp_path / "in") == [msgspec.structs.replace(one, recv_ts=one.ts) for one in trades]


def test_bars_are_built_from_trades_and_an_unfinished_one_is_left_out(data_dir: Path, tmp_path: Path) -> None:
    exported = export(data_dir, "bars", tmp_path / "bars.csv", interval_s=10, instruments=(PERPETUAL.id,))
    found = rows(tmp_path / "bars.csv")
    assert (exported.rows, exported.unfinished_bars) == (3, 1)
    inside = [
        one for one in trades_on_tape(data_dir)
        if one.instrument == PERPETUAL.id and START_TS <= one.ts < START_TS + 10 * SECOND
    ]  # fmt: skip
    prices = [PERPETUAL.price_decimal(one.price) for one in inside]
    assert found[1] == {
        "session_id": STORED_ID, "ts": str(START_TS), "time": "2025-12-27T17:00:00.000000Z",
        "instrument": PERPETUAL.id, "interval_s": "10", "open": str(prices[0]), "high": str(max(prices)),
        "low": str(min(prices)), "close": str(prices[-1]), "volume": "4.000",
    }  # fmt: skip


@pytest.mark.parametrize("name", [name for name in EXPORTS if name not in ("trades", "quotes", "bars")])
def test_facts_and_samples_leave_with_the_declared_columns_in_both_formats(
    data_dir: Path, tmp_path: Path, name: str
) -> None:
    exported = export(data_dir, name, tmp_path / "facts.csv")
    export(data_dir, name, tmp_path / "facts.parquet")
    as_csv, as_parquet = rows(tmp_path / "facts.csv"), pl.read_parquet(tmp_path / "facts.parquet")
    assert exported.rows == len(as_csv) == as_parquet.height
    assert exported.rows > 0 or name == "alerts"
    names = pl.read_csv(tmp_path / "facts.csv").columns
    assert [column for column in as_parquet.columns if not column.endswith("_exact")] == names


def test_fees_are_exact_in_csv_and_both_exact_and_usable_in_parquet(data_dir: Path, tmp_path: Path) -> None:
    export(data_dir, "fills", tmp_path / "fills.csv")
    export(data_dir, "fills", tmp_path / "fills.parquet")
    history = journal(data_dir)
    fees = [fill.fee for fill in history.events(EXPORTS["fills"], STORED_ID)]
    history.close()
    table = pl.read_parquet(tmp_path / "fills.parquet")
    assert [Decimal(row["fee"]) for row in rows(tmp_path / "fills.csv")] == fees
    assert [Decimal(text) for text in table["fee_exact"]] == fees
    assert table["fee"].to_list() == [float(fee) for fee in fees]


def test_a_file_that_exists_is_kept_unless_it_may_be_replaced(data_dir: Path, tmp_path: Path) -> None:
    file = tmp_path / "trades.csv"
    file.write_text("mine")
    with pytest.raises(Conflict, match="exists already and was not touched"):
        export(data_dir, "trades", file)
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("trades.csv", "mine")]


@pytest.mark.parametrize(
    ("name", "changes", "sentence"),
    [
        ("trades", {"instruments": ("XYZ.TEST",)}, "watched no instrument 'XYZ.TEST'; it watched ABCUSDT-PERP.TEST"),
        ("equity", {"instruments": (SPOT.id,)}, "belong to the whole session"),
        ("bars", {"interval_s": 0}, "Bars of 0 s do not exist"),
    ],
)
def test_what_a_session_has_not_is_said(
    data_dir: Path, tmp_path: Path, name: str, changes: dict[str, object], sentence: str
) -> None:
    with pytest.raises((Invalid, NotFound), match=sentence):
        export(data_dir, name, tmp_path / "out.csv", **changes)
    assert list(tmp_path.iterdir()) == []


def test_an_ending_that_says_no_format_is_refused() -> None:
    with pytest.raises(Invalid, match=r"ends in neither .csv nor .parquet"):
        format_of(Path("trades.txt"), None)
    assert format_of(Path("trades.txt"), "CSV") == "csv"


def test_an_export_that_fails_leaves_nothing(data_dir: Path, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="There is no folder"):
        export(data_dir, "trades", tmp_path / "none" / "trades.csv")
    history = journal(data_dir)
    row = history.session(STORED_ID)
    assert row is not None
    wanted = Wanted(table=EXPORTS["trades"])

    def interrupt(_: int) -> None:
        raise KeyboardInterrupt

    for name in ("a.csv", "a.parquet"):
        with pytest.raises(KeyboardInterrupt):
            export_rows(history, row, wanted, tmp_path / name, kind=format_of(Path(name), None), on_rows=interrupt)
    history.close()
    assert list(tmp_path.iterdir()) == []


# From elsewhere -------------------------------------------------------------------------------------------------

DUMPS: dict[str, tuple[MarketKind, str]] = {
    "futures trades": (
        "trades",
        "id,price,qty,quote_qty,time,is_buyer_maker\n7,61800.2,0.010,618.0,1766854800123,true\n"
        "8,61800.30,0.02,1236.0,1766854800124,false\n",
    ),
    "spot trades without a header, in microseconds": (
        "trades",
        "7,61800.20,0.01000,618.0,1766854800123000,True,True\n8,61800.30,0.02000,1236.0,1766854800124000,False,True\n",
    ),
    "futures aggregates without a header": (
        "trades",
        "7,61800.20,0.01,1,1,1766854800123,true\n8,61800.30,0.02,2,2,1766854800124,false\n",
    ),
    "ccxt": (
        "trades",
        "id,timestamp,datetime,symbol,side,price,amount\n"
        "7,1766854800123,2025-12-27T17:00:00.123Z,BTC/USDT:USDT,sell,61800.2,1e-2\n"
        "1,1766854800123,2025-12-27T17:00:00.123Z,ETH/USDT:USDT,sell,3000.2,0.01\n"
        "8,1766854800124,2025-12-27T17:00:00.124Z,BTC/USDT:USDT,buy,61800.3,0.02\n",
    ),
    "seconds with a fraction": (
        "trades",
        "trade_id,time,price,size,side\n7,1766854800.123,61800.2,0.01,sell\n8,1766854800.124,61800.3,0.02,buy\n",
    ),
    "ISO 8601": (
        "trades",
        "trade_id,time,price,size,side\n7,2025-12-27T17:00:00.123Z,61800.2,0.01,sell\n"
        "8,2025-12-27T17:00:00.124Z,61800.3,0.02,buy\n",
    ),
}


def take(file: Path, kind: MarketKind, **options: object) -> Foreign:
    return ForeignFile(file, kind, BTC.id, **options).read()  # type: ignore[arg-type]  # the options of the reader


@pytest.mark.parametrize("name", DUMPS)
def test_dumps_of_elsewhere_are_understood_without_being_explained(tmp_path: Path, name: str) -> None:
    kind, text = DUMPS[name]
    file = tmp_path / "dump.csv.gz"
    file.write_bytes(gzip.compress(text.encode()))
    import_rows(take(file, kind), kind, BTC, tmp_path / "in" / "one.parquet")
    at = 1_766_854_800_123_000
    assert played(tmp_path / "in") == [
        Trade(ts=at, recv_ts=at, instrument=BTC.id, price=6_180_020, size=10, side="sell", trade_id="7"),
        Trade(ts=at + 1000, recv_ts=at + 1000, instrument=BTC.id, price=6_180_030, size=20, side="buy", trade_id="8"),
    ]


def test_quotes_and_bars_of_elsewhere_are_played_beside_each_other(tmp_path: Path) -> None:
    quotes, bars = tmp_path / "quotes.csv", tmp_path / "bars.csv"
    quotes.write_text("T,b,bq,a,aq\n1766854800123,100.01,1,100.02,2\n")
    bars.write_text("1766854740000,100,101.5,99,100.5,12,1766854799999,1,1,1,1,0\n")
    columns = {"ts": "T", "bid": "b", "bid_size": "bq", "ask": "a", "ask_size": "aq"}
    import_rows(take(quotes, "quotes", columns=columns), "quotes", BTC, tmp_path / "in" / "q.parquet")
    import_rows(take(bars, "bars"), "bars", BTC, tmp_path / "in" / "b.parquet", interval_s=60)
    close, at = 1_766_854_800_000_000, 1_766_854_800_123_000
    assert played(tmp_path / "in") == [
        VenueBar(
            ts=close, recv_ts=close, instrument=BTC.id, open_ts=close - 60 * SECOND, interval_s=60, open=10_000,
            high=10_150, low=9_900, close=10_050, volume=12_000,
        ),
        Quote(ts=at, recv_ts=at, instrument=BTC.id, bid=10_001, bid_size=1000, ask=10_002, ask_size=2000),
    ]  # fmt: skip


def test_bars_alone_are_no_recording(tmp_path: Path) -> None:
    bars = tmp_path / "bars.csv"
    bars.write_text("ts,open,high,low,close,volume\n1766854740000,100,101.5,99,100.5,12\n")
    import_rows(take(bars, "bars"), "bars", BTC, tmp_path / "in" / "b.parquet", interval_s=60)
    with pytest.raises(Invalid, match="holds bars only; orders fill on trades or quotes"):
        open_recording(tmp_path / "in")


HEAD = "trade_id,ts,price,size,side\n1,1766854800000,100.5,1,buy\n"


@pytest.mark.parametrize(
    ("kind", "text", "sentence"),
    [
        ("trades", HEAD + "2,1766854800001,abc,1,buy\n", "line 3 has price 'abc'; expected a positive number"),
        ("trades", HEAD + "2,1766854800001,-1,1,buy\n", "line 3 has price '-1'; expected a positive number"),
        ("trades", HEAD + "2,1766854800001,1,0,buy\n", "line 3 has size '0'; expected a positive number"),
        ("trades", HEAD + "2,1766854800001,1,,buy\n", "line 3 has nothing for size; expected a positive number"),
        ("trades", HEAD + "2,1766854800001,1,1,up\n", "line 3 has side 'up'; expected buy or sell"),
        ("trades", HEAD + "2,yesterday,1,1,buy\n", "line 3 has ts 'yesterday'; expected a time in ms"),
        (
            "trades",
            HEAD + "2,1766854800,1,1,buy\n",
            "line 3 has ts '1766854800000'; expected a time between|line 3 has",
        ),
        ("trades", HEAD + "2,1766854799999,1,1,buy\n", "line 3 is older than the line before it; give --sort"),
        ("trades", HEAD + "1,1766854800001,1,1,buy\n", "lines 2 and 3 have the same trade_id 1; but differ"),
        ("trades", "a,b,c,d\n1,2,3,4\n", "no column for ts, price, size, side of trades; it has"),
        ("trades", "1,2,3\n", "no header and 3 columns, which is none of the known dumps of trades"),
        ("trades", "trade_id,ts,price,size,side\n", "it holds no row"),
        ("trades", "", "cannot be read as CSV|no column for|no header"),
        ("quotes", "ts,bid,bid_size,ask,ask_size\n1766854800000,2,1,1,1\n", "line 2 has bid '2'; expected a bid that"),
        ("quotes", "ts,bid,bid_size,ask,ask_size\n1766854800000,0,1,1,1\n", "expected a positive price where there is"),
        ("bars", "ts,open,high,low,close,volume\n1766854800000,5,4,3,3,1\n", "open and close between low and high"),
        ("trades", HEAD.replace("side\n", "side,symbol\n").replace("buy\n", "buy,ETHUSDT\n"), "it holds no BTCUSDT"),
    ],
)
def test_a_wrong_row_is_named_with_its_line_and_what_was_expected(
    tmp_path: Path, kind: MarketKind, text: str, sentence: str
) -> None:
    file = tmp_path / "wrong.csv"
    file.write_text(text)
    with pytest.raises(Invalid, match=sentence):
        take(file, kind)


def test_rows_out_of_order_are_put_in_order_when_asked_and_twins_are_taken_once(tmp_path: Path) -> None:
    file = tmp_path / "mixed.csv"
    file.write_text(HEAD + "2,1766854799999,1,1,sell\n1,1766854800000,100.5,1,buy\n")
    foreign = take(file, "trades", is_sorting=True)
    assert (foreign.frame["trade_id"].to_list(), foreign.dropped) == (["2", "1"], 1)


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [(lambda content: content[:50], "cannot be read as Parquet"), (lambda _: b"", "cannot be read as Parquet")],
)
def test_a_cut_parquet_file_is_said_so(tmp_path: Path, damage: Callable[[bytes], bytes], sentence: str) -> None:
    file = tmp_path / "cut.parquet"
    pl.DataFrame({"ts": [1]}).write_parquet(file)
    file.write_bytes(damage(file.read_bytes()))
    with pytest.raises(Invalid, match=sentence):
        take(file, "trades")
    with pytest.raises(Invalid, match=sentence):
        open_recording(file)


def test_numbers_finer_than_the_instrument_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "fine.csv"
    file.write_text(HEAD.replace("100.5", "100.123"))
    with pytest.raises(Invalid, match="numbers with 3 decimals, more than --price-decimals 2"):
        import_rows(take(file, "trades"), "trades", BTC, tmp_path / "in" / "one.parquet")
    assert not (tmp_path / "in").exists()


def test_numbers_too_large_to_be_exact_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "large.csv"
    file.write_text(HEAD.replace(",1,buy", ",1000000000000,buy"))
    with pytest.raises(Invalid, match="too large to be kept exactly"):
        import_rows(take(file, "trades"), "trades", BTC, tmp_path / "in" / "one.parquet")


def test_a_column_that_was_named_wrongly_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "one.csv"
    file.write_text(HEAD)
    with pytest.raises(Invalid, match="--column when=ts fits nothing: trades have the columns ts, price"):
        take(file, "trades", columns={"when": "ts"})


def test_a_file_of_another_form_beside_ours_is_named(data_dir: Path, tmp_path: Path) -> None:
    export(data_dir, "trades", tmp_path / "trades.parquet")
    pl.DataFrame({"a": [1]}).write_parquet(tmp_path / "other.parquet")
    with pytest.raises(Invalid, match=r"other.parquet lies among files of papertape's own form"):
        open_recording(tmp_path)
