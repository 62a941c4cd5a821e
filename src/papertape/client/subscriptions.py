"""The topics a client wants and where it stands on each. The list is the client's; a connection only borrows it."""

from __future__ import annotations

from collections.abc import Iterable

from papertape.client.cursor import Cursor
from papertape.errors import Invalid
from papertape.wire.stream import Heartbeat, Pub, Snap, StreamError, SubRequest, Subscribed
from papertape.wire.topics import parse_topic

Update = Pub | Snap | StreamError


class Subscriptions:
    """Sorts messages into what is new and who must ask again, and counts."""

    def __init__(self) -> None:
        self._cursors: dict[str, Cursor] = {}
        self._postponed: set[str] = set()
        self.holes = 0
        self.duplicates = 0
        self.resumes = 0
        self.snapshots = 0

    def __len__(self) -> int:
        return len(self._cursors)

    @property
    def topics(self) -> tuple[str, ...]:
        """Return what is wanted, in the order it was asked for."""
        return tuple(self._cursors)

    @property
    def is_current(self) -> bool:
        """Return whether no topic waits for an answer."""
        return all(cursor.is_current for cursor in self._cursors.values())

    @property
    def awaited(self) -> tuple[str, ...]:
        """Return what is wanted without what the desk refused, for good or for the moment."""
        held = self._postponed
        return tuple(topic for topic, cursor in self._cursors.items() if not cursor.is_refused and topic not in held)

    def add(self, topics: Iterable[str]) -> None:
        """Want these topics too.

        Raises:
            Invalid: one of them cannot exist; none was added.
        """
        fresh = [_cursor(topic) for topic in topics if topic not in self._cursors]
        self._cursors.update({cursor.topic: cursor for cursor in fresh})

    def remove(self, topics: Iterable[str]) -> None:
        """Want these no more, and forget their positions."""
        for topic in topics:
            self._cursors.pop(topic, None)

    def request(self, topics: Iterable[str]) -> tuple[SubRequest, ...]:
        """Return the subscriptions that go on from here; what comes before their answers is not heard."""
        return tuple(self._cursors[topic].request() for topic in topics if topic in self._cursors)

    def positions(self) -> tuple[SubRequest, ...]:
        """Return the same for a connection beside the present one, which goes on meanwhile."""
        return tuple(cursor.position() for cursor in self._cursors.values())

    def take_postponed(self) -> tuple[str, ...]:
        """Return the topics that the desk could not give for the moment, to be asked for again now."""
        postponed, self._postponed = self._postponed, set()
        return tuple(topic for topic in self._cursors if topic in postponed)

    def take(self, message: Subscribed | Snap | Pub | StreamError) -> tuple[tuple[Update, ...], bool]:
        """Return what to deliver, and whether the topic must be asked for again."""
        cursor = self._cursors.get(message.topic or "")
        if isinstance(message, StreamError):
            if cursor is not None and message.temporary:
                self._postponed.add(cursor.topic)
            elif cursor is not None:
                cursor.is_refused = True
            return (message,), False
        if cursor is None:
            return (), False
        if isinstance(message, Snap):
            return cursor.on_snap(message), False
        if isinstance(message, Subscribed):
            self.resumes += message.resumed
            self.snapshots += not message.resumed
            self._postponed.discard(cursor.topic)
            verdict = cursor.on_subscribed(message)
        else:
            verdict = cursor.on_pub(message)
            self.duplicates += verdict == "duplicate"
        self.holes += verdict == "hole"
        if isinstance(message, Pub) and verdict == "new":
            return (message,), False
        return (), verdict == "hole"

    def missed(self, heartbeat: Heartbeat) -> tuple[str, ...]:
        """Return the topics whose end the desk announced a heartbeat ago and that never came."""
        known = ((self._cursors.get(topic), head) for topic, head in heartbeat.heads.items())
        missed = tuple(cursor.topic for cursor, head in known if cursor is not None and cursor.on_head(head))
        self.holes += len(missed)
        return missed


def _cursor(topic: str) -> Cursor:
    parsed = parse_topic(topic)
    if parsed is None:
        raise Invalid(
            f"There is no topic {topic!r}; topics are session/ID/NAME and desk/NAME.",
            code="topic.unknown",
            path="topics",
        )
    return Cursor(topic, is_fact=parsed.is_fact)
