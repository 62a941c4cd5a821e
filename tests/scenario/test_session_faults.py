import asyncio
from collections.abc import Sequence

import msgspec
import pytest

from papertape.errors import Unavailable
from papertape.journal.ports import Commit
from papertape.model.entries import MarketEvent, Trade
from papertape.model.events import AlertRaised
from papertape.model.instrument import Instrument
from papertape.session.lifecycle import ENDED
from papertape.testkit.fake_source import FakeSource, make_instrument
from papertape.testkit.manual_time import settle
from papertape.testkit.session_bench import SessionBench

BTC = make_instrument("BTCUSDT")
ETH = make_instrument("ETHUSDT")
BOTH = [BTC, ETH]


async def running(desk: SessionBench, seconds: int = 3) -> str:
    view = await desk.start("BTCUSDT", "ETHUSDT")
    await settle()
    await desk.play(BOTH, seconds)
    assert desk.desk.session(view.session_id).state == "running"
    return view.session_id


async def test_a_command_the_store_refuses_fails_the_session_and_leaves_no_hole_in_its_tape() -> None:
    desk = SessionBench(FakeSource(BOTH))
    session_id = await running(desk)
    desk.store.refuse_next("The store's queue is full.")
    with pytest.raises(Unavailable, match="queue is full"):
        await desk.desk.pause_entries(session_id)
    await desk.play(BOTH, 2)
    assert desk.desk.session(session_id).state == "failed"
    batches = list(desk.store.batches(session_id))
    assert batches[-1].last_seq == desk.store.last_entry_seq(session_id)


async def test_a_lost_connection_the_store_cannot_note_fails_the_session_not_the_feed() -> None:
    desk = SessionBench(FakeSource(BOTH))
    session_id = await running(desk)
    desk.store.refuse_next("The store's queue is full.")
    desk.venue.say("reconnecting", "The fake venue is gone.")
    await settle()
    assert desk.desk.session(session_id).state == "failed"


async def test_a_session_that_was_stopping_when_the_desk_ended_stops_after_the_next_start() -> None:
    desk = SessionBench(FakeSource(BOTH))
    session_id = await running(desk, 8)
    await desk.desk.stop(session_id, close_positions=True)
    await desk.desk.close()
    assert [row.state for row in desk.store.sessions()] == ["stopping"]
    after = desk.restart(FakeSource(BOTH))
    assert await after.desk.open() == [session_id]
    await settle()
    await after.time.pass_time(20)
    assert after.desk.session(session_id).state == "stopped"


async def test_a_recording_that_ends_while_its_session_stops_lets_it_stop() -> None:
    desk = SessionBench(FakeSource(BOTH))
    session_id = await running(desk, 8)
    await desk.desk.stop(session_id, close_positions=True)
    desk.venue.say("ended", "The recording is at its end.")
    await desk.time.pass_time(2)
    session = desk.desk.session(session_id)
    assert (session.state, session.reason) == ("stopped", "Stopped by the trader. No position is open.")


async def test_two_starts_at_once_with_the_same_idempotency_key_make_one_session() -> None:
    desk = SessionBench(FakeSource(BOTH))
    first, second = await asyncio.gather(desk.start("ETHUSDT", key="once"), desk.start("ETHUSDT", key="once"))
    assert first.session_id == second.session_id
    assert len(desk.desk.sessions(10)) == 1


async def test_the_gap_after_a_crash_says_how_long_the_desk_was_away() -> None:
    desk = SessionBench(FakeSource(BOTH))
    session_id = await running(desk)
    after = desk.restart(FakeSource(BOTH))
    after.time.advance(40)
    await after.desk.open()
    await settle()
    gap = next(
        fact for fact in after.stored(session_id) if isinstance(fact, AlertRaised) and fact.code == "session.gap"
    )
    assert gap.message.startswith("The desk was away for 40 s;")


async def test_a_session_that_cannot_be_restored_fails_alone_and_keeps_its_instances_with_the_reason() -> None:
    desk = SessionBench(FakeSource(BOTH))
    broken_id = await running(desk)
    whole_id = (await desk.start("ETHUSDT")).session_id
    await settle()
    row = desk.store.session(broken_id)
    assert row is not None
    (version,) = row.plan.strategies
    unknown = msgspec.structs.replace(version, definition={**version.definition, "sections": {}})
    plan = msgspec.structs.replace(row.plan, strategies=(unknown,))
    damaged = msgspec.structs.replace(row, plan=plan, revision=row.revision + 1)
    desk.store.submit(Commit(session_id=broken_id, batch=None, row=damaged), lambda _: None)

    after = desk.restart(FakeSource(BOTH))
    assert await after.desk.open() == [whole_id]
    await settle()
    assert after.desk.session(broken_id).state == "failed"


async def test_a_failed_session_shows_no_instance_as_active() -> None:
    desk = SessionBench(FakeSource(BOTH))
    session_id = await running(desk)
    desk.store.refuse_next("The store's queue is full.")
    desk.venue.emit(desk.trade(BTC, 10_000))
    instances = desk.desk.latest(session_id, "instances").values()
    assert [(item.is_active, item.reason) for item in instances] == [
        (False, "The session is failed: The store's queue is full.")
    ] * 2


async def test_a_session_killed_before_its_views_were_kept_still_lists_its_instances_and_symbols() -> None:
    desk = SessionBench(FakeSource(BOTH))
    session_id = await running(desk)
    after = desk.restart(FakeSource(BOTH, name="other"))
    assert await after.desk.open() == []
    reason = "Waits for its feed: start the desk with --feed fake to resume it."
    instances = after.desk.latest(session_id, "instances").values()
    assert [(item.instrument, item.is_active, item.reason) for item in instances] == [
        (BTC.id, False, reason),
        (ETH.id, False, reason),
    ]
    rows = after.desk.latest(session_id, "watchlist").values()
    assert [(row.instrument, row.reason) for row in rows] == [(BTC.id, reason), (ETH.id, reason)]
    values = after.desk.latest(session_id, "indicators").values()
    assert len(values) == 4
    assert {item.reason for item in values} == {reason}


async def test_a_session_that_waits_for_its_feed_can_be_stopped() -> None:
    desk = SessionBench(FakeSource(BOTH))
    session_id = await running(desk)
    after = desk.restart(FakeSource(BOTH, name="other"))
    await after.desk.open()
    waiting = after.desk.session(session_id)
    assert waiting.allowed == after.desk.allowed(session_id) == ("stop",)
    stopped = await after.desk.stop(session_id, close_positions=True)
    assert (stopped.state, stopped.allowed) == ("stopped", ())
    again = after.restart(FakeSource(BOTH))
    assert await again.desk.open() == []


class SlowHistory(FakeSource):
    """Gives its history only when the test lets it."""

    def __init__(self, *events: MarketEvent) -> None:
        super().__init__(BOTH, history=events)
        self.is_asked = asyncio.Event()
        self.may_answer = asyncio.Event()

    async def history(self, instruments: Sequence[Instrument]) -> list[MarketEvent]:
        self.is_asked.set()
        await self.may_answer.wait()
        return await super().history(instruments)


async def test_a_session_that_fails_while_it_reads_history_subscribes_to_nothing() -> None:
    source = SlowHistory()
    desk = SessionBench(source)
    session_id = (await desk.start("ETHUSDT")).session_id
    await settle()
    desk.store.refuse_next("The store's queue is full.")
    with pytest.raises(Unavailable):
        await desk.desk.pause_entries(session_id)
    source.may_answer.set()
    await settle()
    assert source.subscriptions == []
    assert desk.desk.session(session_id).state == "failed"


def trades_before(desk: SessionBench, count: int) -> list[Trade]:
    now = desk.time.clock()
    return [
        Trade(
            ts=now - back * 1_000_000, recv_ts=now, instrument=ETH.id, price=10_000, size=100, side="buy",
            trade_id=str(back),
        )
        for back in reversed(range(1, count + 1))
    ]  # fmt: skip


async def test_a_desk_killed_during_the_warm_up_warms_up_again_and_trades_nothing_of_the_past() -> None:
    desk = SessionBench(FakeSource(BOTH))
    old = trades_before(desk, 300)
    source = FakeSource(BOTH, history=old)
    desk = SessionBench(source, time=desk.time)
    view = await desk.start("ETHUSDT")
    row = desk.store.session(view.session_id)
    assert row is not None
    after = desk.restart(FakeSource(BOTH, history=old, missed=old))
    await after.desk.open()
    await settle()
    batches = list(after.store.batches(view.session_id))
    warm = [entry for batch in batches if batch.is_warmup for entry in batch.entries]
    live = [entry for batch in batches if not batch.is_warmup for entry in batch.entries]
    assert len(warm) == 300
    assert not any(isinstance(entry, Trade) for entry in live)


async def test_a_desk_ended_while_it_reads_history_reads_it_again_at_the_next_start() -> None:
    desk = SessionBench(SlowHistory())
    view = await desk.start("ETHUSDT")
    await settle()
    await desk.desk.close()
    assert desk.desk.session(view.session_id).state == "suspended"
    after = desk.restart(FakeSource(BOTH, history=trades_before(desk, 300)))
    assert await after.desk.open() == [view.session_id]
    await settle()
    warm = [entry for batch in after.store.batches(view.session_id) if batch.is_warmup for entry in batch.entries]
    assert len(warm) == 300
    await after.play([ETH], 6)
    session = after.desk.session(view.session_id)
    assert (session.state, session.is_degraded) == ("running", False)


async def test_what_was_missed_is_taken_in_portions() -> None:
    desk = SessionBench(FakeSource(BOTH))
    session_id = await running(desk)
    now = desk.time.clock()
    missed = [
        Trade(ts=now + n, recv_ts=now, instrument=ETH.id, price=10_000, size=100, side="buy", trade_id=f"m{n}")
        for n in range(1, 1_001)
    ]
    after = desk.restart(FakeSource(BOTH, missed=missed))
    after.time.advance(40)
    await after.desk.open()
    await settle()
    sizes = [len(batch.entries) for batch in after.store.batches(session_id)]
    assert max(sizes) <= 400


async def test_a_desk_closes_every_session_although_one_cannot_be_suspended() -> None:
    desk = SessionBench(FakeSource(BOTH))
    first = await running(desk)
    second = (await desk.start("ETHUSDT")).session_id
    await settle()
    desk.store.refuse_next("The store's queue is full.")
    await desk.desk.close()
    states = [desk.store.session(session_id).state for session_id in (first, second)]  # type: ignore[union-attr]  # both were written
    assert states == ["running", "suspended"]
    assert all(subscription.is_closed for subscription in desk.source.subscriptions)


async def test_before_the_first_look_no_check_of_a_session_passes_unproven() -> None:
    desk = SessionBench(SlowHistory())
    view = await desk.start("ETHUSDT")
    preflight = desk.desk.latest(view.session_id, "preflight")["preflight"]
    assert preflight.status == "waiting"
    stages = desk.desk.latest(view.session_id, "pipeline").values()
    assert {stage.stage: stage.status for stage in stages}["decoder"] == "waiting"


async def test_a_session_whose_history_never_comes_is_degraded_after_its_deadline() -> None:
    desk = SessionBench(SlowHistory())
    view = await desk.start("ETHUSDT")
    await settle()
    await desk.time.pass_time(32)
    session = desk.desk.session(view.session_id)
    assert (session.state, session.is_degraded) == ("running", True)
    assert session.reason.startswith("Proof of life is missing after 30 s:")


async def test_a_session_whose_history_never_comes_can_be_stopped() -> None:
    desk = SessionBench(SlowHistory())
    view = await desk.start("ETHUSDT")
    await settle()
    await desk.desk.stop(view.session_id, close_positions=True)
    await desk.time.pass_time(3)
    await settle()
    assert desk.desk.session(view.session_id).state in ENDED
    assert desk.source.subscriptions == []


async def test_facts_that_no_longer_reach_the_stream_degrade_the_session() -> None:
    desk = SessionBench(FakeSource(BOTH))
    session_id = await running(desk)
    desk.store.hold()
    await desk.play(BOTH, 17)
    checks = desk.desk.latest(session_id, "preflight")["preflight"].checks
    assert {check.code for check in checks if check.status == "failed"} == {"store.written", "stream.publishing"}
    desk.store.release()
    await desk.play(BOTH, 2)
    assert desk.desk.latest(session_id, "preflight")["preflight"].status == "ok"


async def test_an_ended_session_is_listed_with_its_result() -> None:
    desk = SessionBench(FakeSource(BOTH))
    session_id = await running(desk, 20)
    await desk.desk.stop(session_id, close_positions=True)
    await desk.play(BOTH, 3)
    await asyncio.sleep(0.05)
    (equity,) = desk.desk.latest(session_id, "equity").values()
    (listed,) = desk.desk.sessions(10)
    assert (listed.state, listed.equity, listed.pnl) == ("stopped", equity.equity, equity.equity - 10_000)
    assert listed.pnl != 0


async def test_the_views_of_an_ended_session_are_decoded_once() -> None:
    desk = SessionBench(FakeSource(BOTH))
    session_id = await running(desk)
    await desk.desk.stop(session_id, close_positions=False)
    await desk.time.pass_time(2)
    await asyncio.sleep(0.05)
    views = desk.desk.latest(session_id, "indicators")
    assert len(views) == 4
    assert desk.desk.latest(session_id, "indicators") is views
