"""Pump-and-dump episodes: when they come and what they do to a market, step by step."""

from __future__ import annotations

import math
from collections.abc import Sequence
from random import Random
from typing import NamedTuple

STEP_US = 100_000
STEPS_PER_S = 1_000_000 // STEP_US

MAGNITUDE = (0.032, 0.065)
SPACING_S = (330.0, 400.0)


class Influence(NamedTuple):
    """What an episode does in one step: log drift of the value, factors on trade rate, size and spread, buy share."""

    drift: float
    rate: float
    size: float
    buy: float
    spread: float


CALM = Influence(drift=0.0, rate=1.0, size=1.0, buy=0.5, spread=1.0)


class Phase(NamedTuple):
    """One part of an episode. `rise` is its share of the episode's log magnitude; it grows from `early` to its end."""

    name: str
    seconds: tuple[float, float]
    rise: float
    early: float
    rate: float
    size: float
    buy: float
    spread: float


_ACCUMULATION = Phase("accumulation", (14, 22), rise=0.06, early=1.0, rate=2.2, size=1.2, buy=0.64, spread=0.9)
_EXHAUSTION = Phase("exhaustion", (20, 30), rise=-0.04, early=1.0, rate=3.5, size=1.2, buy=0.49, spread=0.9)
_DUMP = Phase("dump", (45, 75), rise=-0.95, early=1.3, rate=5.0, size=1.6, buy=0.22, spread=1.9)
_AFTERMATH = Phase("aftermath", (25, 40), rise=-0.07, early=1.0, rate=1.6, size=1.0, buy=0.47, spread=1.2)

PUMP_AND_DUMP: tuple[Phase, ...] = (
    _ACCUMULATION,
    Phase("pump", (50, 75), rise=1.0, early=0.7, rate=6.5, size=1.7, buy=0.80, spread=1.7),
    _EXHAUSTION,
    _DUMP,
    _AFTERMATH,
)
SECOND_LEG: tuple[Phase, ...] = (
    _ACCUMULATION,
    Phase("first leg", (35, 50), rise=0.65, early=0.7, rate=6.0, size=1.6, buy=0.78, spread=1.6),
    Phase("pause", (14, 22), rise=-0.14, early=1.0, rate=3.5, size=1.2, buy=0.45, spread=1.0),
    Phase("second leg", (35, 55), rise=0.75, early=0.7, rate=7.0, size=1.8, buy=0.82, spread=1.8),
    _EXHAUSTION,
    Phase("long dump", (55, 85), rise=-1.2, early=1.3, rate=5.0, size=1.7, buy=0.20, spread=2.0),
    _AFTERMATH,
)
FALSE_START: tuple[Phase, ...] = (
    _ACCUMULATION,
    Phase("stir", (15, 25), rise=0.3, early=0.8, rate=4.5, size=1.4, buy=0.72, spread=1.4),
    Phase("fizzle", (30, 45), rise=-0.36, early=1.2, rate=2.5, size=1.1, buy=0.38, spread=1.3),
)

KINDS, WEIGHTS = (PUMP_AND_DUMP, SECOND_LEG, FALSE_START), (60, 20, 20)
"""What may come after the planned episodes, which are plain: where every pump ends alike, nothing is learnt."""


class _Stretch(NamedTuple):
    start: int
    end: int
    log_rise: float
    phase: Phase

    def influence(self, step: int) -> Influence:
        length = self.end - self.start
        share = (step - self.start + 0.5) / length
        pace = self.phase.early + 2 * (1 - self.phase.early) * share
        phase = self.phase
        return Influence(self.log_rise / length * pace, phase.rate, phase.size, phase.buy, phase.spread)


class EpisodeSchedule:
    """The episodes of one coin: plain ones at given times, then any kind, 5½ to 6⅔ minutes from start to start."""

    def __init__(self, rng: Random, starts: Sequence[int]) -> None:
        """Plan episodes at the given steps, then without end; no start given means no episode ever."""
        self._rng = rng
        self._starts = [start for start in starts if start >= 0]
        self._has_plan = True
        self._stretches: list[_Stretch] = []

    def at(self, step: int) -> Influence:
        """Return the influence at a step; steps must be asked for in order."""
        while self._stretches and step >= self._stretches[0].end:
            del self._stretches[0]
        if not self._stretches and self._starts and step >= self._starts[0]:
            self._begin(self._starts.pop(0), PUMP_AND_DUMP if self._has_plan else self._any_kind())
        return self._stretches[0].influence(step) if self._stretches else CALM

    def _any_kind(self) -> tuple[Phase, ...]:
        return self._rng.choices(KINDS, WEIGHTS)[0]

    def _begin(self, start: int, phases: tuple[Phase, ...]) -> None:
        log_magnitude = math.log1p(self._rng.uniform(*MAGNITUDE))
        at = start
        for phase in phases:
            end = at + round(self._rng.uniform(*phase.seconds) * STEPS_PER_S)
            self._stretches.append(_Stretch(at, end, log_magnitude * phase.rise, phase))
            at = end
        if not self._starts:
            self._has_plan = False
            self._starts.append(start + round(self._rng.uniform(*SPACING_S) * STEPS_PER_S))
