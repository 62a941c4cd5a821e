"""Keeping one instrument's prints complete and in order by the venue's trade ids."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, NamedTuple

from papertape.model.entries import Trade

Verdict = Literal["deliver", "duplicate", "held", "hole"]


class Print(NamedTuple):
    """A trade id with its trade; the trade is None where the id is used by something that is no market trade."""

    trade_id: int
    trade: Trade | None


class Resolution(NamedTuple):
    """What a recovery brought: the trades to deliver now, in order, and how many stay missing."""

    trades: list[Trade]
    missing: int


class TradeSync:
    """The position of one instrument in the trade ids.

    While a hole is being filled, later prints are held, so that what is delivered is always in order.
    """

    def __init__(self) -> None:
        self.last_id: int | None = None
        self._held: list[Print] | None = None

    @property
    def is_recovering(self) -> bool:
        """Whether a hole is being filled."""
        return self._held is not None

    def take(self, trade_id: int) -> Verdict:
        """Say what to do with the next received id; `hole` advances past it, unless `begin_recovery` is called."""
        last = self.last_id
        if last is not None and trade_id <= last:
            return "duplicate"
        if self._held is not None:
            return "held"
        if last is None or trade_id == last + 1:
            self.last_id = trade_id
            return "deliver"
        return "hole"

    def skip_to(self, trade_id: int) -> None:
        """Accept a hole that cannot be filled: go on from `trade_id`."""
        self.last_id = trade_id

    def begin_recovery(self) -> None:
        """Hold every print from now on until `resolve`."""
        if self._held is None:
            self._held = []

    def hold(self, received: Print) -> None:
        """Keep a received print for `resolve`."""
        if self._held is not None:
            self._held.append(received)

    def resolve(self, fetched: Iterable[Print]) -> Resolution:
        """Join what was fetched with what was held; end the recovery."""
        by_id = {found.trade_id: found for found in fetched}
        by_id.update({held.trade_id: held for held in self._held or ()})
        self._held = None
        trades: list[Trade] = []
        missing = 0
        for trade_id in sorted(by_id):
            if self.last_id is not None:
                if trade_id <= self.last_id:
                    continue
                missing += trade_id - self.last_id - 1
            self.last_id = trade_id
            trade = by_id[trade_id].trade
            if trade is not None:
                trades.append(trade)
        return Resolution(trades, missing)
