"""The client's protocol without I/O: moments, frames and ends of carriers in, actions and updates out.

It reconnects, falls back from WebSocket to Server-Sent Events to long polling, and comes back, as the browser's does.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Iterable, Sequence

import msgspec

from papertape.client import closes
from papertape.client.actions import Action, Close, Open, Send
from papertape.client.alarm import Alarm, Moment, earliest
from papertape.client.backoff import Backoff
from papertape.client.closes import CloseLog, Closer, CloseRecord, TransportEnd
from papertape.client.frames import decode_frame
from papertape.client.ladder import Ladder
from papertape.client.limits import CARRIERS, ClientLimits
from papertape.client.link import Link
from papertape.client.pings import Pings
from papertape.client.status import ClientStatus, Phase
from papertape.client.subscriptions import Subscriptions, Update
from papertape.wire.close import reaction_to
from papertape.wire.http import Transport
from papertape.wire.stream import (
    Bye,
    Heartbeat,
    Hello,
    Ping,
    Pong,
    ServerMessage,
    StreamError,
    Sub,
    Unsub,
    Vis,
    Welcome,
)


class StreamConnection:
    """The one connection of a client. `updates` holds what is to be delivered, in order; `closes` every end.

    After each input `take_actions` gives what is to be done, and `next_at` the monotonic second at which `passed` wants
    to be called.
    """

    def __init__(
        self,
        subscriptions: Subscriptions,
        *,
        tab: str,
        limits: ClientLimits | None = None,
        backoff: Backoff | None = None,
        chance: random.Random | None = None,
        carriers: Sequence[Transport] = CARRIERS,
    ) -> None:
        self._limits = limits or ClientLimits()
        self._backoff = backoff or Backoff()
        self._chance = chance or random.Random()
        self._tab = tab
        self._ladder = Ladder(carriers, self._limits)
        self._actions: list[Action] = []
        self._retry, self._upgrade, self._reopen, self._again = Alarm(), Alarm(), Alarm(), Alarm()
        self._link: Link | None = None
        self._candidate: Link | None = None
        self._links = 0
        self._attempts = 0
        self._upgrades = 0
        self._is_websocket_proven = False
        self._is_reopening = False
        self._is_visible = True
        self._frame_at: float | None = None
        self._server_lag_ms: float | None = None
        self._reason = ""
        self._pings = Pings(self._limits.ping_s)
        self.subscriptions = subscriptions
        self.updates: deque[Update] = deque()
        self.closes = CloseLog()
        self.connects = 0
        self.phase: Phase = "idle"
        self.stopped_by: CloseRecord | None = None

    # What comes in

    def start(self, now: Moment) -> None:
        """Connect; positions from before are gone on from."""
        self.stopped_by = None
        self._connect(now)

    def stop(self) -> None:
        """End on purpose and silently."""
        for alarm in (self._retry, self._upgrade, self._reopen, self._again):
            alarm.clear()
        self._abandon(self._candidate, "the client is done")
        self._abandon(self._link, "the client is done")
        self._link = self._candidate = None
        self._is_reopening = False
        self._pings.forget()
        self.phase = "idle"

    def received(self, number: int, frame: bytes, now: Moment) -> None:
        """Take a frame, or the whole answer to a poll, of a link."""
        link = self._find(number)
        if link is None:
            return
        link.on_frame(now)
        if link.carrier == "poll":
            link.on_polled(now)
        try:
            messages = decode_frame(frame)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            self._give_up(link, closes.GARBLED, f"the other side sent what is not the protocol: {error}", now)
            return
        for message in messages:
            self._take(link, message, now)
        if link.carrier == "poll" and link.bye is not None:
            self.ended(number, TransportEnd(), now)

    def ended(self, number: int, end: TransportEnd, now: Moment) -> None:
        """Take the end of a link's carrier, by itself or by the other side."""
        link = self._find(number)
        if link is not None:
            self._on_end(link, end, now)

    def passed(self, now: Moment) -> None:
        """Take the time."""
        for link in (self._link, self._candidate):
            if link is not None:
                self._on_time(link, now)
        if self._again.take(now.at) is not None:
            self._ask(self.subscriptions.take_postponed(), now)
        if self._reopen.take(now.at) is not None:
            self._is_reopening = True
            self._connect(now)
        if self._retry.take(now.at) is not None:
            self._connect(now)
        if self._upgrade.take(now.at) is not None:
            self._try_upgrade(now)

    def add(self, topics: Iterable[str], now: Moment) -> None:
        """Want these topics too.

        Raises:
            Invalid: one of them cannot exist; none was added.
        """
        self.subscriptions.add(topics)
        self._ask_for_new(now)

    def remove(self, topics: Iterable[str]) -> None:
        """Want these topics no more."""
        gone = tuple(topic for topic in topics if topic in self.subscriptions.topics)
        self.subscriptions.remove(gone)
        for link in (self._link, self._candidate):
            if link is not None:
                link.requested.difference_update(gone)
        if gone and self._link is not None and self._link.welcomed_at is not None:
            self._send(self._link, Unsub(topics=gone))

    def show(self, *, is_visible: bool, now: Moment) -> None:
        """Take whether anybody looks; latest values come less often to a hidden client, and it gives no verdict."""
        self._is_visible = is_visible
        if self._link is not None and self._link.welcomed_at is not None:
            self._send(self._link, Vis(visible=is_visible))
        if is_visible:
            self.check(now)

    def check(self, now: Moment) -> None:
        """Take that the machine or the network woke up: probe, or try at once what was to be tried later."""
        if self.phase == "waiting":
            self._connect(now)
        elif self._link is not None and self._link.check(now):
            self._ping(self._link, now)
        self._try_upgrade(now)

    # What comes out

    def take_actions(self) -> list[Action]:
        """Return what is to be done now, in order."""
        actions, self._actions = self._actions, []
        return actions

    @property
    def next_at(self) -> float | None:
        """Return the monotonic second of the next alarm."""
        links = (link.next_at for link in (self._link, self._candidate) if link is not None)
        return earliest((self._retry.due, self._upgrade.due, self._reopen.due, self._again.due, *links))

    def status(self, now: Moment) -> ClientStatus:
        """Return how it is doing."""
        welcomed_at = self._link.welcomed_at if self._link is not None else None
        return ClientStatus(
            phase=self.phase,
            transport=self._link.carrier if self._link is not None else self._ladder.carrier,
            conn=self._link.conn if self._link is not None else None,
            reconnects=max(0, self.connects - 1),
            connected_s=None if welcomed_at is None else now.at - welcomed_at,
            retry_in_s=None if self._retry.due is None else max(0.0, self._retry.due - now.at),
            frame_age_s=None if self._frame_at is None else now.at - self._frame_at,
            rtt_s=self._pings.clock.rtt_s,
            clock_offset_s=self._pings.clock.offset_s,
            server_lag_ms=self._server_lag_ms,
            reason=self._reason,
            duplicates=self.subscriptions.duplicates,
            holes=self.subscriptions.holes,
            topics=self.subscriptions.topics,
        )

    # Opening

    def _connect(self, now: Moment) -> None:
        self._retry.clear()
        self._reopen.clear()
        self._abandon(self._link, "a new attempt starts")
        self.phase = "connecting"
        self._link = self._open(self._ladder.carrier, now)
        if self._ladder.is_fallback and self._upgrade.due is None and self._candidate is None:
            self._upgrade.set(now.at + self._limits.probe_after(self._upgrades))

    def _open(self, carrier: Transport, now: Moment, *, is_candidate: bool = False) -> Link:
        self._links += 1
        link = Link(self._links, carrier, self._limits, now)
        self._hello(link, is_candidate=is_candidate)
        return link

    def _hello(self, link: Link, *, is_candidate: bool = False) -> None:
        topics, is_next_poll = self.subscriptions.topics, link.welcomed_at is not None
        asked = self.subscriptions.awaited if is_next_poll else topics  # a refusal is an answer: no poll would be held
        subs = self.subscriptions.positions() if is_candidate else self.subscriptions.request(asked)
        link.requested = set(topics)
        hello = Hello(v=1, tab=self._tab, vis=self._is_visible, batch=True, prev=self.closes.untold, subs=subs)
        self._actions.append(Open(link=link.number, carrier=link.carrier, hello=hello))

    def _find(self, number: int) -> Link | None:
        return next((link for link in (self._link, self._candidate) if link and link.number == number), None)

    # Messages

    def _take(self, link: Link, message: ServerMessage, now: Moment) -> None:
        if isinstance(message, Welcome):
            self._on_welcome(link, message, now)
        elif isinstance(message, Bye):
            link.bye = message
        elif link is self._link:
            self._frame_at = now.at
            self._take_current(link, message, now)

    def _take_current(self, link: Link, message: ServerMessage, now: Moment) -> None:
        if isinstance(message, Pong):
            self._pings.on_pong(message, now)
        elif isinstance(message, Heartbeat):
            self._server_lag_ms = message.lag_ms
            self._pings.clock.on_stamp(message.srv_ts, now.wall)
            if self._is_visible and self._pings.is_due(now):
                self._ping(link, now)
            self._ask(self.subscriptions.missed(message), now)
        elif not isinstance(message, Welcome | Bye):
            updates, is_missed = self.subscriptions.take(message)
            self.updates.extend(updates)
            if is_missed and message.topic is not None:
                self._ask((message.topic,), now)
            if isinstance(message, StreamError):
                self._on_error(message, now)
            if self.phase == "catching_up" and self.subscriptions.is_current:
                self.phase = "live"

    def _on_error(self, error: StreamError, now: Moment) -> None:
        self._reason = f"{error.topic}: {error.message}" if error.topic else error.message
        if error.temporary and error.topic and self._again.due is None:
            self._again.set(now.at + self._limits.ask_again_s)

    def _on_welcome(self, link: Link, welcome: Welcome, now: Moment) -> None:
        self._pings.clock.on_stamp(welcome.srv_ts, now.wall)
        if not link.on_welcome(welcome, now):
            return
        if link is self._candidate:
            self._take_over(link)
        self._frame_at = now.at
        self.connects += not self._is_reopening
        self._is_reopening = False
        self.closes.on_welcome()
        self._reason = ""
        self.phase = "live" if self.subscriptions.is_current else "catching_up"
        self._ping(link, now)
        self._ask_for_new(now)
        if self._ladder.is_fallback and self._is_websocket_proven:
            self._is_websocket_proven = False
            self._upgrade.set(now.at + self._limits.early_probe_s)

    def _ping(self, link: Link, now: Moment) -> None:
        if link.carrier == "websocket":
            self._send(link, self._pings.ping(now))

    # The list of topics on a living connection

    def _ask_for_new(self, now: Moment) -> None:
        link = self._link
        if link is not None:
            self._ask(tuple(topic for topic in self.subscriptions.topics if topic not in link.requested), now)

    def _ask(self, topics: tuple[str, ...], now: Moment) -> None:
        link = self._link
        if not topics or link is None or link.welcomed_at is None:
            return  # the next `hello` asks for everything
        requests = self.subscriptions.request(topics)
        self.phase = "catching_up"
        if link.carrier == "websocket":
            link.requested.update(topics)
            self._send(link, Sub(subs=requests))
        elif not link.is_between_polls and self._reopen.due is None:
            self._reopen.set(now.at + self._limits.reopen_s)

    def _send(self, link: Link, message: Sub | Unsub | Vis | Ping) -> None:
        if link.carrier == "websocket":
            self._actions.append(Send(link=link.number, message=message))

    # Ends

    def _on_time(self, link: Link, now: Moment) -> None:
        concern = link.passed(now, is_visible=self._is_visible)
        if concern == "probe":
            self._ping(link, now)
        elif concern == "poll":
            self._hello(link)
        elif concern == "no_welcome":
            self._give_up(link, closes.NO_WELCOME, f"no welcome within {self._limits.deadline_s:g} s", now)
        elif concern == "dead":
            self._give_up(link, closes.DEAD, "silent for too long, and no answer to a probe", now)

    def _give_up(self, link: Link, code: int, reason: str, now: Moment) -> None:
        self._actions.append(Close(link=link.number, code=code, reason=reason, is_abrupt=True))
        self._on_end(link, TransportEnd(code=code, reason=reason), now, by="client")

    def _abandon(self, link: Link | None, reason: str) -> None:
        if link is not None:
            self._actions.append(Close(link=link.number, code=closes.DONE, reason=reason))

    def _on_end(self, link: Link, end: TransportEnd, now: Moment, by: Closer | None = None) -> None:
        if link is self._candidate:
            return self._on_candidate_end(link, end, now, by)
        self._link = None
        self._is_reopening = False
        self._pings.forget()
        self._reopen.clear()
        record = link.record(end, now, by)
        self.closes.add(record)
        self._reason = record.reason
        reaction = reaction_to(record.code)
        if reaction == "stop":
            self.stop()
            self.phase, self.stopped_by = "stopped", record
            return None
        is_failure = self._ladder.is_failure(record.alive_s)
        self._is_websocket_proven |= link.carrier == "websocket" and not is_failure
        is_planned = reaction == "at_once" and record.alive_s is not None
        is_new_carrier = not is_planned and self._ladder.on_end(record.alive_s)
        wait_s = self._wait_after(record, is_at_once=is_planned or is_new_carrier)
        self._retry.set(now.at + max(wait_s, link.retry_s(end)))
        self.phase = "waiting"
        return None

    def _wait_after(self, record: CloseRecord, *, is_at_once: bool) -> float:
        if (record.alive_s or 0.0) >= self._backoff.stable_s:
            self._attempts = self._upgrades = 0
        if is_at_once:
            return self._backoff.spread_s(self._chance)
        self._attempts += 1
        return self._backoff.delay_s(self._attempts, self._chance)

    # Coming back to WebSocket while a fallback carries the stream

    def _try_upgrade(self, now: Moment) -> None:
        if not self._ladder.is_fallback or self._candidate is not None or self.phase in ("idle", "stopped"):
            return
        self._upgrade.clear()
        self._upgrades += 1
        self._candidate = self._open("websocket", now, is_candidate=True)

    def _take_over(self, link: Link) -> None:
        self._retry.clear()
        self._reopen.clear()
        self._abandon(self._link, "WebSocket works again")
        self._ladder.on_upgrade()
        self._link, self._candidate = link, None
        self._is_reopening = False
        self.subscriptions.request(link.requested)  # the answers to its `hello` follow; what is older is not heard

    def _on_candidate_end(self, link: Link, end: TransportEnd, now: Moment, by: Closer | None) -> None:
        self._candidate = None
        record = link.record(end, now, by)
        reason = f"probe while on {self._ladder.carrier}: {record.reason}"
        self.closes.add(msgspec.structs.replace(record, reason=reason))
        if self._ladder.is_fallback and reaction_to(record.code) != "stop":
            self._upgrade.set(now.at + self._limits.probe_after(self._upgrades))
