"""What a running session samples is stored with its clock ticks, and its tape gives it again byte for byte."""

from __future__ import annotations

import asyncio

import msgspec

from papertape.model.entries import ClockTick
from papertape.model.samples import Samples
from papertape.session.core import SessionCore
from papertape.session.sampler import BAR_INTERVALS_S
from papertape.testkit.fake_source import FakeSource, make_instrument
from papertape.testkit.manual_time import settle
from papertape.testkit.session_bench import SessionBench

BTC = make_instrument("BTCUSDT")
ETH = make_instrument("ETHUSDT")
BOTH = [BTC, ETH]


def replayed(desk: SessionBench, session_id: str) -> list[Samples]:
    row = desk.store.session(session_id)
    assert row is not None
    core = SessionCore(row.plan)
    made: list[Samples] = []
    for batch in desk.store.batches(session_id):
        core.tape.follow(batch)
        core.engine.step(batch)
        samples = core.sampler.take(batch)
        made += [samples] if samples is not None else []
    return made


def live_ticks(desk: SessionBench, session_id: str) -> list[int]:
    return [
        batch.first_seq + place
        for batch in desk.store.batches(session_id)
        for place, entry in enumerate(batch.entries)
        if isinstance(entry, ClockTick) and not batch.is_warmup
    ]


async def test_every_clock_tick_carries_samples_through_a_crash_and_the_tape_gives_them_again() -> None:
    desk = SessionBench(FakeSource(BOTH))
    view = await desk.start("BTCUSDT", "ETHUSDT")
    await settle()
    await desk.play(BOTH, 20)
    missed = []
    for second in range(90):
        print_ = desk.trade(BTC, 10_100)
        missed.append(
            msgspec.structs.replace(print_, ts=print_.ts + second * 1_000_000 + 500_000, recv_ts=print_.ts + 90_000_000)
        )
    after = desk.restart(FakeSource(BOTH, missed=missed))
    await asyncio.sleep(0)
    after.time.advance(90)
    assert await after.desk.open() == [view.session_id]
    await settle()
    await after.play(BOTH, 310)
    stored = after.store.samples(view.session_id)
    assert [samples.entry_seq for samples in stored] == live_ticks(after, view.session_id)
    assert msgspec.msgpack.encode(stored) == msgspec.msgpack.encode(replayed(after, view.session_id))
    keys = [(bar.instrument, bar.interval_s, bar.ts) for samples in stored for bar in samples.bars]
    assert len(keys) == len(set(keys))
    assert {interval_s for _, interval_s, _ in keys} == set(BAR_INTERVALS_S)
    seconds = sorted(ts // 1_000_000 for instrument, interval_s, ts in keys if (instrument, interval_s) == (BTC.id, 1))
    assert seconds == list(range(seconds[0], seconds[-1] + 1))
    assert len(seconds) >= 418
    await after.desk.close()


async def test_samples_are_durable_in_the_commit_of_their_tick_or_not_at_all() -> None:
    desk = SessionBench(FakeSource(BOTH))
    view = await desk.start("BTCUSDT", "ETHUSDT")
    await settle()
    await desk.play(BOTH, 3)
    desk.store.hold()
    before = desk.store.samples(view.session_id)
    await desk.play(BOTH, 2)
    assert desk.store.samples(view.session_id) == before
    desk.store.release()
    await settle()
    after = desk.store.samples(view.session_id)
    assert [samples.entry_seq for samples in after] == live_ticks(desk, view.session_id)
    assert len(after) == len(before) + 2
    await desk.desk.close()
