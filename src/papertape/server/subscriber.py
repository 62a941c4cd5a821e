"""One client of the stream, whatever carries it: what it asked for, what it is owed, and how it ends.

Nothing here awaits: a transport feeds frames in with `receive` and takes frames out with `next_frame`.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

import msgspec
import structlog

from papertape import __version__
from papertape.errors import PapertapeError, Unavailable
from papertape.server.bell import Bell
from papertape.server.connections import Closer, Connection
from papertape.server.ending import Ending
from papertape.server.fact_lane import Published
from papertape.server.frames import encode
from papertape.server.latest_channel import LatestChannel
from papertape.server.outbox import SEPARATOR, Outbox
from papertape.server.rate import TokenBucket
from papertape.wire import close
from papertape.wire.stream import (
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

_log = structlog.get_logger("papertape.server.stream")

PROTOCOL_VERSION = 1
_decoder: msgspec.json.Decoder[ClientMessage] = msgspec.json.Decoder(ClientMessage)


class Subscriber:
    """The protocol's server side for one client."""

    def __init__(self, hub: StreamHub, connection: Connection) -> None:
        now = hub.monotonic()
        self._hub = hub
        self._limits = hub.limits
        self._bucket = TokenBucket(hub.limits.messages_per_s, hub.limits.message_burst, *hub.attention_account())
        self._facts: dict[str, int] = {}
        self._latest: dict[str, tuple[LatestChannel, int]] = {}
        self._asked: deque[SubRequest] = deque()
        self._ticks: deque[bytes] | None = None
        self._lag_ms = 0.0
        self._heartbeat_due = False
        self._flush_due = False
        self._next_heartbeat = now + hub.limits.heartbeat_s
        self._next_flush = now
        self._write_s = 0.0
        self.writing_since: float | None = None
        self.opened_at = hub.attentive_s()
        self.rotates_at = now + hub.lifetime_s()
        self.connection = connection
        self.outbox = Outbox(hub.limits)
        self.is_welcome = False
        self.is_visible = True
        self.news = 0
        self.ending: Ending | None = None
        self.is_batch = False
        self.wake: Bell | None = None
        self.ended: Bell | None = None

    # What comes in

    def receive(self, frame: str | bytes) -> None:
        """Take one frame of the client; a frame that breaks the protocol ends the connection."""
        if self.ending is not None:
            return None
        self.connection.hear(self._hub.clock(), self._hub.attentive_s())
        if not self._bucket.take(*self._hub.attention_account()):
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
            self._ask(message.subs)
        elif isinstance(message, Unsub):
            self._asked = deque(request for request in self._asked if request.topic not in message.topics)
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
        self.is_batch = hello.batch
        self.connection.tab = hello.tab[:64]
        if hello.prev is not None:
            self._hub.book.join_story(hello.prev, self.connection, self._hub.clock())
        welcome = Welcome(
            conn=self.connection.id,
            hb_s=int(self._limits.heartbeat_s),
            dead_s=int(self._limits.dead_s),
            srv_ts=self._hub.clock(),
            version=__version__,
        )
        self._control(encode(welcome))
        return self._ask(hello.subs)

    # Subscriptions

    @property
    def is_answered(self) -> bool:
        """Whether every subscription asked for has its answer."""
        return not self._asked

    def _ask(self, requests: tuple[SubRequest, ...]) -> None:
        for request in requests:
            if len(self._asked) < 2 * self._limits.topics:
                self._asked.append(request)
            else:
                waits = f"{len(self._asked)} earlier subscriptions still wait for their answer"
                self._error("stream.busy", f"{waits}; subscribe again later.", request.topic, temporary=True)
        self._hub.turns.add(self._answer_next)

    def _answer_next(self) -> bool:
        if self.ending is not None or not self._asked:
            return False
        try:
            self._subscribe(self._asked.popleft())
        except Exception as error:  # noqa: BLE001 - a border: another client's turn may do this one's work
            self.fail(error)
        return bool(self._asked)

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
            resumed = channel.resume(topic, request.seq, self._hub.clock(), self._hub.monotonic())
        snapshot = [] if resumed else channel.snapshot(topic, self._hub.clock(), self._hub.monotonic())
        self._facts[topic.text] = channel.last_seq  # only now: what could not be answered is not subscribed
        self._hub.listen(topic.text, self)
        if resumed is not None and request.seq is not None:
            self._answer(topic, channel.epoch, True, request.seq, *resumed)
        else:
            self._answer(topic, channel.epoch, False, 0, channel.last_seq, snapshot)

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
        ack = encode(Subscribed(topic=topic.text, epoch=epoch, resumed=is_resumed, from_seq=start, to_seq=to))
        size = len(ack) + sum(len(frame) for frame in frames)
        if self.outbox.reply_bytes + size > self._limits.reply_bytes:
            self._forget(topic.text)
            waits = f"{self.outbox.reply_bytes:,} bytes of earlier answers still wait to be read"
            return self._error("stream.busy", f"{waits}; subscribe again later.", topic.text, temporary=True)
        self.news += len(frames)
        for frame in (ack, *frames):
            self.outbox.put_reply(frame, topic.text)
        self._ring()
        return None

    def _forget(self, topic: str) -> None:
        if self._facts.pop(topic, None) is not None:
            self._hub.unlisten(topic, self)
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
        if not self.outbox.put_fact(published):
            waiting = f"{self.outbox.live_messages:,} messages, {self.outbox.live_bytes:,} bytes wait"
            self.end("server", close.SLOW_CONSUMER, f"The client reads slower than facts come: {waiting}.")
            return
        self._facts[published.topic] = published.seq
        self.news += 1
        self._ring()

    def resubscribe(self, session_id: str) -> None:
        """Tell a client of a session whose epoch changed to take snapshots."""
        topics = [topic for topic in self._facts if topic.startswith(f"session/{session_id}/")]
        for topic in topics:
            self._forget(topic)  # until it is answered: what comes now belongs to the new epoch
        self._ask(tuple(SubRequest(topic=topic) for topic in topics))

    def tick(self, now: float, lag_ms: float) -> None:
        """Let time pass: heartbeat, flush of latest values."""
        self._lag_ms = max(self._lag_ms, lag_ms)
        connection = self.connection
        connection.worst_lag_ms = max(connection.worst_lag_ms, lag_ms)
        connection.flush_ms = round(self._flush_interval() * 1000)
        since = self.writing_since
        connection.write_ms = 0 if since is None else round((self._hub.attentive_s() - since) * 1000)
        if self.ending is not None or not self.is_welcome:
            return
        if now >= self._next_heartbeat:
            self._next_heartbeat = now + self._limits.heartbeat_s
            self._heartbeat_due = True
            self._ring()
        self._tick_latest(now)

    def judge(self, attentive_s: float) -> None:
        """End a client that missed a deadline, in seconds in which the loop ran and heard everybody."""
        if self.ending is not None:
            return
        if not self.is_welcome:
            if attentive_s - self.opened_at > self._limits.hello_deadline_s:
                waited = f"{self._limits.hello_deadline_s:g} s"
                self.end("server", close.SILENT, f"The client did not say hello within {waited}.")
            return
        if self.writing_since is not None and attentive_s - self.writing_since > self._limits.write_deadline_s:
            stuck = f"no byte could be sent for {attentive_s - self.writing_since:.0f} s"
            self.end("server", close.SLOW_CONSUMER, f"The client does not read: {stuck}.")

    def _tick_latest(self, now: float) -> None:
        if now < self._next_flush or self._ticks:
            return
        if any(channel.version > seen for channel, seen in self._latest.values()):
            self._next_flush = now + self._flush_interval()
            self._flush_due = True
            self._ring()

    def _flush_interval(self) -> float:
        return max(self._own_interval(), self._hub.flush_floor_s())

    def _own_interval(self) -> float:
        if self.connection.transport == "poll" and self.is_visible:
            return self._limits.poll_flush_s
        if not self.is_visible or self._write_s > 0.25:
            return self._limits.hidden_flush_s
        return 0.25 if self._write_s > 0.1 else self._limits.visible_flush_s

    def next_frame(self) -> bytes | None:
        """Return the next frame to send: control, then facts and answers in order, then latest values."""
        frames = self.next_frames(0)
        return frames[0] if frames else None

    def next_frames(self, room: int) -> list[bytes]:
        """Return the next frames that fit `room` bytes with a separator each: one at least when any is ready."""
        if self._heartbeat_due and self.ending is None:
            self._heartbeat_due = False
            self.outbox.put_control(self.heartbeat())
        frames = self.outbox.take(room)
        if self.ending is None and self.outbox.is_empty and (self._flush_due or self._ticks is not None):
            self._take_latest(frames, room - sum(map(len, frames)) - len(frames) * SEPARATOR)
        connection, size = self.connection, sum(map(len, frames))
        if frames:
            connection.sent += len(frames)
            connection.sent_bytes += size
            self._hub.sent(len(frames), size)
        connection.queue_bytes = self.outbox.queued_bytes
        connection.queue_messages = self.outbox.queued_messages
        return frames

    @property
    def has_more(self) -> bool:
        """Whether another frame is ready."""
        is_due = self._flush_due or self._heartbeat_due or self._ticks is not None
        return not self.outbox.is_empty or (is_due and self.ending is None)

    def _take_latest(self, frames: list[bytes], room: int) -> None:
        if self._flush_due:
            self._flush()
        ticks = self._ticks
        while ticks and (not frames or len(ticks[0]) + SEPARATOR <= room):
            room -= len(ticks[0]) + SEPARATOR
            frames.append(ticks.popleft())
        if not ticks:
            self._ticks = None

    def _flush(self) -> None:
        self._flush_due = False
        ts = self._hub.clock()
        ticks = self._ticks = self._ticks or deque()
        for topic, (channel, seen) in self._latest.items():
            if channel.version > seen:
                ticks.extend(channel.frames_since(seen, ts))
                self._latest[topic] = (channel, channel.version)
                self.news += 1

    def heartbeat(self) -> bytes:
        """Return a heartbeat: heads only of topics whose publications have all been handed over."""
        pending = self.outbox.pending_topics()
        heads = self._hub.heads([topic for topic in self._facts if topic not in pending])
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
        self.connection.queue_bytes = self.outbox.queued_bytes
        self.connection.queue_messages = self.outbox.queued_messages
        self.connection.end(self._hub.clock(), by, code, reason)
        self.connection.memory_mb = self._hub.memory.used_mb
        self.outbox.clear()
        self._ticks = None
        if not self.ending.is_gone:
            self.outbox.put_control(self.ending.goodbye())
        self.release()
        self._ring()
        if self.ended is not None:
            self.ended.set()

    def fail(self, error: Exception) -> None:
        """End the connection for a failure of ours; the record says which, the client where to look."""
        _log.error("stream_failed", conn=self.connection.id, exc_info=error)
        self.connection.exception = f"{type(error).__name__}: {error}"[:300]
        self.end("server", close.INTERNAL, f"The desk failed; look for {self.connection.id} in its log.")

    def release(self) -> None:
        """Take nothing more from any topic; the record keeps how many there were."""
        topics = self.connection.topics
        self._asked.clear()
        for topic in [*self._facts, *self._latest]:
            self._forget(topic)
        self.connection.topics = topics

    def _error(self, code: str, message: str, topic: str, *, temporary: bool = False) -> None:
        self.news += 1
        self._control(encode(StreamError(code=code, message=message, temporary=temporary, topic=topic[:200])))

    def _ring(self) -> None:
        if self.wake is not None:
            self.wake.set()

    def _control(self, frame: bytes) -> None:
        self.outbox.put_control(frame)
        self._ring()
