"""The mirror, step by step, on a journal of its own and a server that is as the test says."""

from __future__ import annotations

from pathlib import Path

from papertape.model.views import MirrorState
from papertape.store.folder import open_folder
from papertape.store.questdb.mirror import QuestMirror
from papertape.store.questdb.pace import MirrorPace
from papertape.store.rows import Row
from papertape.store.sqlite import SqliteStore, open_store
from papertape.testkit.fake_link import FakeLink
from papertape.testkit.manual_time import ManualTime

LOCATION = "questdb://127.0.0.1:9000"


class SteppedMirror:
    """A journal, a server and the mirror between them, which takes its steps when the test says so."""

    def __init__(self, path: Path, pace: MirrorPace | None = None) -> None:
        self.time = ManualTime()
        self._folder = open_folder(path)
        self.store: SqliteStore = open_store(self._folder, self.time.clock)
        self.link = FakeLink()
        self.pace = pace or MirrorPace()
        self.mirror = self.mirror_anew()

    def mirror_anew(self) -> QuestMirror:
        """Put a new mirror in the place of the old one, as a desk that starts again, and return it."""
        self.mirror = QuestMirror(
            LOCATION, self.store.outbox(LOCATION), self.link, self.time.clock, monotonic=self.time.monotonic,
            pace=self.pace,
        )  # fmt: skip
        return self.mirror

    def step(self, count: int = 1) -> float:
        """Take steps, each followed by the pause it asks for; return the last one, in seconds."""
        pause_s = 0.0
        for _ in range(count):
            pause_s = self.mirror.step()
            self.time.advance(max(pause_s, 0.001))
        return pause_s

    @property
    def state(self) -> MirrorState:
        """How the mirror says it is doing."""
        return self.mirror.status().state

    def copied(self) -> dict[str, list[Row]]:
        """Return the rows of every table of the server that has any."""
        return {name: list(rows) for name, rows in self.link.tables.items() if rows}

    def places(self) -> dict[str, int]:
        """Return the watermark of every source that has one above the start."""
        marks = self.store.outbox(LOCATION).watermarks()
        return {source: mark.acknowledged for source, mark in marks.items() if mark.acknowledged}

    def newest(self) -> dict[str, int]:
        """Return the newest place of every source that has rows."""
        return {source: place for source, place in self.store.outbox(LOCATION).newest_places().items() if place}

    def close(self) -> None:
        """Close the mirror, then the journal."""
        self.mirror.close()
        self.store.close()
        self._folder.close()
