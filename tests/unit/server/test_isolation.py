"""What fails for one does not stop the others, and what nobody needs any more is let go of."""

from __future__ import annotations

import asyncio
from typing import cast

import structlog

from papertape.server.settings import StreamLimits
from papertape.server.stream.frame_writer import FrameWriter, LoopTurn
from papertape.testkit.fake_desk import EPOCH
from papertape.testkit.stream_probe import HubBench, session_topic
from papertape.wire.stream import Pub, Subscribed

FILLS = session_topic("fills")


class Writer:
    """Is due once; writing fails when it is to."""

    def __init__(self, *, fails: bool) -> None:
        self._fails = fails
        self.written = asyncio.Event()

    def write(self) -> None:
        self.written.set()
        if self._fails:
            raise RuntimeError("the wire broke")


async def test_a_writer_that_fails_does_not_keep_those_after_it_from_writing() -> None:
    turn = LoopTurn()
    writers = [Writer(fails=True), Writer(fails=False)]
    with structlog.testing.capture_logs() as logs:
        for writer in writers:
            turn.add(cast(FrameWriter, writer))
        async with asyncio.timeout(30):
            await writers[1].written.wait()
    assert [entry["event"] for entry in logs] == ["write_failed"]


async def test_a_tick_that_fails_is_not_the_last() -> None:
    bench = HubBench(StreamLimits(tick_s=0.001))
    ticks = asyncio.Semaphore(0)

    def fail() -> None:
        ticks.release()
        raise RuntimeError("a hook broke")

    bench.hub.on_tick.append(fail)
    with structlog.testing.capture_logs() as logs:
        await bench.hub.start()
        async with asyncio.timeout(30):
            for _ in range(3):
                await ticks.acquire()
        await bench.hub.stop()
    assert {entry["event"] for entry in logs} == {"tick_failed"}


def test_the_facts_of_a_session_nobody_follows_leave_the_memory_and_are_resumed_from_the_store() -> None:
    bench = HubBench(StreamLimits(ring_s=60.0))
    follower = bench.greeted(FILLS)
    bench.desk.fill(3)
    bench.pass_time(90.0, step=1.0)
    assert len(bench.hub._facts) == 1  # noqa: SLF001  that the memory is let go is seen nowhere else
    follower.subscriber.end("client", 1000, "gone")
    bench.pass_time(90.0, step=1.0)
    bench.desk.fill(1)
    assert not bench.hub._facts  # noqa: SLF001  that the memory is let go is seen nowhere else
    probe = bench.greeted()
    probe.subscribe(FILLS, EPOCH, 2)
    bench.desk.fill(1)
    messages = probe.read()
    assert [message.resumed for message in messages if isinstance(message, Subscribed)] == [True]
    assert [(pub.seq, pub.prev) for pub in messages if isinstance(pub, Pub)] == [(3, 2), (4, 3), (5, 4)]
