"""The simulated venue as the engine sees it."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from papertape.broker import rules
from papertape.broker.account import Account, mark_of
from papertape.broker.exchange import Exchange
from papertape.broker.market import Market, MarketState
from papertape.broker.order import NEVER, Order
from papertape.broker.step import Draft
from papertape.errors import Broken
from papertape.model.entries import BookUpdate, MarketEvent, Quote, Trade
from papertape.model.events import EquityMarked, OrderPurpose, OrderUpdated
from papertape.model.instrument import Instrument, InstrumentId
from papertape.model.orders import OrderIntent
from papertape.model.session import SimulationProfile
from papertape.model.views import EquityView, OpenPosition

__all__ = ["Broker", "Draft"]


class Broker:
    """One account at one simulated venue, for any number of strategies and instruments.

    Every call that may change something returns its drafts: OrderUpdated (each order that changed, once, as it is
    after the call), OrderFilled, PositionChanged (each position that changed, once), AccountChanged (once, after
    fills). Times are microseconds UTC and never go back from call to call.
    """

    def __init__(
        self, instruments: Sequence[Instrument], profile: SimulationProfile, capital: Decimal, currency: str
    ) -> None:
        self._account = Account(capital, currency)
        self._exchange = Exchange(instruments, profile, self._account)
        self._markets = self._exchange.markets

    def on_event(self, event: MarketEvent) -> list[Draft]:
        """Take a market event: arrivals before it, the event itself, what it fills and triggers, arrivals with it."""
        market = self._markets.get(event.instrument) or self._market(event.instrument)
        exchange = self._exchange
        is_due = event.ts >= exchange.next_due
        if is_due:
            exchange.now = event.ts
            exchange.run_due(event.ts, is_before_event=True)
        if not market.apply(event) and not is_due:
            return []
        exchange.now = event.ts
        if isinstance(event, Trade):
            exchange.meet_trade(market, event)
        elif isinstance(event, Quote | BookUpdate):
            exchange.meet_depth(market, event.ts)
        exchange.run_due(event.ts)
        return self._drafts()

    def on_time(self, ts: int) -> list[Draft]:
        """Let arrivals and expiries up to `ts` happen."""
        if ts < self._exchange.next_due:
            return []
        self._exchange.now = ts
        self._exchange.run_due(ts)
        return self._drafts()

    def submit(self, intent: OrderIntent, ts: int) -> tuple[str, list[Draft]]:
        """Send an order; return its id and what became of it so far.

        A refused order is a draft with status `rejected` and a reason `code: sentence`. An exit is cut to what is open.
        """
        self._exchange.now = ts
        order_id = self._submit(intent)
        return order_id, self._drafts()

    def cancel(self, order_id: str, ts: int, reason: str) -> list[Draft]:
        """Withdraw an order at once; nothing happens when it no longer works."""
        order = self._exchange.orders.get(order_id)
        if order is None:
            return []
        self._exchange.now = ts
        self._exchange.finish(order, "cancel", reason)
        return self._drafts()

    def close(
        self, strategy: str, instrument: InstrumentId, ts: int, purpose: OrderPurpose, reason: str
    ) -> list[Draft]:
        """Withdraw every working order of a strategy on an instrument and close what is open at the market."""
        self._market(instrument)
        self._exchange.now = ts
        for order in self._exchange.working_of(strategy, instrument):
            self._exchange.finish(order, "cancel", f"closing: {reason}")
        position = self._account.positions.get((strategy, instrument))
        if position is not None:
            self._submit(
                OrderIntent(
                    strategy=strategy,
                    instrument=instrument,
                    side="sell" if position.is_long else "buy",
                    order_type="market",
                    purpose=purpose,
                    quantity=position.instrument.size_decimal(position.quantity),
                    reason=reason,
                )
            )
        return self._drafts()

    def position(self, strategy: str, instrument: InstrumentId) -> OpenPosition | None:
        """Return the open position at the price it would close at, or None when flat."""
        position = self._account.positions.get((strategy, instrument))
        return None if position is None else position.view(mark_of(position, self._markets))

    def working_orders(self, strategy: str, instrument: InstrumentId) -> list[OrderUpdated]:
        """Return the orders that may still fill, oldest first."""
        return [order.updated(self._exchange.now) for order in self._exchange.working_of(strategy, instrument)]

    def market(self, instrument: InstrumentId) -> MarketState:
        """Return the touch and the last trade of an instrument."""
        return self._market(instrument).state()

    def equity(self, ts: int) -> EquityView:
        """Return the account marked at the prices its positions would close at; changes nothing."""
        return self._account.equity(ts, self._markets)

    def mark(self, ts: int) -> EquityMarked:
        """Return the same as a draft fact, and remember the peak from which drawdown is measured."""
        return self._account.mark(ts, self._markets)

    @property
    def open_position_count(self) -> int:
        """How many positions are open."""
        return len(self._account.positions)

    @property
    def has_working_orders(self) -> bool:
        """Whether any order may still fill."""
        return bool(self._exchange.orders)

    def _drafts(self) -> list[Draft]:
        return self._exchange.step.drafts(self._account, self._exchange.now)

    def _market(self, instrument: InstrumentId) -> Market:
        market = self._markets.get(instrument)
        if market is None:
            raise Broken(
                f"The simulated venue knows no instrument {instrument!r}; it was made for "
                f"{', '.join(self._markets)}. Keep the journal and report it.",
                code="broker.unknown_instrument",
            )
        return market

    def _submit(self, intent: OrderIntent) -> str:
        rules_of = self._market(intent.instrument).instrument
        position = self._account.positions.get((intent.strategy, intent.instrument))
        order_id, number = self._exchange.next_order_id()
        refusal = rules.refuse_intent(intent, rules_of, self._account.currency) or rules.refuse_side(
            intent, rules_of, position
        )
        if refusal is not None:
            self._exchange.step.refused.append(_rejected(order_id, intent, refusal, self._exchange.now))
            return order_id
        quantity = rules_of.size_int(intent.quantity)
        if intent.purpose != "entry" and position is not None:
            quantity = min(quantity, position.quantity)
        self._exchange.register(_order(order_id, number, intent, rules_of, quantity))
        return order_id


def _order(order_id: str, number: int, intent: OrderIntent, instrument: Instrument, quantity: int) -> Order:
    return Order(
        order_id=order_id,
        number=number,
        instrument=instrument,
        strategy=intent.strategy,
        is_buy=intent.side == "buy",
        order_type=intent.order_type,
        purpose=intent.purpose,
        quantity=quantity,
        intent_reason=intent.reason,
        reason=intent.reason,
        limit=None if intent.limit_price is None else instrument.price_int(intent.limit_price),
        trigger=None if intent.trigger_price is None else instrument.price_int(intent.trigger_price),
        expire_ts=NEVER if intent.expire_ts is None else intent.expire_ts,
        leverage=intent.leverage,
        stop_loss_pct=intent.stop_loss_pct,
        take_profit_pct=intent.take_profit_pct,
    )


def _rejected(order_id: str, intent: OrderIntent, reason: str, ts: int) -> OrderUpdated:
    return OrderUpdated(
        seq=0,
        ts=ts,
        entry_seq=0,
        order_id=order_id,
        strategy=intent.strategy,
        instrument=intent.instrument,
        side=intent.side,
        order_type=intent.order_type,
        purpose=intent.purpose,
        quantity=intent.quantity,
        limit_price=intent.limit_price,
        trigger_price=intent.trigger_price,
        status="rejected",
        filled_quantity=Decimal(0),
        average_price=None,
        reason=reason,
    )
