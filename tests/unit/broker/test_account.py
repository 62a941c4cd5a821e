"""Positions net, average and close; the account balances to the last unit."""

from __future__ import annotations

from decimal import Decimal

from papertape.model.events import AccountChanged, EquityMarked, PositionChanged
from papertape.model.fact_log import FactLog, Reason
from papertape.model.views import EquityView, OpenPosition
from papertape.testkit.venue import PERPETUAL, STRATEGY, Venue, broker_with, order, quote, trade


def _at(broker: Venue, ts: int, bid: str, ask: str) -> None:
    broker.on_event(quote(ts, bid, "100", ask, "100"))


def test_an_open_position_is_marked_at_the_price_it_would_close_at() -> None:
    broker = broker_with(taker_fee=Decimal("0.001"))
    _at(broker, 1, "99.00", "100.00")
    broker.submit(order("buy", "2", reason="pump"), 1)
    _at(broker, 2, "104.00", "105.00")

    position = OpenPosition(
        position_id="P-1",
        strategy=STRATEGY,
        instrument=PERPETUAL.id,
        side="long",
        quantity=Decimal(2),
        entry_price=Decimal(100),
        mark_price=Decimal(104),
        unrealized_pnl=Decimal(8),
        unrealized_pnl_pct=4.0,
        stop_price=None,
        target_price=None,
        opened_ts=1,
    )
    assert broker.position(STRATEGY, PERPETUAL.id) == position
    assert broker.equity(3) == EquityView(
        key="account",
        currency="USDT",
        initial_capital=Decimal(10_000),
        equity=Decimal("10007.8"),
        cash=Decimal("9999.8"),
        realized_pnl=Decimal(0),
        unrealized_pnl=Decimal(8),
        fees=Decimal("0.2"),
        drawdown_pct=0.0,
        open_positions=(position,),
        ts=3,
    )


def test_drawdown_is_measured_from_the_highest_mark() -> None:
    broker = broker_with(taker_fee=Decimal(0))
    _at(broker, 1, "100.00", "100.00")
    broker.submit(order("sell", "50", leverage=1), 1)
    _at(broker, 2, "59.99", "60.00")
    broker.mark(2)
    _at(broker, 3, "83.99", "84.00")

    assert broker.mark(3) == EquityMarked(
        seq=0,
        ts=3,
        entry_seq=0,
        equity=Decimal(10_800),
        cash=Decimal(10_000),
        unrealized_pnl=Decimal(800),
        drawdown_pct=10.0,
        exposure=Decimal(4_200),
    )
    assert broker.equity(3).drawdown_pct == 10.0


def test_entries_average_and_a_partial_exit_keeps_the_entry_price() -> None:
    broker = broker_with(taker_fee=Decimal(0))
    _at(broker, 1, "99.00", "100.00")
    broker.submit(order("buy", "1"), 1)
    _at(broker, 2, "100.00", "100.01")
    broker.submit(order("buy", "2"), 2)
    _at(broker, 3, "101.00", "102.00")
    _, drafts = broker.submit(order("sell", "1", purpose="exit", reason="ZE1 became true."), 3)

    assert drafts[-2:] == [
        PositionChanged(
            seq=0,
            ts=3,
            entry_seq=0,
            position_id="P-1",
            strategy=STRATEGY,
            instrument=PERPETUAL.id,
            side="long",
            status="open",
            quantity=Decimal(2),
            entry_price=Decimal("100.0066666667"),
            exit_price=Decimal(101),
            stop_price=None,
            target_price=None,
            realized_pnl=Decimal("0.99333"),
            fees=Decimal(0),
            opened_ts=1,
            closed_ts=None,
            reason="ZE1 became true.",
        ),
        AccountChanged(
            seq=0,
            ts=3,
            entry_seq=0,
            currency="USDT",
            cash=Decimal("10000.99333"),
            realized_pnl=Decimal("0.99333"),
            fees=Decimal(0),
            open_positions=1,
        ),
    ]
    broker.close(STRATEGY, PERPETUAL.id, 4, "exit", "ZE1 became true.")
    assert broker.equity(4).cash == Decimal(10_000) + 3 * Decimal(101) - Decimal("300.02")


def test_strategies_on_one_instrument_hold_positions_of_their_own() -> None:
    broker = broker_with()
    _at(broker, 1, "99.00", "100.00")
    broker.submit(order("buy", "1"), 1)
    broker.submit(order("sell", "2", strategy="ema-cross"), 1)

    sides = [(each.strategy, each.side, each.quantity) for each in broker.equity(1).open_positions]
    assert sides == [(STRATEGY, "long", Decimal(1)), ("ema-cross", "short", Decimal(2))]
    assert broker.open_position_count == 2


def test_without_quotes_the_last_trade_marks() -> None:
    broker = broker_with(trade_only_spread_bps=0)
    broker.on_event(trade(1, "100.00", "1", "buy"))
    broker.submit(order("buy", "1"), 1)
    broker.on_event(trade(2, "103.00", "1", "buy"))

    position = broker.position(STRATEGY, PERPETUAL.id)
    assert position is not None
    assert (position.mark_price, position.unrealized_pnl) == (Decimal(103), Decimal(3))


def test_a_fee_is_rounded_half_up_to_8_decimals() -> None:
    broker = broker_with(taker_fee=Decimal("0.0000001125"))
    _at(broker, 1, "99.00", "100.00")
    broker.submit(order("buy", "1"), 1)  # 100 × 0.0000001125 = 0.00001125
    broker.submit(order("buy", "1.002"), 1)  # 100.2 × 0.0000001125 = 0.0000112725

    assert broker.equity(1).fees == Decimal("0.00001125") + Decimal("0.00001127")


def _reachable(*roots: object) -> int:
    # how many objects with state of their own a venue holds; the log is a test's to drain
    seen: dict[int, object] = {}
    left = list(roots)
    while left:
        one = left.pop()
        if id(one) in seen or isinstance(one, str | int | float | FactLog | Reason) or one is None:
            continue
        seen[id(one)] = one
        if isinstance(one, dict):
            left += [*one.keys(), *one.values()]
        elif isinstance(one, list | tuple):
            left += one
        else:
            names = [name for kind in type(one).__mro__ for name in getattr(kind, "__slots__", ())]
            left += [getattr(one, name) for name in names if not name.startswith("__")]
    return len(seen)


def test_three_hundred_round_trips_leave_no_more_behind_than_ten() -> None:
    broker = broker_with(capital="1000000")
    sizes = []
    for ts in range(300):
        _at(broker, ts, f"{98 + ts % 2}.00", f"{100 + ts % 2}.00")
        broker.submit(order("buy", "1.000", stop_loss_pct=5.0, take_profit_pct=5.0), ts)
        broker.close(STRATEGY, PERPETUAL.id, ts, "exit", "ZE1 became true.")
        if ts in (9, 299):
            sizes.append(_reachable(broker.broker))

    assert sizes[1] == sizes[0]


def test_flat_is_no_position() -> None:
    assert broker_with().position(STRATEGY, PERPETUAL.id) is None
