"""What a backtest is asked for, how far it is, and what it came to."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

import msgspec

from papertape.model.session import StrategyVersion

BacktestId = str
"""`backtest_20251227_165822_fe61be26`: UTC date and time of its request, and eight hex digits."""

BacktestState = Literal["waiting", "running", "finished", "failed", "cancelled"]
"""`waiting` for its turn; the last three are ends."""

Grade = Literal["quotes", "trades", "bars"]
"""What orders meet: the best of quotes, trades and bars that every instrument of a backtest over files has."""

ProfileName = Literal["optimistic", "standard", "pessimistic"]


class StartBacktest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The trader's request to run strategies over what was recorded.

    `data` is `session:ID`, the tape of a session of this desk, or `import:NAME`, a file or folder in the data folder's
    `imports`. Without `symbols` all of its instruments are taken. `warmup_s`: seconds that only warm up; when not
    given 60, or what the session warmed up on.
    """

    data: str
    strategies: tuple[str, ...]
    symbols: tuple[str, ...] = ()
    capital: Decimal = Decimal(10_000)
    profile: ProfileName = "standard"
    warmup_s: float | None = None


class BacktestTask(msgspec.Struct, frozen=True, kw_only=True):
    """What one backtest runs: a request with the exact versions of its strategies."""

    data: str
    strategies: tuple[StrategyVersion, ...]
    symbols: tuple[str, ...]
    capital: Decimal
    profile: ProfileName
    warmup_s: float | None


class BacktestProgress(msgspec.Struct, frozen=True):
    """How many recorded entries were read, of how many; `total` is None where the recording does not say."""

    done: int
    total: int | None


class BacktestSummary(msgspec.Struct, frozen=True, kw_only=True):
    """What a backtest came to. Money in the plan's currency; `fill_rule` names how orders met the market."""

    strategies: tuple[str, ...]
    instruments: tuple[str, ...]
    profile: str
    fill_rule: str
    entries: int
    facts: int
    first_ts: int
    last_ts: int
    signals: int
    transitions: int
    fills: int
    round_trips: int
    winners: int
    fees: Decimal
    realized_pnl: Decimal
    initial_capital: Decimal
    final_equity: Decimal
    max_drawdown_pct: float


class BacktestResult(BacktestSummary, frozen=True, kw_only=True):
    """What `papertape backtest --json` prints: the summary, and how fast it ran."""

    seconds: float
    entries_per_s: int


class BacktestView(msgspec.Struct, frozen=True, kw_only=True):
    """A backtest of this desk: what was asked, where it stands, and its result once it has finished.

    Times in microseconds UTC. `reason` is a sentence; `code` is the failure's, None without one. `percent` is None
    while it is not known how much there is to read.
    """

    backtest_id: BacktestId
    state: BacktestState
    reason: str
    code: str | None
    data: str
    strategies: tuple[str, ...]
    symbols: tuple[str, ...]
    capital: Decimal
    profile: ProfileName
    created_ts: int
    started_ts: int | None
    ended_ts: int | None
    entries_done: int
    entries_total: int | None
    percent: float | None
    result: BacktestResult | None
