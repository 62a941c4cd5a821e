"""Hand-made markets and orders for tests of the simulated venue: prices and sizes as texts, times in microseconds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from math import nan
from typing import Any, NamedTuple

import msgspec

from papertape.broker import Broker, Order, Owner
from papertape.broker.lifecycle import ORDER_TYPES, PURPOSES
from papertape.broker.market import NEVER
from papertape.broker.owner import NO_PRICE
from papertape.broker.telling import VenueFact, fact_of, names_of
from papertape.broker.views import equity_view, position_view
from papertape.model.entries import BookGap, BookUpdate, MarketEvent, Quote, Side, Trade
from papertape.model.events import EquityMarked, OrderFilled, OrderPurpose, OrderType, OrderUpdated
from papertape.model.fact_log import REASON, FactLog, Reason
from papertape.model.fact_rows import FactRows
from papertape.model.instrument import Instrument, InstrumentId
from papertape.model.session import SimulationProfile
from papertape.model.views import EquityView, OpenPosition

PERPETUAL = Instrument(
    id="ABCUSDT-PERP.TEST",
    symbol="ABCUSDT",
    venue="TEST",
    kind="perpetual",
    base="ABC",
    quote="USDT",
    price_decimals=2,
    size_decimals=3,
    price_increment=Decimal("0.01"),
    size_increment=Decimal("0.001"),
    min_quantity=Decimal("0.002"),
    min_notional=Decimal(5),
    max_leverage=20,
)
SPOT = Instrument(
    id="ABCUSDT.TEST",
    symbol="ABCUSDT",
    venue="TEST",
    kind="spot",
    base="ABC",
    quote="USDT",
    price_decimals=2,
    size_decimals=3,
    price_increment=Decimal("0.01"),
    size_increment=Decimal("0.001"),
    min_quantity=Decimal("0.002"),
    min_notional=Decimal(5),
)
STRATEGY = "pump-peak-short"

Level = tuple[str, str]
Draft = VenueFact
"""A fact of the venue with `seq` 0."""


class OrderIntent(msgspec.Struct, frozen=True, kw_only=True):
    """An order to submit. Quantities in base units on the instrument's increment, prices in quote units.

    `stop_loss_pct` and `take_profit_pct` (percent of the fill price, positive) ask the venue to rest a protective stop
    and a target with the first fill of an entry; one cancels the other. An exit or emergency exit only reduces.
    """

    strategy: str
    instrument: InstrumentId
    side: Side
    order_type: OrderType
    purpose: OrderPurpose
    quantity: Decimal
    reason: str
    limit_price: Decimal | None = None
    trigger_price: Decimal | None = None
    expire_ts: int | None = None
    stop_loss_pct: float | None = None
    take_profit_pct: float | None = None
    leverage: int = 1


class Touch(NamedTuple):
    """The best bid and ask that are shown, and since when in microseconds UTC."""

    bid: Decimal
    bid_size: Decimal
    ask: Decimal
    ask_size: Decimal
    ts: int


class Venue:
    """A broker spoken to in structs, that answers every call with the facts of its rows, unnumbered."""

    def __init__(
        self, instruments: Sequence[Instrument], profile: SimulationProfile, capital: Decimal, currency: str
    ) -> None:
        self.log = FactLog()
        self.broker = Broker(instruments, profile, capital, currency, self.log)
        self._indexes = {instrument.id: index for index, instrument in enumerate(instruments)}
        self._owners: dict[tuple[str, InstrumentId], Owner] = {}
        self._told: dict[str, OrderUpdated] = {}

    def owner(self, strategy: str, instrument: InstrumentId) -> Owner:
        """Return a strategy on an instrument, known to the broker from now on."""
        found = self._owners.get((strategy, instrument))
        if found is None:
            found = Owner(strategy, self.broker.market(self._indexes[instrument]))
            self.adopt(found)
        return found

    def adopt(self, owner: Owner) -> None:
        """Let an owner made elsewhere stand for its strategy and instrument."""
        self.broker.add_owner(owner)
        self._owners[owner.strategy, owner.market.instrument.id] = owner

    def on_event(self, event: MarketEvent) -> list[Draft]:
        """Give an event to the method of its kind."""
        market = self.broker.market(self._indexes[event.instrument])
        self.log.ts = event.ts
        if isinstance(event, Trade):
            lots = event.size if event.side == "buy" else -event.size
            has_written = self.broker.on_trade(market, event.ts, event.price, lots, event.trade_id)
        elif isinstance(event, Quote):
            sides = event.bid, event.bid_size, event.ask, event.ask_size
            has_written = self.broker.on_quote(market, event.ts, *sides)
        elif isinstance(event, BookUpdate):
            has_written = self.broker.on_book(market, event)
        elif isinstance(event, BookGap):
            has_written = self.broker.on_gap(market, event.ts)
        else:
            has_written = self.broker.on_time(event.ts)
        drafts = self._drafts()
        assert has_written is bool(drafts)
        return drafts

    def on_time(self, ts: int) -> list[Draft]:
        """Let time pass."""
        self.log.ts = ts
        self.broker.on_time(ts)
        return self._drafts()

    def submit(self, intent: OrderIntent, ts: int) -> tuple[str, list[Draft]]:
        """Send an order; return its id and what became of it so far."""
        self.log.ts = ts
        owner = self.owner(intent.strategy, intent.instrument)
        rules = owner.market.instrument
        order = self.broker.submit(
            owner,
            ORDER_TYPES.index(intent.order_type),
            PURPOSES.index(intent.purpose),
            intent.side == "buy",
            rules.size_int(intent.quantity),
            NO_PRICE if intent.limit_price is None else rules.price_int(intent.limit_price),
            NO_PRICE if intent.trigger_price is None else rules.price_int(intent.trigger_price),
            Reason(intent.reason),
            ts,
            NEVER if intent.expire_ts is None else intent.expire_ts,
            nan if intent.stop_loss_pct is None else intent.stop_loss_pct,
            nan if intent.take_profit_pct is None else intent.take_profit_pct,
            intent.leverage,
        )
        return f"O-{order.number}", self._drafts()

    def cancel(self, order_id: str, ts: int, reason: str) -> list[Draft]:
        """Withdraw an order by its id, if it works."""
        self.log.ts = ts
        for order in self._working():
            if order_id == f"O-{order.number}":
                self.broker.cancel(order, ts, Reason(reason))
        return self._drafts()

    def close(
        self, strategy: str, instrument: InstrumentId, ts: int, purpose: OrderPurpose, reason: str
    ) -> list[Draft]:
        """Withdraw and close all of a strategy on an instrument."""
        self.log.ts = ts
        self.broker.close(self.owner(strategy, instrument), ts, PURPOSES.index(purpose), Reason(reason))
        return self._drafts()

    def position(self, strategy: str, instrument: InstrumentId) -> OpenPosition | None:
        """Return the open position, or None when flat."""
        position = self.owner(strategy, instrument).position
        return None if position is None else position_view(position, self.broker.money_decimals)

    def working_orders(self, strategy: str, instrument: InstrumentId) -> list[OrderUpdated]:
        """Return what was told last of the orders that may still fill, oldest first."""
        return [self._told[f"O-{order.number}"] for order in self.owner(strategy, instrument).orders]

    def touch(self, instrument: InstrumentId) -> Touch:
        """Return the touch of an instrument that shows one."""
        market = self.broker.market(self._indexes[instrument])
        price, size = market.instrument.price_decimal, market.instrument.size_decimal
        bid, ask = price(market.bid_price()), price(market.ask_price())
        return Touch(bid, size(market.touch_lots(False)), ask, size(market.touch_lots(True)), market.shown_ts())

    def equity(self, ts: int) -> EquityView:
        """Return the account marked now."""
        return equity_view(self.broker, ts)

    def mark(self, ts: int) -> EquityMarked:
        """Return the fact of the account marked now."""
        self.log.ts = ts
        self.broker.mark(ts)
        (fact,) = self._drafts()
        assert isinstance(fact, EquityMarked)
        return fact

    @property
    def open_position_count(self) -> int:
        """How many positions are open."""
        return self.broker.open_position_count

    @property
    def has_working_orders(self) -> bool:
        """Whether any order may still fill."""
        return self.broker.working_count > 0

    def _working(self) -> list[Order]:
        return [order for owner in self._owners.values() for order in owner.orders]

    def _drafts(self) -> list[Draft]:
        names = names_of(self.broker)
        rows = self.log.drain()
        facts = [fact_of(rows, row, names, rows_text(rows)) for row in range(len(rows)) if rows.go(row) != REASON]
        drafts = [msgspec.structs.replace(fact, seq=0) for fact in facts]
        self._told.update({draft.order_id: draft for draft in drafts if isinstance(draft, OrderUpdated)})
        return drafts


def rows_text(rows: FactRows) -> Callable[[int], str]:
    """Return what tells the text of a reason at a place in the rows."""

    def text(place: int) -> str:
        rows.go(place)
        assert rows.take_int() == 0, "a reason that is no text"
        return rows.take_text()

    return text


def broker_with(*, capital: str = "10000", **profile: Any) -> Venue:  # the profile's own fields, checked by msgspec
    """Return a venue for both instruments; `profile` replaces fields of the standard one."""
    return Venue([PERPETUAL, SPOT], SimulationProfile(**profile), Decimal(capital), "USDT")


def quote(ts: int, bid: str, bid_size: str, ask: str, ask_size: str, instrument: Instrument = PERPETUAL) -> Quote:
    """Return a best bid and ask."""
    return Quote(
        ts=ts,
        recv_ts=ts,
        instrument=instrument.id,
        bid=instrument.parse_price(bid),
        bid_size=instrument.parse_size(bid_size),
        ask=instrument.parse_price(ask),
        ask_size=instrument.parse_size(ask_size),
    )


def trade(ts: int, price: str, size: str, side: Side, instrument: Instrument = PERPETUAL) -> Trade:
    """Return a public print; `side` is the aggressor's."""
    return Trade(
        ts=ts,
        recv_ts=ts,
        instrument=instrument.id,
        price=instrument.parse_price(price),
        size=instrument.parse_size(size),
        side=side,
        trade_id=f"T{ts}",
    )


def book(
    ts: int,
    bids: Sequence[Level],
    asks: Sequence[Level],
    *,
    is_snapshot: bool = True,
    instrument: Instrument = PERPETUAL,
) -> BookUpdate:
    """Return a snapshot, or changed levels."""
    return BookUpdate(
        ts=ts,
        recv_ts=ts,
        instrument=instrument.id,
        is_snapshot=is_snapshot,
        bids=tuple((instrument.parse_price(price), instrument.parse_size(size)) for price, size in bids),
        asks=tuple((instrument.parse_price(price), instrument.parse_size(size)) for price, size in asks),
    )


def order(side: Side, quantity: str, *, instrument: Instrument = PERPETUAL, **changes: Any) -> OrderIntent:
    """Return a market entry; `changes` replace or add fields of the intent."""
    fields: dict[str, Any] = {
        "strategy": STRATEGY,
        "instrument": instrument.id,
        "side": side,
        "order_type": "market",
        "purpose": "entry",
        "quantity": Decimal(quantity),
        "reason": "Z1 became true.",
        **changes,
    }
    return OrderIntent(**fields)


def limit(side: Side, quantity: str, price: str, **changes: Any) -> OrderIntent:
    """Return a limit entry."""
    return order(side, quantity, order_type="limit", limit_price=Decimal(price), **changes)


def executions(drafts: Sequence[Draft]) -> list[tuple[str, str, str, str]]:
    """Return the fills among drafts as (order, rule, quantity, price)."""
    return [
        (draft.order_id, draft.evidence.rule, str(draft.quantity), str(draft.price))
        for draft in drafts
        if isinstance(draft, OrderFilled)
    ]


def statuses(drafts: Sequence[Draft]) -> list[tuple[str, str, str]]:
    """Return the order updates among drafts as (order, status, code of the reason)."""
    return [
        (draft.order_id, draft.status, draft.reason.partition(":")[0])
        for draft in drafts
        if isinstance(draft, OrderUpdated)
    ]
