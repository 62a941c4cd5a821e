"""What the engine knows of the whole session: lifecycle, flags, and the account's day."""

# kernel: compiled by scripts/kernel_build.py

from __future__ import annotations

from papertape.broker.broker import Broker
from papertape.model.buffers import Exact
from papertape.model.entries import LifecycleChange
from papertape.model.fact_log import SESSION, FactLog

DAY_US = 86_400_000_000
SECOND = 1_000_000
_OPEN = ("starting", "running")


class SessionState:
    """Lifecycle and flags as journalled; day values as of the last mark, so that they change once a second at most."""

    __slots__ = (
        "broker",
        "day_end",
        "day_equity",
        "entries_paused",
        "equity",
        "is_closing",
        "is_degraded",
        "is_open",
        "lifecycle",
        "loss_today_pct",
        "mark_due",
        "pause_reason",
        "trades_today",
    )
    broker: Broker
    lifecycle: str
    is_open: bool
    is_degraded: bool
    entries_paused: bool
    pause_reason: str
    is_closing: bool
    trades_today: int
    loss_today_pct: float
    equity: Exact
    day_equity: Exact
    day_end: int
    mark_due: int

    def __init__(self, broker: Broker) -> None:
        self.broker = broker
        self.lifecycle = "starting"
        self.is_open = True
        self.is_degraded = False
        self.entries_paused = False
        self.pause_reason = ""
        self.is_closing = False
        self.trades_today = 0
        self.loss_today_pct = 0.0
        self.equity = broker.equity_exact()
        self.day_equity = self.equity
        self.day_end = -1
        self.mark_due = -1

    def is_active(self) -> bool:
        """Return whether instances think: false once the session has ended or is suspended."""
        return self.is_open or self.lifecycle == "stopping"

    def change(self, change: LifecycleChange) -> None:
        """Take a change of lifecycle or flags."""
        self.lifecycle = change.state
        self.is_open = change.state in _OPEN
        self.is_degraded = change.is_degraded
        self.pause(change.entries_paused, change.reason)
        if self.is_open:
            self.is_closing = False

    def pause(self, is_paused: bool, reason: str) -> None:
        """Set or lift the flag that keeps new entries from being sent."""
        if is_paused and not self.entries_paused:
            self.pause_reason = reason
        self.entries_paused = is_paused

    def write(self, log: FactLog, trigger: str, reason: str) -> None:
        """Write a row of how it stands after what `trigger` names."""
        log.open(SESSION)
        log.put_int(1 if self.is_degraded else 0)
        log.put_int(1 if self.entries_paused else 0)
        log.put_text(self.lifecycle)
        log.put_text(trigger)
        log.put_text(reason)

    def may_enter(self) -> bool:
        """Return whether entries may be sent now; `paused_because` says why not."""
        return not self.is_closing and not self.entries_paused and self.is_open

    def paused_because(self) -> str | None:
        """Return why no entry may be sent now, as a sentence, or None."""
        if self.is_closing:
            return "Everything was closed by command; entries stay off until they are resumed."
        if not self.is_open:
            return f"The session is {self.lifecycle}; it opens no positions."
        if self.entries_paused:
            return f"Entries are paused: {self.pause_reason}".rstrip(" :.") + "."
        return None

    def begin_day(self, ts: int) -> None:
        """Start counting afresh: `ts` lies in another day (UTC) than before, called when `ts >= day_end`."""
        self.day_end = ts - ts % DAY_US + DAY_US
        self.day_equity = self.equity
        self.trades_today = 0
        self.loss_today_pct = 0.0

    def take_mark(self, ts: int) -> None:
        """Take a mark of the account, due once for each second in which anything comes."""
        self.mark_due = ts - ts % SECOND + SECOND
        self.equity = self.broker.equity_exact()
        lost = self.day_equity - self.equity
        if lost > 0 and self.day_equity > 0:
            self.loss_today_pct = float(lost / self.day_equity * 100)
        else:
            self.loss_today_pct = 0.0
