from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from random import Random

import pytest
from msgspec.structs import replace

from papertape.feeds.binance.connection import Timing
from papertape.feeds.binance.hub import MarketHub
from papertape.feeds.binance.venue_rest import VenueRest
from papertape.feeds.level_book import LevelBook
from papertape.model.entries import BookGap, BookUpdate, MarketEvent
from papertape.testkit.venue import PERPETUAL

Levels = tuple[tuple[int, int], ...]


class Session:
    """Collects what it is delivered, and then does what the test wants."""

    def __init__(self, then: Callable[[Session], None] | None = None) -> None:
        self.ids = frozenset({PERPETUAL.id})
        self.events: list[MarketEvent] = []
        self._then = then

    def take(self, events: Sequence[MarketEvent]) -> None:
        self.events += events
        if self._then is not None:
            self._then(self)

    def refresh(self) -> None:
        """Learn that the connection changed; it does not here."""


@pytest.fixture
async def hub() -> AsyncIterator[MarketHub]:
    timing = Timing()
    made = MarketHub("usdm", (), VenueRest("usdm", "http://127.0.0.1:9", _now, timing.rest), timing, _now, Random(1))
    made.want([PERPETUAL])
    yield made
    await made.close()


async def test_a_session_that_joins_later_begins_with_the_book_of_all_updates_before(hub: MarketHub) -> None:
    draw = Random(5)
    eager = LevelBook()
    changes = [book(draw.random() < 0.02, levels(draw, 60), levels(draw, 100)) for _ in range(300)]
    events = [book(True, ((100, 5), (99, 7)), ((101, 4),)), *changes]
    early = Session()
    hub.join(early)
    while events:
        count = 1 + int(draw.random() * 9)
        burst, events = events[:count], events[count:]
        for event in burst:
            eager.apply(event)
        hub.publish([*burst])
        late = Session()
        hub.join(late)
        assert late.events == [eager.snapshot(PERPETUAL.id, _now(), _now())]
        hub.leave(late)
    assert len(early.events) == 301


async def test_a_gap_leaves_a_later_session_without_a_book(hub: MarketHub) -> None:
    hub.publish([book(True, ((100, 5),), ((101, 4),))])
    hub.publish([BookGap(ts=1, recv_ts=1, instrument=PERPETUAL.id, reason="lost")])
    late = Session()
    hub.join(late)
    assert late.events == []


async def test_a_book_is_kept_although_a_session_fails_in_the_middle(hub: MarketHub) -> None:
    def fail(_: Session) -> None:
        raise ZeroDivisionError

    failing = Session(fail)
    hub.join(failing)
    update = book(True, ((100, 5),), ((101, 4),))
    with pytest.raises(ZeroDivisionError):
        hub.publish([update])
    late = Session()
    hub.join(late)
    assert late.events == [replace(update, ts=_now(), recv_ts=_now())]


async def test_the_last_session_may_leave_while_it_is_delivered_to(hub: MarketHub) -> None:
    leaving = Session(hub.leave)
    hub.join(leaving)
    hub.publish([book(True, ((100, 5),), ((101, 4),)), BookGap(ts=1, recv_ts=1, instrument=PERPETUAL.id, reason="x")])
    late = Session()
    hub.join(late)
    assert (len(leaving.events), late.events) == (2, [])


def book(is_snapshot: bool, bids: Levels, asks: Levels) -> BookUpdate:
    return BookUpdate(ts=1, recv_ts=1, instrument=PERPETUAL.id, is_snapshot=is_snapshot, bids=bids, asks=asks)


def levels(draw: Random, lowest: int) -> Levels:
    return tuple((lowest + int(draw.random() * 40), int(draw.random() * 3)) for _ in range(int(draw.random() * 8)))


def _now() -> int:
    return 1_000
