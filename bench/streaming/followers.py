"""A desk process on a busy session, and clients that follow it and keep what they were shown, across its restarts."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import aclosing
from pathlib import Path

from papertape.client.backoff import Backoff
from papertape.client.limits import ClientLimits
from papertape.client.stream_client import StreamClient
from papertape.testkit.busy_session import journal_facts, start_busy_session
from papertape.testkit.fact_log import FactLog
from papertape.testkit.processes import DeskProcess, free_port
from papertape.wire.stream import Pub, Snap

FACTS = ("transitions", "signals", "orders", "fills", "positions", "account", "session", "alerts")
_LATEST = ("instances", "watchlist")
_POLL_S = 0.01
_LIVE_WITHIN_S = 30.0


class Follower:
    """One client and the facts it was shown. Its waits are the default ones.

    A connection that lived for `stable_s`, at most the default 30 s, counts as stable: a measurement that gives it less
    time would otherwise measure how a client bears a desk that restarts every few seconds.
    """

    def __init__(self, url: str, session_id: str, names: Sequence[str], number: int, stable_s: float) -> None:
        topics = [f"session/{session_id}/{name}" for name in names if name in FACTS]
        others = [f"session/{session_id}/{name}" for name in names if name not in FACTS]
        self.client = StreamClient(
            f"{url}/api/stream",
            [*topics, *others],
            tab=f"follower-{number}",
            seed=number,
            backoff=Backoff(stable_s=min(Backoff().stable_s, stable_s)),
            limits=ClientLimits(alive_s=min(ClientLimits().alive_s, stable_s)),
        )
        self.log = FactLog(topics)
        self.shown: dict[str, dict[int, object]] = {topic: {} for topic in topics}
        self.twice = 0

    async def follow(self) -> None:
        """Keep what comes until cancelled."""
        async with aclosing(self.client.updates()) as updates:
            async for update in updates:
                if not isinstance(update, Pub | Snap) or update.topic not in self.shown:
                    continue
                self.log.take(update)
                shown = self.shown[update.topic]
                if isinstance(update, Pub):
                    self.twice += update.seq in shown
                    shown[update.seq] = update.data
                else:
                    shown.update({row["seq"]: row for row in update.data})

    def has(self, newest: dict[str, int]) -> bool:
        """Return whether the newest fact of each topic was shown, or a later one."""
        return all(max(shown, default=0) >= newest[topic] for topic, shown in self.shown.items())

    @property
    def is_live(self) -> bool:
        """Whether the client is welcome and its positions are current."""
        return self.client.status().phase == "live"


class Restart:
    """What a restart took, seconds since the signal; the new process's worst lag and what it refused meanwhile."""

    def __init__(self) -> None:
        self.ended_s = 0.0
        self.listening_s = 0.0
        self.live_s: list[float] = []
        self.worst_lag_ms = 0.0
        self.refused = 0

    @property
    def after_listening_s(self) -> list[float]:
        """Return how long after the new process listened each client was live."""
        return [max(0.0, at - self.listening_s) for at in self.live_s]


class FollowedDesk:
    """The installed program on a data folder of its own, the busy session on it, and its followers."""

    def __init__(
        self, desk: DeskProcess, port: int, session_id: str, followers: Sequence[Follower], first_start_s: float
    ) -> None:
        self.desk = desk
        self.session_id = session_id
        self.followers = followers
        self.first_start_s = first_start_s
        self._port = port

    async def all_live(self) -> None:
        """Wait until every client is live."""
        async with asyncio.timeout(_LIVE_WITHIN_S):
            for follower in self.followers:
                while not follower.is_live:  # noqa: ASYNC110  a status is read, not waited for
                    await asyncio.sleep(_POLL_S)

    async def end(self, how: signal.Signals) -> float:
        """End the process and return the seconds it took."""
        began = time.monotonic()
        await asyncio.to_thread(self.desk.end, how)
        return time.monotonic() - began

    async def restart(self, how: signal.Signals) -> Restart:
        """End the process, start it again on the same port and folder, and wait until every client is live again."""
        restart, began = Restart(), time.monotonic()
        before = [follower.client.connects for follower in self.followers]
        restart.ended_s = await self.end(how)
        starting = asyncio.create_task(asyncio.to_thread(self.desk.start))
        async with asyncio.timeout(_LIVE_WITHIN_S):
            while not await _listens(self._port):  # noqa: ASYNC110  another process tells nobody here
                await asyncio.sleep(_POLL_S)
        restart.listening_s = time.monotonic() - began
        waiting = dict(zip(self.followers, before, strict=True))
        async with asyncio.timeout(_LIVE_WITHIN_S):
            while waiting:
                for follower, connects in list(waiting.items()):
                    if follower.client.connects > connects and follower.is_live:
                        restart.live_s.append(time.monotonic() - began)
                        del waiting[follower]
                await asyncio.sleep(_POLL_S)
        await starting
        health = (await asyncio.to_thread(self.desk.get, "/api/connections"))["health"]
        restart.worst_lag_ms, restart.refused = health["worst_lag_ms"], health["refused"]
        return restart

    async def caught_up(self, journal: dict[str, dict[int, object]]) -> None:
        """Wait until every client has the newest fact of each topic that the journal has."""
        newest = {topic: max(facts, default=0) for topic, facts in journal.items()}
        async with asyncio.timeout(20):
            for follower in self.followers:
                while not follower.has(newest):  # noqa: ASYNC110  what a client has kept is read, not waited for
                    await asyncio.sleep(_POLL_S)

    async def journal(self) -> dict[str, dict[int, object]]:
        """Return every fact the desk has of the session, by topic and seq, as its HTTP interface answers."""
        topics = sorted({topic for follower in self.followers for topic in follower.shown})
        names = {topic: topic.rpartition("/")[2] for topic in topics}
        return {
            topic: await asyncio.to_thread(journal_facts, self.desk, self.session_id, name)
            for topic, name in names.items()
        }


@contextlib.asynccontextmanager
async def followed_desk(data_dir: Path, clients: int, stable_s: float) -> AsyncIterator[FollowedDesk]:
    """Run a desk with a busy session and clients: each follows four topics of facts, every fifth latest values too."""
    port = free_port()
    options = ("--port", str(port), "--feed", "simulated", "--no-demo")
    began = time.monotonic()
    desk = await asyncio.to_thread(DeskProcess, data_dir, *options)
    first_start_s = time.monotonic() - began
    following: list[asyncio.Task[None]] = []
    try:
        session_id = await asyncio.to_thread(start_busy_session, desk)
        followers = [Follower(desk.url, session_id, _names(number), number, stable_s) for number in range(clients)]
        followed = FollowedDesk(desk, port, session_id, followers, first_start_s)
        following = [asyncio.create_task(follower.follow()) for follower in followers]
        await followed.all_live()
        yield followed
    finally:
        for task in following:
            task.cancel()
        await asyncio.gather(*following, return_exceptions=True)
        await asyncio.to_thread(desk.end, signal.SIGKILL)


def faults_of(follower: Follower, journal: dict[str, dict[int, object]]) -> dict[str, int]:
    """Return how many facts a client lost, was shown twice, out of order, or that the journal does not have so."""
    lost = invented = disordered = 0
    for topic, shown in follower.shown.items():
        first = min(shown, default=0)
        wanted = {seq for seq in journal[topic] if seq >= first}
        lost += len(wanted - shown.keys())
        invented += sum(journal[topic].get(seq) != fact for seq, fact in shown.items() if seq <= max(wanted, default=0))
        disordered += follower.log.seqs[topic] != sorted(follower.log.seqs[topic])
    return {"lost": lost, "duplicated": follower.twice, "out_of_order": disordered, "not_in_the_journal": invented}


def summed(faults: Iterable[dict[str, int]]) -> dict[str, int]:
    """Return the sum of faults by kind."""
    total: dict[str, int] = {}
    for each in faults:
        for kind, count in each.items():
            total[kind] = total.get(kind, 0) + count
    return total


def _names(number: int) -> list[str]:
    facts = [FACTS[(number + step) % len(FACTS)] for step in range(4)]
    return [*facts, *(_LATEST if number % 5 == 0 else ())]


async def _listens(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
    return True
