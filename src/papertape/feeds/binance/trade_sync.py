"""Keeping one instrument's prints complete and in order by the venue's trade ids."""

# kernel: compiled by scripts/kernel_build.py

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, NamedTuple

from papertape.model.entries import Trade

Verdict = Literal["deliver", "duplicate", "held", "hole"]

NO_TRADE = -(1 << 62)


class Print(NamedTuple):
    """A trade id with its trade; the trade is None where the id is used by something that is no market trade."""

    trade_id: int
    trade: Trade | None


class Resolution(NamedTuple):
    """What a recovery brought: the trades to deliver now, in order, and how many stay missing."""

    trades: list[Trade]
    missing: int


class TradeSync:
    """The position of one instrument in the trade ids; `newest` is `NO_TRADE` before the first.

    While a hole is being filled, later prints are held, so that what is delivered is always in order.
    """

    __slots__ = ("held", "is_recovering", "newest")
    newest: int
    is_recovering: bool
    held: list[Print]

    def __init__(self) -> None:
        self.newest = NO_TRADE
        self.is_recovering = False
        self.held = []

    @property
    def last_id(self) -> int | None:
        """The newest trade id, None before the first."""
        return None if self.newest == NO_TRADE else self.newest

    def is_next(self, trade_id: int) -> bool:
        """Return whether the id follows the newest one and nothing is held."""
        return trade_id == self.newest + 1 and not self.is_recovering

    def take(self, trade_id: int) -> Verdict:
        """Say what to do with the next received id; `hole` advances past it, unless `begin_recovery` is called."""
        if trade_id <= self.newest:
            return "duplicate"
        if self.is_recovering:
            return "held"
        if self.newest == NO_TRADE or trade_id == self.newest + 1:
            self.newest = trade_id
            return "deliver"
        return "hole"

    def skip_to(self, trade_id: int) -> None:
        """Accept a hole that cannot be filled: go on from `trade_id`."""
        self.newest = trade_id

    def begin_recovery(self) -> None:
        """Hold every print from now on until `resolve`."""
        self.is_recovering = True

    def hold(self, received: Print) -> None:
        """Keep a received print for `resolve`."""
        if self.is_recovering:
            self.held.append(received)

    def resolve(self, fetched: Iterable[Print]) -> Resolution:
        """Join what was fetched with what was held; end the recovery."""
        by_id = {found.trade_id: found for found in fetched}
        by_id.update({held.trade_id: held for held in self.held})
        self.held = []
        self.is_recovering = False
        trades: list[Trade] = []
        missing = 0
        for trade_id in sorted(by_id):
            if self.newest != NO_TRADE:
                if trade_id <= self.newest:
                    continue
                missing += trade_id - self.newest - 1
            self.newest = trade_id
            trade = by_id[trade_id].trade
            if trade is not None:
                trades.append(trade)
        return Resolution(trades, missing)
