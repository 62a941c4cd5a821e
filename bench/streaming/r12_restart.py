"""R12: the desk restarts under 100 clients; when is the last of them live again, and does any lose a fact?"""

from __future__ import annotations

import asyncio
import signal
import tempfile
from pathlib import Path
from typing import Any

from streaming.figure import Figure, Options, Outcome, quantile
from streaming.followers import FollowedDesk, Restart, faults_of, followed_desk, summed

_CLIENTS = 100
_LIVE_AGAIN_S = 5.0
_HOW = {"asked to end": signal.SIGTERM, "killed": signal.SIGKILL}


async def _measure(options: Options) -> Outcome:
    rounds, busy_s = options.rounds_or(1, 3), options.seconds_or(3.0, 31.0)
    figures: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        async with followed_desk(Path(folder) / "data", _CLIENTS, stable_s=busy_s) as followed:
            for name, how in _HOW.items():
                restarts = []
                for _ in range(rounds):
                    await asyncio.sleep(busy_s)
                    restarts.append(await followed.restart(how))
                figures[name] = _times(restarts)
            await asyncio.sleep(busy_s)
            figures["first_start_on_an_empty_folder_s"] = round(followed.first_start_s, 2)
            figures |= await _compared(followed)
    slowest = max(figures[name]["live_after_listening_s"]["max"] for name in _HOW)
    kept = sum(figures["faults"].values()) == 0
    return Outcome(
        figures={"clients": _CLIENTS, "restarts_each_way": rounds, **figures},
        method=_METHOD,
        is_reached=slowest <= _LIVE_AGAIN_S and kept,
        shortfall=_shortfall(slowest, figures["faults"]),
    )


def _times(restarts: list[Restart]) -> dict[str, Any]:
    after = [seconds for restart in restarts for seconds in restart.after_listening_s]
    return {
        "process_ended_s": round(max(restart.ended_s for restart in restarts), 2),
        "start_until_listening_s": round(max(restart.listening_s - restart.ended_s for restart in restarts), 2),
        "live_after_listening_s": {
            "p50": round(quantile(after, 0.5), 2), "p99": round(quantile(after, 0.99), 2), "max": round(max(after), 2),
        },
        "worst_loop_lag_ms": max(restart.worst_lag_ms for restart in restarts),
        "connections_refused": max(restart.refused for restart in restarts),
        "all_live_after_signal_s": round(max(max(restart.live_s) for restart in restarts), 2),
    }  # fmt: skip


async def _compared(followed: FollowedDesk) -> dict[str, Any]:
    journal = await followed.journal()
    await followed.caught_up(journal)
    clients = [follower.client for follower in followed.followers]
    return {
        "facts_in_journal": sum(map(len, journal.values())),
        "facts_shown": sum(len(shown) for follower in followed.followers for shown in follower.shown.values()),
        "snapshots_a_client": max(client.snapshots for client in clients),
        "topics_a_client": max(len(client.status().topics) for client in clients),
        "faults": summed(faults_of(follower, journal) for follower in followed.followers),
    }


def _shortfall(slowest: float, faults: dict[str, int]) -> str:
    said = [f"{count} facts {kind.replace('_', ' ')}" for kind, count in faults.items() if count]
    if slowest > _LIVE_AGAIN_S:
        said.append(f"the last client was live {slowest:.1f} s after the desk listened again")
    return "; ".join(said)


_METHOD = (
    "The installed program with a busy session on the simulated feed, in its own process; 100 Python clients with "
    "default waits in another follow four topics of facts each, every fifth two of latest values as well. The desk "
    "gets the signal and is started again on the same port and folder at once; before, every connection was stable "
    "(30 s, in the short form 3). It listens when its port accepts, after its sessions were restored from the tape. "
    "Live: welcome by the new process with every position current. At the end what each client was shown is compared, "
    "whole facts, with what the desk's HTTP interface answers."
)
FIGURE = Figure(
    number="R12",
    what="server restart under 100 clients, asked to end and killed",
    target="all live again at most 5 s after it listens, no event lost",
    measure=_measure,
)
