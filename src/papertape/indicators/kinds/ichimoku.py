"""Ichimoku: the lines of the cloud chart, each as it stands at the newest bar."""
# kernel: compiled by scripts/kernel_build.py

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from papertape.indicators.bar_measure import BarMeasure
from papertape.indicators.bars import Bar
from papertape.indicators.kind import INTERVAL, IndicatorKind, bars, period
from papertape.indicators.ring import FloatRing, RollingMax, RollingMin

DISPLACEMENT = bars("displacement", 26, "how many bars ahead the line is drawn", minimum=0)
KIJUN = bars("kijun", 26, "period of the kijun")


class Middle(BarMeasure):
    """The middle between the extremes of the last `period` bars, as it was `displacement` bars ago."""

    __slots__ = ("_displacement", "_high", "_low", "_past")

    _displacement: int
    _high: RollingMax
    _low: RollingMin
    _past: FloatRing

    def __init__(self, period: int, displacement: int) -> None:
        BarMeasure.__init__(self, period + displacement)
        self._displacement = displacement
        self._high = RollingMax(period)
        self._low = RollingMin(period)
        self._past = FloatRing(displacement + 1)

    def _take(self, bar: Bar) -> None:
        self._past.push((self._high.add(bar.high) + self._low.add(bar.low)) / 2.0)
        if self.have >= self.need:
            self.result = self._past.at(self._displacement)


class SenkouA(BarMeasure):
    """The mean of tenkan and kijun, as it was `displacement` bars ago."""

    __slots__ = ("_displacement", "_kijun", "_past", "_tenkan")

    _displacement: int
    _kijun: Middle
    _past: FloatRing
    _tenkan: Middle

    def __init__(self, tenkan: int, kijun: int, displacement: int) -> None:
        BarMeasure.__init__(self, max(tenkan, kijun) + displacement)
        self._displacement = displacement
        self._tenkan = Middle(tenkan, 0)
        self._kijun = Middle(kijun, 0)
        self._past = FloatRing(displacement + 1)

    def _take(self, bar: Bar) -> None:
        self._tenkan.on_bar(bar)
        self._kijun.on_bar(bar)
        self._past.push((self._tenkan.current + self._kijun.current) / 2.0)
        if self.have >= self.need:
            self.result = self._past.at(self._displacement)


class Chikou(BarMeasure):
    """The close that the newest close is drawn at."""

    __slots__ = ("_closes", "_displacement")

    _closes: FloatRing
    _displacement: int

    def __init__(self, displacement: int) -> None:
        BarMeasure.__init__(self, displacement + 1)
        self._closes = FloatRing(displacement + 1)
        self._displacement = displacement

    def _take(self, bar: Bar) -> None:
        self._closes.push(bar.close)
        if self.have >= self.need:
            self.result = self._closes.at(self._displacement)


def _make_middle(params: Mapping[str, float]) -> Middle:
    return Middle(int(params["period"]), 0)


def _make_senkou_a(params: Mapping[str, float]) -> SenkouA:
    return SenkouA(int(params["tenkan"]), int(params["kijun"]), int(params["displacement"]))


def _make_senkou_b(params: Mapping[str, float]) -> Middle:
    return Middle(int(params["period"]), int(params["displacement"]))


def _make_chikou(params: Mapping[str, float]) -> Chikou:
    return Chikou(int(params["displacement"]))


_declared = partial(
    IndicatorKind,
    source="G. Hosoda, Ichimoku Kinko Hyo (1969); senkou as drawn at the newest bar: what was known displacement bars "
    "ago, drawn that far ahead",
    unit="quote",
    inputs=("bars",),
)

KINDS = (
    _declared(
        name="ichimoku_tenkan",
        meaning="Conversion line: the middle of a short range.",
        formula="(max(high) + min(low)) / 2 over the last period bars",
        params=(period(9), INTERVAL),
        make=_make_middle,
    ),
    _declared(
        name="ichimoku_kijun",
        meaning="Base line: the middle of a longer range.",
        formula="(max(high) + min(low)) / 2 over the last period bars",
        params=(period(26), INTERVAL),
        make=_make_middle,
    ),
    _declared(
        name="ichimoku_senkou_a",
        meaning="One edge of the cloud at the newest bar.",
        formula="(tenkan + kijun) / 2, displacement bars ago",
        params=(bars("tenkan", 9, "period of the tenkan"), KIJUN, DISPLACEMENT, INTERVAL),
        make=_make_senkou_a,
    ),
    _declared(
        name="ichimoku_senkou_b",
        meaning="The other edge of the cloud at the newest bar: the middle of a long range.",
        formula="(max(high) + min(low)) / 2 over period bars, displacement bars ago",
        params=(period(52), DISPLACEMENT, INTERVAL),
        make=_make_senkou_b,
    ),
    _declared(
        name="ichimoku_chikou",
        meaning="The close that the lagging span, the newest close drawn back, stands at: above it the trend rises.",
        formula="close, displacement bars ago; the lagging span itself is the newest close",
        params=(
            bars("displacement", 26, "how many bars back the newest close is drawn", minimum=0),
            INTERVAL,
        ),
        make=_make_chikou,
    ),
)
