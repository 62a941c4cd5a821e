"""One client of the stream, whatever carries it: what it asked for, what it is owed, and how it ends.

Nothing here awaits: a transport feeds frames in with `receive` and takes frames out with `next_frame`.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING

import msgspec

from papertape import __version__
from papertape.errors import PapertapeError, Unavailable
from papertape.server.connections import Closer, Connection
from papertape.server.fact_channel import Published
from papertape.server.frames import encode
from papertape.server.latest_channel import LatestChannel
from papertape.server.outbox import Outbox
from papertape.server.rate import TokenBucket
from papertape.wire import close
from papertape.wire.stream import (
    Bye,
    ClientMessage,
    Heartbeat,
    Hello,
    Ping,
    Pong,
    StreamError,
    Sub,
    SubRequest,
    Subscribed,
    Unsub,
    Vis,
    Welcome,
)
from papertape.wire.topics import Topic, parse_topic

if TYPE_CHECKING:
    from papertape.server.hub import StreamHub

PROTOCOL_VERSION = 1
_RETRY_MS = {"stop": 0, "back_off": 1_000, "at_once": 100}
_decoder: msgspec.json.Decoder[ClientMessage] = msgspec.json.Decoder(ClientMessage)


class Ending(msgspec.Struct, frozen=True, kw_only=True):
    """How a connection ends: who decided, the close code, and why. `is_gone`: nobody is left to say goodbye to."""

    by: Closer
    code: int
    reason: str
    is_gone: bool


class Subscriber:
    """The protocol's server side for one client."""

    def __init__(self, hub: StreamHub, connection: Connection) -> None:
        now = hub.monotonic()
        self._hub = hub
        self._limits = hub.limits
        self._bucket = TokenBucket(hub.limits.messages_per_s, hub.limits.message_burst, now)
        self._facts: dict[str, int] = {}
        self._latest: dict[str, tuple[LatestChannel, int]] = {}
        self._ticks: deque[bytes] = deque()
        self._lag_ms = 0.0
        self._heartbeat_due = False
        self._flush_due = False
        self._next_heartbeat = now + hub.limits.heartbeat_s
        self._next_flush = now
        self._write_s = 0.0
        self.writing_since: float | None = None
        self.opened_at = now
        self.ended_at: float | None = None
        self.connection = connection
        self.outbox = Outbox(hub.limits)
        self.is_welcome = False
        self.is_visible = True
        self.news = 0
        self.ending: Ending | None = None
        self.wake = asyncio.Event()
        self.ended = asyncio.Event()

    # What comes in

    def receive(self, frame: str | bytes) -> None:
        """Take one frame of the client; a frame that breaks the protocol ends the connection."""
        if self.ending is not None:
            return None
        self.connection.last_rx_ts = self._hub.clock()
        if not self._bucket.take(self._hub.monotonic()):
            limit = f"{self._limits.messages_per_s:g} a second, {self._limits.message_burst} at once"
            return self.end("server", close.RATE, f"The client sends more messages than allowed: {limit}.")
        try:
            message = _decoder.decode(frame)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            return self.end("server", close.MALFORMED, f"The client sent what is not the protocol: {error}")
        return self.take(message)

    def take(self, message: ClientMessage) -> None:
        """Take one decoded message."""
        if isinstance(message, Hello):
            self._take_hello(message)
        elif not self.is_welcome:
            self.end("server", close.MALFORMED, "The first message must be `hello`.")
        elif isinstance(message, Sub):
            self._subscribe_all(message.subs)
        elif isinstance(message, Unsub):
            for topic in message.topics:
                self._forget(topic)
        elif isinstance(message, Ping):
            self._control(encode(Pong(id=message.id, srv_ts=self._hub.clock())))
        elif isinstance(message, Vis):
            self.is_visible = message.visible
            self._next_flush = self._hub.monotonic()

    def _take_hello(self, hello: Hello) -> None:
        if self.is_welcome:
            return self.end("server", close.MALFORMED, "`hello` is the first message only; use `sub` and `vis` later.")
        if hello.v != PROTOCOL_VERSION:
            reason = f"The desk speaks version {PROTOCOL_VERSION} of the stream, the page {hello.v}; reload the page."
            return self.end("server", close.VERSION, reason)
        self.is_welcome = True
        self.is_visible = hello.vis
        self.connection.tab = hello.tab[:64]
        if hello.prev is not None:
            self._hub.book.join_story(hello.prev)
        welcome = Welcome(
            conn=self.connection.id,
            hb_s=int(self._limits.heartbeat_s),
            dead_s=int(self._limits.dead_s),
            srv_ts=self._hub.clock(),
            version=__version__,
        )
        self._control(encode(welcome))
        return self._subscribe_all(hello.subs)

    # Subscriptions

    def _subscribe_all(self, requests: tuple[SubRequest, ...]) -> None:
        for request in requests:
            if self.ending is None:
                self._subscribe(request)

    def _subscribe(self, request: SubRequest) -> None:
        topic = parse_topic(request.topic)
        if topic is None:
            return self._error("stream.unknown_topic", f"There is no topic {request.topic[:120]!r}.", request.topic)
        is_new = topic.text not in self._facts and topic.text not in self._latest
        if is_new and len(self._facts) + len(self._latest) >= self._limits.topics:
            reason = f"A connection carries at most {self._limits.topics} topics; close some panels."
            return self.end("server", close.TOO_MANY, reason)
        try:
            if topic.is_fact:
                self._subscribe_facts(topic, request)
            else:
                self._subscribe_latest(topic, request)
        except PapertapeError as error:
            self._error(error.code, error.message, topic.text, temporary=isinstance(error, Unavailable))
        self.connection.topics = len(self._facts) + len(self._latest)
        return None

    def _subscribe_facts(self, topic: Topic, request: SubRequest) -> None:
        channel = self._hub.fact_channel(topic)
        resumed = None
        if request.epoch == channel.epoch and request.seq is not None:
            resumed = channel.resume(topic, request.seq, self._hub.clock())
        self._facts[topic.text] = channel.last_seq
        if resumed is not None and request.seq is not None:
            self._answer(topic, channel.epoch, True, request.seq, *resumed)
        else:
            self._answer(topic, channel.epoch, False, 0, channel.last_seq, channel.snapshot(topic))

    def _subscribe_latest(self, topic: Topic, request: SubRequest) -> None:
        channel = self._hub.latest_channel(topic)
        self._forget(topic.text)
        channel.listeners += 1
        is_resumed = channel.can_resume(request.epoch, request.seq)
        start = request.seq if is_resumed and request.seq is not None else 0
        self._latest[topic.text] = (channel, start if is_resumed else channel.version)
        frames = [] if is_resumed else channel.snapshot()
        self._answer(topic, channel.epoch, is_resumed, start, channel.version, frames)
        is_poll = self.connection.transport == "poll"
        self._next_flush = self._hub.monotonic() + (self._flush_interval() if is_poll else 0.0)

    def _answer(self, topic: Topic, epoch: str, is_resumed: bool, start: int, to: int, frames: list[bytes]) -> None:
        ack = Subscribed(topic=topic.text, epoch=epoch, resumed=is_resumed, from_seq=start, to_seq=to)
        size = sum(len(frame) for frame in frames)
        if self.outbox.reply_bytes + size > self._limits.reply_bytes:
            self._forget(topic.text)
            waits = f"{self.outbox.reply_bytes:,} bytes of earlier answers still wait to be read"
            return self._error("stream.busy", f"{waits}; subscribe again later.", topic.text, temporary=True)
        self.news += len(frames)
        for frame in (encode(ack), *frames):
            self.outbox.put_reply(frame, topic.text)
        self.wake.set()
        return None

    def _forget(self, topic: str) -> None:
        self._facts.pop(topic, None)
        known = self._latest.pop(topic, None)
        if known is not None:
            known[0].listeners -= 1
        self.connection.topics = len(self._facts) + len(self._latest)

    # What goes out

    def publish(self, published: Published) -> None:
        """Take a publication of a topic this client may have subscribed; a client that lags too far is ended."""
        position = self._facts.get(published.topic)
        if position is None or published.seq <= position or self.ending is not None:
            return
        if not self.outbox.put_fact(published.frame, published.topic):
            waiting = f"{self.outbox.live_messages:,} messages, {self.outbox.live_bytes:,} bytes wait"
            self.end("server", close.SLOW_CONSUMER, f"The client reads slower than facts come: {waiting}.")
            return
        self._facts[published.topic] = published.seq
        self.news += 1
        self.wake.set()

    def resubscribe(self, session_id: str) -> None:
        """Tell a client of a session whose epoch changed to take snapshots."""
        for topic in [topic for topic in self._facts if topic.startswith(f"session/{session_id}/")]:
            self._subscribe(SubRequest(topic=topic))

    def tick(self, now: float, lag_ms: float) -> None:
        """Let time pass: deadlines, heartbeat, flush of latest values."""
        self._lag_ms = max(self._lag_ms, lag_ms)
        self.connection.worst_lag_ms = max(self.connection.worst_lag_ms, lag_ms)
        if self.ending is not None:
            return
        if not self.is_welcome:
            if now - self.opened_at > self._limits.hello_deadline_s:
                waited = f"{self._limits.hello_deadline_s:g} s"
                self.end("server", close.SILENT, f"The client did not say hello within {waited}.")
            return
        if self.writing_since is not None and now - self.writing_since > self._limits.write_deadline_s:
            stuck = f"no byte could be sent for {now - self.writing_since:.0f} s"
            self.end("server", close.SLOW_CONSUMER, f"The client does not read: {stuck}.")
            return
        if now >= self._next_heartbeat:
            self._next_heartbeat = now + self._limits.heartbeat_s
            self._heartbeat_due = True
            self.wake.set()
        self._tick_latest(now)

    def _tick_latest(self, now: float) -> None:
        if now < self._next_flush or self._ticks:
            return
        if any(channel.version > seen for channel, seen in self._latest.values()):
            self._next_flush = now + self._flush_interval()
            self._flush_due = True
            self.wake.set()

    def _flush_interval(self) -> float:
        if self.connection.transport == "poll" and self.is_visible:
            return self._limits.poll_flush_s
        if not self.is_visible or self._write_s > 0.25:
            return self._limits.hidden_flush_s
        return 0.25 if self._write_s > 0.1 else self._limits.visible_flush_s

    def next_frame(self) -> bytes | None:
        """Return the next frame to send: control, then facts and answers in order, then latest values."""
        if self._heartbeat_due and self.ending is None:
            self._heartbeat_due = False
            self.outbox.put_control(self.heartbeat())
        frame = self.outbox.pop()
        if frame is None and self.ending is None:
            if self._flush_due:
                self._flush()
            frame = self._ticks.popleft() if self._ticks else None
        if frame is not None:
            self.connection.sent += 1
            self._hub.sent(len(frame))
        self.connection.queue_bytes = self.outbox.queued_bytes
        self.connection.queue_messages = self.outbox.queued_messages
        return frame

    def _flush(self) -> None:
        self._flush_due = False
        ts = self._hub.clock()
        for topic, (channel, seen) in self._latest.items():
            if channel.version > seen:
                self._ticks.extend(channel.frames_since(seen, ts))
                self._latest[topic] = (channel, channel.version)
                self.news += 1

    def heartbeat(self) -> bytes:
        """Return a heartbeat: heads only of topics whose publications have all been handed over."""
        heads = self._hub.heads([topic for topic in self._facts if not self.outbox.is_pending(topic)])
        lag_ms, self._lag_ms = self._lag_ms, 0.0
        return encode(Heartbeat(srv_ts=self._hub.clock(), lag_ms=round(lag_ms, 1), heads=heads))

    def wrote(self, seconds: float) -> None:
        """Take how long the last send waited, so that latest values come less often to a client that is slow."""
        self._write_s = max(seconds, self._write_s * 0.8)

    # The end

    def end(self, by: Closer, code: int, reason: str, *, is_gone: bool = False) -> None:
        """End the connection, saying `bye` first when it is the server's decision. The first cause stays."""
        if self.ending is not None:
            return
        self.ending = Ending(by=by, code=code, reason=reason, is_gone=is_gone or by != "server")
        self.ended_at = self._hub.monotonic()
        self.connection.queue_bytes = self.outbox.queued_bytes
        self.connection.queue_messages = self.outbox.queued_messages
        self.connection.closed_by, self.connection.code, self.connection.reason = by, code, reason
        self.outbox.clear()
        self._ticks.clear()
        if not self.ending.is_gone:
            retry_ms = _RETRY_MS[close.reaction_to(code)]
            self.outbox.put_control(encode(Bye(code=code, reason=reason[:500], retry_ms=retry_ms)))
        for topic in [*self._facts, *self._latest]:
            self._forget(topic)
        self.wake.set()
        self.ended.set()

    def _error(self, code: str, message: str, topic: str, *, temporary: bool = False) -> None:
        self.news += 1
        self._control(encode(StreamError(code=code, message=message, temporary=temporary, topic=topic[:200])))

    def _control(self, frame: bytes) -> None:
        self.outbox.put_control(frame)
        self.wake.set()
