"""Plays the scripts to a client."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from papertape.errors import Refused
from papertape.testkit.conformance.client.carriers import CARRYING
from papertape.testkit.conformance.client.delivery import DELIVERY
from papertape.testkit.conformance.client.reactions import REACTIONS
from papertape.testkit.conformance.client.script import Script
from papertape.testkit.conformance.client.stage import Stage
from papertape.testkit.conformance.client.starting import Start
from papertape.testkit.conformance.verdict import Breach, NotShown, Result, Verdict

SCRIPTS: tuple[Script, ...] = tuple(script for book in (DELIVERY, REACTIONS, CARRYING) for script in book.scripts)
_SCRIPT_S = 600.0


async def check_client(
    start: Start, *, scale: float = 1.0, only: str | None = None, at_once: int = 8, bundle: Path | None = None
) -> list[Verdict]:
    """Return the verdict of every script, or of the one named `only`; `at_once` clients run beside each other.

    `scale` multiplies the times of the protocol; the client must be started with it. `bundle` is what `/client.js` is.

    Raises:
        Refused: there is no such script.
    """
    scripts = [script for script in SCRIPTS if only in (None, script.name)]
    if not scripts:
        raise Refused(f"There is no script {only!r}; --list names them all.", code="conformance.unknown_script")
    places = asyncio.Semaphore(at_once)

    async def in_place(script: Script) -> Verdict:
        async with places:
            return await play(script, start, scale, bundle)

    return list(await asyncio.gather(*(in_place(script) for script in scripts)))


async def play(script: Script, start: Start, scale: float, bundle: Path | None = None) -> Verdict:
    """Return the verdict of one script, with a client of its own."""
    started = time.monotonic()
    async with Stage(scale, bundle) as stage, start(stage, script.topics):
        result, detail = await _result(script, stage)
    seconds = round(time.monotonic() - started, 2)
    return Verdict(
        name=script.name, rule=script.rule, where=script.where, result=result, detail=detail, seconds=seconds
    )


async def _result(script: Script, stage: Stage) -> tuple[Result, str]:
    try:
        async with asyncio.timeout(_SCRIPT_S * stage.scale + 30.0):
            await script.play(stage)
    except NotShown as reason:
        return "skipped", str(reason)
    except Breach as breach:
        return "failed", str(breach)
    except Exception as error:  # noqa: BLE001 - what a client does to a script is a verdict, not a crash
        return "failed", f"{type(error).__name__}: {error}"
    return "passed", ""
