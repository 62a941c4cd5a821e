"""Two ways to start a client under test: as a command, and the Python client in this process."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from urllib.parse import urlencode

import msgspec

from papertape.client.backoff import Backoff
from papertape.client.limits import ClientLimits
from papertape.client.stream_client import StreamClient
from papertape.errors import Refused
from papertape.testkit.conformance.client.stage import Report, Stage
from papertape.wire.stream import Pub, Snap, StreamError

Start = Callable[[Stage, tuple[str, ...]], AbstractAsyncContextManager[object]]
"""Starts a client against a stage with topics; leaving the context ends it."""

_DEAD_S = 45.0
_END_S = 5.0


def command_client(command: Sequence[str], page: str = "") -> Start:
    """Return a starter of `COMMAND… URL SCALE TOPIC…`, which prints a line of JSON for each delivery.

    With a `page` the URL is the page's, with scale and topics in its query, and the page posts its deliveries.
    """

    @contextlib.asynccontextmanager
    async def start(stage: Stage, topics: tuple[str, ...]) -> AsyncIterator[None]:
        query = urlencode([("scale", stage.scale), *(("topic", topic) for topic in topics)])
        url = f"{stage.url}{page}?{query}" if page else stage.url
        child = await asyncio.create_subprocess_exec(
            *command, url, str(stage.scale), *topics, stdout=asyncio.subprocess.PIPE
        )
        reading = asyncio.create_task(_read(child, stage))
        try:
            yield
        finally:
            if child.returncode is None:
                child.terminate()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_END_S):
                    await child.wait()
            if child.returncode is None:
                child.kill()
            reading.cancel()
            await asyncio.gather(reading, child.wait(), return_exceptions=True)

    return start


async def _read(child: asyncio.subprocess.Process, stage: Stage) -> None:
    assert child.stdout is not None
    while line := await child.stdout.readline():
        stage.report(msgspec.json.decode(line, type=Report))


@contextlib.asynccontextmanager
async def python_client(stage: Stage, topics: tuple[str, ...]) -> AsyncIterator[None]:
    """Run the Python client in this process while the block runs."""
    following = asyncio.create_task(_follow(stage, topics))
    try:
        yield
    finally:
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)


async def _follow(stage: Stage, topics: tuple[str, ...]) -> None:
    async for report in reports(stage.url, stage.scale, topics):
        stage.report(report)


async def reports(url: str, scale: float, topics: tuple[str, ...]) -> AsyncIterator[Report]:
    """Yield what the Python client delivers, with its times multiplied by `scale`."""
    client = StreamClient(
        f"{url}/api/stream", topics, backoff=_scaled_backoff(scale), limits=_scaled_limits(scale), seed=1
    )
    try:
        async for update in client.updates():
            if isinstance(update, Pub):
                yield Report(kind="pub", topic=update.topic, epoch=update.epoch, seq=update.seq)
            elif isinstance(update, Snap):
                yield Report(kind="snapshot", topic=update.topic, epoch=update.epoch, seq=update.seq)
            elif isinstance(update, StreamError):
                yield Report(kind="err", topic=update.topic, code=update.code)
    except Refused as refused:
        yield Report(kind="stopped", code=refused.code)


def _scaled_limits(scale: float) -> ClientLimits:
    plain = ClientLimits()
    return msgspec.structs.replace(
        plain,
        deadline_s=plain.deadline_s * scale,
        dead_s=_DEAD_S * scale,
        grace_s=plain.grace_s * scale,
        late_s=plain.late_s * scale,
        alive_s=plain.alive_s * scale,
        probes_s=tuple(seconds * scale for seconds in plain.probes_s),
        early_probe_s=plain.early_probe_s * scale,
        ping_s=plain.ping_s * scale,
        poll_pause_s=plain.poll_pause_s * scale,
        ask_again_s=plain.ask_again_s * scale,
    )


def _scaled_backoff(scale: float) -> Backoff:
    plain = Backoff()
    times = {field: getattr(plain, field) * scale for field in plain.__struct_fields__ if field.endswith("_s")}
    return msgspec.structs.replace(plain, **times)
