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
from papertape.testkit.conformance.verdict import Breach, Late, NotShown, Result, Verdict

SCRIPTS: tuple[Script, ...] = tuple(script for book in (DELIVERY, REACTIONS, CARRYING) for script in book.scripts)
_SCRIPT_S, _AROUND_S = 600.0, 60.0
_TRIES = 4
_SLACK_S = 3.0
_CALM_S = 0.5  # of the protocol: a lag beyond it may be why a script failed


async def check_client(
    start: Start, *, scale: float = 1.0, only: str | None = None, at_once: int = 8, bundle: Path | None = None
) -> list[Verdict]:
    """Return the verdict of every script, or of the one named `only`; `at_once` clients run beside each other.

    `scale` multiplies the times of the protocol; the client must be started with the one of its stage. `bundle` is what
    `/client.js` is.

    Raises:
        Refused: there is no such script.
    """
    scripts = [script for script in SCRIPTS if only in (None, script.name)]
    if not scripts:
        raise Refused(f"There is no script {only!r}; --list names them all.", code="conformance.unknown_script")
    places = asyncio.Semaphore(at_once)

    async def in_place(script: Script) -> Verdict:
        async with places:
            return await judge(script, start, scale, bundle)

    return list(await asyncio.gather(*(in_place(script) for script in scripts)))


async def judge(script: Script, start: Start, scale: float, bundle: Path | None = None) -> Verdict:
    """Return the verdict of one script, which is played again in slower time while it may be the machine that failed.

    Who breaks a rule breaks it in any time: a failure counts when the clock had no part in it, or at the last try.
    """
    for slower in range(_TRIES):
        stage = Stage(max(scale, min(1.0, scale * 2**slower)), bundle, slack_s=_SLACK_S * 2**slower)
        verdict, is_certain = await _played(script, start, stage)
        if is_certain:
            break
    return verdict


async def play(script: Script, start: Start, scale: float, bundle: Path | None = None) -> Verdict:
    """Return the verdict of one script played once, with a client of its own."""
    verdict, _ = await _played(script, start, Stage(scale, bundle, _SLACK_S))
    return verdict


async def _played(script: Script, start: Start, stage: Stage) -> tuple[Verdict, bool]:
    started = time.monotonic()
    async with stage, start(stage, script.topics):
        result, detail, is_late = await _result(script, stage)
    seconds = round(time.monotonic() - started, 2)
    verdict = Verdict(
        name=script.name, rule=script.rule, where=script.where, result=result, detail=detail, seconds=seconds
    )
    return verdict, result != "failed" or not (is_late or stage.lag_s > stage.s(_CALM_S))


async def _result(script: Script, stage: Stage) -> tuple[Result, str, bool]:
    try:
        async with asyncio.timeout(_SCRIPT_S * stage.scale + _AROUND_S):
            await script.play(stage)
    except NotShown as reason:
        return "skipped", str(reason), False
    except Breach as breach:
        return "failed", str(breach), isinstance(breach, Late)
    except Exception as error:  # noqa: BLE001 - what a client does to a script is a verdict, not a crash
        return "failed", f"{type(error).__name__}: {error}", isinstance(error, TimeoutError)
    return "passed", "", False
