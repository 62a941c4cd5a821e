"""How large a million ticks are, and how quickly three questions are answered, beside plain files."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import apsw
import polars as pl

from papertape.journal.research import Research, Span
from papertape.model.tables import SIGNALS
from papertape.store.market_rows import market_rows, sample_rows
from papertape.store.questdb.address import QuestAddress
from papertape.store.sqlite import SqliteStore
from papertape.testkit.questdb_server import execute
from storing.market import INSTRUMENTS, SESSION, Market, milliseconds

BAR_S = 60
LIMIT = 1_000


def write_plain(folder: Path, ticks: int) -> dict[str, int]:
    """Write the same session as plain CSV and Parquet and return the bytes of the ticks in each."""
    instruments = {each.id: each for each in INSTRUMENTS}
    trades, quotes, values = [], [], []
    for commit in Market().commits(ticks):
        if commit.batch is not None:
            some_trades, some_quotes = market_rows(SESSION, commit.batch, instruments)
            trades += some_trades
            quotes += some_quotes
        if commit.samples is not None:
            values += sample_rows(SESSION, commit.samples)[1]
    for name, rows in (("trades", trades), ("quotes", quotes), ("values", values)):
        columns = rows[0].__struct_fields__
        frame = pl.DataFrame({column: [getattr(row, column) for row in rows] for column in columns})
        frame.write_csv(folder / f"{name}.csv")
        frame.write_parquet(folder / f"{name}.parquet")
    return {
        kind: sum((folder / f"{name}.{kind}").stat().st_size for name in ("trades", "quotes"))
        for kind in ("csv", "parquet")
    }


def tape_bytes(store: SqliteStore) -> int:
    """Return the bytes of the tape's rows in the journal, without the pages' own overhead."""
    connection = apsw.Connection(str(store.path), flags=apsw.SQLITE_OPEN_READONLY)
    found = connection.execute("SELECT sum(length(payload)) FROM tape").fetchone()
    connection.close()
    return int(found[0] or 0) if found else 0


def copy_bytes(address: QuestAddress) -> int:
    """Return the bytes that QuestDB's trades and quotes take on the disk."""
    statement = "SELECT sum(diskSize) FROM table_storage() WHERE tableName IN ('trades', 'quotes')"
    return int(execute(address, statement)[0][0])


async def time_research(research: Research, times: int) -> dict[str, float]:
    """Return the median time of each question in milliseconds."""
    return {
        "chart": await _median(lambda: research.bars(SESSION, INSTRUMENTS[0].id, BAR_S, Span(), limit=LIMIT), times),
        "latest values": await _median(lambda: research.latest_values(SESSION), times),
        "last 100 signals": await _median(
            lambda: research.events(SIGNALS, SESSION, limit=100, newest_first=True), times
        ),
    }


async def time_plain(folder: Path, store: SqliteStore, times: int) -> dict[str, float]:
    """Return the same for Polars over Parquet files, and for SQL on the journal's file."""
    connection = apsw.Connection(str(store.path), flags=apsw.SQLITE_OPEN_READONLY)

    async def chart() -> object:
        trades = pl.scan_parquet(folder / "trades.parquet").filter(pl.col("instrument") == INSTRUMENTS[0].id)
        price = pl.col("price")
        bars = trades.group_by(pl.col("ts") // (BAR_S * 1_000_000)).agg(
            price.first().alias("open"),
            price.max().alias("high"),
            price.min().alias("low"),
            price.last().alias("close"),
            pl.col("size").sum(),
        )
        return bars.sort("ts").tail(LIMIT).collect()

    async def latest() -> object:
        return pl.scan_parquet(folder / "values.parquet").group_by("series").last().collect()

    async def signals() -> object:
        return connection.execute(
            "SELECT * FROM signals WHERE session_id = ? ORDER BY seq DESC LIMIT 100", (SESSION,)
        ).fetchall()

    figures = {
        "chart": await _median(chart, times),
        "latest values": await _median(latest, times),
        "last 100 signals": await _median(signals, times),
    }
    connection.close()
    return figures


async def _median(ask: Callable[[], Awaitable[object]], times: int) -> float:
    taken = []
    for _ in range(times + 1):
        started = time.perf_counter()
        await ask()
        taken.append(time.perf_counter() - started)
        await asyncio.sleep(0)
    return milliseconds(taken[1:], 0.5)
