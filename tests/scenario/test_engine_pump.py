"""Golden scenarios: a synthetic pump and its exact list of facts, the same at every pace."""

from __future__ import annotations

from papertape.model.entries import Entry
from papertape.model.events import EquityMarked, InstanceTransitioned, encode_canonical
from papertape.strategy.library import builtin_text
from papertape.testkit.engine_run import START_TS, EngineRun, clock, session_plan, told
from papertape.testkit.venue import quote, trade

SECOND = 1_000_000
CALM_S, PUMP_S, DUMP_S, END_S = 400, 90, 130, 760

STORY = [
    "signal S1 sell accepted",
    "MONITORING -> SIGNAL_DETECTED by S1",
    "signal Z1 sell accepted",
    "SIGNAL_DETECTED -> ENTERING by Z1",
    "order entry sell filled",
    "order stop_loss buy accepted",
    "order take_profit buy accepted",
    "fill entry sell 9.729 at 102.78",
    "position short open",
    "AccountChanged",
    "ENTERING -> POSITION_ACTIVE by fill",
    "signal ZE1 buy accepted",
    "POSITION_ACTIVE -> EXITING by ZE1",
    "order stop_loss buy cancelled",
    "order take_profit buy cancelled",
    "order exit buy filled",
    "fill exit buy 9.729 at 100.72",
    "position short closed",
    "AccountChanged",
    "EXITING -> COOLDOWN by fill",
    "COOLDOWN -> MONITORING by cooldown_over",
]

REASONS = [
    "Found a pump: rise from the low of the last 3 min is 1.2 %; volume of the last 20 s against the 5 min before is "
    "5.825 ×; speed of the price over 20 s is 0.6642 %.",
    "Entering short at the peak: speed of the price over 8 s is -0.1457 %; fall from the high of the last 90 s is "
    "0.2039 %; spread is 0.01946 %.",
    "The entry has filled: short 9.729 ABC at 102.78.",
    "Closing in an orderly way (profit or exhaustion): open profit is 2.004 %.",
    "Flat again with a result of 19.05 USDT after fees.",
    "The rest is over; watching again.",
]


def _price(second: float) -> float:
    """Calm at 100, up 3 % in 90 s, down 2.5 % in 130 s, calm again."""
    if second < CALM_S:
        return 100.0 + 0.02 * (int(second) % 3 - 1)
    if second < CALM_S + PUMP_S:
        return 100.0 + 3.0 * (second - CALM_S) / PUMP_S
    if second < CALM_S + PUMP_S + DUMP_S:
        return 103.0 - 2.5 * (second - CALM_S - PUMP_S) / DUMP_S
    return 100.5


def _entries(until_s: int) -> list[Entry]:
    entries: list[Entry] = []
    for half in range(until_s * 2):
        ts, price = START_TS + half * SECOND // 2, _price(half / 2)
        size = "8" if CALM_S <= half / 2 < CALM_S + PUMP_S + DUMP_S else "1"
        entries.append(quote(ts, f"{price - 0.01:.2f}", "100", f"{price + 0.01:.2f}", "100"))
        entries.append(trade(ts + 1_000, f"{price:.2f}", size, "buy" if half % 2 else "sell"))
        if half % 2:
            entries.append(clock(ts + 2_000))
    return entries


def _run(size: int) -> EngineRun:
    run = EngineRun(session_plan(builtin_text("pump-peak-short")))
    entries = _entries(END_S)
    for start in range(0, len(entries), size):
        run.feed(*entries[start : start + size])
    return run


def test_a_pump_on_a_perpetual_is_found_shorted_at_its_peak_and_closed_in_profit() -> None:
    run = _run(1)
    assert told(run.facts) == STORY
    assert run.engine.equity().realized_pnl > 0
    assert run.engine.instances()[0].state == "MONITORING"


def test_the_story_tells_its_reasons_in_plain_sentences() -> None:
    moved = [fact for fact in _run(50).facts if isinstance(fact, InstanceTransitioned)]
    assert [fact.reason for fact in moved] == REASONS


def test_live_pace_and_backtest_pace_give_the_same_bytes() -> None:
    paces = [_run(size).facts for size in (1, 7, 10_000)]
    live, burst, backtest = ([encode_canonical(fact) for fact in facts] for facts in paces)
    assert live == burst == backtest


def test_history_as_warm_up_lets_a_new_session_judge_at_once() -> None:
    run = EngineRun(session_plan(builtin_text("pump-peak-short")))
    entries = _entries(END_S)
    split = next(index for index, entry in enumerate(entries) if entry.ts >= START_TS + CALM_S * SECOND)
    run.feed(*entries[:split], is_warmup=True)
    assert run.facts == []
    run.feed(*entries[split:])
    assert told(run.facts) == STORY
    marks = [fact for fact in run.facts if isinstance(fact, EquityMarked)]
    assert len(marks) == END_S - CALM_S
