"""On real recorded frames the book is the venue's book, and market orders fill at the touch that was shown."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import polars as pl

from papertape.model.entries import BookUpdate, Quote
from papertape.model.events import OrderFilled
from papertape.model.instrument import Instrument
from papertape.model.session import SimulationProfile
from papertape.testkit.shared_data import shared_data
from papertape.testkit.venue import OrderIntent, Venue

BTC = Instrument(
    id="BTCUSDT.BINANCE",
    symbol="BTCUSDT",
    venue="BINANCE",
    kind="spot",
    base="BTC",
    quote="USDT",
    price_decimals=2,
    size_decimals=8,
    price_increment=Decimal("0.01"),
    size_increment=Decimal("0.00001"),
    min_quantity=Decimal("0.00001"),
    min_notional=Decimal(5),
)
QUANTITY = Decimal("0.001")


def _broker() -> Venue:
    return Venue([BTC], SimulationProfile(), Decimal(1_000_000), "USDT")


def _quotes(count: int) -> Iterator[Quote]:
    path = shared_data("binance-raw-ws-2024-08/normalized/bbo.parquet")
    columns = ["recv_ts_ns", "bid_price", "bid_size", "ask_price", "ask_size"]
    spot = (pl.col("venue") == "binance-spot") & (pl.col("symbol") == "BTCUSDT")
    for ts_ns, bid, bid_size, ask, ask_size in (
        pl.scan_parquet(path).filter(spot).select(columns).head(count).collect().rows()
    ):
        yield Quote(
            ts=ts_ns // 1_000,
            recv_ts=ts_ns // 1_000,
            instrument=BTC.id,
            bid=round(bid * 100),
            bid_size=round(bid_size * 10**8),
            ask=round(ask * 100),
            ask_size=round(ask_size * 10**8),
        )


def _intent(side: Any, purpose: Any) -> OrderIntent:
    return OrderIntent(
        strategy="ema-cross",
        instrument=BTC.id,
        side=side,
        order_type="market",
        purpose=purpose,
        quantity=QUANTITY,
        reason="every hundredth quote",
    )


def test_market_orders_fill_at_the_touch_that_was_shown() -> None:
    broker = _broker()
    expected, found = [], []
    for index, quote in enumerate(_quotes(20_000)):
        broker.on_event(quote)
        if index % 100 == 0 and min(quote.bid_size, quote.ask_size) >= 100_000:
            for side, purpose, price in (("buy", "entry", quote.ask), ("sell", "exit", quote.bid)):
                _, drafts = broker.submit(_intent(side, purpose), quote.ts)
                expected.append((BTC.price_decimal(price), QUANTITY, "touch", Decimal(0)))
                found += [
                    (draft.price, draft.quantity, draft.evidence.rule, draft.evidence.slippage)
                    for draft in drafts
                    if isinstance(draft, OrderFilled)
                ]

    assert len(found) > 300
    assert found == expected
    assert broker.open_position_count == 0


def _levels(levels: list[list[str]]) -> tuple[tuple[int, int], ...]:
    return tuple((BTC.parse_price(price), BTC.parse_size(size)) for price, size in levels)


def _update(ts: int, bids: list[list[str]], asks: list[list[str]], *, is_snapshot: bool) -> BookUpdate:
    return BookUpdate(
        ts=ts, recv_ts=ts, instrument=BTC.id, is_snapshot=is_snapshot, bids=_levels(bids), asks=_levels(asks)
    )


def _frames() -> Iterator[Any]:
    with gzip.open(shared_data("binance-raw-ws-2024-08/raw/spot_btcusdt_20240808.gz"), "rt") as lines:
        for line in lines:
            frame = json.loads(line.partition(" ")[2])
            yield frame.get("data", frame)


def test_the_book_of_snapshot_and_changes_has_the_touch_that_the_venue_published() -> None:
    broker = _broker()
    touches, found, early, last_id = {}, {}, [], 0
    for ts, data in enumerate(_frames()):
        if "lastUpdateId" in data:
            last_id = data["lastUpdateId"]
            broker.on_event(_update(ts, data["bids"], data["asks"], is_snapshot=True))
        elif data.get("e") == "depthUpdate" and last_id == 0:
            early.append(data)  # changes that the venue sent before its snapshot came back
        elif data.get("e") == "depthUpdate":
            for each in (*early, data):
                if each["u"] > last_id:
                    broker.on_event(_update(ts, each["b"], each["a"], is_snapshot=False))
            early.clear()
            found[data["u"]] = broker.touch(BTC.id)[:4]
        elif "B" in data:
            touches[data["u"]] = tuple(Decimal(data[name]) for name in ("b", "B", "a", "A"))

    comparable = found.keys() & touches.keys()
    assert len(comparable) > 500
    assert {key: found[key] for key in comparable} == {key: touches[key] for key in comparable}
