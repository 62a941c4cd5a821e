"""R16: `kill -9` of the desk during fills, then a restart, again and again: is every fact a client saw still true?"""

from __future__ import annotations

import asyncio
import random
import signal
import tempfile
from pathlib import Path
from typing import Any

from streaming.figure import Figure, Options, Outcome
from streaming.followers import FollowedDesk, faults_of, followed_desk, summed

_CLIENTS = 8
_WITHIN_S = 60.0


async def _measure(options: Options) -> Outcome:
    rounds, chance = options.rounds_or(3, 20), random.Random(options.seed)
    shown_before_kill, fills = 0, 0
    with tempfile.TemporaryDirectory() as folder:
        async with followed_desk(Path(folder) / "data", _CLIENTS, stable_s=1.0) as followed:
            for _ in range(rounds):
                await _more_fills(followed, chance.randint(1, 4))
                await asyncio.sleep(chance.uniform(0, 0.3))
                shown_before_kill += _shown(followed)
                await followed.restart(signal.SIGKILL)
            await _more_fills(followed, 2)
            journal = await followed.journal()
            await followed.caught_up(journal)
            faults = summed(faults_of(follower, journal) for follower in followed.followers)
            fills = len(journal[f"session/{followed.session_id}/fills"])
            figures: dict[str, Any] = {
                "kills": rounds,
                "clients": _CLIENTS,
                "fills_in_journal": fills,
                "facts_in_journal": sum(map(len, journal.values())),
                "facts_shown_before_kills": shown_before_kill,
                "facts_shown": _shown(followed),
                "faults": faults,
            }
    missing = {kind: count for kind, count in faults.items() if count}
    said = "; ".join(f"{count} facts {kind.replace('_', ' ')}" for kind, count in missing.items())
    return Outcome(figures=figures, method=_METHOD, is_reached=not missing, shortfall=said)


def _shown(followed: FollowedDesk) -> int:
    return sum(len(shown) for follower in followed.followers for shown in follower.shown.values())


async def _more_fills(followed: FollowedDesk, count: int) -> None:
    topic = f"session/{followed.session_id}/fills"
    follower = next(follower for follower in followed.followers if topic in follower.shown)
    wanted = len(follower.shown[topic]) + count
    async with asyncio.timeout(_WITHIN_S):
        while len(follower.shown[topic]) < wanted:  # noqa: ASYNC110  what a client has kept is read, not waited for
            await asyncio.sleep(0.005)


_METHOD = (
    "The installed program with a busy session on the simulated feed is killed up to 0.3 s after a client saw a chosen "
    "fill, and started again on the same port and folder; eight Python clients follow four topics of facts each "
    "throughout. At the end every fact each client was shown, before and after the kills, is compared whole with what "
    "the desk's HTTP interface answers: lost, shown twice, out of order, or not so in the journal."
)
FIGURE = Figure(
    number="R16",
    what="kill -9 during fills, then restart",
    target="every acknowledged event present, delivered once",
    measure=_measure,
)
