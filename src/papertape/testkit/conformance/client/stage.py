"""The scripted server: one port for the three carriers, for a page that loads a client, and for its reports."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, Self
from urllib.parse import urlsplit

import msgspec
from websockets.datastructures import Headers

from papertape.testkit.conformance.client.attempt import Attempt, Carrier
from papertape.testkit.conformance.lag import JudgeLag
from papertape.testkit.conformance.verdict import Breach, Late

SESSION = "exec_20251227_165822_fe61be26"
FILLS = f"session/{SESSION}/fills"
ALERTS = f"session/{SESSION}/alerts"
WATCHLIST = f"session/{SESSION}/watchlist"

Fault = Literal["refuse", "hang", "cut"]
_PATHS: dict[str, Carrier] = {"/api/stream": "websocket", "/api/stream/sse": "sse", "/api/stream/poll": "poll"}
_START_S = 30.0
_PAGE = (
    b'<!doctype html><meta charset="utf-8"><title>conformance</title><script type="module" src="/client.js"></script>'
)


class Report(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line of a client: what it delivered (`snapshot`, `pub`, `err`), or that it came to rest (`stopped`)."""

    kind: Literal["snapshot", "pub", "err", "stopped"]
    topic: str | None = None
    epoch: str | None = None
    seq: int | None = None
    code: int | str | None = None


class Stage:
    """What one script plays on.

    `scale` multiplies every time of the protocol that the client keeps. `slack_s`, in real seconds, is what the machine
    may take beside these times for something that is due.
    """

    def __init__(self, scale: float, bundle: Path | None, slack_s: float) -> None:
        self.scale = scale
        self.slack_s = slack_s
        self.url = ""
        self.reports: list[Report] = []
        self.faults: dict[Carrier, Fault] = {}
        self.refused: list[tuple[Carrier, float]] = []
        self.failed = asyncio.Event()
        self._bundle = bundle
        self._attempts: asyncio.Queue[Attempt] = asyncio.Queue()
        self._all: list[Attempt] = []
        self._has_come = False
        self._reported = asyncio.Event()
        self._lag = JudgeLag()
        self._server: asyncio.Server | None = None
        self._serving: set[asyncio.Task[None]] = set()
        self._writers: list[asyncio.StreamWriter] = []

    async def __aenter__(self) -> Self:
        await self._lag.__aenter__()
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None  # set on entry
        self._server.close()
        for attempt in self._all:
            await attempt.dispose()
        for writer in self._writers:  # those too that asked for nothing: browsers open some in advance
            writer.transport.abort()
        for task in tuple(self._serving):
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)
        await self._lag.__aexit__()

    @property
    def lag_s(self) -> float:
        """Return by how many real seconds a time may be off here: the worst lag of the judge, or of a `hello`."""
        return self._lag.worst_s

    def s(self, seconds: float) -> float:
        """Return a time of the protocol as it lasts here."""
        return seconds * self.scale

    def patience(self, seconds: float) -> float:
        """Return the real seconds that are waited for what is due within a time of the protocol."""
        return self.s(seconds) + self.slack_s

    async def attempt(self, within_s: float = 10.0, carrier: Carrier = "websocket") -> Attempt:
        """Return the client's next attempt, which must come within this time of the protocol, by this carrier."""
        attempt = await self.raw_attempt(within_s)
        if attempt.carrier != carrier:
            raise Breach(f"the client came by {attempt.carrier}; {carrier} was expected")
        await attempt.greeted(self.patience(10.0))
        self._lag.saw(attempt.greeted_in_s)
        return attempt

    async def raw_attempt(self, within_s: float = 10.0) -> Attempt:
        """Return the client's next attempt as it is, nothing answered yet; its first may wait for its start."""
        start_s = 0.0 if self._has_come else _START_S
        attempt = await self.attempt_within(self.patience(within_s) + start_s)
        if attempt is None:
            raise Late(f"the client did not come within {within_s:g} s (scaled)")
        return attempt

    async def seen(self, event: asyncio.Event, within_s: float, otherwise: str) -> None:
        """Wait until something happened, within this time of the protocol; `Late` with the sentence when it did not."""
        try:
            async with asyncio.timeout(self.patience(within_s)):
                await event.wait()
        except TimeoutError:
            raise Late(otherwise) from None

    async def attempt_within(self, seconds: float) -> Attempt | None:
        """Return the next attempt, None when none comes in this real time."""
        try:
            async with asyncio.timeout(seconds):
                attempt = await self._attempts.get()
        except TimeoutError:
            return None
        self._has_come = True
        return attempt

    def report(self, report: Report) -> None:
        """Take what the client says it delivered; pages of one snapshot count as one."""
        last = self.reports[-1] if self.reports else None
        if report.kind != "snapshot" or report != last:
            self.reports.append(report)
        self._reported.set()

    async def reported(self, holds: Callable[[list[Report]], bool], wanted: str) -> None:
        """Wait until the client's reports are as wanted."""
        try:
            async with asyncio.timeout(self.slack_s):
                while not holds(self.reports):
                    self._reported.clear()
                    await self._reported.wait()
        except TimeoutError:
            raise Late(f"the client did not deliver {wanted}; it delivered {_brief(self.reports)}") from None

    async def delivered(self, *seqs: int, topic: str = FILLS) -> None:
        """Wait until exactly these publications of a topic are delivered, in this order."""
        wanted = list(seqs)
        await self.reported(lambda _: len(self.seqs(topic)) >= len(wanted), f"{wanted} on {topic}")
        if self.seqs(topic) != wanted:
            raise Breach(f"the client delivered {self.seqs(topic)} on {topic}; {wanted} was expected")

    def seqs(self, topic: str = FILLS) -> list[int | None]:
        """Return the publications delivered on a topic."""
        return [report.seq for report in self.reports if report.kind == "pub" and report.topic == topic]

    def snapshots(self, topic: str = FILLS) -> list[tuple[str | None, int | None]]:
        """Return the positions of the snapshots delivered on a topic."""
        return [(one.epoch, one.seq) for one in self.reports if one.kind == "snapshot" and one.topic == topic]

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None  # a callback of the server runs in a task
        self._serving.add(task)
        self._writers.append(writer)
        task.add_done_callback(self._serving.discard)
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            await self._serve(reader, writer)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        raw = await reader.readuntil(b"\r\n\r\n")
        head = raw.decode("latin-1").split("\r\n")
        method, path, _ = head[0].split(" ", 2)
        fields = (line.partition(":") for line in head[1:] if line)
        headers = Headers([(name, value.strip()) for name, _, value in fields])
        body = await reader.readexactly(int(headers.get("Content-Length", "0")))
        carrier = _PATHS.get(urlsplit(path).path)
        attempt = Attempt(carrier or "poll", raw, body, reader, writer)
        self._all.append(attempt)
        if carrier is None:
            await self._serve_page(attempt, method, urlsplit(path).path, body)
        elif carrier in self.faults:
            self.refused.append((carrier, attempt.at))
            self.failed.set()
            await self._fail(attempt, self.faults[carrier])
        else:
            self._attempts.put_nowait(attempt)

    async def _fail(self, attempt: Attempt, fault: Fault) -> None:
        if fault == "refuse":
            await attempt.respond(403)
        elif fault == "cut":
            await attempt.greeted(self.slack_s)
            await attempt.welcome()
            attempt.abort()

    async def _serve_page(self, attempt: Attempt, method: str, path: str, body: bytes) -> None:
        if method == "POST" and path == "/report":
            self.report(msgspec.json.decode(body, type=Report))
            await attempt.respond(204)
        elif path == "/client.html":
            await attempt.respond(200, _PAGE, content_type="text/html")
        elif path == "/client.js" and self._bundle is not None:
            content = await asyncio.to_thread(self._bundle.read_bytes)
            await attempt.respond(200, content, content_type="text/javascript")
        else:
            await attempt.respond(404)


def _brief(reports: list[Report]) -> Any:
    return [(one.kind, one.topic and one.topic.rpartition("/")[2], one.seq) for one in reports][-20:]
