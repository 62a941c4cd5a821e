"""A stream client that owns its list of topics with its positions, and survives every loss of its connection."""

from __future__ import annotations

import random
import secrets
import ssl
import time
from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence

import msgspec

from papertape.client.address import parse_address
from papertape.client.alarm import Moment
from papertape.client.backoff import Backoff
from papertape.client.closes import CloseRecord, TransportEnd
from papertape.client.connection import StreamConnection
from papertape.client.limits import CARRIERS, ClientLimits
from papertape.client.shell import Shell
from papertape.client.status import ClientStatus
from papertape.client.subscriptions import Subscriptions, Update
from papertape.errors import Conflict, Refused
from papertape.wire.http import Transport
from papertape.wire.stream import PreviousClose

__all__ = ["StreamClient", "Update"]


class StreamClient:
    """Yields publications and snapshots of its topics: every fact once, in order per topic.

    `url` is the desk's stream, such as `http://127.0.0.1:8420/api/stream`; http(s) and ws(s) mean the same. `tab` names
    the client across its connections and should be its own; without one it is made up. `dead_s` replaces the server's
    own verdict on silence; it, `grace_s` and `deadline_s` go before those of `limits`. `carriers` are tried in this
    order. `headers` go with every request, such as the Authorization that a proxy asks for; `trust` replaces the
    certificates of the system. Seconds throughout.

    Raises:
        Invalid: the address or a topic cannot exist.
    """

    def __init__(
        self,
        url: str,
        topics: Iterable[str] = (),
        *,
        tab: str | None = None,
        backoff: Backoff | None = None,
        dead_s: float | None = None,
        grace_s: float | None = None,
        deadline_s: float | None = None,
        seed: int | None = None,
        limits: ClientLimits | None = None,
        carriers: Sequence[Transport] = CARRIERS,
        headers: Mapping[str, str] | None = None,
        trust: ssl.SSLContext | None = None,
    ) -> None:
        given = {"dead_s": dead_s, "grace_s": grace_s, "deadline_s": deadline_s}
        replaced = {name: value for name, value in given.items() if value is not None}
        self.url = url
        self._address = parse_address(url, headers, trust)
        self._subscriptions = Subscriptions()
        self._subscriptions.add(topics)
        self._core = StreamConnection(
            self._subscriptions,
            tab=tab or f"python-{secrets.token_hex(4)}",
            limits=msgspec.structs.replace(limits or ClientLimits(), **replaced),
            backoff=backoff,
            chance=random.Random(seed),
            carriers=carriers,
        )
        self._shell: Shell | None = None

    async def updates(self) -> AsyncGenerator[Update, None]:
        """Yield what is new, for ever; reconnects by itself. Ended and called again it goes on where it was.

        Raises:
            Refused: the desk closed with a code that forbids to come back.
            Conflict: the client is being followed already.
        """
        if self._shell is not None:
            raise Conflict(
                "This client is followed already; give each follower a client of its own.", code="client.busy"
            )
        shell = self._shell = Shell(self._address)
        self._core.start(_now())
        try:
            while True:
                self._perform(shell)
                while self._core.updates:
                    yield self._core.updates.popleft()
                    self._perform(shell)
                self._raise_if_stopped()
                await self._step(shell)
        finally:
            self._core.stop()
            self._perform(shell)
            self._shell = None
            await shell.aclose()

    def add(self, *topics: str) -> None:
        """Follow these topics too, from a snapshot on.

        Raises:
            Invalid: one of them cannot exist; none was added.
        """
        self._core.add(topics, _now())
        self._nudge()

    def remove(self, *topics: str) -> None:
        """Follow these topics no more."""
        self._core.remove(topics)
        self._nudge()

    def show(self, *, is_visible: bool) -> None:
        """Say whether anybody looks: latest values come once a second when nobody does."""
        self._core.show(is_visible=is_visible, now=_now())
        self._nudge()

    def check(self) -> None:
        """Ask whether the desk is still there, or try at once what was to be tried later."""
        self._core.check(_now())
        self._nudge()

    def status(self) -> ClientStatus:
        """Return how the connection is doing now."""
        return self._core.status(_now())

    def server_now(self) -> float:
        """Return the desk's clock, seconds since 1970."""
        now = _now()
        return now.wall + self._core.status(now).clock_offset_s

    @property
    def closes(self) -> tuple[CloseRecord, ...]:
        """Return the newest ends of connections and attempts, newest first."""
        return self._core.closes.records

    @property
    def previous(self) -> PreviousClose | None:
        """Return what the desk is told of the last connection that ended."""
        return self._core.closes.last

    @property
    def connects(self) -> int:
        """Return how often the desk said welcome."""
        return self._core.connects

    @property
    def holes(self) -> int:
        """Return how often something was found missing and asked for again."""
        return self._subscriptions.holes

    @property
    def duplicates(self) -> int:
        """Return how many publications came again and were dropped."""
        return self._subscriptions.duplicates

    @property
    def resumes(self) -> int:
        """Return how many subscriptions went on from a position; with long polling each poll has one a topic."""
        return self._subscriptions.resumes

    @property
    def snapshots(self) -> int:
        """Return how many subscriptions began with a snapshot."""
        return self._subscriptions.snapshots

    async def _step(self, shell: Shell) -> None:
        next_at = self._core.next_at
        await shell.inbox.wait(None if next_at is None else max(0.0, next_at - _now().at))
        for _ in range(len(shell.inbox)):  # what waits is heard before anything is concluded from the time
            heard = shell.inbox.take()
            if heard is not None:
                self._hear(*heard)
        self._core.passed(_now())

    def _hear(self, link: int, heard: bytes | TransportEnd | BaseException) -> None:
        if isinstance(heard, bytes):
            self._core.received(link, heard, _now())
        elif isinstance(heard, BaseException):
            raise heard
        else:
            self._core.ended(link, heard, _now())

    def _perform(self, shell: Shell) -> None:
        for action in self._core.take_actions():
            shell.perform(action)

    def _nudge(self) -> None:
        if self._shell is not None:
            self._shell.inbox.nudge()

    def _raise_if_stopped(self) -> None:
        record = self._core.stopped_by
        if record is not None:
            raise Refused(
                f"The desk closed the stream for good ({record.code}): {record.reason}", code="stream.stopped"
            )


def _now() -> Moment:
    return Moment(time.monotonic(), time.time())
