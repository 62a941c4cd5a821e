"""From a yes of Z1 to an order intent, or to the typed reason why there is none."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from papertape.broker import Broker, MarketState
from papertape.engine.instance import Instance
from papertape.engine.session_state import SessionState
from papertape.model.instrument import Instrument
from papertape.model.orders import OrderIntent
from papertape.model.session import SimulationProfile
from papertape.strategy.definition import EntryOrder
from papertape.strategy.durations import duration_us
from papertape.strategy.risk import Desk, Refusal, entry_quantity, entry_refusal

_HUNDRED = Decimal(100)


class EntryDesk:
    """Judges entries against the session's limits and makes their intents; changes nothing."""

    def __init__(
        self, broker: Broker, profile: SimulationProfile, session: SessionState, instances: Sequence[Instance]
    ) -> None:
        self._broker = broker
        self._profile = profile
        self._session = session
        self._instances = instances

    def intent(self, instance: Instance, reason: str) -> OrderIntent | Refusal:
        """Return the entry order of an instance, or why it may not be sent now."""
        definition, instrument = instance.program.definition, instance.lane.instrument
        order = definition.sections.Z1.order
        market = self._broker.market(instrument.id)
        price = entry_price(order, instrument, market)
        desk = self._desk(instance.lane.ts, price, market)
        refusal = entry_refusal(definition, instrument, desk)
        quantity = refusal or entry_quantity(definition, instrument, desk)
        if isinstance(quantity, Refusal):
            return quantity
        return OrderIntent(
            strategy=definition.name,
            instrument=instrument.id,
            side="buy" if order.side == "long" else "sell",
            order_type=order.type,
            purpose="entry",
            quantity=quantity,
            reason=reason,
            limit_price=price if order.type == "limit" else None,
            expire_ts=None if order.limit is None else instance.lane.ts + duration_us(order.limit.expires_after),
            stop_loss_pct=order.stop_loss_pct,
            take_profit_pct=order.take_profit_pct,
            leverage=order.leverage,
        )

    def notional(self, instance: Instance, quantity: Decimal) -> Decimal:
        """Return what a quantity is worth at the price an entry would pay now."""
        order, instrument = instance.program.definition.sections.Z1.order, instance.lane.instrument
        return quantity * (entry_price(order, instrument, self._broker.market(instrument.id)) or Decimal(0))

    def _desk(self, ts: int, price: Decimal | None, market: MarketState) -> Desk:
        account = self._broker.equity(ts)
        coming = [one for one in self._instances if one.position is None and one.has_live_entry]
        exposure = sum((one.bound for one in coming), Decimal(0))
        margin = sum((one.bound / _leverage(one) for one in coming), Decimal(0))
        for one in self._instances:
            if one.position is not None:
                exposure += one.position.quantity * one.position.entry_price
                margin += one.position.quantity * one.position.entry_price / _leverage(one)
        price_ts = market.trade_ts if market.quote_ts is None else market.quote_ts
        return Desk(
            paused_because=self._session.paused_because(),
            open_positions=self._broker.open_position_count + len(coming),
            exposure=exposure,
            equity=account.equity,
            free=account.cash - margin,
            loss_today_pct=self._session.loss_today_pct,
            drawdown_pct=account.drawdown_pct,
            trades_today=self._session.trades_today,
            price=price,
            price_age_us=None if price_ts is None else ts - price_ts,
            stale_after_us=self._profile.stale_book_us,
            taker_fee=self._profile.taker_fee,
        )


def entry_price(order: EntryOrder, instrument: Instrument, market: MarketState) -> Decimal | None:
    """Return what an entry would pay: the opposite touch (else the last trade), or its limit on the increment."""
    is_long = order.side == "long"
    if order.limit is None:
        return (market.ask if is_long else market.bid) or market.last
    bid, ask = market.bid or market.last, market.ask or market.last
    if bid is None or ask is None:
        return None
    reference = {"bid": bid, "ask": ask, "mid": (bid + ask) / 2}[order.limit.reference]
    offset = Decimal(repr(order.limit.offset_pct)) / _HUNDRED
    price = reference * (1 - offset if is_long else 1 + offset) / instrument.price_increment
    return price.to_integral_value(ROUND_FLOOR if is_long else ROUND_CEILING) * instrument.price_increment


def _leverage(instance: Instance) -> int:
    return instance.program.definition.sections.Z1.order.leverage
