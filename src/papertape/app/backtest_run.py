"""One run of a backtest over files: what it is told, carrying it out, and writing its facts."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from papertape.errors import Invalid, Unavailable
from papertape.model.backtest import BacktestSummary
from papertape.model.columns import MarketColumns
from papertape.model.events import AnyEvent, encode_canonical
from papertape.model.session import SessionPlan
from papertape.session.column_backtest import ColumnBacktest


class Period(msgspec.Struct, frozen=True, kw_only=True):
    """Rows from `start_ts` to before `end_ts` are taken, those before `live_ts` only warm up; microseconds UTC."""

    start_ts: int
    live_ts: int
    end_ts: int


class RunOrder(msgspec.Struct, frozen=True, kw_only=True):
    """What one run is told. `lane` is the only instrument it takes, None for all; `facts` the file its facts go to."""

    name: str
    values: dict[str, Any]
    plan: SessionPlan
    period: Period
    lane: int | None = None
    facts: str | None = None


class BacktestRun(BacktestSummary, frozen=True, kw_only=True):
    """What one run came to. `values` are those of its parameter set, by path; `events` the rows it took."""

    name: str
    values: dict[str, Any]
    events: int
    seconds: float
    events_per_s: int


def carry_out(order: RunOrder, market: MarketColumns, on_progress: Callable[[int], None]) -> BacktestRun:
    """Run to the end of the period; `on_progress` is told the number of rows so far.

    Raises:
        Invalid: a definition of the plan is wrong, or there is no row in the period.
        Unavailable: the facts cannot be written.
    """
    columns = market.between(order.period.start_ts, order.period.end_ts)
    if order.lane is not None:
        from papertape.store.column_lanes import lane_of  # NumPy is not waited for where nothing is taken apart

        columns = lane_of(columns, order.lane)
    if columns.count() == 0 or columns.last_ts() < order.period.live_ts:
        raise Invalid(
            f"There is no trade, quote or bar of {', '.join(each.id for each in columns.instruments)} in that time "
            "after the warm-up; give another --from or --to, or a shorter --warmup.",
            code="backtest.no_rows",
            path="from",
        )
    started = time.perf_counter()
    backtest = ColumnBacktest(order.plan, columns, order.period.live_ts)
    with _facts_written(order.facts) as on_chunk:
        summary = backtest.run(on_progress, on_chunk)
    seconds = time.perf_counter() - started
    return BacktestRun(
        **msgspec.structs.asdict(summary),
        name=order.name,
        values=order.values,
        events=columns.count(),
        seconds=round(seconds, 3),
        events_per_s=round(columns.count() / max(seconds, 1e-9)),
    )


@contextmanager
def _facts_written(name: str | None) -> Iterator[Callable[[Sequence[AnyEvent]], None] | None]:
    if name is None:
        yield None  # then none are made
        return
    path = Path(name)
    draft = path.with_name(f".{path.name}-{secrets.token_hex(4)}")
    try:
        with draft.open("wb") as file:
            yield lambda facts: file.writelines(encode_canonical(fact) + b"\n" for fact in facts)
        draft.replace(path)
    except OSError as error:
        raise Unavailable(
            f"The facts cannot be written to {path} ({error.strerror}); give another file with --facts.",
            code="backtest.facts",
        ) from error
    finally:
        draft.unlink(missing_ok=True)
