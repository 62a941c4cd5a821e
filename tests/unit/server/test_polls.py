"""Long polling between two requests: nothing is lost, mixed up or kept without need."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable

import msgspec

from papertape.model.events import AlertRaised
from papertape.server.asgi import Message
from papertape.server.settings import StreamLimits
from papertape.server.stream.poll import PollEndpoint
from papertape.testkit.facts import fact
from papertape.testkit.fake_desk import EPOCH
from papertape.testkit.manual_time import ManualTime
from papertape.testkit.slow_desk import SlowDesk
from papertape.testkit.stream_probe import HubBench, session_topic
from papertape.wire.stream import Heartbeat, Hello, Pub, ServerMessage, SubRequest, Subscribed

ALERTS, FILLS, ORDERS = session_topic("alerts"), session_topic("fills"), session_topic("orders")

_decode = msgspec.json.Decoder(list[ServerMessage]).decode


class Poll:
    """One request of a tab: `leave` goes before the answer."""

    def __init__(self, endpoint: PollEndpoint, *topics: str, tab: str = "t", seq: int = 0) -> None:
        subs = tuple(SubRequest(topic=topic, epoch=EPOCH, seq=seq) for topic in topics)
        self._body = msgspec.json.encode(Hello(v=1, tab=tab, subs=subs))
        self._is_asked = False
        self._left = asyncio.Event()
        self._answer = b""
        scope: Message = {"type": "http", "method": "POST", "headers": [], "client": ("test", 1)}
        self.task = asyncio.ensure_future(endpoint.serve(scope, self._receive, self._send))

    def leave(self) -> Awaitable[None]:
        self._left.set()
        return self.task

    async def answered(self) -> list[ServerMessage]:
        async with asyncio.timeout(30):
            await self.task
        return _decode(self._answer)

    async def held(self) -> None:
        """Let the server take the request and wait."""
        for _ in range(20):
            await asyncio.sleep(0)
        assert not self.task.done()

    async def _receive(self) -> Message:
        if self._is_asked:
            await self._left.wait()
            return {"type": "http.disconnect"}
        self._is_asked = True
        return {"type": "http.request", "body": self._body}

    async def _send(self, message: Message) -> None:
        self._answer += message.get("body", b"")


async def test_a_poll_that_comes_while_the_desk_shuts_down_is_answered_at_once() -> None:
    bench = HubBench()
    endpoint = PollEndpoint(bench.hub)
    await Poll(endpoint, FILLS).answered()
    bench.hub.farewell("The desk is shutting down.")
    (goodbye,) = await Poll(endpoint, FILLS).answered()
    assert (type(goodbye).__name__, getattr(goodbye, "code", None)) == ("Bye", 1001)


async def test_a_tab_that_asks_anew_before_it_leaves_its_old_poll_stays_one_connection() -> None:
    bench = HubBench()
    endpoint = PollEndpoint(bench.hub)
    await Poll(endpoint, FILLS).answered()
    old = Poll(endpoint, FILLS)
    await old.held()
    new = Poll(endpoint, FILLS, ALERTS)
    await new.held()
    await old.leave()
    bench.desk.fill(1)
    assert [message.seq for message in await new.answered() if isinstance(message, Pub)] == [1]
    connections = bench.hub.connections()
    assert ([one.transport for one in connections.live], connections.ended) == (["poll"], [])


async def test_a_client_that_leaves_its_only_poll_was_cut_off() -> None:
    bench = HubBench()
    endpoint = PollEndpoint(bench.hub)
    await Poll(endpoint, FILLS).answered()
    poll = Poll(endpoint, FILLS)
    await poll.held()
    await poll.leave()
    assert [(one.closed_by, one.code) for one in bench.hub.connections().ended] == [("network", 1006)]


async def test_a_long_answer_goes_without_the_rest_which_the_next_poll_asks_for_again() -> None:
    time = ManualTime()
    bench = HubBench(StreamLimits(reply_bytes=20_000), desk=SlowDesk(time, answer_s=0.01), time=time)  # a topic a turn
    bench.desk.fill(30)
    bench.desk.publish(*(fact(AlertRaised, seq) for seq in range(31, 61)))
    endpoint = PollEndpoint(bench.hub)
    messages = await Poll(endpoint, FILLS, ALERTS, ORDERS).answered()
    answered = [message.topic for message in messages if isinstance(message, Subscribed)]
    (beat,) = [message for message in messages if isinstance(message, Heartbeat)]
    assert (answered, [*beat.heads]) == ([FILLS, ALERTS], [FILLS, ALERTS])
