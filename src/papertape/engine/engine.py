"""The engine: entries in, facts out. It owns the order of a step and nothing else.

Per entry: the venue's book and matching → indicators → conditions → machine → order intents → the venue; then, once per
second of entry time, the account is marked. Warm-up entries feed indicators and books only.
"""

from __future__ import annotations

from collections.abc import Sequence

from papertape.broker import Broker
from papertape.engine import views
from papertape.engine.entry_order import EntryDesk
from papertape.engine.facts import Facts
from papertape.engine.instance import Instance
from papertape.engine.lane import Lane
from papertape.engine.session_state import SessionState
from papertape.engine.stepper import Stepper
from papertape.errors import Broken, Invalid, NotFound
from papertape.model.entries import (
    AlertNote,
    Batch,
    BookUpdate,
    ClockTick,
    CloseAll,
    ClosePosition,
    Entry,
    LifecycleChange,
    MarketEvent,
    PauseEntries,
    ResumeEntries,
    Ticker,
)
from papertape.model.events import AlertRaised, AnyEvent, InstanceState, SessionChanged
from papertape.model.instrument import InstrumentId
from papertape.model.samples import IndicatorSample
from papertape.model.session import SessionPlan
from papertape.model.views import (
    BarView,
    ConditionsView,
    EquityView,
    IndicatorView,
    InstanceView,
    WatchlistRow,
)
from papertape.strategy.parse import check_definition
from papertape.strategy.program import compile_definition

_WATCHING: frozenset[InstanceState] = frozenset({"MONITORING", "COOLDOWN"})


class Engine:
    """One session's strategies at one simulated venue, as a pure function of its entries.

    An instance exists for every strategy and instrument from the first moment, MONITORING. The same entries give the
    same facts, byte for byte, however they are split into batches. Raises `Invalid` when a definition of the plan is
    wrong.
    """

    def __init__(self, plan: SessionPlan) -> None:
        self._broker = Broker(plan.instruments, plan.profile, plan.capital, plan.currency)
        self._lanes = {one.id: Lane(one, plan.profile.stale_book_us) for one in plan.instruments}
        _check_names(plan)
        programs = [compile_definition(check_definition(version.definition)) for version in plan.strategies]
        self._instances = [Instance(program, lane) for program in programs for lane in self._lanes.values()]
        self._by_lane: dict[InstrumentId, list[Instance]] = {key: [] for key in self._lanes}
        for instance in self._instances:
            self._by_lane[instance.lane.instrument.id].append(instance)
        self._facts = Facts()
        self._is_live = False
        self._session = SessionState(plan.capital)
        desk = EntryDesk(self._broker, plan.profile, self._session, self._instances)
        self._stepper = Stepper(self._broker, self._facts, self._session, desk, self._instances)

    def step(self, batch: Batch) -> list[AnyEvent]:
        """Take consecutive entries and return the facts they cause, in order, numbered without holes.

        Raises:
            Broken: a hole in the entries, time that goes back, an unknown instrument, a warm-up that would trade, or
                any other state that must not be; the session must stop and its journal be kept.
        """
        seq = batch.first_seq
        for entry in batch.entries:
            self._facts.begin(seq, entry.ts)
            if batch.is_warmup:
                self._warm(entry)
            else:
                self._take(entry)
            seq += 1
        if batch.is_warmup:
            for lane in self._lanes.values():
                lane.refresh()
                lane.revision += 1
            self._begin_at(self._facts.ts)
        return self._facts.take()

    @property
    def last_entry_seq(self) -> int:
        """The seq of the newest entry taken, 0 before the first."""
        return self._facts.entry_seq

    @property
    def last_event_seq(self) -> int:
        """The seq of the newest fact, 0 before the first."""
        return self._facts.last_seq

    @property
    def open_position_count(self) -> int:
        """How many positions are open."""
        return self._broker.open_position_count

    @property
    def has_working_orders(self) -> bool:
        """Whether any order may still fill."""
        return self._broker.has_working_orders

    def last_prices(self) -> dict[InstrumentId, int]:
        """Return the newest traded price of each instrument that has one, in its integer units."""
        lanes = self._lanes.items()
        return {key: lane.last_units for key, lane in lanes if lane.last_units is not None}

    def revision(self, instrument: InstrumentId) -> int:
        """Return a number that grows whenever a view of the instrument may have changed."""
        return self._lane(instrument).revision

    def instances(self) -> list[InstanceView]:
        """Return every instance: strategies in the order of the plan, then instruments."""
        return [views.instance_view(instance, self._session) for instance in self._instances]

    def watchlist(self) -> list[WatchlistRow]:
        """Return every chosen symbol."""
        return [views.watchlist_row(lane, self._broker, self._instances) for lane in self._lanes.values()]

    def indicators(self, instrument: InstrumentId | None = None) -> list[IndicatorView]:
        """Return every indicator of every instance, or of those of one instrument."""
        return [
            views.indicator_view(instance, alias, use, index)
            for instance in self._instances_of(instrument)
            for (alias, use), index in zip(instance.program.definition.indicators.items(), instance.slots, strict=True)
        ]

    def conditions(self, instrument: InstrumentId | None = None) -> list[ConditionsView]:
        """Return the five sections of every instance, or of those of one instrument."""
        return [views.conditions_view(instance) for instance in self._instances_of(instrument)]

    def equity(self) -> EquityView:
        """Return the account, marked at the prices its positions would close at."""
        return self._broker.equity(self._facts.ts)

    def bars(self, instrument: InstrumentId, interval_s: int, limit: int) -> list[BarView]:
        """Return the newest `limit` bars of an instrument, oldest first.

        Raises:
            NotFound: the session has no such instrument.
        """
        return views.bar_views(self._lane(instrument), interval_s, limit)

    def indicator_samples(self) -> list[IndicatorSample]:
        """Return every indicator of every instance as of now, without what only a panel shows."""
        return [sample for instance in self._instances for sample in views.indicator_samples(instance)]

    def closed_bars(self, interval_s: int, after_ts: int, until_ts: int) -> list[BarView]:
        """Return every instrument's bars with trades that end after `after_ts` and not after `until_ts`."""
        lanes = self._lanes.values()
        return [bar for lane in lanes for bar in views.closed_bar_views(lane, interval_s, after_ts, until_ts)]

    def _instances_of(self, instrument: InstrumentId | None) -> Sequence[Instance]:
        return self._instances if instrument is None else self._by_lane[instrument]

    def _lane(self, instrument: InstrumentId) -> Lane:
        lane = self._lanes.get(instrument)
        if lane is None:
            raise NotFound(
                f"The session has no instrument {instrument!r}; it has {', '.join(self._lanes)}.",
                code="session.unknown_instrument",
            )
        return lane

    def _warm(self, entry: Entry) -> None:
        if isinstance(entry, ClockTick):
            self._on_time(entry.ts)
        elif isinstance(entry, MarketEvent):
            lane = self._known_lane(entry.instrument)
            if self._broker.on_event(entry):
                raise Broken(
                    f"Entry {self._facts.entry_seq} belongs to the warm-up and would have traded; "
                    "keep the journal and report it.",
                    code="engine.warmup_traded",
                )
            lane.on_market(entry, is_warmup=True)
            lane.sample()
        else:
            raise Broken(
                f"Entry {self._facts.entry_seq} is a {type(entry).__name__} inside the warm-up, which holds market "
                "history only; keep the journal and report it.",
                code="engine.warmup_command",
            )

    def _begin_at(self, ts: int) -> None:
        for instance in self._instances:
            instance.since = ts
            instance.lane.revision += 1

    def _take(self, entry: Entry) -> None:
        if not self._is_live:
            self._is_live = True
            self._begin_at(entry.ts)
        self._session.begin(entry.ts)
        if isinstance(entry, MarketEvent):
            self._on_market(entry)
        elif isinstance(entry, ClockTick):
            self._on_clock(entry.ts)
        else:
            self._on_command(entry)
        if self._session.is_mark_due(entry.ts):
            mark = self._broker.mark(entry.ts)
            self._session.take_mark(mark)
            self._facts.add(mark)

    def _on_market(self, event: MarketEvent) -> None:
        lane = self._known_lane(event.instrument)
        drafts = self._broker.on_event(event)
        if drafts:
            self._stepper.take(drafts)
        lane.on_market(event, is_warmup=False)
        instances = self._by_lane[event.instrument]
        if isinstance(event, BookUpdate | Ticker) and all(one.state in _WATCHING for one in instances):
            # neither changes a value or an order of an instance that only watches: no reason to think
            lane.sample()
        else:
            self._think(lane, instances)

    def _on_clock(self, ts: int) -> None:
        self._stepper.take(self._broker.on_time(ts))
        self._on_time(ts)
        for key, lane in self._lanes.items():
            self._think(lane, self._by_lane[key])

    def _on_time(self, ts: int) -> None:
        for lane in self._lanes.values():
            lane.on_time(ts)

    def _think(self, lane: Lane, instances: Sequence[Instance]) -> None:
        lane.refresh()
        lane.sample()
        for instance in instances:
            self._stepper.step(instance)

    def _known_lane(self, instrument: InstrumentId) -> Lane:
        lane = self._lanes.get(instrument)
        if lane is None:
            raise Broken(
                f"Entry {self._facts.entry_seq} is about {instrument}, which this session does not trade; it has "
                f"{', '.join(self._lanes)}. Keep the journal and report it.",
                code="engine.unknown_instrument",
            )
        return lane

    def _on_command(self, entry: Entry) -> None:
        session = self._session
        if isinstance(entry, LifecycleChange):
            session.change(entry)
            self._session_changed(entry.trigger, entry.reason)
        elif isinstance(entry, PauseEntries):
            session.pause(True, entry.reason)
            self._session_changed("pause_entries", entry.reason)
        elif isinstance(entry, ResumeEntries):
            session.pause(False, entry.reason)
            session.is_closing = False
            self._session_changed("resume_entries", entry.reason)
        elif isinstance(entry, ClosePosition):
            for instance in self._by_lane[self._known_lane(entry.instrument).instrument.id]:
                if instance.position is not None:
                    self._stepper.command(instance, entry.reason, "exit")
        elif isinstance(entry, CloseAll):
            session.is_closing = True
            for instance in self._instances:
                self._stepper.command(instance, entry.reason, "emergency_exit" if entry.is_emergency else "exit")
        elif isinstance(entry, AlertNote):
            self._raise_alert(entry)
        for lane in self._lanes.values():
            lane.revision += 1

    def _session_changed(self, trigger: str, reason: str) -> None:
        session = self._session
        self._facts.add(
            SessionChanged(
                **self._facts.head(),
                state=session.lifecycle,
                trigger=trigger,
                reason=reason,
                is_degraded=session.is_degraded,
                entries_paused=session.entries_paused,
            )
        )

    def _raise_alert(self, note: AlertNote) -> None:
        self._facts.add(
            AlertRaised(
                **self._facts.head(),
                code=note.code,
                severity=note.severity,
                message=note.message,
                stage=note.stage,
                instrument=note.instrument,
            )
        )


def _check_names(plan: SessionPlan) -> None:
    names = [version.name for version in plan.strategies]
    for name in names:
        if names.count(name) > 1:
            raise Invalid(
                f'The strategy "{name}" is chosen twice; choose it once.',
                code="session.duplicate_strategy",
                path="strategies",
            )
