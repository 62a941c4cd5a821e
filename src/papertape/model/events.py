"""What comes out of a session: facts in the order of the tape, each a row of one declared table.

`seq` numbers the facts of one trading session from 1 without holes; `entry_seq` is the journalled entry that caused
the fact; `ts` is that entry's time in microseconds UTC. None of it depends on wall clocks or on the session's id, so
the same entries give the same bytes in paper, replay and backtest.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

import msgspec

from papertape.model.entries import Lifecycle, Side
from papertape.model.instrument import InstrumentId

InstanceState = Literal["MONITORING", "SIGNAL_DETECTED", "ENTERING", "POSITION_ACTIVE", "EXITING", "COOLDOWN", "ERROR"]
SectionCode = Literal["S1", "O1", "Z1", "ZE1", "E1"]
Answer = Literal["true", "false", "undecided"]
PositionSide = Literal["long", "short"]
OrderType = Literal["market", "limit", "stop_market", "take_profit_market"]
OrderStatus = Literal["submitted", "accepted", "partially_filled", "filled", "cancelled", "rejected", "expired"]
OrderPurpose = Literal["entry", "exit", "stop_loss", "take_profit", "emergency_exit"]
Trigger = Literal[
    "S1",
    "O1",
    "Z1",
    "ZE1",
    "E1",
    "timeout",
    "fill",
    "rejected",
    "cancelled",
    "stop",
    "target",
    "command",
    "risk",
    "cooldown_over",
    "error",
]


class ConditionReading(msgspec.Struct, frozen=True, kw_only=True):
    """One condition as evaluated: its answer, and how far it is from being true.

    `distance` is in the indicator's own unit (0 when true), `distance_pct` relative to the threshold, `progress` 0–100.
    `reason` is set whenever the answer is undecided: "warming up 12/60 s", "no quote yet", "stale 8 s".
    """

    path: str
    label: str
    operator: str
    value: float | None
    threshold: float | None
    unit: str
    answer: Answer
    reason: str | None
    distance: float | None
    distance_pct: float | None
    progress: float
    held_s: float | None = None
    hold_required_s: float | None = None
    last_true_ts: int | None = None
    closest_distance: float | None = None
    value_ts: int | None = None


class Event(msgspec.Struct, frozen=True, kw_only=True, tag_field="type"):
    """The head of every fact."""

    seq: int
    ts: int
    entry_seq: int


class InstanceTransitioned(Event, frozen=True, kw_only=True, tag="InstanceTransitioned"):
    """An instance moved from one state to another; `trace` holds every condition evaluated for it."""

    strategy: str
    instrument: InstrumentId
    from_state: InstanceState
    to_state: InstanceState
    trigger: Trigger
    section: SectionCode | None
    reason: str
    price: float | None
    trace: tuple[ConditionReading, ...]


class SignalFired(Event, frozen=True, kw_only=True, tag="SignalFired"):
    """A section's answer just became true. `outcome` is `accepted` or the typed reason why nothing followed."""

    strategy: str
    instrument: InstrumentId
    section: SectionCode
    side: Side | None
    price: float | None
    outcome: str
    reason: str
    trace: tuple[ConditionReading, ...]


class OrderUpdated(Event, frozen=True, kw_only=True, tag="OrderUpdated"):
    """The newest state of an order at the simulated venue. Prices in quote units, quantities in base units."""

    order_id: str
    strategy: str
    instrument: InstrumentId
    side: Side
    order_type: OrderType
    purpose: OrderPurpose
    quantity: Decimal
    limit_price: Decimal | None
    trigger_price: Decimal | None
    status: OrderStatus
    filled_quantity: Decimal
    average_price: Decimal | None
    reason: str


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """Why an order filled at its price: the rule and the market it met. `book_age_us` by exchange time."""

    rule: str
    detail: str
    best_bid: Decimal | None
    best_ask: Decimal | None
    book_age_us: int | None
    slippage: Decimal


class OrderFilled(Event, frozen=True, kw_only=True, tag="OrderFilled"):
    """One execution. `fee` is in the account's currency, positive when paid."""

    fill_id: str
    order_id: str
    strategy: str
    instrument: InstrumentId
    side: Side
    price: Decimal
    quantity: Decimal
    fee: Decimal
    liquidity: Literal["maker", "taker"]
    purpose: OrderPurpose
    evidence: Evidence


class PositionChanged(Event, frozen=True, kw_only=True, tag="PositionChanged"):
    """The newest state of a position after a fill. `quantity` is what is open now; realised P&L is after fees."""

    position_id: str
    strategy: str
    instrument: InstrumentId
    side: PositionSide
    status: Literal["open", "closed"]
    quantity: Decimal
    entry_price: Decimal
    exit_price: Decimal | None
    stop_price: Decimal | None
    target_price: Decimal | None
    realized_pnl: Decimal
    fees: Decimal
    opened_ts: int
    closed_ts: int | None
    reason: str


class AccountChanged(Event, frozen=True, kw_only=True, tag="AccountChanged"):
    """The account after a fill, in its currency: cash = initial capital + realised P&L before fees − fees."""

    currency: str
    cash: Decimal
    realized_pnl: Decimal
    fees: Decimal
    open_positions: int


class EquityMarked(Event, frozen=True, kw_only=True, tag="EquityMarked"):
    """Cash plus open positions at the price they would close at now; once a second of entry time."""

    equity: Decimal
    cash: Decimal
    unrealized_pnl: Decimal
    drawdown_pct: float
    exposure: Decimal


class SessionChanged(Event, frozen=True, kw_only=True, tag="SessionChanged"):
    """The session moved to another lifecycle state, or a flag changed."""

    state: Lifecycle
    trigger: str
    reason: str
    is_degraded: bool
    entries_paused: bool


class AlertRaised(Event, frozen=True, kw_only=True, tag="AlertRaised"):
    """Something a trader must know: what happened, what it means, the next step."""

    code: str
    severity: Literal["info", "warning", "critical"]
    message: str
    stage: str
    instrument: InstrumentId | None


AnyEvent = (
    InstanceTransitioned
    | SignalFired
    | OrderUpdated
    | OrderFilled
    | PositionChanged
    | AccountChanged
    | EquityMarked
    | SessionChanged
    | AlertRaised
)

_CANONICAL = msgspec.json.Encoder(order="deterministic", decimal_format="string")


def encode_canonical(event: AnyEvent) -> bytes:
    """Return the canonical bytes of a fact: JSON with sorted keys, no session id, no wall-clock field."""
    return _CANONICAL.encode(event)
