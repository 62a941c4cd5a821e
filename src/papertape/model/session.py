"""What a session is: its plan, and the row that says in which state it is."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any, Literal

import msgspec

from papertape.model.entries import Lifecycle
from papertape.model.instrument import Instrument, InstrumentId

SessionId = str
"""`exec_20251227_165822_fe61be26`: UTC date and time of creation, and eight hex digits."""

Mode = Literal["PAPER", "RECORD", "REPLAY", "BACKTEST"]
"""`PAPER` trades at the simulated venue, `RECORD` keeps the market data and runs no strategy."""

SESSION_ID = re.compile(r"^exec_\d{8}_\d{6}_[0-9a-f]{8}$")


class StrategyVersion(msgspec.Struct, frozen=True, kw_only=True):
    """The exact definition a session runs: its name, the SHA-256 of its canonical JSON, and that definition."""

    name: str
    version: int
    sha256: str
    definition: dict[str, Any]  # validated by strategy.definition before it gets here; kept verbatim for replays


class SimulationProfile(msgspec.Struct, frozen=True, kw_only=True):
    """The assumptions of the simulated venue; stored with the session. Latencies in microseconds, fees as fractions."""

    name: Literal["optimistic", "standard", "pessimistic"] = "standard"
    entry_latency_us: int = 0
    maker_fee: Decimal = Decimal("0.0002")
    taker_fee: Decimal = Decimal("0.0005")
    stale_book_us: int = 5_000_000
    protection_bps: int = 500
    trade_only_spread_bps: int = 2
    seed: int = 1


PROFILES: dict[str, SimulationProfile] = {
    "optimistic": SimulationProfile(name="optimistic", maker_fee=Decimal("0.0002"), taker_fee=Decimal("0.0004")),
    "standard": SimulationProfile(),
    "pessimistic": SimulationProfile(
        name="pessimistic", entry_latency_us=250_000, taker_fee=Decimal("0.001"), trade_only_spread_bps=10
    ),
}


class SessionPlan(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that determines a session's facts besides its entries. Hashed and stored with the session."""

    mode: Mode
    strategies: tuple[StrategyVersion, ...]
    instruments: tuple[Instrument, ...]
    capital: Decimal
    currency: str
    profile: SimulationProfile


class StartSession(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The trader's request to start a session. Strategies by name; symbols as instrument ids or unambiguous symbols.

    A session of mode RECORD has no strategies.
    """

    strategies: tuple[str, ...]
    symbols: tuple[str, ...]
    mode: Mode = "PAPER"
    feed: str | None = None
    capital: Decimal = Decimal(10_000)
    profile: Literal["optimistic", "standard", "pessimistic"] = "standard"


class SessionRow(msgspec.Struct, frozen=True, kw_only=True):
    """One revision of a session's row; the newest revision is the session. Times in microseconds UTC, wall clock."""

    session_id: SessionId
    revision: int
    epoch: str
    created_ts: int
    updated_ts: int
    feed: str
    state: Lifecycle
    reason: str
    is_degraded: bool
    entries_paused: bool
    idempotency_key: str | None
    plan: SessionPlan
    instances: tuple[tuple[str, InstrumentId], ...]
