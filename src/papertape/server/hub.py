"""The stream hub: takes durable facts and latest values from the desk and owes them to every subscriber."""

from __future__ import annotations

import asyncio
import random
import secrets
import time
from collections.abc import Callable, Iterable, Sequence

import msgspec
import structlog

from papertape.errors import PapertapeError
from papertape.model.events import AnyEvent
from papertape.model.views import SystemView
from papertape.server.admission import Admission, Refusal
from papertape.server.connections import Connection, ConnectionBook
from papertape.server.desk_port import DeskPort
from papertape.server.fact_channel import FactChannel
from papertape.server.latest_channel import LatestChannel
from papertape.server.latest_channels import LatestChannels
from papertape.server.loop_lag import Attention, LoopLag, StallWatch
from papertape.server.memory import MemoryWatch, watch_memory
from papertape.server.settings import StreamLimits
from papertape.server.subscriber import Subscriber
from papertape.server.turns import Turns
from papertape.session.clock import wall_clock
from papertape.wire import close
from papertape.wire.http import CloseCount, Connections, StreamHealth, Transport
from papertape.wire.topics import Topic, parse_topic

_log = structlog.get_logger("papertape.server.hub")

_MEMORY_S = 1.0
_SWEEP_S = 1.0
_CLOSING = "The desk is shutting down; it says hello again when it is back."
WITHOUT_A_CAUSE = "The transport ended without a cause."


class StreamHub:
    """Every method but `start` and `stop` is synchronous, runs on the event loop and never waits for a client."""

    def __init__(
        self,
        desk: DeskPort,
        limits: StreamLimits | None = None,
        *,
        clock: Callable[[], int] = wall_clock,
        monotonic: Callable[[], float] = time.monotonic,
        memory: MemoryWatch | None = None,
        chance: random.Random | None = None,
        soon: Callable[[Callable[[], None]], object] | None = None,
    ) -> None:
        self.limits = limits or StreamLimits()
        self.clock = clock
        self.monotonic = monotonic
        self.boot = f"boot-{secrets.token_hex(4)}"
        self._mark = f"c-{self.boot.removeprefix('boot-')}-"
        self.book = ConnectionBook(self.limits.history, self._mark)
        self.lag = LoopLag()
        self.attention = Attention(monotonic(), 2 * self.limits.tick_s, 10 * self.limits.tick_s)
        self.messages_sent = 0
        self.bytes_sent = 0
        self.facts_seen = 0
        self.memory = memory or watch_memory(self.limits.memory_limit_mb)
        self._chance = chance or random.Random()
        self._next_memory = self._next_rotation = self._next_sweep = monotonic()
        self._desk = desk
        self._subscribers: dict[Subscriber, None] = {}  # oldest first
        self._listeners: dict[str, dict[Subscriber, None]] = {}
        self._facts: dict[str, FactChannel] = {}
        self._latest = LatestChannels(desk, self.limits, self.boot, self.system)
        self.turns = Turns(self.limits.turn_s, monotonic, soon)
        self._admission = Admission(self.limits, self.memory, monotonic())
        self._task: asyncio.Task[None] | None = None
        self._stalls = StallWatch()
        self.idle = asyncio.Event()
        self.idle.set()
        self.busy = asyncio.Event()
        self.on_tick: list[Callable[[], None]] = []

    # Clients

    def refusal(self) -> Refusal | None:
        """Return why no further connection may be opened now, None when one may; counts both."""
        return self._admission.refusal(self.monotonic())

    def connect(self, transport: Transport, peer: str, agent: str = "") -> Subscriber:
        """Return a new subscriber with its connection recorded as live."""
        connection = Connection(f"{self._mark}{secrets.token_hex(4)}", peer, transport, self.clock(), agent)
        self.book.opened(connection)
        return self.attach(connection)

    def attach(self, connection: Connection) -> Subscriber:
        """Return a subscriber for a connection that is already recorded: the next request of a poll."""
        subscriber = Subscriber(self, connection)
        connection.heard_at = subscriber.opened_at
        self._subscribers[subscriber] = None
        self.idle.clear()
        self.busy.set()
        if self._admission.is_closing:
            subscriber.end("server", close.GOING_AWAY, _CLOSING)
        return subscriber

    def detach(self, subscriber: Subscriber) -> None:
        """Forget a subscriber whose connection goes on: the answered request of a poll."""
        subscriber.connection.heard_at = self.attentive_s()
        subscriber.release()
        self._drop(subscriber)

    def disconnected(self, subscriber: Subscriber) -> None:
        """Forget a subscriber and record its end."""
        subscriber.end("server", close.INTERNAL, WITHOUT_A_CAUSE)
        ending = subscriber.ending
        assert ending is not None  # end() has set it
        self.book.ended(subscriber.connection, self.clock(), ending.by, ending.code, ending.reason)
        self._drop(subscriber)
        _log.info(
            "stream_closed",
            conn=subscriber.connection.id,
            by=ending.by,
            code=ending.code,
            reason=ending.reason,
            transport=subscriber.connection.transport,
        )

    def _drop(self, subscriber: Subscriber) -> None:
        self._subscribers.pop(subscriber, None)
        if not self._subscribers:
            self.idle.set()
            self.busy.clear()

    def connections(self) -> Connections:
        """Return the live connections and who closed the ended ones and why."""
        return self.book.view(self.clock(), self.health())

    def health(self) -> StreamHealth:
        """Return how the stream's server is doing."""
        live = [connection for connection in self.book if connection.closed_ts is None]
        return StreamHealth(
            lag=self.lag.seconds(),
            worst_lag_ms=round(self.lag.worst_ms, 1),
            memory_mb=self.memory.used_mb,
            memory_limit_mb=self.memory.limit_mb,
            memory_state=self.memory.state,
            queue_bytes=sum(connection.queue_bytes for connection in live),
            queue_messages=sum(connection.queue_messages for connection in live),
            opened=self.book.opened_total,
            refused=self._admission.refused,
            closes=[CloseCount(closed_by=by, code=code, count=n) for (by, code), n in self.book.closes.items()],
        )

    def subscribers(self) -> tuple[Subscriber, ...]:
        """Return the clients that are connected, in no order."""
        return tuple(self._subscribers)

    def most_waiting(self) -> int:
        """Return how many messages wait for the client that has the most of them waiting."""
        return max((subscriber.outbox.queued_messages for subscriber in self._subscribers), default=0)

    def system(self) -> SystemView:
        """Return the desk's own figures, with what only the server knows."""
        view = self._desk.system()
        return msgspec.structs.replace(
            view,
            connections=len(self.book),
            loop_lag_ms=round(self.lag.recent_ms, 1),
            memory_mb=self.memory.used_mb or view.memory_mb,  # now, once it was measured; the desk says its most
        )

    def attentive_s(self) -> float:
        """Return the seconds in which the loop ran: the clock of every deadline."""
        return self.attention.seconds(self.monotonic())

    def attention_account(self) -> tuple[float, float]:
        """Return the seconds in which the loop ran and those in which it stood still."""
        now = self.monotonic()
        return self.attention.seconds(now), self.attention.lost(now)

    def lifetime_s(self) -> float:
        """Return how long a new connection lives before it is rotated; drawn, so that not all end at once."""
        return self.limits.rotate_after_s * (1 + self._chance.uniform(-1, 1) * self.limits.rotate_jitter)

    def flush_floor_s(self) -> float:
        """Return how much time latest values are apart at least: a second while memory is short."""
        return self.limits.hidden_flush_s if self.memory.state in ("slow", "shed") else 0.0

    def sent(self, count: int, size: int) -> None:
        """Count messages handed to a transport, and their bytes."""
        self.messages_sent += count
        self.bytes_sent += size

    # The desk's outlet

    def facts_published(self, session_id: str, epoch: str, events: Sequence[AnyEvent]) -> None:
        """Take durable facts in order, on the event loop."""
        self.facts_seen += len(events)
        channel = self._facts.get(session_id)
        if channel is None:
            return  # nobody has subscribed since the start; the store has them
        if channel.epoch == epoch:
            if events:
                self._catch_up(channel, events[0].seq - 1)
            self._publish(channel, events)
            return
        del self._facts[session_id]
        for subscriber in tuple(self._subscribers):
            subscriber.resubscribe(session_id)

    def _catch_up(self, channel: FactChannel, seq: int) -> None:
        try:
            missed = channel.missed(seq)
        except PapertapeError:  # also a broken store: the session that publishes is not to suffer from its readers
            channel.start_after(seq)
            return
        if missed:
            _log.error("facts_missed", session_id=channel.session_id, count=len(missed), first_seq=missed[0].seq)
            self._publish(channel, missed)

    def _publish(self, channel: FactChannel, events: Sequence[AnyEvent]) -> None:
        for published in channel.publish(events, self.clock(), self.monotonic()):
            for subscriber in tuple(self._listeners.get(published.topic, ())):
                subscriber.publish(published)

    def listen(self, topic: str, subscriber: Subscriber) -> None:
        """Give a subscriber every further publication on a must-not-lose topic."""
        self._listeners.setdefault(topic, {})[subscriber] = None

    def unlisten(self, topic: str, subscriber: Subscriber) -> None:
        """Give it none."""
        listeners = self._listeners.get(topic, {})
        listeners.pop(subscriber, None)
        if not listeners:
            self._listeners.pop(topic, None)

    def session_changed(self, session_id: str) -> None:
        """Refresh what lists sessions at the next tick."""
        for topic in ("desk/sessions", f"session/{session_id}/summary"):
            self._latest.expire(topic)

    # Channels

    def fact_channel(self, topic: Topic) -> FactChannel:
        """Return the channel of the topic's session, with everything that is durable.

        Raises:
            NotFound: there is no such session.
        """
        session_id = topic.session_id or ""
        channel = self._facts.get(session_id)
        if channel is None:
            channel = FactChannel(session_id, self._desk, self.limits)
            self._facts[session_id] = channel
        self._catch_up(channel, self._desk.position(session_id)[1])
        return channel

    def latest_channel(self, topic: Topic) -> LatestChannel:
        """Return the topic's channel with values of now; raises what the desk refuses with."""
        return self._latest.channel(topic, self.monotonic())

    def heads(self, topics: Iterable[str]) -> dict[str, int]:
        """Return the desk's last seq of each fact topic, as far as the desk answers."""
        heads = {}
        for text in topics:
            topic = parse_topic(text)
            if topic is None or topic.session_id is None:
                continue
            try:
                heads[text] = self._desk.head(topic.session_id, topic.name)
            except PapertapeError as error:
                _log.warning("head_unknown", topic=text, code=error.code)
        return heads

    # Time

    def tick(self, lag_ms: float = 0.0) -> None:
        """Let time pass: refresh what somebody listens to, then every subscriber's beats and flushes.

        Deadlines count the time in which the loop ran, and wait one more tick after a stall, so that what arrived
        meanwhile is read first. Heartbeats follow the clock: after a stall a client has waited long enough.
        """
        now = self.monotonic()
        may_judge = self.attention.beat(now)
        self._watch_memory(now)
        self._latest.tick(now, self.attentive_s())
        self._sweep(now)
        for subscriber in tuple(self._subscribers):
            subscriber.tick(now, lag_ms)
        if may_judge:
            self._judge()

    def _sweep(self, now: float) -> None:
        if now < self._next_sweep:
            return
        self._next_sweep = now + _SWEEP_S
        for session_id, channel in tuple(self._facts.items()):
            if any(topic in self._listeners for topic in channel.topics):
                channel.idle_since = None
            elif channel.idle_since is None:
                channel.idle_since = now
            elif now - channel.idle_since > self.limits.ring_s:
                del self._facts[session_id]  # the store has what a later client asks for

    def _watch_memory(self, now: float) -> None:
        if now < self._next_memory:  # also while connections are closed: memory comes back some time after each
            return
        self._next_memory = now + _MEMORY_S
        if self.memory.measure() != "shed":
            return
        newest = next((one for one in reversed(self._subscribers) if one.ending is None), None)
        if newest is not None:
            shortage = f"The desk is short of memory: {self.memory.shortage()}"
            newest.end("server", close.OVERLOAD, f"{shortage}. The newest connections are closed first.")

    def _judge(self) -> None:
        attentive_s = self.attentive_s()
        for subscriber in tuple(self._subscribers):
            subscriber.judge(attentive_s)
        self._rotate(self.monotonic())
        for hook in self.on_tick:
            hook()

    def _rotate(self, now: float) -> None:
        if now < self._next_rotation:
            return
        due = (one for one in self._subscribers if one.rotates_at <= now and one.ending is None)
        subscriber = next(due, None)
        if subscriber is not None:
            self._next_rotation = now + self.limits.rotate_gap_s
            subscriber.end("server", close.ROTATION, "A planned rotation; come back at once, nothing is lost.")

    async def start(self) -> None:
        """Begin to tick."""
        self._stalls.start()
        self._task = asyncio.create_task(self._run(), name="stream-hub")

    async def stop(self) -> None:
        """Say goodbye to every client and stop ticking; idempotent."""
        self.farewell(_CLOSING)
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            self._stalls.stop()

    def farewell(self, reason: str) -> None:
        """Refuse new clients and end every connection, telling why."""
        self._admission.is_closing = True
        for subscriber in tuple(self._subscribers):
            subscriber.end("server", close.GOING_AWAY, reason)
        carried = {subscriber.connection for subscriber in self._subscribers}
        for connection in [one for one in self.book if one.closed_ts is None and one not in carried]:
            self.book.ended(connection, self.clock(), "server", close.GOING_AWAY, reason)

    async def _run(self) -> None:
        while True:
            expected = self.monotonic() + self.limits.tick_s
            await asyncio.sleep(self.limits.tick_s)
            self._stalls.beat()
            try:
                self.tick(self.lag.sample(expected, self.monotonic(), self.clock()))
            except Exception:  # noqa: BLE001 - a supervisor: one failure must not end every client's heartbeats
                _log.exception("tick_failed")
