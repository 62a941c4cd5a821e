"""Counts what the rows of the log come to, without making facts of them."""

# kernel: compiled by scripts/kernel_build.py

from __future__ import annotations

from papertape.model.buffers import Exact, Ints
from papertape.model.fact_log import EQUITY, FILL, POSITION, REASON, SIGNAL, TRANSITION, FactLog
from papertape.model.narrow import MASK

HEAD = 3
"""The integers that every fact begins with; those of `broker.rows` follow."""

QUANTITY, GROSS, POSITION_FEES = HEAD + 3, HEAD + 13, HEAD + 16
FEE, RULE = HEAD + 7, HEAD + 15
NEVER = -(1 << 62)


class Tally:
    """What the facts so far came to. Fees are in the account's smallest unit; `rules` has a bit for each fill rule."""

    __slots__ = (
        "facts",
        "fees",
        "fills",
        "first_ts",
        "max_drawdown_pct",
        "round_trips",
        "rules",
        "signals",
        "transitions",
        "winners",
    )
    facts: int
    first_ts: int
    signals: int
    transitions: int
    fills: int
    round_trips: int
    winners: int
    fees: Exact
    rules: int
    max_drawdown_pct: float

    def __init__(self) -> None:
        self.facts = self.signals = self.transitions = self.fills = self.round_trips = self.winners = self.rules = 0
        self.first_ts = NEVER
        self.fees = 0
        self.max_drawdown_pct = 0.0

    def take(self, log: FactLog) -> None:
        """Take the rows that the log holds."""
        starts: Ints = log.starts
        ints: Ints = log.ints
        fees: int = 0
        for row in range(log.row_count):
            kind = starts[3 * row]
            at = starts[3 * row + 1]
            if kind == REASON:
                continue
            self.facts += 1
            if self.first_ts == NEVER:
                self.first_ts = ints[at + 1]
            if kind == TRANSITION:
                self.transitions += 1
            elif kind == SIGNAL:
                self.signals += 1
            elif kind == FILL:
                self.fills += 1
                if _is_small(log, at + FEE) and fees < MASK:
                    fees += ints[at + FEE]  # two of at most 62 bits
                else:
                    self.fees = self.fees + _exact(log, at + FEE)
                self.rules |= 1 << ints[at + RULE]
            elif kind == POSITION and ints[at + QUANTITY] == 0:
                self.round_trips += 1
                if _has_won(log, at):
                    self.winners += 1
            elif kind == EQUITY:
                self.max_drawdown_pct = max(self.max_drawdown_pct, log.floats[starts[3 * row + 2]])
        self.fees = self.fees + fees


def _is_small(log: FactLog, at: int) -> bool:
    # nearly always: it has one integer of the three, and is not negative
    return log.ints[at + 1] == 0 and log.ints[at + 2] == 0


def _has_won(log: FactLog, at: int) -> bool:
    if _is_small(log, at + GROSS) and _is_small(log, at + POSITION_FEES):
        return log.ints[at + GROSS] > log.ints[at + POSITION_FEES]
    return _exact(log, at + GROSS) > _exact(log, at + POSITION_FEES)


def _exact(log: FactLog, at: int) -> Exact:
    low: Exact = log.ints[at]
    middle: Exact = log.ints[at + 1]
    high: Exact = log.ints[at + 2]
    return low | middle << 62 | high << 124
