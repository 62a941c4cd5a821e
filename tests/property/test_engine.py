"""The same entries give the same bytes, however they are split into batches; a warm-up never trades."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from papertape.engine.engine import Engine
from papertape.model.entries import (
    Batch,
    BookGap,
    CloseAll,
    ClosePosition,
    Entry,
    PauseEntries,
    ResumeEntries,
)
from papertape.model.events import InstanceTransitioned, encode_canonical
from papertape.testkit.engine_run import START_TS, EngineRun, clock, session_plan
from papertape.testkit.venue import PERPETUAL, SPOT, book, quote, trade

DEFINITION = """
name: nervous
indicators:
  price: {kind: mid_price}
  rise: {kind: price_change_pct, params: {t1: 3}}
  flow: {kind: order_flow_imbalance, params: {t1: 5}}
sections:
  S1:
    conditions:
      - any:
          - {indicator: price, op: ">", threshold: 100.5, for: 500ms}
          - {indicator: rise, op: ">=", threshold: 0.2, within: 2s}
          - {indicator: price, op: crosses_above, threshold: 100}
  O1: {timeout: 5s, conditions: [{indicator: price, op: "<", threshold: 99}]}
  Z1:
    conditions: [{indicator: flow, op: ">=", threshold: -0.5}]
    order: {side: long, size: {equity_pct: 20}, stop_loss_pct: 0.5, take_profit_pct: 0.7}
  ZE1:
    conditions:
      - any:
          - {indicator: runup_pct, op: ">=", threshold: 0.3}
          - {indicator: loss_today_pct, op: ">", threshold: 1}
  E1: {conditions: [{indicator: unrealized_pnl_pct, op: "<=", threshold: -0.3}]}
cooldown: {after_exit: 1s, after_cancel: 500ms}
limits: {max_open_positions: 1, max_trades_per_day: 50}
"""
PLAN = session_plan(DEFINITION, instruments=(PERPETUAL, SPOT), entry_latency_us=150_000)


@st.composite
def _entries(draw: st.DrawFn) -> list[Entry]:
    entries: list[Entry] = []
    ts, price = START_TS, 10_000
    kinds = st.sampled_from("qqqqqttttttccbgprxy")
    for kind in draw(st.lists(kinds, min_size=1, max_size=60)):
        ts += draw(st.integers(0, 700_000))
        price += draw(st.integers(-40, 45))
        entries.append(_entry(kind, ts, price, draw(st.booleans())))
    return entries


def _entry(kind: str, ts: int, units: int, is_perpetual: bool) -> Entry:
    instrument = PERPETUAL if is_perpetual else SPOT
    below, at, above = (f"{(units + offset) / 100:.2f}" for offset in (-1, 0, 1))
    made: dict[str, Entry] = {
        "q": quote(ts, below, "50", above, "50", instrument),
        "t": trade(ts, at, "2", "buy" if units % 3 else "sell", instrument),
        "c": clock(ts),
        "b": book(ts, [(below, "30")], [(above, "30")], instrument=instrument),
        "g": BookGap(ts=ts, recv_ts=ts, instrument=instrument.id, reason="ids skipped"),
        "p": PauseEntries(ts=ts, recv_ts=ts, reason="paused"),
        "r": ResumeEntries(ts=ts, recv_ts=ts, reason="resumed"),
        "x": ClosePosition(ts=ts, recv_ts=ts, instrument=instrument.id, reason="closed"),
        "y": CloseAll(ts=ts, recv_ts=ts, reason="all closed", is_emergency=False),
    }
    return made[kind]


def _bytes(entries: Sequence[Entry], cuts: Sequence[int], warmup: int = 0) -> list[bytes]:
    run = EngineRun(PLAN)
    if warmup:
        run.feed(*entries[:warmup], is_warmup=True)
    edges = [warmup, *sorted(cut for cut in set(cuts) if warmup < cut < len(entries)), len(entries)]
    for start, end in pairwise(edges):
        run.feed(*entries[start:end])
    assert [fact.seq for fact in run.facts] == list(range(1, len(run.facts) + 1))
    return [encode_canonical(fact) for fact in run.facts]


@settings(max_examples=60, deadline=None)
@given(_entries(), st.lists(st.integers(0, 60), max_size=12))
def test_any_split_into_batches_gives_the_same_bytes(entries: list[Entry], cuts: list[int]) -> None:
    assert _bytes(entries, cuts) == _bytes(entries, ()) == _bytes(entries, range(len(entries)))


@settings(max_examples=40, deadline=None)
@given(_entries())
def test_a_warm_up_gives_no_fact_at_all(entries: list[Entry]) -> None:
    market = [
        entry for entry in entries if not isinstance(entry, PauseEntries | ResumeEntries | ClosePosition | CloseAll)
    ]
    run = EngineRun(PLAN)
    assert run.feed(*market, is_warmup=True) == []
    assert run.engine.open_position_count == 0
    assert {view.state for view in run.engine.instances()} == {"MONITORING"}


@settings(max_examples=40, deadline=None)
@given(_entries(), st.integers(0, 60))
def test_the_account_is_flat_and_orderless_after_close_all_and_time(entries: list[Entry], at: int) -> None:
    run = EngineRun(PLAN)
    kept = entries[: max(1, at)]
    run.feed(*kept)
    ts = kept[-1].ts
    run.feed(CloseAll(ts=ts, recv_ts=ts, reason="stop", is_emergency=False))
    for second in range(1, 6):
        later = ts + second * 1_000_000
        for instrument in (PERPETUAL, SPOT):
            run.feed(quote(later, "99.99", "5000", "100.01", "5000", instrument))
        run.feed(clock(later))
    assert (run.engine.open_position_count, run.engine.has_working_orders) == (0, False)
    assert {view.state for view in run.engine.instances()} <= {"MONITORING", "COOLDOWN", "SIGNAL_DETECTED"}


@settings(max_examples=60, deadline=None)
@given(_entries())
def test_transitions_form_one_chain_with_at_most_one_link_an_entry(entries: list[Entry]) -> None:
    run = EngineRun(PLAN)
    run.feed(*entries)
    for view in run.engine.instances():
        state, entry_seq = "MONITORING", 0
        for fact in run.facts:
            if isinstance(fact, InstanceTransitioned) and fact.instrument == view.instrument:
                assert fact.from_state == state
                assert fact.entry_seq > entry_seq
                state, entry_seq = fact.to_state, fact.entry_seq
        assert view.state == state
        assert view.reason


@settings(max_examples=60, deadline=None)
@given(_entries(), st.lists(st.integers(1, 60), min_size=1, max_size=3))
def test_a_snapshot_at_any_point_changes_no_byte(entries: list[Entry], cuts: list[int]) -> None:
    engine, facts, seq = Engine(PLAN), [], 0
    for start, end in pairwise([0, *sorted({cut for cut in cuts if cut < len(entries)}), len(entries)]):
        facts += engine.step(Batch(first_seq=seq + 1, entries=tuple(entries[start:end])))
        seq = end
        frozen = engine.freeze()
        engine = Engine(PLAN, frozen)
        assert engine.freeze() == frozen
    assert [encode_canonical(fact) for fact in facts] == _bytes(entries, ())
