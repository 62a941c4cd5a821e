"""How instances move in the engine: priorities, orders, refusals, commands, retries."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from papertape.model.entries import (
    CloseAll,
    ClosePosition,
    LifecycleChange,
    PauseEntries,
    Quote,
    ResumeEntries,
)
from papertape.model.events import AlertRaised, InstanceTransitioned, SessionChanged, SignalFired
from papertape.model.instrument import Instrument
from papertape.testkit.engine_run import START_TS, EngineRun, clock, session_plan, told
from papertape.testkit.venue import PERPETUAL, SPOT, quote, trade

SECOND = 1_000_000

DEFINITION = """
name: levels
indicators:
  price: {kind: mid_price}
sections:
  S1: {name: a high price, conditions: [{indicator: price, op: ">=", threshold: 101}]}
  O1: {timeout: 60s, conditions: [{indicator: price, op: "<", threshold: 95}]}
  Z1:
    conditions: [{indicator: price, op: ">=", threshold: 102}]
    order: {side: long, size: {quote: 1000}, stop_loss_pct: 5, take_profit_pct: 5}
  ZE1: {conditions: [{indicator: price, op: ">=", threshold: 104}]}
  E1: {conditions: [{indicator: price, op: "<=", threshold: 99}]}
cooldown: {after_exit: 10s, after_loss: 30s, after_cancel: 5s}
"""


def _quote(second: float, price: float, size: str = "1000", instrument: Instrument = PERPETUAL) -> Quote:
    ts = START_TS + int(second * SECOND)
    return quote(ts, f"{price - 0.01:.2f}", size, f"{price + 0.01:.2f}", size, instrument)


def _run(
    text: str = DEFINITION, instruments: Sequence[Instrument] = (PERPETUAL,), entry_latency_us: int = 0
) -> EngineRun:
    return EngineRun(session_plan(text, instruments=instruments, entry_latency_us=entry_latency_us))


def _moves(run: EngineRun) -> list[str]:
    return [f"{one.to_state} by {one.trigger}" for one in run.facts if isinstance(one, InstanceTransitioned)]


def _entered() -> EngineRun:
    run = _run()
    run.feed(_quote(0, 101), _quote(1, 102), _quote(2, 102))
    assert run.engine.instances()[0].state == "POSITION_ACTIVE"
    return run


def test_a_trade_goes_once_through_all_states_and_ends_watching_again() -> None:
    run = _run()
    run.feed(_quote(0, 100), _quote(1, 101), _quote(2, 102), _quote(3, 102), _quote(4, 104), _quote(5, 104))
    run.feed(clock(START_TS + 16 * SECOND))
    assert told(run.facts) == [
        "signal S1 buy accepted",
        "MONITORING -> SIGNAL_DETECTED by S1",
        "signal Z1 buy accepted",
        "SIGNAL_DETECTED -> ENTERING by Z1",
        "order entry buy filled",
        "order stop_loss sell accepted",
        "order take_profit sell accepted",
        "fill entry buy 9.802 at 102.01",
        "position long open",
        "AccountChanged",
        "ENTERING -> POSITION_ACTIVE by fill",
        "signal ZE1 sell accepted",
        "POSITION_ACTIVE -> EXITING by ZE1",
        "order stop_loss sell cancelled",
        "order take_profit sell cancelled",
        "order exit sell filled",
        "fill exit sell 9.802 at 103.99",
        "position long closed",
        "AccountChanged",
        "EXITING -> COOLDOWN by fill",
        "COOLDOWN -> MONITORING by cooldown_over",
    ]


def test_every_transition_carries_the_trace_of_every_condition_and_the_entry_that_caused_it() -> None:
    run = _run()
    run.feed(_quote(0, 100), _quote(1, 101))
    (moved,) = [fact for fact in run.facts if isinstance(fact, InstanceTransitioned)]
    assert (moved.entry_seq, moved.ts, moved.section) == (2, START_TS + SECOND, "S1")
    assert [(reading.path, reading.answer, reading.value) for reading in moved.trace] == [
        ("sections.S1.conditions[0]", "true", 101.0),
        ("sections.O1.conditions[0]", "false", 101.0),
        ("sections.Z1.conditions[0]", "false", 101.0),
        ("sections.ZE1.conditions[0]", "false", 101.0),
        ("sections.E1.conditions[0]", "false", 101.0),
    ]
    assert moved.reason == "Found a high price: price is 101 USDT."


def test_at_one_entry_an_instance_makes_at_most_one_transition() -> None:
    run = _run()
    run.feed(_quote(0, 103), _quote(1, 103), _quote(2, 103), _quote(3, 98), _quote(4, 98))
    entries = [fact.entry_seq for fact in run.facts if isinstance(fact, InstanceTransitioned)]
    assert entries == [1, 2, 3, 4, 5]


def test_o1_goes_before_z1() -> None:
    text = DEFINITION.replace('op: "<", threshold: 95', 'op: ">=", threshold: 102')
    run = _run(text)
    run.feed(_quote(0, 101), _quote(1, 102))
    assert _moves(run) == ["SIGNAL_DETECTED by S1", "COOLDOWN by O1"]


def test_e1_goes_before_fills_and_before_ze1() -> None:
    run = _run()
    run.feed(_quote(0, 101), _quote(1, 102), _quote(2, 98))
    assert _moves(run)[-1] == "EXITING by E1"
    both = DEFINITION.replace('op: "<=", threshold: 99', 'op: ">=", threshold: 104')
    run = _run(both)
    run.feed(_quote(0, 101), _quote(1, 102), _quote(2, 102), _quote(3, 104))
    assert _moves(run)[-1] == "EXITING by E1"


def test_a_signal_is_dropped_after_the_timeout_by_the_clock_alone() -> None:
    run = _run()
    run.feed(_quote(0, 101), *(clock(START_TS + second * SECOND) for second in range(1, 61)))
    assert _moves(run) == ["SIGNAL_DETECTED by S1", "COOLDOWN by timeout"]
    assert run.facts[-2].ts == START_TS + 60 * SECOND


def test_without_o1_a_signal_waits_five_minutes() -> None:
    text = "\n".join(line for line in DEFINITION.splitlines() if not line.startswith("  O1"))
    run = _run(text)
    run.feed(_quote(0, 101), clock(START_TS + 299 * SECOND), clock(START_TS + 300 * SECOND))
    assert _moves(run) == ["SIGNAL_DETECTED by S1", "COOLDOWN by timeout"]


@pytest.mark.parametrize(("price", "trigger"), [("96.00", "stop"), ("108.00", "target")])
def test_a_resting_stop_or_target_ends_the_trade(price: str, trigger: str) -> None:
    run = _entered()
    ts = START_TS + 3 * SECOND
    calm = _quote(2.5, 102)
    run.feed(calm, trade(ts, price, "1", "sell"), clock(ts + 1), clock(ts + 2))
    assert _moves(run)[-2:] == [f"EXITING by {trigger}", "COOLDOWN by fill"]
    assert run.engine.open_position_count == 0
    assert not run.engine.has_working_orders


def test_a_loss_rests_longer_than_a_win() -> None:
    run = _entered()
    run.feed(_quote(3, 98), _quote(4, 98), clock(START_TS + 33 * SECOND), clock(START_TS + 34 * SECOND))
    assert _moves(run)[-2:] == ["COOLDOWN by fill", "MONITORING by cooldown_over"]
    assert run.facts[-2].ts == START_TS + 34 * SECOND


def test_a_signal_during_the_rest_is_told_once_and_not_followed() -> None:
    run = _entered()
    run.feed(_quote(3, 98), _quote(4, 98), _quote(5, 101), _quote(6, 98), _quote(7, 101))
    signals = [fact for fact in run.facts if isinstance(fact, SignalFired)]
    assert [(one.section, one.outcome, one.ts) for one in signals[-1:]] == [
        ("S1", "instance.cooldown", START_TS + 5 * SECOND)
    ]
    assert run.engine.instances()[0].state == "COOLDOWN"


def test_an_entry_in_flight_is_waited_for_and_e1_withdraws_it() -> None:
    run = _run(entry_latency_us=3 * SECOND)
    run.feed(_quote(0, 101), _quote(1, 102), _quote(2, 98), _quote(3, 98))
    assert told(run.facts)[2:] == [
        "signal Z1 buy accepted",
        "SIGNAL_DETECTED -> ENTERING by Z1",
        "order entry buy submitted",
        "signal E1 sell accepted",
        "ENTERING -> EXITING by E1",
        "order entry buy cancelled",
        "EXITING -> COOLDOWN by cancelled",
    ]


def test_an_entry_the_venue_cannot_fill_ends_in_cooldown() -> None:
    text = DEFINITION.replace("{quote: 1000}", "{quote: 1000}, type: limit, limit: {offset_pct: 3, expires_after: 5s}")
    run = _run(text)
    run.feed(_quote(0, 101), _quote(1, 102), clock(START_TS + 5 * SECOND), clock(START_TS + 6 * SECOND))
    assert _moves(run)[-2:] == ["ENTERING by Z1", "COOLDOWN by cancelled"]
    run.feed(_quote(6.5, 102))
    assert run.engine.instances()[0].reason.startswith("Resting for another 4 s. The entry ended without a fill")


def test_an_exit_that_does_not_complete_is_sent_again_and_visibly() -> None:
    run = _entered()
    run.feed(_quote(3, 104, size="0.02"))
    run.feed(_quote(4, 104, size="0.02"), _quote(5, 104, size="1000"), _quote(6, 104))
    assert _moves(run)[-4:] == [
        "EXITING by ZE1",
        "EXITING by rejected",
        "EXITING by rejected",
        "COOLDOWN by fill",
    ]


def test_an_exit_that_never_completes_ends_in_error_and_calls_the_trader() -> None:
    run = _entered()
    run.feed(*(_quote(3 + second, 104, size="0.001") for second in range(30)))
    (alert,) = [fact for fact in run.facts if isinstance(fact, AlertRaised)]
    assert (alert.code, alert.severity) == ("instance.exit_failed", "critical")
    assert run.engine.instances()[0].state == "ERROR"
    assert not run.engine.instances()[0].is_active
    close = ClosePosition(ts=START_TS + 40 * SECOND, recv_ts=0, instrument=PERPETUAL.id, reason="By hand.")
    run.feed(_quote(40, 104), close, clock(close.ts + 1))
    assert _moves(run)[-2:] == ["EXITING by command", "COOLDOWN by fill"]


def test_paused_entries_refuse_a_signal_once_and_let_it_through_when_resumed() -> None:
    run = _run()
    pause = PauseEntries(ts=START_TS, recv_ts=0, reason="Lunch")
    resume = ResumeEntries(ts=START_TS + 4 * SECOND, recv_ts=0, reason="Back")
    run.feed(pause, _quote(0, 101), _quote(1, 102), _quote(2, 102), _quote(3, 102))
    assert run.engine.instances()[0].reason == (
        "Found a high price 3 s ago, but no order may be sent: Entries are paused: Lunch."
    )
    run.feed(resume, _quote(5, 102))
    signals = [fact.outcome for fact in run.facts if isinstance(fact, SignalFired)]
    assert signals == ["accepted", "session.entries_paused", "accepted"]
    changed = [(fact.trigger, fact.entries_paused) for fact in run.facts if isinstance(fact, SessionChanged)]
    assert changed == [("pause_entries", True), ("resume_entries", False)]


def test_exits_keep_working_while_entries_are_paused() -> None:
    run = _entered()
    run.feed(PauseEntries(ts=START_TS + 2 * SECOND, recv_ts=0, reason="Lunch"), _quote(3, 104), _quote(4, 104))
    assert _moves(run)[-2:] == ["EXITING by ZE1", "COOLDOWN by fill"]


@pytest.mark.parametrize(
    ("text", "instruments", "code"),
    [
        (DEFINITION.replace("side: long", "side: short"), (SPOT,), "venue.short_not_allowed"),
        (DEFINITION.replace("quote: 1000", "quote: 1"), (PERPETUAL,), "venue.min_notional"),
        (DEFINITION.replace("quote: 1000", "quote: 20000"), (PERPETUAL,), "funds.insufficient"),
    ],
)
def test_an_order_that_can_never_be_ends_the_signal_with_its_reason(
    text: str, instruments: tuple[Instrument, ...], code: str
) -> None:
    run = _run(text, instruments)
    run.feed(_quote(0, 101, instrument=instruments[0]), _quote(1, 102, instrument=instruments[0]))
    assert [fact.outcome for fact in run.facts if isinstance(fact, SignalFired)] == ["accepted", code]
    assert _moves(run) == ["SIGNAL_DETECTED by S1", "COOLDOWN by risk"]


def test_a_limit_of_positions_counts_over_the_session_and_the_signal_waits() -> None:
    other = SPOT
    run = _run(DEFINITION + "limits: {max_open_positions: 1}\n", (PERPETUAL, other))
    run.feed(_quote(0, 101), _quote(0, 101, instrument=other), _quote(1, 102), _quote(1, 102, instrument=other))
    waiting = run.engine.instances()[1]
    assert waiting.state == "SIGNAL_DETECTED"
    assert waiting.reason.endswith("1 positions are open or being opened; the limit is 1.")
    run.feed(_quote(2, 104), _quote(3, 104), _quote(3, 104), _quote(3, 102, instrument=other))
    assert run.engine.instances()[1].state == "ENTERING"


def test_close_position_closes_one_instrument_only() -> None:
    run = _run(instruments=(PERPETUAL, SPOT))
    for instrument in (PERPETUAL, SPOT):
        run.feed(*(_quote(0, price, instrument=instrument) for price in (101, 102, 102)))
    run.feed(ClosePosition(ts=START_TS + SECOND, recv_ts=0, instrument=SPOT.id, reason="Enough."))
    assert [view.state for view in run.engine.instances()] == ["POSITION_ACTIVE", "EXITING"]
    run.feed(clock(START_TS + SECOND))
    assert [view.state for view in run.engine.instances()] == ["POSITION_ACTIVE", "COOLDOWN"]


@pytest.mark.parametrize(
    ("prices", "moves"),
    [
        ((100,), []),
        ((101,), ["COOLDOWN by command"]),
        ((101, 102, 102), ["EXITING by command", "COOLDOWN by fill"]),
    ],
)
def test_close_all_leaves_whatever_an_instance_is_in_and_keeps_entries_off(
    prices: tuple[float, ...], moves: list[str]
) -> None:
    run = _run()
    run.feed(*(_quote(second, price) for second, price in enumerate(prices)))
    before = len(_moves(run))
    run.feed(CloseAll(ts=START_TS + 5 * SECOND, recv_ts=0, reason="Stop.", is_emergency=True))
    run.feed(clock(START_TS + 6 * SECOND))
    assert _moves(run)[before:] == moves
    assert run.engine.open_position_count == 0
    assert not run.engine.has_working_orders
    assert run.engine.instances()[0].entries_paused
    run.feed(*(_quote(60 + second, 103) for second in range(3)))
    assert run.engine.open_position_count == 0


def test_close_all_withdraws_an_entry_in_flight() -> None:
    run = _run(entry_latency_us=3 * SECOND)
    run.feed(_quote(0, 101), _quote(1, 102))
    assert run.engine.has_working_orders
    run.feed(CloseAll(ts=START_TS + 2 * SECOND, recv_ts=0, reason="Stop.", is_emergency=False))
    assert not run.engine.has_working_orders
    run.feed(clock(START_TS + 3 * SECOND))
    assert _moves(run)[-2:] == ["EXITING by command", "COOLDOWN by cancelled"]


def test_a_session_that_has_ended_opens_nothing() -> None:
    run = _run()
    ended = LifecycleChange(
        ts=START_TS, recv_ts=0, state="stopping", trigger="stop", reason="By the trader.", is_degraded=False,
        entries_paused=False,
    )  # fmt: skip
    run.feed(ended, _quote(0, 101), _quote(1, 102))
    assert told(run.facts) == [
        "SessionChanged",
        "signal S1 buy accepted",
        "MONITORING -> SIGNAL_DETECTED by S1",
        "signal Z1 buy session.entries_paused",
    ]


def test_a_daily_loss_keeps_new_entries_off_until_the_next_day_utc() -> None:
    # 88.226 bought at 102.01 and sold at 97.99 lose 354.67, fees 8.82
    run = _run(DEFINITION.replace("{quote: 1000}", "{quote: 9000}") + "limits: {max_daily_loss_pct: 1}\n")
    run.feed(*(_quote(second, price) for second, price in enumerate((101, 102, 102, 98, 98))))
    run.feed(*(_quote(60 + second, 103) for second in range(3)))
    refused = [fact for fact in run.facts if isinstance(fact, SignalFired)][-1]
    assert (refused.outcome, refused.reason) == (
        "risk.daily_loss",
        "The session has lost 3.635 % today; entries stop at 1 %.",
    )
    tomorrow = 7 * 3600
    run.feed(*(_quote(tomorrow + second, 103) for second in range(40)))
    assert run.engine.open_position_count == 1


def test_a_limit_of_trades_counts_by_the_day() -> None:
    run = _run(DEFINITION + "limits: {max_trades_per_day: 1}\n")
    run.feed(*(_quote(second, price) for second, price in enumerate((101, 102, 102, 104, 104))))
    run.feed(*(_quote(20 + second, 103) for second in range(3)))
    assert [fact.outcome for fact in run.facts if isinstance(fact, SignalFired)][-1] == "risk.trades_per_day"


def test_an_entry_that_waits_for_a_fresh_book_says_so() -> None:
    run = _run(entry_latency_us=6 * SECOND)
    run.feed(_quote(0, 101), _quote(1, 102), clock(START_TS + 8 * SECOND))
    assert run.engine.instances()[0].reason == (
        "The entry O-1 (buy 9.802 ABC) is accepted; waiting for its first fill. "
        "The newest quote or book is 6.0 s old; it waits for a fresh one."
    )
