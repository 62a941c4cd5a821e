"""Facts with plausible values, for tests that care about their seq and type only."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, TypeVar

from papertape.model import events

F = TypeVar("F", bound=events.Event)

_TS = 1_766_854_702_000_000
_WHO: dict[str, Any] = {"strategy": "ema-cross", "instrument": "BTCUSDT.BINANCE"}

_VALUES: dict[type[events.Event], dict[str, Any]] = {
    events.InstanceTransitioned: {
        **_WHO, "from_state": "MONITORING", "to_state": "SIGNAL_DETECTED", "trigger": "S1", "section": "S1",
        "reason": "S1 became true.", "price": 61_800.2, "trace": (),
    },
    events.SignalFired: {
        **_WHO, "section": "S1", "side": "buy", "price": 61_800.2, "outcome": "accepted", "reason": "S1 became true.",
        "trace": (),
    },
    events.OrderFilled: {
        **_WHO, "fill_id": "F-1", "order_id": "O-1", "side": "buy", "price": Decimal("61800.20"),
        "quantity": Decimal("0.10000"), "fee": Decimal("3.09"), "liquidity": "taker", "purpose": "entry",
        "evidence": events.Evidence(
            rule="quote", detail="", best_bid=None, best_ask=Decimal("61800.20"), book_age_us=0, slippage=Decimal(0)
        ),
    },
    events.EquityMarked: {
        "equity": Decimal(10_000), "cash": Decimal(10_000), "unrealized_pnl": Decimal(0), "drawdown_pct": 0.0,
        "exposure": Decimal(0),
    },
    events.SessionChanged: {
        "state": "running", "trigger": "alive", "reason": "", "is_degraded": False, "entries_paused": False,
    },
    events.AlertRaised: {
        "code": "feed.silent", "severity": "warning", "message": "No trade for 30 s.", "stage": "venue",
        "instrument": None,
    },
}  # fmt: skip


def fact(kind: type[F], seq: int, **changes: Any) -> F:
    """Return a fact of a kind with this seq; `changes` replace plausible values."""
    return kind(seq=seq, ts=_TS + seq, entry_seq=seq, **{**_VALUES[kind], **changes})
