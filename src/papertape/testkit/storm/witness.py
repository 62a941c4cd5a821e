"""What one client was given, judged as it comes: twice, out of order, or out of nowhere is written down."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable

from papertape.testkit.storm.desk import StormDesk, shown_of
from papertape.wire.stream import Pub, Snap, StreamError
from papertape.wire.topics import parse_topic

_MAX_FAULTS = 20


class FactView:
    """The seqs of one topic since the last snapshot that replaced them."""

    def __init__(self) -> None:
        self.epoch = ""
        self.seqs: list[int] = []
        self.at = 0
        self.snapshots = 0

    def take_page(self, snap: Snap) -> str | None:
        """Take a page; the first one replaces what was. Return what is wrong with it."""
        seqs = [row["seq"] for row in snap.data]
        if snap.page > 1:
            self.seqs += seqs
        else:
            wrong = f"a snapshot at {snap.seq} behind {self.at}" if self._is_older(snap) else None
            self.epoch, self.seqs, self.at = snap.epoch, seqs, snap.seq
            self.snapshots += 1
            return wrong
        return None

    def take_pub(self, pub: Pub) -> str | None:
        """Take a fact; return what is wrong with it."""
        if not self.snapshots:
            return f"fact {pub.seq} before any snapshot"
        if pub.epoch != self.epoch:
            return f"fact {pub.seq} of epoch {pub.epoch} after a snapshot of {self.epoch}"
        if pub.seq <= self.at:
            return f"fact {pub.seq} again or late, after {self.at}"
        self.seqs.append(pub.seq)
        self.at = pub.seq
        return None

    def _is_older(self, snap: Snap) -> bool:
        return snap.epoch == self.epoch and snap.seq < self.at


class Witness:
    """Keeps what a client yields on its topics, given by full name."""

    def __init__(self, name: str, topics: Iterable[str]) -> None:
        parsed = {topic: parse_topic(topic) for topic in topics}
        self.name = name
        self.facts = {topic: FactView() for topic, known in parsed.items() if known is not None and known.is_fact}
        self.values: dict[str, dict[str, object]] = {topic: {} for topic in parsed if topic not in self.facts}
        self.wrong: list[str] = []
        self.taken = 0
        self._moved = asyncio.Event()

    def take(self, update: Pub | Snap | StreamError) -> None:
        """Keep one update."""
        self.taken += 1
        if not isinstance(update, StreamError):
            view = self.facts.get(update.topic)
            if view is None:
                self._take_values(update)
            else:
                wrong = view.take_page(update) if isinstance(update, Snap) else view.take_pub(update)
                self._note(wrong, update.topic)
        self._moved.set()

    async def until(self, is_so: Callable[[], bool], timeout_s: float) -> bool:
        """Wait until something is so, looked at after every update; return whether it is."""
        try:
            async with asyncio.timeout(timeout_s):
                while not is_so():
                    self._moved.clear()
                    await self._moved.wait()
        except TimeoutError:
            return is_so()
        return True

    def is_started(self) -> bool:
        """Return whether every topic of facts was given a snapshot."""
        return all(view.snapshots for view in self.facts.values())

    def is_settled(self, desk: StormDesk) -> bool:
        """Return whether everything that the desk has is here."""
        return not self.gaps(desk)

    def gaps(self, desk: StormDesk) -> list[str]:
        """Return how what is here differs from what the desk has."""
        return [
            *(gap for topic, view in self.facts.items() if (gap := _gap(topic, view, desk))),
            *(
                f"{topic}: values differ from the desk's"
                for topic, values in self.values.items()
                if values != shown_of(desk, topic.rpartition("/")[2])
            ),
        ]

    @property
    def snapshots(self) -> int:
        """Return the snapshots of the topic that had most."""
        return max((view.snapshots for view in self.facts.values()), default=0)

    def _take_values(self, update: Pub | Snap) -> None:
        values = self.values[update.topic]
        if isinstance(update, Snap) and update.page == 1:
            values.clear()
        for key, value in update.data.items():
            if value is None:
                values.pop(key, None)
            else:
                values[key] = value

    def _note(self, wrong: str | None, topic: str) -> None:
        if wrong is not None and len(self.wrong) < _MAX_FAULTS:
            self.wrong.append(f"{self.name}, {topic.rpartition('/')[2]}: {wrong}")


def _gap(topic: str, view: FactView, desk: StormDesk) -> str | None:
    name = topic.rpartition("/")[2]
    journal = desk.journal(name)
    if view.epoch != desk.epoch:
        return f"{name}: at epoch {view.epoch or 'none'}, the desk is at {desk.epoch}"
    tail = journal[-len(view.seqs) :] if view.seqs else []
    if view.seqs != tail:
        lost = sorted({*tail} - {*view.seqs})
        return f"{name}: {len(view.seqs)} facts up to {view.at}, the journal's last are other; not here: {lost[:8]}"
    if len(view.seqs) < min(len(journal), 200):
        return f"{name}: {len(view.seqs)} facts, the journal has {len(journal)}"
    return None
