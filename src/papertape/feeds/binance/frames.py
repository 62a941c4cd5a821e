"""The venue's stream messages as typed values, field for field; times are milliseconds, numbers decimal texts."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from papertape.feeds.binance.clock_offset import LATEST_MS

Market = Literal["spot", "usdm"]
Level = tuple[str, str]
Milliseconds = Annotated[int, msgspec.Meta(ge=0, le=LATEST_MS)]
VenueId = Annotated[int, msgspec.Meta(ge=-(10**18), le=10**18)]
"""An id that counts up."""


class TradeFrame(msgspec.Struct, frozen=True, gc=False):
    """One print (`@trade`). On USD-M `order_type` other than MARKET is not a market trade."""

    symbol: str = msgspec.field(name="s")
    trade_id: VenueId = msgspec.field(name="t")
    price: str = msgspec.field(name="p")
    size: str = msgspec.field(name="q")
    event_ms: Milliseconds = msgspec.field(name="E")
    trade_ms: Milliseconds = msgspec.field(name="T")
    buyer_is_maker: bool = msgspec.field(name="m")
    order_type: str = msgspec.field(name="X", default="MARKET")


class AggTradeFrame(msgspec.Struct, frozen=True, gc=False):
    """Prints of one taker order at one price (`@aggTrade`)."""

    symbol: str = msgspec.field(name="s")
    price: str = msgspec.field(name="p")
    size: str = msgspec.field(name="q")
    event_ms: Milliseconds = msgspec.field(name="E")
    trade_ms: Milliseconds = msgspec.field(name="T")
    buyer_is_maker: bool = msgspec.field(name="m")
    agg_id: VenueId | None = msgspec.field(name="a", default=None)
    last_trade_id: VenueId | None = msgspec.field(name="l", default=None)


class BookTickerFrame(msgspec.Struct, frozen=True, gc=False):
    """Best bid and ask (`@bookTicker`). Spot sends no time at all."""

    symbol: str = msgspec.field(name="s")
    update_id: VenueId = msgspec.field(name="u")
    bid: str = msgspec.field(name="b")
    bid_size: str = msgspec.field(name="B")
    ask: str = msgspec.field(name="a")
    ask_size: str = msgspec.field(name="A")
    event_ms: Milliseconds | None = msgspec.field(name="E", default=None)
    transaction_ms: Milliseconds | None = msgspec.field(name="T", default=None)


class DepthFrame(msgspec.Struct, frozen=True):
    """Changed book levels (`@depth`), update ids `first_id` to `last_id`; `previous_id` on USD-M only."""

    symbol: str = msgspec.field(name="s")
    event_ms: Milliseconds = msgspec.field(name="E")
    first_id: VenueId = msgspec.field(name="U")
    last_id: VenueId = msgspec.field(name="u")
    bids: tuple[Level, ...] = msgspec.field(name="b")
    asks: tuple[Level, ...] = msgspec.field(name="a")
    previous_id: VenueId | None = msgspec.field(name="pu", default=None)
    transaction_ms: Milliseconds | None = msgspec.field(name="T", default=None)


class TickerFrame(msgspec.Struct, frozen=True, gc=False):
    """Rolling 24 h statistics (`@ticker`): change in percent, volume in quote units."""

    symbol: str = msgspec.field(name="s")
    event_ms: Milliseconds = msgspec.field(name="E")
    change_pct: str = msgspec.field(name="P")
    volume_quote: str = msgspec.field(name="q")


class SnapshotFrame(msgspec.Struct, frozen=True):
    """The whole book as REST gives it; it names no symbol."""

    last_id: VenueId = msgspec.field(name="lastUpdateId")
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]
    event_ms: Milliseconds | None = msgspec.field(name="E", default=None)
    transaction_ms: Milliseconds | None = msgspec.field(name="T", default=None)


class Acknowledged(msgspec.Struct, frozen=True, gc=False):
    """The venue accepted our request `id`."""

    id: int | str | None


class RequestRefused(msgspec.Struct, frozen=True, gc=False):
    """The venue refused our request `id`; `id` is None when it could not read one."""

    id: int | str | None
    code: int
    message: str


class ShutdownAnnounced(msgspec.Struct, frozen=True, gc=False):
    """The venue will close this connection soon: open another one now."""


class Ignored(msgspec.Struct, frozen=True, gc=False):
    """A well-formed message of a kind we did not ask for."""

    what: str


class Garbage(msgspec.Struct, frozen=True, gc=False):
    """Bytes that are not a message of this venue, with the reason and the first bytes."""

    reason: str
    excerpt: str


MarketFrame = TradeFrame | AggTradeFrame | BookTickerFrame | DepthFrame | TickerFrame
Reply = Acknowledged | RequestRefused | ShutdownAnnounced
Frame = MarketFrame | SnapshotFrame | Reply | Ignored | Garbage
Received = Frame | bytes
"""A message of a stream as it came, or what it was found to be."""
