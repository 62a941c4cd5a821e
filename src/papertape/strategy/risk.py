"""May this entry become an order? The typed reasons why not, and the size when it may, in exact integers.

Money is in the account's smallest unit, prices and sizes are the instrument's integers, times microseconds UTC.
"""

# kernel: compiled by scripts/kernel_build.py

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from math import inf, nan

import msgspec

from papertape.model.buffers import Exact
from papertape.model.instrument import Instrument
from papertape.model.narrow import is_small_product, narrow
from papertape.model.trading_rules import money_factor, smallest_lots, smallest_notional
from papertape.strategy.definition import EntryOrder, StrategyDefinition
from papertape.strategy.durations import duration_us
from papertape.strategy.words import number_text

ALLOWED = 0
NEVER_ALLOWED, PAUSED, NO_MARKET, STALE, MAX_POSITIONS, MAX_TRADES, DAILY_LOSS, MAX_DRAWDOWN = 1, 2, 3, 4, 5, 6, 7, 8
TOO_SMALL, NO_FUNDS, MAX_EXPOSURE = 9, 10, 11
"""The answers of `judge`."""

NO_LIMIT = 9_223_372_036_854_775_807
BY_BID, BY_ASK, BY_MID = 0, 1, 2
_MOST_LOTS = 1 << 62


class Refusal(msgspec.Struct, frozen=True):
    """Why a signal became no order: a stable code and a sentence. Final: no waiting can cure it."""

    code: str
    sentence: str
    is_final: bool = False


class EntryTerms:
    """What a definition asks of an entry on one instrument, compiled once.

    Sizes, offsets and limits are exact fractions of the shortest decimal texts of their numbers. The limit price is
    `reference × limit_numerator / limit_denominator` increments. Percentages are NaN where there are none.
    """

    __slots__ = (
        "expires_us",
        "exposure_denominator",
        "exposure_numerator",
        "factor",
        "has_exposure_limit",
        "instrument",
        "is_by_equity",
        "is_limit",
        "is_long",
        "leverage",
        "limit_denominator",
        "limit_numerator",
        "max_drawdown_pct",
        "max_exposure_pct",
        "max_loss_pct",
        "max_positions",
        "max_trades",
        "min_notional",
        "min_quantity",
        "money_decimals",
        "need_denominator",
        "need_numerator",
        "never",
        "reference",
        "size_denominator",
        "size_numerator",
        "step",
        "stop_loss_pct",
        "take_profit_pct",
        "tick",
    )
    instrument: Instrument
    money_decimals: int
    never: Refusal | None
    is_long: bool
    is_limit: bool
    reference: int
    limit_numerator: Exact
    limit_denominator: Exact
    expires_us: int
    stop_loss_pct: float
    take_profit_pct: float
    leverage: int
    tick: int
    step: int
    factor: Exact
    min_quantity: int
    min_notional: Exact
    is_by_equity: bool
    size_numerator: Exact
    size_denominator: Exact
    need_numerator: Exact
    need_denominator: Exact
    max_positions: int
    max_trades: int
    max_loss_pct: float
    max_drawdown_pct: float
    has_exposure_limit: bool
    max_exposure_pct: float
    exposure_numerator: Exact
    exposure_denominator: Exact

    def __init__(
        self, definition: StrategyDefinition, instrument: Instrument, money_decimals: int, taker_fee: Decimal
    ) -> None:
        order = definition.sections.Z1.order
        self.instrument = instrument
        self.money_decimals = money_decimals
        self.never = venue_refusal(definition, instrument)
        self.is_long = order.side == "long"
        self.stop_loss_pct = nan if order.stop_loss_pct is None else order.stop_loss_pct
        self.take_profit_pct = nan if order.take_profit_pct is None else order.take_profit_pct
        self.leverage = order.leverage
        self.tick = instrument.price_int(instrument.price_increment)
        self.step = instrument.size_int(instrument.size_increment)
        self.factor = money_factor(instrument, money_decimals)
        self.min_quantity = smallest_lots(instrument)
        self.min_notional = smallest_notional(instrument, money_decimals)
        self._set_limit(order)
        self._set_size(order)
        fee_numerator, fee_denominator = taker_fee.as_integer_ratio()
        self.need_numerator = fee_denominator + order.leverage * fee_numerator
        self.need_denominator = order.leverage * fee_denominator
        limits = definition.limits
        self.max_positions = limits.max_open_positions or NO_LIMIT
        self.max_trades = limits.max_trades_per_day or NO_LIMIT
        self.max_loss_pct = limits.max_daily_loss_pct or inf
        self.max_drawdown_pct = limits.max_drawdown_pct or inf
        self.has_exposure_limit = limits.max_exposure_pct is not None
        self.max_exposure_pct = limits.max_exposure_pct or 0.0
        self.exposure_numerator, self.exposure_denominator = _fraction(self.max_exposure_pct).as_integer_ratio()

    def _set_limit(self, order: EntryOrder) -> None:
        self.is_limit = order.type == "limit" and order.limit is not None
        self.reference = BY_MID
        self.expires_us = NO_LIMIT
        offset = Fraction(0)
        if order.limit is not None:
            self.reference = ("bid", "ask", "mid").index(order.limit.reference)
            self.expires_us = duration_us(order.limit.expires_after)
            offset = _fraction(order.limit.offset_pct) / 100
        # The mid is kept as the sum of both sides, so it is halved here.
        halves = 2 if self.reference == BY_MID else 1
        steps = (1 - offset if self.is_long else 1 + offset) / (self.tick * halves)
        self.limit_numerator, self.limit_denominator = steps.as_integer_ratio()

    def _set_size(self, order: EntryOrder) -> None:
        size = order.size
        self.is_by_equity = size.quote is None
        if size.quote is not None:
            amount = _fraction(size.quote) * Fraction("1e" + str(self.money_decimals))
        elif size.equity_pct is not None:
            amount = _fraction(size.equity_pct) / 100
        else:
            amount = _fraction(size.risk_pct or 0.0) / _fraction(order.stop_loss_pct or 100.0)
        steps = amount / self.step / self.factor
        self.size_numerator, self.size_denominator = steps.as_integer_ratio()

    def needs_equity(self) -> bool:
        """Return whether a judgement reads equity or drawdown."""
        return self.is_by_equity or self.has_exposure_limit or self.max_drawdown_pct < inf

    def limit_price(self, bid: int, ask: int) -> Exact:
        """Return the limit price of an entry by the touch, on the increment, on the side that favours the entry."""
        reference = bid + ask if self.reference == BY_MID else ask if self.reference == BY_ASK else bid
        numerator = self.limit_numerator * reference
        if self.is_long:
            return numerator // self.limit_denominator * self.tick
        return -(-numerator // self.limit_denominator) * self.tick


class Desk:
    """The session at the moment of an entry, and what `judge` made of it.

    `open_positions` and `exposure` include entries on their way; `free` is equity not bound as margin. `price` is what
    the entry would pay, 0 without a market. Equity and drawdown count only where the terms need them. `quantity`,
    `notional` and `margin` are the sized order's.
    """

    __slots__ = (
        "drawdown_pct",
        "equity",
        "exposure",
        "free",
        "loss_today_pct",
        "margin",
        "notional",
        "open_positions",
        "paused_because",
        "price",
        "price_age_us",
        "quantity",
        "stale_after_us",
        "trades_today",
    )
    paused_because: str
    open_positions: int
    exposure: Exact
    equity: Exact
    free: Exact
    loss_today_pct: float
    drawdown_pct: float
    trades_today: int
    price: int
    price_age_us: int
    stale_after_us: int
    quantity: int
    notional: Exact
    margin: Exact

    def __init__(self, stale_after_us: int) -> None:
        self.paused_because = ""
        self.open_positions = 0
        self.exposure = self.equity = self.free = self.notional = self.margin = 0
        self.loss_today_pct = self.drawdown_pct = 0.0
        self.trades_today = self.price = self.price_age_us = self.quantity = 0
        self.stale_after_us = stale_after_us


def terms_of(
    definition: StrategyDefinition, instrument: Instrument, money_decimals: int, taker_fee: Decimal
) -> EntryTerms:
    """Compile the entry of a definition on an instrument."""
    return EntryTerms(definition, instrument, money_decimals, taker_fee)


def judge(terms: EntryTerms, desk: Desk) -> int:
    """Return `ALLOWED` and size the order, or the first reason why no entry may be sent now."""
    if terms.never is not None:
        return NEVER_ALLOWED
    if desk.paused_because:
        return PAUSED
    if desk.price <= 0:
        return NO_MARKET
    if desk.price_age_us > desk.stale_after_us:
        return STALE
    if desk.open_positions >= terms.max_positions:
        return MAX_POSITIONS
    if desk.trades_today >= terms.max_trades:
        return MAX_TRADES
    if desk.loss_today_pct >= terms.max_loss_pct:
        return DAILY_LOSS
    if desk.drawdown_pct >= terms.max_drawdown_pct:
        return MAX_DRAWDOWN
    return _size(terms, desk)


def _size(terms: EntryTerms, desk: Desk) -> int:
    desk.quantity = _steps(terms, desk) * terms.step
    desk.notional = desk.quantity * terms.factor * desk.price
    if desk.quantity < terms.min_quantity or desk.quantity <= 0 or desk.notional < terms.min_notional:
        return TOO_SMALL
    # need = notional / leverage + notional · fee
    if desk.notional * terms.need_numerator > desk.free * terms.need_denominator:
        return NO_FUNDS
    desk.margin = desk.notional if terms.leverage == 1 else -(-desk.notional // terms.leverage)
    if terms.has_exposure_limit:
        after = (desk.exposure + desk.notional) * 100 * terms.exposure_denominator
        if desk.equity <= 0 or after > terms.exposure_numerator * desk.equity:
            return MAX_EXPOSURE
    return ALLOWED


def _steps(terms: EntryTerms, desk: Desk) -> int:
    # Fixed amount: quote / price. Percent of equity: equity · pct / price. Risk: equity · risk / (price · stop
    # distance), so that the stop loses `risk_pct` of equity before costs. Rounded towards nothing to the increment.
    amount = terms.size_numerator
    if terms.is_by_equity:
        amount = amount * desk.equity
    most = _MOST_LOTS // terms.step
    small = narrow(amount)
    per_lot = narrow(terms.size_denominator)
    if small >= 0 and is_small_product(per_lot, desk.price):
        return min(small // (per_lot * desk.price), most)
    per_step = terms.size_denominator * desk.price
    steps = amount // per_step if amount >= 0 else -(-amount // per_step)
    whole: int = min(steps, most)
    return whole


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


def refusal_of(answer: int, terms: EntryTerms, desk: Desk) -> Refusal:
    """Return an answer of `judge` in words, with the numbers of the desk as it was judged."""
    if answer == NEVER_ALLOWED and terms.never is not None:
        return terms.never
    if answer == PAUSED:
        return Refusal("session.entries_paused", desk.paused_because)
    if answer in (NO_MARKET, STALE):
        return _market_refusal(answer, terms, desk)
    if answer in (TOO_SMALL, NO_FUNDS, MAX_EXPOSURE):
        return _size_refusal(answer, terms, desk)
    return _limit_refusal(answer, terms, desk)


def _market_refusal(answer: int, terms: EntryTerms, desk: Desk) -> Refusal:
    symbol = terms.instrument.symbol
    if answer == NO_MARKET:
        return Refusal("feed.stale_book", f"There is no price of {symbol} to trade at yet.")
    stale_after_s = float(desk.stale_after_us) / 1_000_000.0
    return Refusal(
        "feed.stale_book",
        f"The newest price of {symbol} is {desk.price_age_us // 1_000_000} s old; "
        f"entries need one of at most {stale_after_s:g} s.",
    )


def _limit_refusal(answer: int, terms: EntryTerms, desk: Desk) -> Refusal:
    if answer == MAX_POSITIONS:
        return Refusal(
            "risk.max_open_positions",
            f"{desk.open_positions:g} positions are open or being opened; the limit is {terms.max_positions:g}.",
        )
    if answer == MAX_TRADES:
        return Refusal(
            "risk.trades_per_day",
            f"{desk.trades_today:g} positions were opened today; the limit is {terms.max_trades:g}.",
        )
    if answer == DAILY_LOSS:
        lost = number_text(desk.loss_today_pct, "%")
        sentence = f"The session has lost {lost} today; entries stop at {terms.max_loss_pct:g} %."
        return Refusal("risk.daily_loss", sentence)
    below = number_text(desk.drawdown_pct, "%")
    sentence = f"The session is {below} below its highest equity; entries stop at {terms.max_drawdown_pct:g} %."
    return Refusal("risk.max_drawdown", sentence)


def _size_refusal(answer: int, terms: EntryTerms, desk: Desk) -> Refusal:
    quote, unit = terms.instrument.quote, terms.money_decimals
    notional = _amount(desk.notional, unit)
    if answer == TOO_SMALL:
        price = terms.instrument.price_decimal(desk.price)
        least = max(terms.instrument.min_notional, terms.instrument.min_quantity * price)
        return Refusal(
            "venue.min_notional",
            f"The order would be {number_text(float(notional), quote)}, below the venue's minimum of "
            f"{least:.2f} {quote}; raise its size.",
            is_final=True,
        )
    if answer == NO_FUNDS:
        need = notional * Decimal(terms.need_numerator) / Decimal(terms.need_denominator)
        free = max(_amount(desk.free, unit), Decimal(0))
        return Refusal(
            "funds.insufficient", f"The order needs {need:.2f} {quote} and {free:.2f} are free.", is_final=True
        )
    after, equity = _amount(desk.exposure + desk.notional, unit), _amount(desk.equity, unit)
    return Refusal(
        "risk.max_exposure",
        f"The session would be exposed with {after:.2f}, more than {terms.max_exposure_pct:g} % of its equity of "
        f"{equity:.2f}.",
    )


def _amount(units: Exact, money_decimals: int) -> Decimal:
    return Decimal(units).scaleb(-money_decimals)


def _fraction(number: float) -> Fraction:
    return Fraction(repr(number))
