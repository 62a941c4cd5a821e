"""Runs the cases against a server."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

import httpx

from papertape.errors import Refused, Unavailable
from papertape.testkit.conformance.lag import JudgeLag
from papertape.testkit.conformance.server.carriers import CARRYING
from papertape.testkit.conformance.server.case import Case
from papertape.testkit.conformance.server.control import CONTROL
from papertape.testkit.conformance.server.desk import BESIDE
from papertape.testkit.conformance.server.greeting import GREETING
from papertape.testkit.conformance.server.resume import RESUME
from papertape.testkit.conformance.server.talk import Ended
from papertape.testkit.conformance.server.target import Target
from papertape.testkit.conformance.server.topics import TOPICS
from papertape.testkit.conformance.verdict import Breach, NotShown, Result, Verdict

CASES: tuple[Case, ...] = tuple(
    case for book in (GREETING, TOPICS, RESUME, CONTROL, CARRYING, BESIDE) for case in book.cases
)

_AT_ONCE = 6
_CASE_S = 180.0
_TRIES = 3
_CALM_S = 0.05  # a lag beyond it may be why a case failed


async def check_server(
    url: str, *, session_id: str | None = None, only: str | None = None, patience_s: float = 20.0
) -> list[Verdict]:
    """Return the verdict of every case, or of the one named `only`.

    `session_id` is a session that publishes, by default the newest running one. `patience_s`: how long a publication
    is waited for before a case is skipped, and silence is borne where an answer is due.

    Raises:
        Refused: there is no such case.
        Unavailable: nothing answers at the address.
    """
    cases = [case for case in CASES if only in (None, case.name)]
    if not cases:
        raise Refused(f"There is no case {only!r}; --list names them all.", code="conformance.unknown_case")
    async with httpx.AsyncClient(base_url=url, timeout=httpx.Timeout(10.0, read=60.0)) as http:
        sessions = [session_id] if session_id is not None else []
        sessions += [known for known in await _sessions(http, url) if known != session_id]
        target = Target(url, http, sessions, patience_s)
        return await _check_all(cases, target)


async def _check_all(cases: Sequence[Case], target: Target) -> list[Verdict]:
    places = asyncio.Semaphore(_AT_ONCE)

    async def in_place(case: Case) -> Verdict:
        async with places:
            return await check_case(case, target)

    return list(await asyncio.gather(*(in_place(case) for case in cases)))


async def check_case(case: Case, target: Target) -> Verdict:
    """Return the verdict of one case, which is checked again while the judge was too late to be believed."""
    for _ in range(_TRIES):
        started = time.monotonic()
        async with JudgeLag() as lag:
            result, detail = await _result(case, target)
        seconds = round(time.monotonic() - started, 2)
        if result == "passed" or lag.worst_s < _CALM_S:
            break
    return Verdict(name=case.name, rule=case.rule, where=case.where, result=result, detail=detail, seconds=seconds)


async def _result(case: Case, target: Target) -> tuple[Result, str]:
    try:
        async with asyncio.timeout(_CASE_S):
            await case.check(target)
    except NotShown as reason:
        return "skipped", str(reason)
    except Breach as breach:
        return "failed", str(breach)
    except Ended as end:
        return "failed", f"{end} in the middle of the case"
    except Exception as error:  # noqa: BLE001 - what a server does to a case is a verdict, not a crash
        return "failed", f"{type(error).__name__}: {error}"
    return "passed", ""


async def _sessions(http: httpx.AsyncClient, url: str) -> list[str]:
    try:
        answer = await http.get("/api/sessions")
    except httpx.HTTPError as error:
        raise Unavailable(
            f"Nothing answers at {url} ({error}); start the server, or give its address as http://HOST:PORT.",
            code="conformance.silent",
        ) from error
    if answer.status_code != 200:
        return []
    items = answer.json()["items"]
    return [item["session_id"] for item in sorted(items, key=lambda item: item["state"] != "running")]
