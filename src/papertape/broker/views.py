"""What panels show of the venue, made on request in Decimal; nothing here changes anything."""

from __future__ import annotations

from decimal import Decimal

from papertape.broker.broker import Broker
from papertape.broker.money import amount_decimal, average_decimal, percent
from papertape.broker.owner import NO_PRICE, Order, Position
from papertape.model.views import EquityView, OpenPosition


def position_view(position: Position, money_decimals: int) -> OpenPosition:
    """Return an open position at the price it would close at."""
    market, mark = position.owner.market, position.mark()
    unrealized = amount_decimal(position.unrealized(mark), money_decimals)
    return OpenPosition(
        position_id=f"P-{position.number}",
        strategy=position.owner.strategy,
        instrument=market.instrument.id,
        side="long" if position.is_long else "short",
        quantity=market.instrument.size_decimal(position.quantity),
        entry_price=average_decimal(market.instrument, position.average),
        mark_price=market.instrument.price_decimal(mark) if mark else None,
        unrealized_pnl=unrealized,
        unrealized_pnl_pct=percent(unrealized, amount_decimal(position.cost * market.factor, money_decimals)),
        stop_price=_trigger_price(position.stop),
        target_price=_trigger_price(position.target),
        opened_ts=position.opened_ts,
    )


def equity_view(broker: Broker, ts: int) -> EquityView:
    """Return the account marked at the prices its positions would close at."""
    account, decimals = broker.account, broker.money_decimals
    unrealized = account.unrealized()
    equity = account.cash + unrealized
    return EquityView(
        key="account",
        currency=broker.currency,
        initial_capital=amount_decimal(account.capital, decimals),
        equity=amount_decimal(equity, decimals),
        cash=amount_decimal(account.cash, decimals),
        realized_pnl=amount_decimal(account.realized, decimals),
        unrealized_pnl=amount_decimal(unrealized, decimals),
        fees=amount_decimal(account.fees, decimals),
        drawdown_pct=account.drawdown_pct(equity),
        open_positions=tuple(
            position_view(position, decimals) for position in sorted(account.positions, key=lambda each: each.number)
        ),
        ts=ts,
    )


def _trigger_price(order: Order | None) -> Decimal | None:
    if order is None or order.trigger == NO_PRICE or not order.is_working():
        return None
    return order.owner.market.instrument.price_decimal(order.trigger)
