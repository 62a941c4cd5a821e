"""The pipeline as shown: one row per stage of the path of data, with its rate, age and last error."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from papertape.model.entries import Entry, MarketEvent
from papertape.model.events import AnyEvent, InstanceTransitioned, OrderFilled, OrderUpdated
from papertape.model.instrument import InstrumentId
from papertape.model.views import Check, StageName, StageView, StoreStatus
from papertape.session.checks import worst
from papertape.session.passing import count_prints, note_data
from papertape.session.pulse import Pulse
from papertape.session.vitals import Vitals

_STAGES: tuple[StageName, ...] = (
    "venue", "socket", "decoder", "journal", "indicators", "conditions", "machine", "broker", "store", "stream",
)  # fmt: skip


class Pipeline:
    """Counts what passes each stage of one session."""

    def __init__(self) -> None:
        self._pulses: dict[StageName, Pulse] = {stage: Pulse() for stage in _STAGES}
        self.data_ts: dict[InstrumentId, int] = {}
        self.quote_ts: dict[InstrumentId, int] = {}
        self.evaluated: set[InstrumentId] = set()

    def note_events(self, events: Sequence[MarketEvent], now: int) -> None:
        """Take note of live market events that are about to be journalled."""
        note_data(events, now, self.data_ts, self.quote_ts)
        self._pulses["decoder"].beat(now, len(events))

    def note_step(self, entries: Sequence[Entry], facts: Sequence[AnyEvent], now: int) -> None:
        """Take note of a step of the engine over `entries`."""
        self._pulses["journal"].beat(now, len(entries))
        prints = count_prints(entries, self.evaluated)
        if prints:
            self._pulses["indicators"].beat(now, prints)
            self._pulses["conditions"].beat(now, prints)
        self._count(facts, now)

    def note_durable(self, rows: int, now: int) -> None:
        """Take note of rows that became durable."""
        self._pulses["store"].beat(now, rows)

    def note_published(self, count: int, now: int) -> None:
        """Take note of facts handed to the stream."""
        self._pulses["stream"].beat(now, count)

    @property
    def published_ts(self) -> int | None:
        """When a fact was last handed to the stream (our clock)."""
        return self._pulses["stream"].last_ts

    def sample(self, vitals: Vitals) -> None:
        """Remember the totals; called once a second."""
        feed = vitals.feed
        self._pulses["venue"].follow(feed.frames, feed.last_frame_ts)
        self._pulses["socket"].follow(feed.frames, feed.last_frame_ts)
        for pulse in self._pulses.values():
            pulse.sample(vitals.now)

    def views(self, vitals: Vitals, checks: Sequence[Check]) -> list[StageView]:
        """Return every stage with its status, derived from the checks that concern it."""
        return [self._view(stage, vitals, checks) for stage in _STAGES]

    def _view(self, stage: StageName, vitals: Vitals, checks: Sequence[Check]) -> StageView:
        concerned = [check for check in checks if check.code in _CHECKS_OF[stage]]
        pulse = self._pulses[stage]
        return StageView(
            key=stage,
            stage=stage,
            status=worst(concerned),
            rate=round(pulse.rate(vitals.now), 1),
            total=pulse.total,
            last_ts=pulse.last_ts,
            last_error=_ERROR_OF.get(stage, _no_error)(vitals),
            detail=_DETAIL_OF[stage](vitals),
            instruments=tuple(check for check in concerned if check.instrument is not None),
        )

    def _count(self, facts: Sequence[AnyEvent], now: int) -> None:
        for fact in facts:
            if isinstance(fact, InstanceTransitioned):
                self._pulses["machine"].beat(now)
            elif isinstance(fact, (OrderUpdated, OrderFilled)):
                self._pulses["broker"].beat(now)


_CHECKS_OF: dict[StageName, tuple[str, ...]] = {
    "venue": ("feed.connected",),
    "socket": ("feed.connected", "symbol.subscribed"),
    "decoder": ("symbol.data",),
    "journal": ("store.written",),
    "indicators": ("indicators.calculating",),
    "conditions": ("indicators.calculating",),
    "machine": ("strategies.active",),
    "broker": (),
    "store": ("store.written", "store.mirrored", "session.configured"),
    "stream": ("stream.publishing",),
}


def _no_error(_: Vitals) -> str | None:
    return None


def _states(vitals: Vitals) -> str:
    counts: dict[str, int] = {}
    for view in vitals.instances:
        counts[view.state] = counts.get(view.state, 0) + 1
    return ", ".join(f"{count} {state}" for state, count in sorted(counts.items()))


def _mirror_error(vitals: Vitals) -> str | None:
    mirror = vitals.store.mirror
    return None if mirror is None or mirror.is_healthy else mirror.last_error or mirror.detail


def _store_detail(store: StoreStatus) -> str:
    journal = f"{store.detail.rstrip('.')}. Commit to disk {store.lag_ms:.1f} ms at worst."
    return journal if store.mirror is None else f"{journal} {store.mirror.detail}"


_ERROR_OF: dict[StageName, Callable[[Vitals], str | None]] = {
    "socket": lambda vitals: vitals.feed.last_error,
    "decoder": lambda vitals: vitals.feed.last_error if vitals.feed.decode_errors else None,
    "store": lambda vitals: vitals.store.last_error or _mirror_error(vitals),
}

_DETAIL_OF: dict[StageName, Callable[[Vitals], str]] = {
    "venue": lambda vitals: vitals.feed.detail,
    "socket": lambda vitals: f"{vitals.feed.reconnects} reconnects, {vitals.feed.gaps} gaps since the start.",
    "decoder": lambda vitals: f"{vitals.feed.events:,} events decoded, {vitals.feed.decode_errors} frames refused.",
    "journal": lambda vitals: f"{vitals.store.queue_length} commits waiting.",
    "indicators": lambda vitals: (
        f"{sum(view.value is not None for view in vitals.indicators)} of {len(vitals.indicators)} have a value."
    ),
    "conditions": lambda vitals: f"Evaluated for {len(vitals.evaluated)} of {len(vitals.instruments)} symbols.",
    "machine": lambda vitals: _states(vitals) or "No strategy runs in this session.",
    "broker": lambda _: "Orders and fills at the simulated venue.",
    "store": lambda vitals: _store_detail(vitals.store),
    "stream": lambda _: "Only what is durable is published.",
}
