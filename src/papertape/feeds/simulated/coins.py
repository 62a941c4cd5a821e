"""What is traded at the simulated venue: invented coins under familiar names, each with the character of its market."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from papertape.model.instrument import Instrument, InstrumentKind

VENUE = "SIMULATED"


class Listing(msgspec.Struct, frozen=True, kw_only=True):
    """One instrument of a coin. Money in quote units, widths in basis points of the price, rate in trades a second."""

    kind: InstrumentKind
    price_decimals: int
    size_decimals: int
    trade_rate: float
    trade_value: float
    touch_value: float
    spread_bps: float
    level_bps: float
    patience_bps: float


class Coin(msgspec.Struct, frozen=True, kw_only=True):
    """One coin and where it trades.

    `daily_volatility` is a fraction. `pump_starts` are the first episodes in seconds from the moment the market goes
    live (negative: in the pre-roll); a coin without any is never pumped.
    """

    base: str
    price: float
    daily_volatility: float
    listings: tuple[Listing, ...]
    pump_starts: tuple[float, ...] = ()


def _perpetual(price_decimals: int, size_decimals: int, trade_rate: float, trade_value: float) -> Listing:
    return Listing(
        kind="perpetual",
        price_decimals=price_decimals,
        size_decimals=size_decimals,
        trade_rate=trade_rate,
        trade_value=trade_value,
        touch_value=trade_value * 25,
        spread_bps=0.6,
        level_bps=1.5,
        patience_bps=0.8,
    )


def _spot(price_decimals: int, size_decimals: int) -> Listing:
    return Listing(
        kind="spot",
        price_decimals=price_decimals,
        size_decimals=size_decimals,
        trade_rate=1.6,
        trade_value=420.0,
        touch_value=9_000.0,
        spread_bps=1.0,
        level_bps=2.0,
        patience_bps=0.9,
    )


def _small(price_decimals: int, size_decimals: int) -> Listing:
    return Listing(
        kind="perpetual",
        price_decimals=price_decimals,
        size_decimals=size_decimals,
        trade_rate=1.3,
        trade_value=110.0,
        touch_value=2_600.0,
        spread_bps=3.5,
        level_bps=5.0,
        patience_bps=1.4,
    )


COINS: tuple[Coin, ...] = (
    Coin(base="BTC", price=61_850.0, daily_volatility=0.035, listings=(_perpetual(1, 3, 2.6, 1_400.0), _spot(2, 5))),
    Coin(base="ETH", price=3_420.0, daily_volatility=0.045, listings=(_perpetual(2, 3, 2.2, 900.0), _spot(2, 4))),
    Coin(base="SOL", price=148.3, daily_volatility=0.06, listings=(_perpetual(3, 1, 1.8, 500.0),)),
    Coin(
        base="PUMP",
        price=0.04215,
        daily_volatility=0.075,
        listings=(_small(7, 0),),
        pump_starts=(-850.0, 12.0),
    ),
    Coin(
        base="MOON",
        price=1.284,
        daily_volatility=0.07,
        listings=(_small(5, 1),),
        pump_starts=(-640.0, 175.0),
    ),
    Coin(
        base="COMET",
        price=0.3127,
        daily_volatility=0.065,
        listings=(_small(6, 0),),
        pump_starts=(-1_010.0, 290.0),
    ),
)


def list_instrument(coin: Coin, listing: Listing) -> Instrument:
    """Return the instrument of a listing, with trading rules as a venue would set them."""
    symbol = f"{coin.base}USDT"
    is_perpetual = listing.kind == "perpetual"
    size_increment = Decimal(1).scaleb(-listing.size_decimals)
    return Instrument(
        id=f"{symbol}-PERP.{VENUE}" if is_perpetual else f"{symbol}.{VENUE}",
        symbol=symbol,
        venue=VENUE,
        kind=listing.kind,
        base=coin.base,
        quote="USDT",
        price_decimals=listing.price_decimals,
        size_decimals=listing.size_decimals,
        price_increment=Decimal(1).scaleb(-listing.price_decimals),
        size_increment=size_increment,
        min_quantity=size_increment,
        min_notional=Decimal(5),
        max_leverage=20 if is_perpetual else 1,
    )
