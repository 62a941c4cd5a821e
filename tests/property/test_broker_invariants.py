"""Whatever the market does and whatever is ordered, the simulated venue keeps its promises.

The books below are kept by a second, naive implementation; every expectation is derived from the fills alone.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import hypothesis.strategies as st
import msgspec
from hypothesis import given, settings

from papertape.model.entries import BookGap, BookUpdate, MarketEvent, Quote, Trade
from papertape.model.events import AccountChanged, OrderFilled, OrderUpdated, encode_canonical
from papertape.model.instrument import Instrument
from papertape.model.session import SimulationProfile
from papertape.testkit.venue import PERPETUAL, SPOT, Draft, OrderIntent, Venue, broker_with

CAPITAL = Decimal(10_000)
NAMES = ("pump-peak-short", "ema-cross")

Action = tuple[int, Instrument, str, tuple[str, Any]]
KINDS = ["quote"] * 5 + ["trade"] * 7 + ["book"] * 4 + ["gap", "cancel", "close", "time", "time"] + ["submit"] * 5


def _story(seed: int, length: int) -> list[Action]:
    """Return a market that drifts and a desk that orders around it; a shorter story begins a longer one."""
    draw = random.Random(seed)
    instruments = draw.choice([[PERPETUAL], [SPOT], [PERPETUAL, SPOT]])
    names = NAMES[: draw.choice([1, 2])]
    kinds = [kind for kind in KINDS if kind not in draw.choice([(), (), ("book", "gap"), ("book", "quote")])]
    story: list[Action] = []
    middle = 10_000
    for _ in range(length):
        middle += draw.choice([-3, -1, 0, 0, 0, 1, 3])
        kind = draw.choice(kinds)
        fields = _FIELDS[kind](draw, middle) if kind in _FIELDS else draw.randint(1, 30)
        pause_us = draw.choice([0, 1, 50, 100, 2_500 if draw.random() < 0.1 else 20])
        story.append((pause_us, draw.choice(instruments), draw.choice(names), (kind, fields)))
    return story


def _lots(draw: random.Random) -> int:
    return draw.randint(0, 8) * 100


def _quote_fields(draw: random.Random, middle: int) -> dict[str, Any]:
    bid, ask = middle - draw.randint(0, 2), middle + draw.randint(1, 2)
    return {"bid": bid, "ask": ask, "bid_size": _lots(draw), "ask_size": _lots(draw)}


def _trade_fields(draw: random.Random, middle: int) -> dict[str, Any]:
    return {"price": middle + draw.randint(-2, 2), "size": 50 + _lots(draw), "side": draw.choice(["buy", "sell"])}


def _book_fields(draw: random.Random, middle: int) -> dict[str, Any]:
    bids = {middle - draw.randint(0, 5): _lots(draw) for _ in range(4)}
    asks = {middle + draw.randint(1, 6): _lots(draw) for _ in range(4)}
    return {"is_snapshot": draw.random() < 0.6, "bids": tuple(bids.items()), "asks": tuple(asks.items())}


def _order_fields(draw: random.Random, middle: int) -> dict[str, Any]:
    pct = [None, 0.01, 0.03, 0.1]
    return {
        "side": draw.choice(["buy", "buy", "sell"]),
        "order_type": draw.choice(["market", "market", "limit", "limit", "stop_market", "take_profit_market"]),
        "purpose": draw.choice(["entry", "entry", "entry", "exit"]),
        "lots": draw.randint(2, 30) * 50,
        "price": middle + draw.randint(-3, 3),
        "expires": draw.choice([None, None, draw.randint(1, 1_000)]),
        "stop_loss_pct": draw.choice(pct),
        "take_profit_pct": draw.choice(pct),
        "leverage": draw.choice([1, 3]),
    }


_FIELDS = {"quote": _quote_fields, "trade": _trade_fields, "book": _book_fields, "submit": _order_fields}

scripts = st.builds(_story, st.integers(0, 2**32), st.integers(1, 120))
latencies = st.sampled_from([0, 0, 150])


def _event(ts: int, instrument: Instrument, kind: str, fields: dict[str, Any] | None) -> MarketEvent:
    head: dict[str, Any] = {"ts": ts, "recv_ts": ts, "instrument": instrument.id}
    if kind == "gap":
        return BookGap(**head, reason="a gap")
    if kind == "quote":
        return Quote(**head, **(fields or {}))
    if kind == "book":
        return BookUpdate(**head, **(fields or {}))
    return Trade(**head, **(fields or {}), trade_id=str(ts))


def _intent(ts: int, instrument: Instrument, strategy: str, fields: dict[str, Any]) -> OrderIntent:
    kind = fields["order_type"]
    price = instrument.price_decimal(fields["price"])
    return OrderIntent(
        strategy=strategy,
        instrument=instrument.id,
        side=fields["side"],
        order_type=kind,
        purpose=fields["purpose"],
        quantity=instrument.size_decimal(fields["lots"]),
        reason="generated",
        limit_price=price if kind == "limit" else None,
        trigger_price=price if kind in ("stop_market", "take_profit_market") else None,
        expire_ts=None if fields["expires"] is None else ts + fields["expires"],
        stop_loss_pct=fields["stop_loss_pct"],
        take_profit_pct=fields["take_profit_pct"],
        leverage=fields["leverage"] if instrument is PERPETUAL else 1,
    )


def _do(broker: Venue, ts: int, action: Action) -> list[Draft]:
    _, instrument, strategy, (kind, fields) = action
    if kind == "submit":
        return broker.submit(_intent(ts, instrument, strategy, fields), ts)[1]
    if kind == "cancel":
        return broker.cancel(f"O-{fields}", ts, "generated")
    if kind == "close":
        return broker.close(strategy, instrument.id, ts, "exit", "generated")
    if kind == "time":
        return broker.on_time(ts)
    return broker.on_event(_event(ts, instrument, kind, fields))


def _play_live(broker: Venue, script: list[Action]) -> Iterator[tuple[int, Action, list[Draft]]]:
    ts = 1_000
    for action in script:
        ts += action[0]
        yield ts, action, _do(broker, ts, action)


def _play(broker: Venue, script: list[Action]) -> list[tuple[int, Action, list[Draft]]]:
    return list(_play_live(broker, script))


def _fills(drafts: list[Draft]) -> list[OrderFilled]:
    return [draft for draft in drafts if isinstance(draft, OrderFilled)]


def _signed(fill: OrderFilled) -> Decimal:
    return fill.quantity if fill.side == "buy" else -fill.quantity


@given(script=scripts, latency=latencies)
@settings(max_examples=150, deadline=None)
def test_the_account_balances_exactly_after_every_step(script: list[Action], latency: int) -> None:
    broker = broker_with(entry_latency_us=latency, stale_book_us=2_000, taker_fee=Decimal("0.00033"))
    flow, fees, held = CAPITAL, Decimal(0), defaultdict[tuple[str, str], Decimal](Decimal)
    for ts, _, drafts in _play_live(broker, script):
        for fill in _fills(drafts):
            flow -= _signed(fill) * fill.price + fill.fee
            fees += fill.fee
            held[fill.strategy, fill.instrument] += _signed(fill)
        view = broker.equity(ts)
        value = Decimal(0)
        for position in view.open_positions:
            signed = position.quantity if position.side == "long" else -position.quantity
            assert held[position.strategy, position.instrument] == signed
            # Before the first trade an emptied book marks nothing: the position counts at its cost, result 0.
            value += signed * position.mark_price if position.mark_price is not None else Decimal("NaN")
        assert value.is_nan() or view.equity == flow + value
        assert (view.cash + view.unrealized_pnl, view.fees) == (view.equity, fees)
        assert view.cash == CAPITAL + view.realized_pnl - view.fees
        assert broker.open_position_count == len(view.open_positions) == sum(1 for each in held.values() if each)
        for account in drafts:
            if isinstance(account, AccountChanged):
                assert (account.cash, account.fees) == (view.cash, fees)


@given(script=scripts, latency=latencies)
@settings(max_examples=100, deadline=None)
def test_orders_never_fill_more_than_they_ask_nor_before_they_arrive(script: list[Action], latency: int) -> None:
    filled: dict[str, Decimal] = defaultdict(Decimal)
    born: dict[str, int] = {}
    broker = broker_with(entry_latency_us=latency, stale_book_us=2_000)
    for ts, _, drafts in _play(broker, script):
        updates = {draft.order_id: draft for draft in drafts if isinstance(draft, OrderUpdated)}
        for order_id in updates:
            born.setdefault(order_id, ts)
        for fill in _fills(drafts):
            filled[fill.order_id] += fill.quantity
            is_bracket = fill.purpose in ("stop_loss", "take_profit")
            assert fill.ts == ts >= born[fill.order_id] + (0 if is_bracket else latency)
            assert fill.price > 0 < fill.quantity
        for order_id, update in updates.items():
            assert update.filled_quantity == filled[order_id] <= update.quantity
            assert (update.status == "filled") is (filled[order_id] == update.quantity)


@given(script=scripts, latency=latencies)
@settings(max_examples=100, deadline=None)
def test_what_protects_a_position_is_never_larger_than_it_and_never_outlives_it(
    script: list[Action], latency: int
) -> None:
    broker = broker_with(entry_latency_us=latency, stale_book_us=2_000)
    for ts, (_, instrument, strategy, _), _ in _play_live(broker, script):
        position = broker.position(strategy, instrument.id)
        for each in broker.working_orders(strategy, instrument.id):
            if each.purpose in ("stop_loss", "take_profit"):
                assert position is not None, (ts, each)
                assert each.quantity - each.filled_quantity <= position.quantity
                assert (each.side == "sell") is (position.side == "long")


@given(script=scripts)
@settings(max_examples=100, deadline=None)
def test_spot_is_never_short(script: list[Action]) -> None:
    broker = broker_with(stale_book_us=2_000)
    for ts, _, _ in _play_live(broker, script):
        sides = [each.side for each in broker.equity(ts).open_positions if each.instrument == SPOT.id]
        assert "short" not in sides


@given(script=scripts, latency=latencies)
@settings(max_examples=100, deadline=None)
def test_own_fills_on_a_trade_are_at_most_its_size(script: list[Action], latency: int) -> None:
    broker = broker_with(entry_latency_us=latency, stale_book_us=2_000)
    for _, (_, instrument, _, (kind, fields)), drafts in _play(broker, script):
        if kind == "trade":
            on_it = [f for f in _fills(drafts) if f.evidence.rule in ("queue_cleared", "trade_through")]
            assert sum(f.quantity for f in on_it) <= instrument.size_decimal(fields["size"])


@given(script=scripts, latency=latencies)
@settings(max_examples=100, deadline=None)
def test_every_price_was_observed_or_is_the_limit_or_lies_just_past_a_touch(script: list[Action], latency: int) -> None:
    broker = broker_with(entry_latency_us=latency, stale_book_us=2_000, trade_only_spread_bps=0)
    seen: dict[tuple[str, str], set[Decimal]] = defaultdict(set)
    limits: dict[str, Decimal | None] = {}
    for _, (_, instrument, _, (kind, fields)), drafts in _play(broker, script):
        for side, price in _shown(kind, fields):
            seen[instrument.id, side].add(instrument.price_decimal(price))
        limits.update({d.order_id: d.limit_price for d in drafts if isinstance(d, OrderUpdated)})
        for fill in _fills(drafts):
            found = seen[fill.instrument, fill.side]
            if fill.liquidity == "maker":
                assert fill.price == limits[fill.order_id]
            elif fill.evidence.rule == "touch_beyond" or fill.evidence.detail.startswith("touch_beyond"):
                assert any(abs(fill.price - price) <= 1 for price in found)
            else:
                assert fill.price in found | seen[fill.instrument, "trade"]


def _shown(kind: str, fields: Any) -> list[tuple[str, int]]:
    if kind == "quote":
        return [("buy", fields["ask"]), ("sell", fields["bid"])]
    if kind == "trade":
        return [("trade", fields["price"])]
    if kind == "book":
        return [("buy", price) for price, _ in fields["asks"]] + [("sell", price) for price, _ in fields["bids"]]
    return []


@given(
    orders=st.lists(st.tuples(st.sampled_from(["buy", "sell"]), st.integers(1, 40)), min_size=1, max_size=12),
    bids=st.dictionaries(st.integers(9_980, 9_999), st.integers(1, 20), min_size=1, max_size=5),
    asks=st.dictionaries(st.integers(10_001, 10_020), st.integers(1, 20), min_size=1, max_size=5),
    noise=st.lists(st.sampled_from(["same", "elsewhere", "trade", "nothing"]), min_size=12, max_size=12),
)
@settings(max_examples=150, deadline=None)
def test_no_displayed_liquidity_is_used_twice(
    orders: list[tuple[str, int]], bids: dict[int, int], asks: dict[int, int], noise: list[str]
) -> None:
    broker = broker_with(capital="100000000")
    book: dict[str, Any] = {"bids": tuple((p, s * 100) for p, s in bids.items())}
    book["asks"] = tuple((p, s * 100) for p, s in asks.items())
    broker.on_event(_event(1, PERPETUAL, "book", {"is_snapshot": True, **book}))
    taken: dict[tuple[str, Decimal], Decimal] = defaultdict(Decimal)
    for ts, ((side, lots), what) in enumerate(zip(orders, noise, strict=False), 2):
        fields = {"side": side, "order_type": "market", "purpose": "entry", "lots": lots * 100, "price": 1}
        extras = {"expires": None, "stop_loss_pct": None, "take_profit_pct": None, "leverage": 1}
        _, drafts = broker.submit(_intent(ts, PERPETUAL, NAMES[0], {**fields, **extras}), ts)
        for fill in _fills(drafts):
            taken[fill.side, fill.price] += fill.quantity
        _make_noise(broker, ts, what, book, min(asks), max(bids))
    shown = {("buy", price): size for price, size in asks.items()} | {("sell", p): s for p, s in bids.items()}
    for (side, price), quantity in taken.items():
        assert quantity <= Decimal(shown[side, int(price * 100)]) / 10


def _make_noise(broker: Venue, ts: int, what: str, book: dict[str, Any], ask: int, bid: int) -> None:
    sizes_at = dict(book["asks"]) | dict(book["bids"])
    if what == "same":
        touch = {"bid": bid, "bid_size": sizes_at[bid], "ask": ask, "ask_size": sizes_at[ask]}
        broker.on_event(_event(ts, PERPETUAL, "quote", touch))
        broker.on_event(_event(ts, PERPETUAL, "book", {"is_snapshot": False, **book}))
    elif what == "elsewhere":
        changes = {"is_snapshot": False, "bids": ((9_000, ts),), "asks": ((11_000, ts),)}
        broker.on_event(_event(ts, PERPETUAL, "book", changes))
    elif what == "trade":
        broker.on_event(_event(ts, PERPETUAL, "trade", {"price": ask, "size": 100, "side": "buy"}))


@given(script=scripts, latency=latencies)
@settings(max_examples=50, deadline=None)
def test_the_same_story_gives_the_same_bytes(script: list[Action], latency: int) -> None:
    profile = SimulationProfile(entry_latency_us=latency, stale_book_us=2_000)

    def told() -> bytes:
        broker = Venue([PERPETUAL, SPOT], profile, CAPITAL, "USDT")
        return b"\n".join(encode_canonical(draft) for _, _, drafts in _play(broker, script) for draft in drafts)

    assert told() == told()


@given(script=scripts, latency=latencies)
@settings(max_examples=50, deadline=None)
def test_drafts_come_in_their_order_and_unnumbered(script: list[Action], latency: int) -> None:
    order = ["OrderUpdated", "OrderFilled", "PositionChanged", "AccountChanged"]
    broker = broker_with(entry_latency_us=latency, stale_book_us=2_000)
    for ts, _, drafts in _play(broker, script):
        ranks = [order.index(type(draft).__name__) for draft in drafts]
        assert ranks == sorted(ranks)
        assert {(draft.seq, draft.entry_seq, draft.ts) for draft in drafts} <= {(0, 0, ts)}
        assert all(msgspec.json.decode(encode_canonical(draft)) for draft in drafts)
