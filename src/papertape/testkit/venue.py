"""Hand-made markets and orders for tests of the simulated venue: prices and sizes as texts, times in microseconds."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from papertape.broker import Broker, Draft
from papertape.model.entries import BookUpdate, Quote, Side, Trade
from papertape.model.events import OrderFilled, OrderUpdated
from papertape.model.instrument import Instrument
from papertape.model.orders import OrderIntent
from papertape.model.session import SimulationProfile

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


def broker_with(*, capital: str = "10000", **profile: Any) -> Broker:  # the profile's own fields, checked by msgspec
    """Return a broker for both instruments; `profile` replaces fields of the standard one."""
    return Broker([PERPETUAL, SPOT], SimulationProfile(**profile), Decimal(capital), "USDT")


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
