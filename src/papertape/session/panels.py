"""What the panels show of one session: each instrument's views made once a change, and for who looks on in portions.

The engine counts what may have changed a view of an instrument; what it has not counted since is shown as it was made.
Making all of fifty symbols at once would hold the event loop for 15 ms, ten times a second. Who follows a panel is
therefore shown views that are made anew every 10 ms, a few at a time, in turn: none mixes two moments, and as long as
the portions suffice none is older than a tenth of a second. Who asks for a position as well is answered exactly.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from papertape.model.instrument import InstrumentId
from papertape.model.views import InstanceView
from papertape.session.core import SessionCore
from papertape.session.sampler import BAR_INTERVALS_S
from papertape.session.unsaved import Views

PORTION_S = 0.002
"""How long the event loop is held for views at a time."""
KEPT_PANELS = frozenset({"indicators", "conditions", "bars"})
_PAUSE_S = 0.01
_FOLLOWED_S = 2.0

Make = Callable[[InstrumentId], Views]


class Panel:
    """The views of one topic, by key in the order of the plan, kept by instrument."""

    def __init__(self, core: SessionCore, make: Make) -> None:
        self.followed_until = float("-inf")
        self._engine = core.engine
        self._make = make
        self._instruments = [item.id for item in core.plan.instruments]
        self._revisions: dict[InstrumentId, int] = {}
        self._views: dict[InstrumentId, Views] = {}
        self._next = 0

    def shown(self) -> Views:
        """Return what was made last, by key; empty before everything was made once."""
        return {key: view for views in self._views.values() for key, view in views.items()}

    def exact(self) -> Views:
        """Return every view as of now."""
        for instrument in self._instruments:
            self._renew(instrument)
        return self.shown()

    @property
    def is_made(self) -> bool:
        """Whether there is a view of every instrument."""
        return len(self._views) == len(self._instruments)

    def advance(self, is_over: Callable[[], bool]) -> None:
        """Renew what has changed, going round the instruments, until all are done or the portion is over."""
        for _ in self._instruments:
            if is_over():
                return
            self._renew(self._instruments[self._next])
            self._next = (self._next + 1) % len(self._instruments)

    def renewals(self) -> list[Callable[[], None]]:
        """Return the work that makes every view, by instrument."""
        return [partial(self._renew, instrument) for instrument in self._instruments]

    def _renew(self, instrument: InstrumentId) -> None:
        revision = self._engine.revision(instrument)
        if self._revisions.get(instrument) != revision:
            self._views[instrument] = self._make(instrument)
            self._revisions[instrument] = revision


class Panels:
    """The panels of one session that are worth keeping: the others are made in a fraction of a millisecond."""

    def __init__(self, core: SessionCore) -> None:
        self._engine = core.engine
        self._panels = {
            "indicators": Panel(core, lambda one: _by_key(core.engine.indicators(one))),
            "conditions": Panel(core, lambda one: _by_key(core.engine.conditions(one))),
            "bars": Panel(core, lambda one: _newest_bars(core, one)),
        }
        self._instances: tuple[int, list[InstanceView]] = (-1, [])
        self._timer: asyncio.TimerHandle | None = None
        self._turn = 0

    def exact(self, topic: str) -> Views:
        """Return the views of a topic as of now."""
        return self._panels[topic].exact()

    def shown(self, topic: str) -> Views:
        """Return the views of a topic for who asks again and again; between the first and the next they are renewed."""
        panel, loop = self._panels[topic], asyncio.get_running_loop()
        is_followed = panel.is_made and loop.time() < panel.followed_until
        panel.followed_until = loop.time() + _FOLLOWED_S
        if self._timer is None:
            self._timer = loop.call_later(_PAUSE_S, self._renew_portion, loop)
        return panel.shown() if is_followed else panel.exact()

    def instances(self) -> list[InstanceView]:
        """Return every instance as of now, made once an entry."""
        if self._instances[0] != self._engine.last_entry_seq:
            self._instances = (self._engine.last_entry_seq, self._engine.instances())
        return self._instances[1]

    def portions(self) -> list[Callable[[], None]]:
        """Return the work that makes every view, in small pieces."""
        return [renew for panel in self._panels.values() for renew in panel.renewals()]

    def close(self) -> None:
        """Renew nothing any more by itself."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _renew_portion(self, loop: asyncio.AbstractEventLoop) -> None:
        self._timer = None
        deadline = loop.time() + PORTION_S
        followed = [panel for panel in self._panels.values() if loop.time() < panel.followed_until]
        self._turn += 1
        for place in range(len(followed)):  # another panel begins each time, so that none waits for ever
            followed[(self._turn + place) % len(followed)].advance(lambda: loop.time() >= deadline)
        if followed:
            self._timer = loop.call_later(_PAUSE_S, self._renew_portion, loop)


def _newest_bars(core: SessionCore, instrument: InstrumentId) -> Views:
    newest: Views = {}
    for interval_s in BAR_INTERVALS_S:
        bars = core.engine.bars(instrument, interval_s, 1)
        if bars:
            newest[f"{instrument}|{interval_s}"] = bars[-1]
    return newest


def _by_key(items: Iterable[Any]) -> Views:  # Any: the view of the topic
    return {item.key: item for item in items}
