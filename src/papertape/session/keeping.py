"""Keeps what a session showed last when it ends: every panel and the chart, made in portions.

A session of fifty symbols that ran for hours leaves 250 series of a thousand bars: at once they would hold the event
loop for a second.
"""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import structlog

from papertape.errors import Broken, Unavailable
from papertape.journal.ports import History
from papertape.model.views import VIEW_OF
from papertape.session.latest import CHART, live_views
from papertape.session.panels import PORTION_S
from papertape.session.runner import Runner
from papertape.session.sampler import BAR_INTERVALS_S

_KEPT_BARS = 1_000

_log = structlog.get_logger(__name__)


async def encode_views(runner: Runner, now: int) -> bytes:
    """Return every topic's latest views and the chart's bars as JSON; the engine must not be fed meanwhile."""
    breath = _Breath()
    for make in runner.panels.portions():
        make()
        await breath.take()
    kept: dict[str, Any] = {}
    for topic in VIEW_OF:
        kept[topic] = msgspec.Raw(msgspec.json.encode(live_views(runner, topic, now)))
        await breath.take()
    chart = kept[CHART] = {}
    for instrument in runner.core.plan.instruments:
        for interval_s in BAR_INTERVALS_S:
            bars = runner.core.engine.bars(instrument.id, interval_s, _KEPT_BARS)
            chart[f"{instrument.id}|{interval_s}"] = msgspec.Raw(msgspec.json.encode(bars))
            await breath.take()
    return await asyncio.to_thread(msgspec.json.encode, kept)  # joins what is encoded already


async def keep_views(runner: Runner, history: History, now: int) -> None:
    """Save what a session that was ended or suspended showed last; that it was not saved is logged."""
    runner.panels.close()
    try:
        views = await encode_views(runner, now)
        await asyncio.to_thread(history.save_views, runner.row.session_id, now, views)
    except (Unavailable, Broken) as error:  # a store that refuses one session must not keep others from their end
        _log.warning("views_not_kept", session_id=runner.row.session_id, error=error.message)


class _Breath:
    """Lets the event loop turn when a portion of its time was used."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._since = self._loop.time()

    async def take(self) -> None:
        """Let the loop turn if the portion is over."""
        if self._loop.time() - self._since >= PORTION_S:
            await asyncio.sleep(0)
            self._since = self._loop.time()
