"""Samples follow from the tape alone: no bar is lost or doubled, wherever a session is killed and restored."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from papertape.model.entries import Batch, ClockTick, Entry, Trade
from papertape.model.samples import Samples
from papertape.model.views import BarView
from papertape.session.core import SessionCore
from papertape.session.sampler import BAR_INTERVALS_S
from papertape.testkit.engine_run import START_TS, clock, session_plan
from papertape.testkit.session_bench import SIMPLE_STRATEGY
from papertape.testkit.venue import PERPETUAL, SPOT, quote, trade

PLAN = session_plan(SIMPLE_STRATEGY, instruments=(PERPETUAL, SPOT))
SECOND = 1_000_000


@st.composite
def _live(draw: st.DrawFn) -> list[list[Entry]]:
    """Batches as a session journals them: market events as they come, each clock tick by itself, holes of minutes."""
    batches: list[list[Entry]] = []
    ts = START_TS
    for kind in draw(st.lists(st.sampled_from("tttqccch"), min_size=2, max_size=50)):
        ts += draw(st.integers(200, 400)) * SECOND if kind == "h" else draw(st.integers(0, 3 * SECOND))
        if kind == "c":
            batches.append([clock(ts)])
            continue
        instrument = draw(st.sampled_from((PERPETUAL, SPOT)))
        price = f"{draw(st.integers(9_900, 10_100)) / 100:.2f}"
        event = (
            quote(ts, price, "5", price, "5", instrument) if kind == "q" else trade(ts, price, "2", "buy", instrument)
        )
        if batches and not isinstance(batches[-1][-1], ClockTick) and draw(st.booleans()):
            batches[-1].append(event)
        else:
            batches.append([event])
    return batches


def run(batches: Sequence[Batch], *, killed_after: int = 0) -> list[Samples]:
    """Return the samples from the batch after `killed_after` on, those before being stored already."""
    core = SessionCore(PLAN)
    for batch in batches[:killed_after]:
        core.replay(batch)
    made: list[Samples] = []
    for batch in batches[killed_after:]:
        core.tape.follow(batch)
        core.engine.step(batch)
        samples = core.sampler.take(batch)
        made += [samples] if samples is not None else []
    return made


def numbered(parts: Sequence[Sequence[Entry]]) -> list[Batch]:
    core = SessionCore(PLAN)
    return [core.tape.append(part) for part in parts]


def expected_bars(batches: Sequence[Batch]) -> list[BarView]:
    """Return every bar with a trade that has ended by the last clock tick, straight from the trades."""
    entries = [entry for batch in batches for entry in batch.entries]
    last_tick = max((entry.ts for entry in entries if isinstance(entry, ClockTick)), default=0)
    trades: dict[tuple[str, int, int], list[Trade]] = {}
    for entry in entries:
        for interval_us in [interval_s * SECOND for interval_s in BAR_INTERVALS_S]:
            opened = entry.ts - entry.ts % interval_us
            if isinstance(entry, Trade) and opened + interval_us <= last_tick:
                trades.setdefault((entry.instrument, interval_us // SECOND, opened), []).append(entry)
    return [_bar(*key, prints) for key, prints in sorted(trades.items())]


def _bar(instrument: str, interval_s: int, opened: int, prints: Sequence[Trade]) -> BarView:
    listed = next(one for one in PLAN.instruments if one.id == instrument)
    prices = [listed.price_float(one.price) for one in prints]
    return BarView(
        instrument=instrument,
        interval_s=interval_s,
        ts=opened,
        open=prices[0],
        high=max(prices),
        low=min(prices),
        close=prices[-1],
        volume=sum(listed.size_float(one.size) for one in prints),
        is_partial=False,
    )


@given(_live(), st.data())
@settings(max_examples=60, deadline=None)
def test_a_session_killed_anywhere_goes_on_with_the_same_samples(parts: list[list[Entry]], data: st.DataObject) -> None:
    batches = numbered(parts)
    whole = run(batches)
    cut = data.draw(st.integers(0, len(batches)))
    stored_before = [samples for samples in whole if cut and samples.entry_seq <= batches[cut - 1].last_seq]
    after = run(batches, killed_after=cut)
    assert msgspec.msgpack.encode([*stored_before, *after]) == msgspec.msgpack.encode(whole)


@given(_live())
@settings(max_examples=60, deadline=None)
def test_every_bar_with_a_trade_is_sampled_once_when_it_has_closed(parts: list[list[Entry]]) -> None:
    batches = numbered(parts)
    bars: list[BarView] = [bar for samples in run(batches) for bar in samples.bars]
    assert sorted(bars, key=lambda bar: (bar.instrument, bar.interval_s, bar.ts)) == expected_bars(batches)
