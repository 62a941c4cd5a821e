"""A backtest over files, whole: the market opened, the runs planned and carried out on one core or several."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from functools import partial
from pathlib import Path

import msgspec

from papertape import kernel
from papertape.app.backtest_files import FilesAsked, OpenMarket, open_market
from papertape.app.backtest_pool import BacktestPool
from papertape.app.backtest_run import BacktestRun, Period, RunOrder, carry_out
from papertape.app.backtest_sets import ParameterSet, make_sets
from papertape.errors import Invalid, Unavailable
from papertape.model.backtest import Grade, ProfileName
from papertape.model.instrument import Instrument
from papertape.model.session import PROFILES, SessionPlan, StrategyVersion
from papertape.session.planning import common_currency
from papertape.store.market_columns_cache import write_columns

MOST_JOBS = 256

_END_OF_TIME = 1 << 62


class FilesTask(msgspec.Struct, frozen=True, kw_only=True):
    """What a backtest over files is told.

    `sets` are `PATH=VALUE,…`; `is_each` gives every strategy and symbol an account of its own; `facts` is the file
    they are written to, with a number of the run in its name where there are several.
    """

    strategies: tuple[StrategyVersion, ...]
    asked: FilesAsked
    sets: tuple[str, ...] = ()
    capital: Decimal = Decimal(10_000)
    profile: ProfileName = "standard"
    warmup_s: float = 60.0
    start_ts: int | None = None
    end_ts: int | None = None
    is_each: bool = False
    jobs: int = 1
    facts: str | None = None
    is_caching: bool = True


class DataRead(msgspec.Struct, frozen=True, kw_only=True):
    """The market data that was run on: where it came from, its content hash, and what orders met."""

    files: tuple[str, ...]
    sha256: str
    grade: Grade
    instruments: tuple[str, ...]
    trades: int
    quotes: int
    bars: int
    first_ts: int
    last_ts: int
    is_cached: bool
    notes: tuple[str, ...]


class EngineRan(msgspec.Struct, frozen=True, kw_only=True):
    """How it ran. `events` are rows of market data, over all runs; `seconds` those of the clock on the wall."""

    kernel: str
    jobs: int
    events: int
    seconds: float
    events_per_s: int


class FilesResult(msgspec.Struct, frozen=True, kw_only=True):
    """What a backtest over files came to, its runs in the order of sets, then strategies, then symbols."""

    data: DataRead
    engine: EngineRan
    runs: tuple[BacktestRun, ...]


def run_files(
    task: FilesTask,
    data_dir: Path,
    *,
    on_read: Callable[[int], None] = lambda _: None,
    on_total: Callable[[int], None] = lambda _: None,
    on_progress: Callable[[int], None] = lambda _: None,
    on_started: Callable[[int], None] = lambda _: None,
) -> FilesResult:
    """Open the files, run everything, and say what it came to.

    Args:
        task: what to run.
        data_dir: where columns are kept.
        on_read: is told the rows read of a file that was not read before.
        on_total: is told how many rows all runs take.
        on_progress: is told the number of rows done, over all runs.
        on_started: is told the number of each process that is started.

    Raises:
        Invalid, NotFound: the request or a file is wrong.
        Broken, Unavailable: a run came to no result.
    """
    sets = make_sets(task.strategies, task.sets)
    opened = open_market(task.asked, data_dir, is_caching=task.is_caching, on_rows=on_read)
    if opened.grade == "bars":
        raise Invalid(
            f"{', '.join(opened.files)} hold bars only for at least one symbol; bars warm indicators and nothing fills "
            "on them. Give --trades or --quotes as well.",
            code="backtest.bars_only",
            path="bars",
        )
    orders = plan_runs(task, sets, opened)
    on_total(_total(orders, opened))
    started = time.perf_counter()
    jobs = min(task.jobs, len(orders))
    if jobs == 1:
        runs = _run_here(orders, opened, on_progress)
    else:
        with _on_disk(opened) as place:
            pool = BacktestPool(place, jobs, on_started=on_started)
            runs = asyncio.run(pool.run(orders, on_progress))
    seconds = time.perf_counter() - started
    events = sum(run.events for run in runs)
    engine = EngineRan(
        kernel=kernel.mode(), jobs=jobs, events=events, seconds=round(seconds, 3),
        events_per_s=round(events / max(seconds, 1e-9)),
    )  # fmt: skip
    return FilesResult(data=_data(opened), engine=engine, runs=tuple(runs))


def plan_runs(task: FilesTask, sets: Sequence[ParameterSet], opened: OpenMarket) -> list[RunOrder]:
    """Return every run: one account for all of a parameter set, or one for each strategy and symbol of it."""
    if not 1 <= task.jobs <= MOST_JOBS:
        raise Invalid(f"{task.jobs} jobs are not possible; give 1 to {MOST_JOBS}.", code="backtest.jobs", path="jobs")
    period = _period(task, opened)
    orders: list[RunOrder] = []
    instruments = opened.market.instruments
    for chosen in sets:
        if not task.is_each:
            orders.append(_order(task, chosen, chosen.strategies, instruments, period))
            continue
        for strategy in chosen.strategies:
            for lane, instrument in enumerate(instruments):
                order = _order(task, chosen, (strategy,), (instrument,), period)
                orders.append(msgspec.structs.replace(order, lane=lane))
    if task.facts is None:
        return orders
    places = _numbered(Path(task.facts), len(orders))
    return [msgspec.structs.replace(order, facts=str(path)) for order, path in zip(orders, places, strict=True)]


def _order(
    task: FilesTask,
    chosen: ParameterSet,
    strategies: tuple[StrategyVersion, ...],
    instruments: tuple[Instrument, ...],
    period: Period,
) -> RunOrder:
    plan = SessionPlan(
        mode="BACKTEST",
        strategies=strategies,
        instruments=instruments,
        capital=task.capital,
        currency=common_currency(instruments),
        profile=PROFILES[task.profile],
    )
    what = f"{', '.join(each.name for each in strategies)} on {', '.join(each.id for each in instruments)}"
    name = f"{what} with {chosen.name}" if chosen.name else what
    return RunOrder(name=name, values=chosen.values, plan=plan, period=period)


def _period(task: FilesTask, opened: OpenMarket) -> Period:
    warmup_us = int(task.warmup_s * 1_000_000)
    end_ts = _END_OF_TIME if task.end_ts is None else task.end_ts
    if task.start_ts is None:
        return Period(start_ts=0, live_ts=opened.market.first_ts() + warmup_us, end_ts=end_ts)
    if task.start_ts >= end_ts:
        raise Invalid("--from is not before --to; give an earlier one.", code="backtest.period", path="from")
    return Period(start_ts=task.start_ts - warmup_us, live_ts=task.start_ts, end_ts=end_ts)


def _numbered(path: Path, count: int) -> list[Path]:
    if count == 1:
        return [path]
    width = len(str(count))
    return [path.with_name(f"{path.stem}-{number:0{width}}{path.suffix}") for number in range(1, count + 1)]


def _total(orders: Sequence[RunOrder], opened: OpenMarket) -> int:
    period = orders[0].period
    rows = opened.market.between(period.start_ts, period.end_ts).count()
    whole = sum(order.lane is None for order in orders)
    return rows * whole + rows * (len(orders) - whole) // len(opened.market.instruments)


def _run_here(orders: Sequence[RunOrder], opened: OpenMarket, on_progress: Callable[[int], None]) -> list[BacktestRun]:
    runs: list[BacktestRun] = []
    before = 0
    for order in orders:
        runs.append(carry_out(order, opened.market, partial(_note, on_progress, before)))
        before += runs[-1].events
        on_progress(before)
    return runs


def _note(on_progress: Callable[[int], None], before: int, rows: int) -> None:
    on_progress(before + rows)


@contextmanager
def _on_disk(opened: OpenMarket) -> Iterator[Path]:
    if opened.place is not None:
        yield opened.place
        return
    with tempfile.TemporaryDirectory(prefix="papertape-columns-") as folder:
        place = Path(folder) / "columns"
        try:
            write_columns(place, opened.market, opened.notes, opened.grade)
        except OSError as error:
            raise Unavailable(
                f"The columns cannot be written for several jobs ({error.strerror}); free the disk, or run with "
                "--jobs 1.",
                code="backtest.no_space",
            ) from error
        yield place


def _data(opened: OpenMarket) -> DataRead:
    market = opened.market
    return DataRead(
        files=opened.files,
        sha256=market.sha256(),
        grade=opened.grade,
        instruments=tuple(each.id for each in market.instruments),
        trades=market.trades.count,
        quotes=market.quotes.count,
        bars=market.bars.count,
        first_ts=market.first_ts(),
        last_ts=market.last_ts(),
        is_cached=opened.is_cached,
        notes=opened.notes,
    )
