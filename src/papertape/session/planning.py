"""From a trader's request to the plan that determines a session."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from papertape.errors import Invalid, NotFound
from papertape.model.instrument import Instrument
from papertape.model.session import PROFILES, Mode, SessionPlan, StartSession, StrategyVersion
from papertape.session.feeds import Feeds
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
    for path, chosen in (("strategies", request.strategies), ("symbols", request.symbols)):
        if not chosen and not (is_recording and path == "strategies"):
            raise Invalid(f"No {path} were chosen; choose at least one.", code=f"session.no_{path}", path=path)
        if len(set(chosen)) != len(chosen):
            raise Invalid(f"The same of {path} was chosen twice; choose each once.", code="session.twice", path=path)
    check_capital(request.capital)
