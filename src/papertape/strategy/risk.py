"""May this entry become an order? The typed reasons why not, and the size when it may."""

from __future__ import annotations

from decimal import ROUND_DOWN, Decimal

import msgspec

from papertape.model.instrument import Instrument
from papertape.strategy.definition import EntryOrder, Size, StrategyDefinition
from papertape.strategy.words import number_text

_HUNDRED = Decimal(100)


class Refusal(msgspec.Struct, frozen=True):
    """Why a signal became no order: a stable code and a sentence. Final: no waiting can cure it."""

    code: str
    sentence: str
    is_final: bool = False


class Desk(msgspec.Struct, frozen=True, kw_only=True):
    """The session at the moment of an entry. Money in the account's currency, percentages of equity.

    `open_positions` and `exposure` include entries on their way; `free` is equity not bound as margin;
    `quote_age_us` is None where the venue shows no quotes; `price` is what the entry would pay, None without a market.
    """

    paused_because: str | None
    open_positions: int
    exposure: Decimal
    equity: Decimal
    free: Decimal
    loss_today_pct: float
    drawdown_pct: float
    trades_today: int
    price: Decimal | None
    price_age_us: int | None
    stale_after_us: int
    taker_fee: Decimal


def venue_refusal(definition: StrategyDefinition, instrument: Instrument) -> Refusal | None:
    """Return why a strategy can never trade an instrument, or None: shorting spot, kind, leverage."""
    order = definition.sections.Z1.order
    if order.side == "short" and instrument.kind == "spot":
        return Refusal(
            "venue.short_not_allowed",
            f"{instrument.id} is spot and cannot be sold short; choose a perpetual.",
            is_final=True,
        )
    if definition.instruments not in ("any", instrument.kind):
        return Refusal(
            "venue.kind_not_allowed",
            f"{definition.name} trades {definition.instruments} only and {instrument.id} is {instrument.kind}.",
            is_final=True,
        )
    if order.leverage > instrument.max_leverage:
        return Refusal(
            "venue.leverage_not_allowed",
            f"Leverage {order.leverage} is above the {instrument.max_leverage} that {instrument.id} allows.",
            is_final=True,
        )
    return None


def entry_refusal(definition: StrategyDefinition, instrument: Instrument, desk: Desk) -> Refusal | None:
    """Return the first reason why no entry may be sent now, or None; size is checked by `entry_quantity`."""
    never = venue_refusal(definition, instrument)
    if never is not None:
        return never
    if desk.paused_because is not None:
        return Refusal("session.entries_paused", desk.paused_because)
    return _market_refusal(instrument, desk) or _limit_refusal(definition, desk)


def entry_quantity(definition: StrategyDefinition, instrument: Instrument, desk: Desk) -> Decimal | Refusal:
    """Return the quantity in base units on the instrument's increment, rounded down, or why there is none.

    Fixed amount: quote / price. Percent of equity: equity · pct / price. Risk: equity · risk / (price · stop distance),
    so that the stop loses `risk_pct` of equity before costs.
    """
    order, price = definition.sections.Z1.order, desk.price
    if price is None:
        return _no_market(instrument)
    notional = _notional(order.size, order, desk.equity)
    quantity = (notional / price / instrument.size_increment).to_integral_value(ROUND_DOWN) * instrument.size_increment
    notional = quantity * price
    if quantity < instrument.min_quantity or quantity <= 0 or notional < instrument.min_notional:
        return Refusal(
            "venue.min_notional",
            f"The order would be {number_text(float(notional), instrument.quote)}, below the venue's minimum of "
            f"{max(instrument.min_notional, instrument.min_quantity * price):.2f} {instrument.quote}; raise its size.",
            is_final=True,
        )
    need = notional / order.leverage + notional * desk.taker_fee
    if need > desk.free:
        return Refusal(
            "funds.insufficient",
            f"The order needs {need:.2f} {instrument.quote} and {max(desk.free, Decimal(0)):.2f} are free.",
            is_final=True,
        )
    return quantity if definition.limits.max_exposure_pct is None else _within_exposure(definition, desk, quantity)


def _notional(size: Size, order: EntryOrder, equity: Decimal) -> Decimal:
    if size.quote is not None:
        return _exact(size.quote)
    if size.equity_pct is not None:
        return equity * _exact(size.equity_pct) / _HUNDRED
    return equity * _exact(size.risk_pct or 0.0) / _exact(order.stop_loss_pct or 100.0)


def _within_exposure(definition: StrategyDefinition, desk: Desk, quantity: Decimal) -> Decimal | Refusal:
    limit = definition.limits.max_exposure_pct or 0.0
    after = desk.exposure + quantity * (desk.price or Decimal(0))
    if desk.equity <= 0 or after / desk.equity * _HUNDRED > _exact(limit):
        return Refusal(
            "risk.max_exposure",
            f"The session would be exposed with {after:.2f}, more than {limit:g} % of its equity of {desk.equity:.2f}.",
        )
    return quantity


def _market_refusal(instrument: Instrument, desk: Desk) -> Refusal | None:
    if desk.price is None or desk.price_age_us is None:
        return _no_market(instrument)
    if desk.price_age_us > desk.stale_after_us:
        return Refusal(
            "feed.stale_book",
            f"The newest price of {instrument.symbol} is {desk.price_age_us // 1_000_000} s old; "
            f"entries need one of at most {desk.stale_after_us / 1_000_000:g} s.",
        )
    return None


def _no_market(instrument: Instrument) -> Refusal:
    return Refusal("feed.stale_book", f"There is no price of {instrument.symbol} to trade at yet.")


def _limit_refusal(definition: StrategyDefinition, desk: Desk) -> Refusal | None:
    limits = definition.limits
    for code, limit, now, sentence in (
        ("risk.max_open_positions", limits.max_open_positions, desk.open_positions, _positions_sentence),
        ("risk.trades_per_day", limits.max_trades_per_day, desk.trades_today, _trades_sentence),
        ("risk.daily_loss", limits.max_daily_loss_pct, desk.loss_today_pct, _loss_sentence),
        ("risk.max_drawdown", limits.max_drawdown_pct, desk.drawdown_pct, _drawdown_sentence),
    ):
        if limit is not None and now >= limit:
            return Refusal(code, sentence(now, limit))
    return None


def _positions_sentence(now: float, limit: float) -> str:
    return f"{now:g} positions are open or being opened; the limit is {limit:g}."


def _trades_sentence(now: float, limit: float) -> str:
    return f"{now:g} positions were opened today; the limit is {limit:g}."


def _loss_sentence(now: float, limit: float) -> str:
    return f"The session has lost {number_text(now, '%')} today; entries stop at {limit:g} %."


def _drawdown_sentence(now: float, limit: float) -> str:
    return f"The session is {number_text(now, '%')} below its highest equity; entries stop at {limit:g} %."


def _exact(number: float) -> Decimal:
    return Decimal(repr(number))
