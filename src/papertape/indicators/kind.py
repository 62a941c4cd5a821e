"""The declaration of an indicator: what it means, its formula and source, its parameters and how to make one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal

import msgspec

from papertape.indicators.indicator import Indicator
from papertape.indicators.measures import micros

Input = Literal["trades", "quotes", "bars"]


class Param(msgspec.Struct, frozen=True, kw_only=True):
    """One parameter with its limits, both included."""

    name: str
    unit: str
    default: float
    minimum: float
    maximum: float
    meaning: str
    is_integer: bool = False


class IndicatorKind(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of indicator. `make` takes complete, checked parameters; `ordered` lists pairs (a, b) with a > b.

    `origin` is the package it comes from; a package of its own need not say it.
    """

    name: str
    meaning: str
    formula: str
    source: str
    unit: str
    params: tuple[Param, ...]
    inputs: tuple[Input, ...]
    make: Callable[[Mapping[str, float]], Indicator]
    ordered: tuple[tuple[str, str], ...] = ()
    origin: str = "papertape"


MAX_WINDOW_S = 86_400.0


def seconds(name: str, default: float, meaning: str, *, minimum: float = 0.001, maximum: float = MAX_WINDOW_S) -> Param:
    """Return a parameter in seconds, up to a day."""
    return Param(name=name, unit="s", default=default, minimum=minimum, maximum=maximum, meaning=meaning)


def window(t1: float = 60.0, t2: float = 0.0) -> tuple[Param, Param]:
    """Return the parameters of a window from `t1` to `t2` seconds back from now."""
    return (
        seconds("t1", t1, "the window begins this long ago (excluded)"),
        seconds("t2", t2, "the window ends this long ago (included); less than t1", minimum=0.0),
    )


def bars(name: str, default: int, meaning: str, *, minimum: int = 1) -> Param:
    """Return a parameter that is a number of bars."""
    return Param(
        name=name,
        unit="bars",
        default=float(default),
        minimum=float(minimum),
        maximum=10_000.0,
        meaning=meaning,
        is_integer=True,
    )


def surge() -> tuple[Param, Param]:
    """Return the parameters of a window compared with the one before it."""
    return (
        seconds("current", 30.0, "length of the current window"),
        seconds("baseline", 300.0, "length of the baseline window, which ends where the current one begins"),
    )


def period(default: int, *, minimum: int = 1) -> Param:
    """Return the number of bars an indicator is made of."""
    return bars("period", default, "number of bars", minimum=minimum)


def factor(name: str, default: float, meaning: str, *, minimum: float = 0.0, maximum: float = 100.0) -> Param:
    """Return a parameter that multiplies."""
    return Param(name=name, unit="x", default=default, minimum=minimum, maximum=maximum, meaning=meaning)


INTERVAL = Param(
    name="interval",
    unit="s",
    default=60.0,
    minimum=1.0,
    maximum=MAX_WINDOW_S,
    meaning="length of a bar",
    is_integer=True,
)
"""The interval of a bar indicator."""

WINDOWED = "papertape, specification of windowed measures"
"""The source of what is computed over windows of trades and over quotes."""


def trades(default: int) -> Param:
    """Return the number of newest trades an indicator is made of."""
    return Param(
        name="period",
        unit="trades",
        default=float(default),
        minimum=1.0,
        maximum=10_000.0,
        meaning="number of trades",
        is_integer=True,
    )


def windowed(
    make: Callable[[int, int], Indicator], *, name: str, meaning: str, formula: str, unit: str, t1: float = 60.0
) -> IndicatorKind:
    """Return the declaration of a kind over the trades of one window, made from its two ends in microseconds."""
    return IndicatorKind(
        name=name,
        meaning=meaning,
        formula=formula,
        source=WINDOWED,
        unit=unit,
        params=window(t1),
        inputs=("trades",),
        make=lambda params: make(micros(params["t1"]), micros(params["t2"])),
        ordered=(("t1", "t2"),),
    )


def quoted(make: Callable[[], Indicator], *, name: str, meaning: str, formula: str, unit: str) -> IndicatorKind:
    """Return the declaration of a kind over the newest quote, without parameters."""
    return IndicatorKind(
        name=name,
        meaning=meaning,
        formula=formula,
        source=WINDOWED,
        unit=unit,
        params=(),
        inputs=("quotes",),
        make=lambda _: make(),
    )


WHICH_PRICE = Param(
    name="price",
    unit="choice",
    default=1.0,
    minimum=0.0,
    maximum=2.0,
    meaning="what stands for a window: 0 the price at its end, 1 its twpa, 2 its vwap",
    is_integer=True,
)
"""Which price stands for a window, as `paths.WindowPrice` takes it."""
