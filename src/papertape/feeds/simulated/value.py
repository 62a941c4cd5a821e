"""What a coin is worth: the price that quotes gather around."""

from __future__ import annotations

import math
from random import Random

from papertape.feeds.simulated.episodes import STEPS_PER_S

_STEPS_PER_DAY = 86_400 * STEPS_PER_S
_VOLATILITY_PULL, _VOLATILITY_NOISE = 0.002, 0.022
_ANCHOR_PULL = math.log(2) / (3 * 3_600 * STEPS_PER_S)
_PRESSURE_DECAY = 0.5 ** (1 / (4 * STEPS_PER_S))
_PRESSURE_LIMIT = 0.004


class Value:
    """A log random walk whose volatility comes in clusters, drawn back to its first price over hours.

    Aggressive trades press it their way for some seconds, as impact does.
    """

    def __init__(self, rng: Random, price: float, daily_volatility: float) -> None:
        self._rng = rng
        self._anchor = price
        self._log = 0.0
        self._calm_sigma = daily_volatility / math.sqrt(_STEPS_PER_DAY)
        self._heat = 0.0
        self._pressure = 0.0

    @property
    def price(self) -> float:
        """The value now, in quote units."""
        return self._anchor * math.exp(self._log + self._pressure)

    def press(self, log_impact: float) -> None:
        """Let trades push the value; the push fades with a half-life of four seconds."""
        self._pressure = max(-_PRESSURE_LIMIT, min(_PRESSURE_LIMIT, self._pressure + log_impact))

    def step(self, drift: float) -> None:
        """Let one step of time pass."""
        gauss = self._rng.gauss
        self._heat += gauss(0.0, _VOLATILITY_NOISE) - _VOLATILITY_PULL * self._heat
        sigma = self._calm_sigma * math.exp(min(self._heat, 1.2))
        self._log += drift + gauss(0.0, sigma) - _ANCHOR_PULL * self._log
        self._pressure *= _PRESSURE_DECAY
