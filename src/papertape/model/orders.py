"""What a strategy asks of the venue."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from papertape.model.entries import Side
from papertape.model.events import OrderPurpose, OrderType
from papertape.model.instrument import InstrumentId


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
