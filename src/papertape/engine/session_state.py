"""What the engine knows of the whole session: lifecycle, flags, and the account's day."""

from __future__ import annotations

from decimal import Decimal

from papertape.model.entries import Lifecycle, LifecycleChange
from papertape.model.events import EquityMarked

_DAY_US = 86_400_000_000
_SECOND = 1_000_000
_OPEN = ("starting", "running")


class SessionState:
    """Lifecycle and flags as journalled; day values as of the last mark, so that they change once a second at most."""

    __slots__ = (
        "_day",
        "_day_equity",
        "_marked_second",
        "entries_paused",
        "equity",
        "is_closing",
        "is_degraded",
        "lifecycle",
        "loss_today_pct",
        "pause_reason",
        "trades_today",
    )

    def __init__(self, capital: Decimal) -> None:
        self.lifecycle: Lifecycle = "starting"
        self.is_degraded = False
        self.entries_paused = False
        self.pause_reason = ""
        self.is_closing = False
        self.trades_today = 0
        self.loss_today_pct = 0.0
        self.equity = capital
        self._day = -1
        self._day_equity = capital
        self._marked_second = -1

    @property
    def is_active(self) -> bool:
        """Whether instances think: false once the session has ended or is suspended."""
        return self.lifecycle in (*_OPEN, "stopping")

    def change(self, change: LifecycleChange) -> None:
        """Take a change of lifecycle or flags."""
        self.lifecycle = change.state
        self.is_degraded = change.is_degraded
        self.pause(change.entries_paused, change.reason)
        if change.state in _OPEN:
            self.is_closing = False

    def pause(self, is_paused: bool, reason: str) -> None:
        """Set or lift the flag that keeps new entries from being sent."""
        if is_paused and not self.entries_paused:
            self.pause_reason = reason
        self.entries_paused = is_paused

    def paused_because(self) -> str | None:
        """Return why no entry may be sent now, as a sentence, or None."""
        if self.is_closing:
            return "Everything was closed by command; entries stay off until they are resumed."
        if self.lifecycle not in _OPEN:
            return f"The session is {self.lifecycle}; it opens no positions."
        if self.entries_paused:
            return f"Entries are paused: {self.pause_reason}".rstrip(" :.") + "."
        return None

    def begin(self, ts: int) -> None:
        """Take note of the time: a new day (UTC) starts counting afresh."""
        day = ts // _DAY_US
        if day != self._day:
            self._day = day
            self._day_equity = self.equity
            self.trades_today = 0
            self.loss_today_pct = 0.0

    def is_mark_due(self, ts: int) -> bool:
        """Return whether `ts` lies in a later second than the last mark."""
        return ts // _SECOND > self._marked_second

    def take_mark(self, mark: EquityMarked) -> None:
        """Take a mark of the account."""
        self._marked_second = mark.ts // _SECOND
        self.equity = mark.equity
        lost = self._day_equity - mark.equity
        self.loss_today_pct = float(lost / self._day_equity * 100) if lost > 0 and self._day_equity > 0 else 0.0
