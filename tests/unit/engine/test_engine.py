"""What a step promises: numbers without holes, marks by the second, no trade in the warm-up, refusals; and views."""

from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest

from papertape.errors import Broken, Invalid, NotFound
from papertape.model.entries import (
    AlertNote,
    Batch,
    BookGap,
    CloseAll,
    LifecycleChange,
    Quote,
    Ticker,
    VenueBar,
)
from papertape.model.events import AlertRaised, EquityMarked, SessionChanged
from papertape.model.instrument import Instrument
from papertape.strategy.library import builtin_names, builtin_text
from papertape.testkit.engine_run import START_TS, EngineRun, clock, session_plan, told
from papertape.testkit.venue import PERPETUAL, SPOT, book, quote, trade

SECOND = 1_000_000

DEFINITION = """
name: rising
indicators:
  rise: {kind: price_change_pct, params: {t1: 10}, name: rise over 10 s}
  spread: {kind: spread_pct, name: spread}
  average: {kind: sma, params: {period: 3, interval: 60}, name: average of 3 min}
sections:
  S1:
    name: a rise
    conditions:
      - {indicator: rise, op: ">=", threshold: 2}
      - {indicator: spread, op: "<=", threshold: 0.5}
  Z1:
    order: {side: long, size: {equity_pct: 10}, stop_loss_pct: 2}
  ZE1: {conditions: [{indicator: unrealized_pnl_pct, op: ">=", threshold: 1}]}
limits: {max_open_positions: 2}
"""


def _quote(second: float, price: float, instrument: Instrument = PERPETUAL) -> Quote:
    ts = START_TS + int(second * SECOND)
    return quote(ts, f"{price - 0.1:.2f}", "100", f"{price + 0.1:.2f}", "100", instrument)


def _trades(run: EngineRun, prices: list[float], first: int = 0) -> None:
    for index, price in enumerate(prices):
        ts = START_TS + (first + index) * SECOND
        run.feed(_quote(first + index, price), trade(ts, f"{price:.2f}", "1", "buy"), clock(ts + SECOND // 2))


def _run(text: str = DEFINITION) -> EngineRun:
    return EngineRun(session_plan(text))


def test_every_strategy_and_instrument_is_an_active_instance_from_the_first_moment() -> None:
    texts = [builtin_text(name) for name in builtin_names()]
    engine = EngineRun(session_plan(*texts, instruments=(PERPETUAL, SPOT))).engine
    views = engine.instances()
    assert {(view.state, view.is_active) for view in views} == {("MONITORING", True)}
    assert [view.key for view in views] == [
        f"{name}|{instrument.id}" for name in builtin_names() for instrument in (PERPETUAL, SPOT)
    ]
    assert [row.key for row in engine.watchlist()] == [PERPETUAL.id, SPOT.id]


def test_before_the_first_event_every_missing_value_has_its_reason() -> None:
    engine = _run(builtin_text("pump-peak-short")).engine
    assert engine.watchlist()[0].reason == "Waiting for the first market event of ABCUSDT."
    assert {(view.value, bool(view.reason)) for view in engine.indicators()} == {(None, True)}
    readings = [reading for view in engine.conditions() for section in view.sections for reading in section.conditions]
    assert {(reading.answer, reading.reason) for reading in readings} == {
        ("undecided", "waiting for the first live market event")
    }
    assert engine.instances()[0].reason == (
        "Watching for a pump: rise from the low of the last 3 min cannot be judged yet "
        "(waiting for the first live market event)."
    )
    assert engine.equity().equity == Decimal(10_000)
    assert engine.bars(PERPETUAL.id, 60, 10) == []


def test_a_strategy_that_can_never_trade_an_instrument_says_so_from_the_start() -> None:
    engine = EngineRun(session_plan(builtin_text("pump-peak-short"), instruments=(SPOT,))).engine
    assert engine.instances()[0].reason.startswith(f"{SPOT.id} is spot and cannot be sold short; choose a perpetual.")


def test_facts_are_numbered_from_one_without_holes() -> None:
    run = _run()
    _trades(run, [100.0] * 12 + [102.5] * 5)
    assert [fact.seq for fact in run.facts] == list(range(1, len(run.facts) + 1))
    assert run.engine.last_event_seq == len(run.facts)
    assert run.engine.last_entry_seq == 17 * 3


def test_the_account_is_marked_once_in_each_second_of_entry_time_that_has_an_entry() -> None:
    run = _run()
    run.feed(_quote(0.1, 100), _quote(0.9, 100), _quote(1.0, 100), _quote(1.5, 100), _quote(4.2, 100))
    marks = [fact for fact in run.facts if isinstance(fact, EquityMarked)]
    assert [mark.ts - START_TS for mark in marks] == [100_000, SECOND, 4_200_000]
    assert [mark.entry_seq for mark in marks] == [1, 3, 5]


def test_warm_up_feeds_indicators_and_books_but_never_thinks_trades_or_marks() -> None:
    run = _run()
    history = [
        entry
        for second in range(12)
        for entry in (
            _quote(second, 100 + second),
            trade(START_TS + second * SECOND, f"{100 + second}", "1", "buy"),
        )
    ]
    assert run.feed(*history, is_warmup=True) == []
    values = {view.name: view.value for view in run.engine.indicators()}
    assert values["rise over 10 s"] == pytest.approx(9 / 102 * 100)
    instance = run.engine.instances()[0]
    assert (instance.state, instance.since) == ("MONITORING", START_TS + 11 * SECOND)
    assert run.engine.watchlist()[0].last == 111.0
    assert run.engine.watchlist()[0].volume_session_quote == 0.0
    assert told(run.feed(clock(START_TS + 12 * SECOND))) == [
        "signal S1 buy accepted",
        "MONITORING -> SIGNAL_DETECTED by S1",
    ]


def test_venue_bars_of_the_warm_up_warm_bar_indicators() -> None:
    run = _run()
    bars = [
        VenueBar(
            ts=START_TS - (3 - index) * 60 * SECOND,
            recv_ts=0,
            instrument=PERPETUAL.id,
            open_ts=START_TS - (4 - index) * 60 * SECOND,
            interval_s=60,
            open=10_000,
            high=10_300,
            low=9_900,
            close=10_000 + index * 100,
            volume=5_000,
        )
        for index in range(3)
    ]
    run.feed(*bars, is_warmup=True)
    assert {view.name: view.value for view in run.engine.indicators()}["average of 3 min"] == 101.0


def test_a_step_refuses_a_hole_a_repeat_and_time_that_goes_back() -> None:
    run = _run()
    run.feed(_quote(1, 100))
    for first_seq in (1, 3):
        with pytest.raises(Broken, match="entries have no holes and come once"):
            run.engine.step(Batch(first_seq=first_seq, entries=(_quote(2, 100),)))
    with pytest.raises(Broken, match="1000000 µs before the one before"):
        run.engine.step(Batch(first_seq=2, entries=(_quote(0, 100),)))


def test_a_step_refuses_an_instrument_it_does_not_trade_and_a_command_in_the_warm_up() -> None:
    run = _run()
    with pytest.raises(Broken, match="which this session does not trade"):
        run.feed(_quote(0, 100, SPOT))
    command = CloseAll(ts=START_TS, recv_ts=0, reason="Stop.", is_emergency=False)
    with pytest.raises(Broken, match="inside the warm-up"):
        _run().feed(command, is_warmup=True)


def test_a_plan_with_a_wrong_or_repeated_definition_is_refused() -> None:
    plan = session_plan(DEFINITION)
    broken = msgspec.structs.replace(plan.strategies[0], definition={"name": "x"})
    with pytest.raises(Invalid, match='the required field "sections" is missing'):
        EngineRun(msgspec.structs.replace(plan, strategies=(broken,)))
    with pytest.raises(Invalid, match='The strategy "rising" is chosen twice'):
        EngineRun(msgspec.structs.replace(plan, strategies=plan.strategies * 2))


def test_lifecycle_changes_and_alerts_become_facts() -> None:
    run = _run()
    change = LifecycleChange(
        ts=START_TS, recv_ts=0, state="running", trigger="alive", reason="All is well.", is_degraded=True,
        entries_paused=False,
    )  # fmt: skip
    note = AlertNote(
        ts=START_TS, recv_ts=0, code="feed.silent", severity="warning", message="Silent.", stage="venue",
        instrument=PERPETUAL.id,
    )  # fmt: skip
    assert [fact for fact in run.feed(change, note) if not isinstance(fact, EquityMarked)] == [
        SessionChanged(
            seq=1, ts=START_TS, entry_seq=1, state="running", trigger="alive", reason="All is well.", is_degraded=True,
            entries_paused=False,
        ),
        AlertRaised(
            seq=3, ts=START_TS, entry_seq=2, code="feed.silent", severity="warning", message="Silent.", stage="venue",
            instrument=PERPETUAL.id,
        ),
    ]  # fmt: skip


def test_values_grow_stale_by_exchange_time_and_conditions_say_so() -> None:
    run = _run()
    _trades(run, [100.0] * 12)
    run.feed(clock(START_TS + 19 * SECOND))
    assert {view.reason for view in run.engine.indicators() if view.name != "average of 3 min"} == {"stale 8 s"}
    section = run.engine.conditions()[0].sections[0]
    assert (section.answer, [reading.reason for reading in section.conditions]) == ("undecided", ["stale 8 s"] * 2)
    assert run.engine.watchlist()[0].reason == "Stale: nothing has come from ABCUSDT for 8 s."
    assert run.engine.instances()[0].reason == ("Watching for a rise: rise over 10 s cannot be judged yet (stale 8 s).")


def test_a_quote_that_stays_away_while_trades_come_makes_quote_values_stale() -> None:
    run = _run()
    _trades(run, [100.0] * 12)
    run.feed(*(trade(START_TS + second * SECOND, "100", "1", "buy") for second in range(12, 44)))
    assert {view.name: view.reason for view in run.engine.indicators()} == {
        "rise over 10 s": None,
        "spread": "stale 32 s",
        "average of 3 min": "warming up 0/3 bars",
    }


def test_a_gap_voids_the_quote_until_the_next_one() -> None:
    run = _run()
    _trades(run, [100.0] * 3)
    run.feed(BookGap(ts=START_TS + 3 * SECOND, recv_ts=0, instrument=PERPETUAL.id, reason="ids skipped"))
    row, spread = run.engine.watchlist()[0], run.engine.indicators()[1]
    assert (row.bid, row.ask, spread.value) == (None, None, None)
    assert spread.reason


def test_a_section_tells_what_blocks_it_in_a_plain_sentence() -> None:
    run = _run()
    _trades(run, [100.0] * 12 + [100.42])
    view = run.engine.conditions()[0]
    found = {section.code: section for section in view.sections}
    assert found["S1"].summary == "A rise: Rise over 10 s is 0.42 %, needs at least 2 %."
    assert (found["S1"].is_watched, found["S1"].answer, found["S1"].blocking) == (True, "false", "rise over 10 s ≥ 2 %")
    assert found["S1"].progress == pytest.approx(21)
    assert (found["Z1"].answer, found["Z1"].progress, found["Z1"].summary) == ("true", 100.0, "Nothing more is asked.")
    assert (found["ZE1"].answer, found["ZE1"].conditions[0].reason) == ("undecided", "no position is open")
    assert (found["E1"].is_defined, found["E1"].summary) == (False, "This strategy does not define this section.")
    instance = run.engine.instances()[0]
    assert instance.reason == "Watching for a rise: rise over 10 s is 0.42 %, needs at least 2 %."
    assert instance.blocking is not None
    assert instance.next_section == "S1"
    assert instance.blocking.distance == pytest.approx(1.58)


def test_an_open_position_is_shown_with_its_price_and_what_it_waits_for() -> None:
    run = _run()
    _trades(run, [100.0] * 12 + [102.5] * 3)
    instance = run.engine.instances()[0]
    assert instance.state == "POSITION_ACTIVE"
    assert instance.reason == (
        "Long 9.746 ABC at 102.60, stop 100.55; taking profit waits: open profit is -0.1949 %, needs at least 1 %."
    )
    position = run.engine.watchlist()[0].position
    assert position is not None
    assert (position.quantity, position.mark_price) == (Decimal("9.746"), Decimal("102.40"))
    assert run.engine.open_position_count == 1


def test_the_watchlist_shows_price_direction_spread_change_and_volume() -> None:
    run = _run()
    _trades(run, [100.0, 99.0])
    run.feed(Ticker(ts=START_TS + 2 * SECOND, recv_ts=7, instrument=PERPETUAL.id, change_pct=-3.5, volume_quote=1e6))
    row = run.engine.watchlist()[0]
    assert (row.last, row.direction, row.bid, row.ask, row.recv_ts) == (99.0, "down", 98.9, 99.1, 7)
    assert (row.change_session_pct, row.change_24h_pct, row.volume_24h_quote) == (-1.0, -3.5, 1e6)
    assert row.volume_session_quote == 199.0
    assert row.reason is None


def test_the_touch_of_a_book_is_shown_where_there_are_no_quotes() -> None:
    run = _run()
    run.feed(book(START_TS, [("99.50", "1")], [("99.70", "2")]))
    row = run.engine.watchlist()[0]
    assert (row.bid, row.ask, row.reason) == (99.5, 99.7, "No trade of ABCUSDT yet; its quotes are shown.")


def test_an_indicator_is_computed_once_for_all_who_use_it() -> None:
    other = DEFINITION.replace("name: rising", "name: rising-too")
    run = EngineRun(session_plan(DEFINITION, other))
    _trades(run, [100.0] * 12)
    values = {view.key: view.value for view in run.engine.indicators()}
    assert values[f"rising|{PERPETUAL.id}|rise"] == values[f"rising-too|{PERPETUAL.id}|rise"] == 0.0


def test_bars_are_built_from_trades_and_an_unknown_instrument_is_refused() -> None:
    run = _run()
    _trades(run, [100.0, 101.0, 99.0])
    (bar,) = run.engine.bars(PERPETUAL.id, 60, 10)
    assert (bar.open, bar.high, bar.low, bar.close, bar.volume, bar.is_partial) == (100.0, 101.0, 99.0, 99.0, 3.0, True)
    assert run.engine.last_prices() == {PERPETUAL.id: 9_900}
    with pytest.raises(NotFound, match="The session has no instrument 'XYZ'"):
        run.engine.bars("XYZ", 60, 10)


def test_the_revision_grows_with_every_entry_that_may_change_a_view() -> None:
    run = _run()
    seen = [run.engine.revision(PERPETUAL.id)]
    for entry in (_quote(0, 100), clock(START_TS), trade(START_TS, "100", "1", "buy")):
        run.feed(entry)
        seen.append(run.engine.revision(PERPETUAL.id))
    assert seen == sorted(set(seen))


def test_looking_at_views_changes_no_fact() -> None:
    quiet, looked_at = _run(), _run()
    for run in (quiet, looked_at):
        for second in range(30):
            price = 100.0 if second < 12 else 102.5
            ts = START_TS + second * SECOND
            run.feed(_quote(second, price), trade(ts, f"{price}", "1", "buy"), clock(ts + 1))
            if run is looked_at:
                engine = run.engine
                engine.instances(), engine.watchlist(), engine.indicators(), engine.conditions(), engine.equity()
    assert quiet.facts == looked_at.facts
