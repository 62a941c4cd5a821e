"""The definition of a strategy: a tree of frozen structs, the only thing a trader writes.

A definition names its indicators by alias, asks five questions about them (sections S1 O1 Z1 ZE1 E1), and says which
order follows when the answer is yes. It is data: `parse` checks it, `program` compiles it to tables,
nothing executes it.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from papertape.strategy.durations import DURATION_PATTERN

Operator = Literal[">", ">=", "<", "<=", "between", "outside", "crosses_above", "crosses_below"]
SectionName = Literal["S1", "O1", "Z1", "ZE1", "E1"]
Duration = Annotated[str, Meta(pattern=DURATION_PATTERN, description="A number and a unit: 500ms, 30s, 5m, 1h, 1d.")]
Percent = Annotated[float, Meta(gt=0, le=100)]
Alias = Annotated[str, Meta(pattern="^[a-z][a-z0-9_]{0,39}$")]


class GivenValue(msgspec.Struct, frozen=True):
    """A value every strategy can read without declaring an indicator: the words for it, its unit, its meaning."""

    words: str
    unit: str
    meaning: str


INSTANCE_VALUES: dict[str, GivenValue] = {
    "unrealized_pnl_pct": GivenValue("open profit", "%", "profit of the open position, percent of its entry price"),
    "position_age_s": GivenValue("position age", "s", "time since the first fill of the open position"),
    "signal_age_s": GivenValue("signal age", "s", "time since the signal was found"),
    "drawdown_from_peak_pct": GivenValue(
        "retreat from the best price", "%", "retreat of the closing price from its best since entry"
    ),
    "runup_pct": GivenValue("best profit so far", "%", "best profit of the open position, percent of its entry price"),
}
"""Values of the instance itself. Undecided while there is no position (or no signal)."""

SESSION_VALUES: dict[str, GivenValue] = {
    "trades_today": GivenValue("trades today", "trades", "positions opened by the session since 00:00 UTC"),
    "loss_today_pct": GivenValue(
        "loss today", "%", "loss of equity since 00:00 UTC or the start, 0 in profit; as of the last full second"
    ),
    "open_positions": GivenValue("open positions", "positions", "positions the session holds now"),
}
"""Values of the whole session, over all of its strategies and instruments."""


class _Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    pass


class IndicatorUse(_Part, frozen=True, kw_only=True):
    """One indicator under an alias. `name` is the noun phrase shown to traders: "price rise in 60 s"."""

    kind: str
    params: dict[str, float] = {}
    name: str | None = None


class Condition(_Part, frozen=True, kw_only=True):
    """A comparison, or a group of conditions under exactly one of `all`, `any`, `none`.

    A comparison is `indicator op threshold` (a number; `[low, high]` for between and outside) or `indicator op other`
    (another alias). `for` asks that it held without a break; `within` that it held at some time in that window.
    """

    indicator: str | None = None
    op: Operator | None = None
    threshold: float | tuple[float, float] | None = None
    other: str | None = None
    for_: Duration | None = msgspec.field(name="for", default=None)
    within: Duration | None = None
    name: str | None = None
    all_: tuple[Condition, ...] | None = msgspec.field(name="all", default=None)
    any_: tuple[Condition, ...] | None = msgspec.field(name="any", default=None)
    none_: tuple[Condition, ...] | None = msgspec.field(name="none", default=None)


class Section(_Part, frozen=True, kw_only=True):
    """One question. A list of conditions means all of them. `name` is what is looked for: "a pump"."""

    name: str | None = None
    description: str | None = None
    conditions: tuple[Condition, ...] = ()


class CancelSection(Section, frozen=True, kw_only=True):
    """O1: drop the found signal when its conditions hold or after `timeout`."""

    timeout: Duration | None = None


class Size(_Part, frozen=True, kw_only=True):
    """Exactly one of: a fixed amount of the quote currency, percent of equity, percent of equity lost at the stop."""

    quote: Annotated[float, Meta(gt=0)] | None = None
    equity_pct: Annotated[float, Meta(gt=0, le=1000)] | None = None
    risk_pct: Percent | None = None


class LimitPrice(_Part, frozen=True, kw_only=True):
    """Where a limit entry rests: `offset_pct` away from the reference, positive is the more favourable side."""

    reference: Literal["bid", "ask", "mid"] = "mid"
    offset_pct: Annotated[float, Meta(ge=-10, le=50)] = 0.0
    expires_after: Duration = "60s"


class EntryOrder(_Part, frozen=True, kw_only=True):
    """The order that Z1 sends. Stop and target are percent of the fill price and rest at the venue."""

    side: Literal["long", "short"]
    size: Size
    type: Literal["market", "limit"] = "market"
    limit: LimitPrice | None = None
    stop_loss_pct: Percent | None = None
    take_profit_pct: Percent | None = None
    leverage: Annotated[int, Meta(ge=1, le=125)] = 1


class EntrySection(Section, frozen=True, kw_only=True):
    """Z1: the conditions to enter (none: at once after the signal) and the order."""

    order: EntryOrder


class Sections(_Part, frozen=True, kw_only=True):
    """The five questions. S1 and Z1 are required."""

    S1: Section
    Z1: EntrySection
    O1: CancelSection | None = None
    ZE1: Section | None = None
    E1: Section | None = None


class Cooldown(_Part, frozen=True, kw_only=True):
    """How long an instance rests: after an exit, after a losing exit, after a signal that became no position."""

    after_exit: Duration = "60s"
    after_loss: Duration | None = None
    after_cancel: Duration = "10s"


class Limits(_Part, frozen=True, kw_only=True):
    """Limits on new entries of this strategy, measured over the whole session. Exits never meet a limit."""

    max_open_positions: Annotated[int, Meta(ge=1, le=1000)] | None = None
    max_exposure_pct: Annotated[float, Meta(gt=0, le=12500)] | None = None
    max_daily_loss_pct: Percent | None = None
    max_drawdown_pct: Percent | None = None
    max_trades_per_day: Annotated[int, Meta(ge=1, le=100_000)] | None = None


class StrategyDefinition(_Part, frozen=True, kw_only=True):
    """A strategy, as written by a trader and recorded with every session that runs it."""

    name: Annotated[str, Meta(pattern="^[a-z0-9][a-z0-9-]{0,62}$")]
    sections: Sections
    indicators: dict[Alias, IndicatorUse] = {}
    title: str | None = None
    description: str | None = None
    instruments: Literal["any", "spot", "perpetual"] = "any"
    cooldown: Cooldown = Cooldown()
    limits: Limits = Limits()


def section_of(definition: StrategyDefinition, code: SectionName) -> Section | None:
    """Return a section by its code, or None when it is not defined."""
    sections = definition.sections
    found: dict[SectionName, Section | None] = {
        "S1": sections.S1,
        "O1": sections.O1,
        "Z1": sections.Z1,
        "ZE1": sections.ZE1,
        "E1": sections.E1,
    }
    return found[code]
