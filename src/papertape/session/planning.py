"""From a trader's request to the plan that determines a session."""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import Decimal

from papertape.errors import Invalid, NotFound
from papertape.model.backtest import BacktestTask, StartBacktest
from papertape.model.instrument import Instrument
from papertape.model.session import PROFILES, Mode, SessionPlan, StartSession, StrategyVersion
from papertape.session.feeds import Feeds, resolve_symbols
from papertape.session.library import Library

LIVE_MODES: frozenset[Mode] = frozenset({"PAPER", "RECORD"})
"""What a desk runs on a live market, and resumes."""


async def make_plan(request: StartSession, feeds: Feeds, library: Library) -> SessionPlan:
    """Return the plan of a session on a live market, with the exact versions of its strategies.

    Raises:
        Invalid: the request is wrong; the path names the place.
        NotFound: a strategy is unknown.
        Unavailable: the venue does not answer.
    """
    _check_request(request)
    strategies = tuple(_strategy(library, name, position) for position, name in enumerate(request.strategies))
    instruments = await feeds.resolve(request.feed, request.symbols)
    return SessionPlan(
        mode=request.mode,
        strategies=strategies,
        instruments=instruments,
        capital=request.capital,
        currency=instruments[0].quote if request.mode == "RECORD" else common_currency(instruments),
        profile=PROFILES[request.profile],
    )


def make_backtest_task(request: StartBacktest, library: Library) -> BacktestTask:
    """Return what a backtest runs, with the exact versions of its strategies; raises `Invalid`, `NotFound`."""
    _check_chosen("strategies", request.strategies, may_be_empty=False)
    _check_chosen("symbols", request.symbols, may_be_empty=True)
    check_capital(request.capital)
    if request.warmup_s is not None and not 0 <= request.warmup_s < math.inf:
        raise Invalid(
            f"A warm-up of {request.warmup_s:g} s is not possible; give 0 or more seconds, or leave it out.",
            code="backtest.warmup",
            path="warmup_s",
        )
    return BacktestTask(
        data=request.data,
        strategies=tuple(_strategy(library, name, position) for position, name in enumerate(request.strategies)),
        symbols=request.symbols,
        capital=request.capital,
        profile=request.profile,
        warmup_s=request.warmup_s,
    )


def make_backtest_plan(task: BacktestTask, offered: Sequence[Instrument]) -> SessionPlan:
    """Return the plan of a backtest on a recording that offers these instruments; raises `Invalid`."""
    if not offered:
        raise Invalid(
            f"No instrument is in {task.data!r}; give a recording that holds market data.",
            code="backtest.no_instruments",
            path="data",
        )
    instruments = resolve_symbols(task.symbols or [item.id for item in offered], offered)
    return SessionPlan(
        mode="BACKTEST",
        strategies=task.strategies,
        instruments=instruments,
        capital=task.capital,
        currency=common_currency(instruments),
        profile=PROFILES[task.profile],
    )


def common_currency(instruments: Sequence[Instrument]) -> str:
    """Return what all instruments are quoted in; raises `Invalid` where they differ."""
    currencies = sorted({instrument.quote for instrument in instruments})
    if len(currencies) > 1:
        raise Invalid(
            f"One session has one currency, but the symbols are quoted in {', '.join(currencies)}; "
            "start a session for each.",
            code="session.mixed_currencies",
            path="symbols",
        )
    return currencies[0]


def check_capital(capital: Decimal) -> None:
    """Raise `Invalid` unless the capital is a positive amount."""
    if not capital.is_finite() or capital <= 0:
        raise Invalid(
            f"The capital {capital} is not a positive amount; give one such as 10000.",
            code="session.capital",
            path="capital",
        )


def _strategy(library: Library, name: str, position: int) -> StrategyVersion:
    path = f"strategies[{position}]"
    try:
        return library.version(name)
    except NotFound as error:
        raise NotFound(error.message, code=error.code, path=path) from error
    except Invalid as error:
        raise Invalid(
            f"Strategy {name!r} does not parse. {error.message}", code=error.code, path=f"{path}.{error.path}"
        ) from error


def _check_request(request: StartSession) -> None:
    if request.mode not in LIVE_MODES:
        raise Invalid(
            f"Sessions of mode {request.mode} are started with `papertape replay` or `papertape backtest`; "
            "here the mode is PAPER, or RECORD to keep market data without trading.",
            code="session.mode",
            path="mode",
        )
    is_recording = request.mode == "RECORD"
    if is_recording and request.strategies:
        raise Invalid(
            f"A session of mode RECORD runs no strategies, but {', '.join(request.strategies)} was chosen; leave the "
            "strategies out, or start a session of mode PAPER.",
            code="session.record_strategies",
            path="strategies",
        )
    _check_chosen("strategies", request.strategies, may_be_empty=is_recording)
    _check_chosen("symbols", request.symbols, may_be_empty=False)
    check_capital(request.capital)


def _check_chosen(path: str, chosen: Sequence[str], *, may_be_empty: bool) -> None:
    if not chosen and not may_be_empty:
        raise Invalid(f"No {path} were chosen; choose at least one.", code=f"session.no_{path}", path=path)
    if len(set(chosen)) != len(chosen):
        raise Invalid(f"The same of {path} was chosen twice; choose each once.", code="session.twice", path=path)
