from __future__ import annotations

from papertape.model.entries import Entry, Trade
from papertape.model.samples import IndicatorSample, Samples
from papertape.model.views import BarView
from papertape.session.core import SessionCore
from papertape.testkit.engine_run import START_TS, clock, session_plan
from papertape.testkit.session_bench import SIMPLE_STRATEGY
from papertape.testkit.venue import PERPETUAL, quote, trade

SECOND = 1_000_000
RECORDING = session_plan(instruments=(PERPETUAL,))


def new_core() -> SessionCore:
    return SessionCore(session_plan(SIMPLE_STRATEGY))


def print_at(ts: int, price: str, size: str = "2") -> Trade:
    return trade(ts, price, size, "buy", PERPETUAL)


def bar(ts: int, close: float, volume: float, interval_s: int = 1) -> BarView:
    return BarView(
        instrument=PERPETUAL.id, interval_s=interval_s, ts=ts, open=close, high=close, low=close, close=close,
        volume=volume, is_partial=False,
    )  # fmt: skip


def test_a_clock_tick_samples_every_indicator_and_the_bars_that_closed() -> None:
    core = new_core()
    batch, _ = core.feed([print_at(START_TS, "100.00"), quote(START_TS, "99.50", "5", "100.50", "5")])
    assert core.sampler.take(batch) is None
    batch, _ = core.feed([clock(START_TS + SECOND)])
    assert core.sampler.take(batch) == Samples(
        entry_seq=3,
        ts=START_TS + SECOND,
        indicators=(
            IndicatorSample(
                strategy="buy-the-tick", instrument=PERPETUAL.id, indicator="rate", value=None,
                reason="warming up 1/5 s",
            ),
            IndicatorSample(
                strategy="buy-the-tick", instrument=PERPETUAL.id, indicator="spread", value=1.0, reason=None
            ),
        ),
        bars=(bar(START_TS, 100.0, 2.0),),
    )  # fmt: skip


def test_the_warm_up_is_not_sampled_but_counts_in_the_bars_that_close_after_it() -> None:
    core = new_core()
    history: list[Entry] = [
        print_at(START_TS, "100.00"),
        print_at(START_TS + 3 * SECOND, "101.00"),
        clock(START_TS + 3 * SECOND),
    ]
    batch, _ = core.feed(history, is_warmup=True)
    assert core.sampler.take(batch) is None
    batch, _ = core.feed([clock(START_TS + 4 * SECOND)])
    first = core.sampler.take(batch)
    batch, _ = core.feed([clock(START_TS + 5 * SECOND)])
    second = core.sampler.take(batch)
    assert first is not None
    assert second is not None
    assert first.bars == ()
    five = BarView(
        instrument=PERPETUAL.id, interval_s=5, ts=START_TS, open=100.0, high=101.0, low=100.0, close=101.0, volume=4.0,
        is_partial=False,
    )  # fmt: skip
    assert second.bars == (five,)


def test_what_was_missed_for_longer_than_the_engine_keeps_seconds_is_sampled_whole() -> None:
    core = SessionCore(RECORDING)
    ticks = core.feed([clock(START_TS)])[0]
    assert core.sampler.take(ticks) is None
    count = 16_000
    missed = [print_at(START_TS + 2 * index * SECOND, "100.00") for index in range(count)]
    for start in range(0, count, 400):
        assert core.sampler.take(core.feed(missed[start : start + 400])[0]) is None
    last = core.feed([clock(START_TS + 2 * count * SECOND)])[0]
    samples = core.sampler.take(last)
    assert samples is not None
    seconds = [one.ts for one in samples.bars if one.interval_s == 1]
    assert seconds == [START_TS + 2 * index * SECOND for index in range(count)]


def test_a_recording_without_a_trade_has_nothing_to_sample() -> None:
    core = SessionCore(RECORDING)
    batch, _ = core.feed([clock(START_TS)])
    assert core.sampler.take(batch) is None
