"""Turns the venue's rows of the log into facts. All that a fact says is in its row, but for names that never change."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import msgspec

from papertape.broker.broker import Broker
from papertape.broker.lifecycle import ORDER_TYPES, PURPOSES, STATUSES, TAKE_PROFIT
from papertape.broker.market import UNSEEN
from papertape.broker.matching import (
    LAST_TRADE,
    QUEUE_CLEARED,
    RULES,
    STOP_TRIGGERED,
    TARGET_TRIGGERED,
    TOUCH_BEYOND,
    TRADE_THROUGH,
)
from papertape.broker.money import amount_decimal, average_decimal, average_price, fee_decimal
from papertape.broker.owner import BY_INTENT, BY_TRIGGER, NO_PRICE, UNKNOWN, Order
from papertape.broker.rows import CLOSING, IS_MAKER, MEANT, NO_REFERENCE, PROTECTS, SAID
from papertape.model.events import (
    AccountChanged,
    EquityMarked,
    Evidence,
    OrderFilled,
    OrderUpdated,
    PositionChanged,
)
from papertape.model.fact_log import ACCOUNT, FILL, NO_REASON, ORDER, POSITION, Reason
from papertape.model.fact_rows import FactRows
from papertape.model.instrument import Instrument

VenueFact = OrderUpdated | OrderFilled | PositionChanged | AccountChanged | EquityMarked
Words = Callable[[int], str]
"""The text of the reason at a place."""


class Names(msgspec.Struct, frozen=True):
    """What rows name by number: strategy and instrument by the owner's index, and the unit of money."""

    owners: tuple[tuple[str, Instrument], ...]
    currency: str
    money_decimals: int


def names_of(broker: Broker) -> Names:
    """Return the names of a venue that has all its owners."""
    owners = tuple((owner.strategy, owner.market.instrument) for owner in broker.owners)
    return Names(owners, broker.currency, broker.money_decimals)


def fact_of(rows: FactRows, row: int, names: Names, words: Words) -> VenueFact:
    """Return the fact of a row of the kinds ORDER, FILL, POSITION, ACCOUNT or EQUITY."""
    kind = rows.go(row)
    if kind == ORDER:
        return _order(rows, names, words)
    if kind == FILL:
        return _fill(rows, names)
    if kind == POSITION:
        return _position(rows, names, words)
    return _account(rows, names) if kind == ACCOUNT else _equity(rows, names)


def reason_of(order: Order, words: Callable[[Reason], str]) -> str:
    """Return why an order is as it is now."""
    if order.said:
        return order.said
    if order.withdrawn is not None:
        return f"closing: {words(order.withdrawn)}" if order.is_closing else words(order.withdrawn)
    if order.cause == BY_INTENT:
        return words(order.intent)
    if order.cause == BY_TRIGGER:
        return _triggered(order.owner.market.instrument, order.purpose, order.trigger_trade, order.trigger)
    return _protects(order.purpose, order.entry_number, order.is_above, order.pct)


def _order(rows: FactRows, names: Names, words: Words) -> OrderUpdated:
    take = rows.take_int
    seq, ts, entry_seq, number = take(), take(), take(), take()
    strategy, rules = names.owners[take()]
    is_buy, order_type, purpose, quantity, limit, trigger = take(), take(), take(), take(), take(), take()
    status, filled, price_lots = take(), take(), rows.take_exact()
    return OrderUpdated(
        seq=seq,
        ts=ts,
        entry_seq=entry_seq,
        order_id=f"O-{number}",
        strategy=strategy,
        instrument=rules.id,
        side="buy" if is_buy else "sell",
        order_type=ORDER_TYPES[order_type],
        purpose=PURPOSES[purpose],
        quantity=rules.size_decimal(quantity),
        limit_price=_price(rules, limit),
        trigger_price=_price(rules, trigger),
        status=STATUSES[status],
        filled_quantity=rules.size_decimal(filled),
        average_price=average_price(rules, price_lots, filled) if filled else None,
        reason=_reason(rows, rules, words),
    )


def _fill(rows: FactRows, names: Names) -> OrderFilled:
    take = rows.take_int
    seq, ts, entry_seq, number, order_number = take(), take(), take(), take(), take()
    strategy, rules = names.owners[take()]
    is_buy, purpose, price, size, fee, kind = take(), take(), take(), take(), rows.take_exact(), take()
    slippage, bid, ask, age_us, rule, shown_rule = take(), take(), take(), take(), take(), take()
    return OrderFilled(
        seq=seq,
        ts=ts,
        entry_seq=entry_seq,
        fill_id=f"F-{number}",
        order_id=f"O-{order_number}",
        strategy=strategy,
        instrument=rules.id,
        side="buy" if is_buy else "sell",
        price=rules.price_decimal(price),
        quantity=rules.size_decimal(size),
        fee=fee_decimal(fee, names.money_decimals),
        liquidity="maker" if kind == IS_MAKER else "taker",
        purpose=PURPOSES[purpose],
        evidence=Evidence(
            rule=RULES[rule],
            detail=_detail(rows, rules, rule, shown_rule),
            best_bid=rules.price_decimal(bid) if bid else None,
            best_ask=rules.price_decimal(ask) if ask else None,
            book_age_us=None if age_us == UNSEEN else age_us,
            slippage=Decimal(0) if kind in (IS_MAKER, NO_REFERENCE) else rules.price_decimal(slippage),
        ),
    )


def _detail(rows: FactRows, rules: Instrument, rule: int, shown_rule: int) -> str:
    take = rows.take_int
    if shown_rule in (TRADE_THROUGH, QUEUE_CLEARED):
        trade_id, lots, price, before, after = rows.take_text(), take(), take(), take(), take()
        queue = "unknown" if before == UNKNOWN else str(rules.size_decimal(before))
        print_of = f"{rules.size_decimal(lots)} at {rules.price_decimal(price)}"
        return f"trade {trade_id} of {print_of}; queue ahead {queue}, then {rules.size_decimal(max(0, after))}"
    price, number = take(), take()
    if shown_rule == LAST_TRADE:
        text = f"no quotes: last trade at {rules.price_decimal(price)} and {number} basis points of spread"
    else:
        how = "assumed past the touch" if shown_rule == TOUCH_BEYOND else "displayed"
        text = f"{rules.size_decimal(number)} {how} at {rules.price_decimal(price)}"
    return f"{RULES[shown_rule]}, {text}" if rule in (STOP_TRIGGERED, TARGET_TRIGGERED) else text


def _position(rows: FactRows, names: Names, words: Words) -> PositionChanged:
    take = rows.take_int
    seq, ts, entry_seq, number = take(), take(), take(), take()
    strategy, rules = names.owners[take()]
    is_long, quantity, average = take(), take(), rows.take_exact()
    exit_cost, exit_quantity, stop, target = rows.take_exact(), take(), take(), take()
    gross, fees, opened_ts, closed_ts = rows.take_exact(), rows.take_exact(), take(), take()
    return PositionChanged(
        seq=seq,
        ts=ts,
        entry_seq=entry_seq,
        position_id=f"P-{number}",
        strategy=strategy,
        instrument=rules.id,
        side="long" if is_long else "short",
        status="open" if quantity else "closed",
        quantity=rules.size_decimal(quantity),
        entry_price=average_decimal(rules, average),
        exit_price=average_price(rules, exit_cost, exit_quantity) if exit_quantity else None,
        stop_price=_price(rules, stop),
        target_price=_price(rules, target),
        realized_pnl=amount_decimal(gross - fees, names.money_decimals),
        fees=amount_decimal(fees, names.money_decimals),
        opened_ts=opened_ts,
        closed_ts=None if quantity else closed_ts,
        reason=_reason(rows, rules, words),
    )


def _account(rows: FactRows, names: Names) -> AccountChanged:
    take, decimals = rows.take_int, names.money_decimals
    return AccountChanged(
        seq=take(),
        ts=take(),
        entry_seq=take(),
        currency=names.currency,
        cash=amount_decimal(rows.take_exact(), decimals),
        realized_pnl=amount_decimal(rows.take_exact(), decimals),
        fees=amount_decimal(rows.take_exact(), decimals),
        open_positions=take(),
    )


def _equity(rows: FactRows, names: Names) -> EquityMarked:
    take, decimals = rows.take_int, names.money_decimals
    seq, ts, entry_seq = take(), take(), take()
    equity, cash, unrealized, exposure = (amount_decimal(rows.take_exact(), decimals) for _ in range(4))
    return EquityMarked(
        seq=seq,
        ts=ts,
        entry_seq=entry_seq,
        equity=equity,
        cash=cash,
        unrealized_pnl=unrealized,
        drawdown_pct=rows.take_float(),
        exposure=exposure,
    )


def _reason(rows: FactRows, rules: Instrument, words: Words) -> str:
    kind = rows.take_int()
    if kind == SAID:
        return rows.take_text()
    if kind in (MEANT, CLOSING):
        place = rows.take_int()
        text = "" if place == NO_REASON else words(place)
        return f"closing: {text}" if kind == CLOSING else text
    if kind == PROTECTS:
        return _protects(rows.take_int(), rows.take_int(), bool(rows.take_int()), rows.take_float())
    return _triggered(rules, rows.take_int(), rows.take_int(), rows.take_int())


def _protects(purpose: int, entry_number: int, is_above: bool, pct: float) -> str:
    where = "above" if is_above else "below"
    return f"{PURPOSES[purpose]} of O-{entry_number}: {pct} % {where} the entry price."


def _triggered(rules: Instrument, purpose: int, trade: int, trigger: int) -> str:
    what = "target" if purpose == TAKE_PROFIT else "stop"
    return (
        f"{what}_triggered: The last trade at {rules.price_decimal(trade)} reached the trigger at "
        f"{rules.price_decimal(trigger)}."
    )


def _price(rules: Instrument, price: int) -> Decimal | None:
    return None if price == NO_PRICE else rules.price_decimal(price)
