"""The engine: entries in, facts out. It owns the order of a step and nothing else.

Per entry: the venue's book and matching → indicators → conditions → machine → order intents → the venue; then, once per
second of entry time, the account is marked. Warm-up entries feed indicators and books only.
"""

from __future__ import annotations

from collections.abc import Sequence

from papertape.broker.views import equity_view
from papertape.engine import views
from papertape.engine.instance import Instance
from papertape.engine.kernel import Kernel
from papertape.engine.lane import Lane
from papertape.engine.snapshot import freeze, thaw
from papertape.engine.summary import summary_of
from papertape.engine.telling import Teller
from papertape.errors import Invalid, NotFound
from papertape.model.backtest import BacktestSummary
from papertape.model.columns import MarketCursor
from papertape.model.entries import Batch
from papertape.model.events import AnyEvent
from papertape.model.fact_rows import FactRows
from papertape.model.instrument import InstrumentId
from papertape.model.samples import IndicatorSample
from papertape.model.session import SessionPlan
from papertape.model.views import BarView, ConditionsView, EquityView, IndicatorView, InstanceView, WatchlistRow
from papertape.strategy.parse import check_definition
from papertape.strategy.program import Program, compile_definition


class Engine:
    """One session's strategies at one simulated venue, as a pure function of its entries.

    An instance exists for every strategy and instrument from the first moment, MONITORING. The same entries give the
    same facts, byte for byte, however they are split into batches. `frozen` is the state of another engine of the same
    plan, from which this one goes on. Raises `Invalid` when a definition of the plan is wrong, or the state is not of
    this build.
    """

    def __init__(self, plan: SessionPlan, frozen: bytes | None = None) -> None:
        _check_names(plan)
        self._plan = plan
        programs = [compile_definition(check_definition(version.definition)) for version in plan.strategies]
        self._statics = _statics(plan, programs)
        if frozen is None:
            self._kernel = Kernel(plan.instruments, plan.profile, plan.capital, plan.currency, programs)
        else:
            self._kernel = thaw(frozen, self._statics)
        self._broker = self._kernel.broker
        self._session = self._kernel.session
        self._lanes: dict[InstrumentId, Lane] = {lane.instrument.id: lane for lane in self._kernel.lanes}
        self._instances: list[Instance] = self._kernel.instances
        self._by_lane: dict[InstrumentId, list[Instance]] = {key: [] for key in self._lanes}
        for instance in self._instances:
            self._by_lane[instance.lane.instrument.id].append(instance)
        self._teller = Teller(self._broker, self._instances)

    def step(self, batch: Batch) -> list[AnyEvent]:
        """Take consecutive entries and return the facts they cause, in order, numbered without holes.

        Raises:
            Broken: a hole in the entries, time that goes back, an unknown instrument, a warm-up that would trade, or
                any other state that must not be; the session must stop and its journal be kept.
        """
        return list(self._teller.facts(self._kernel.drain())) if self._kernel.take(batch) else []

    def scan(self, cursor: MarketCursor, rows: int) -> int:
        """Take the next `rows` of market data in columns, with a clock tick for each second; return how many entries.

        Lanes are the plan's instruments in their order. What it caused stays in the log until `drain`. Raises as
        `step`.
        """
        return self._kernel.scan(cursor, rows)

    def drain(self) -> FactRows:
        """Return the rows of the log since the last `step` or `drain`; `facts` makes objects of them."""
        return self._kernel.drain()

    def facts(self, rows: FactRows) -> list[AnyEvent]:
        """Return the facts of drained rows."""
        return list(self._teller.facts(rows))

    def freeze(self) -> bytes:
        """Return the whole state as bytes, after everything in the log was drained."""
        return freeze(self._kernel, self._statics)

    @property
    def last_entry_seq(self) -> int:
        """The seq of the newest entry taken, 0 before the first."""
        return self._kernel.log.entry_seq

    @property
    def last_event_seq(self) -> int:
        """The seq of the newest fact, 0 before the first."""
        return self._kernel.log.last_seq

    def summary(self) -> BacktestSummary:
        """Return what everything stepped or drained so far came to; raises `Broken` when there was no entry."""
        return summary_of(self._plan, self._broker, self._kernel.log, self._kernel.tally)

    @property
    def open_position_count(self) -> int:
        """How many positions are open."""
        return self._broker.open_position_count

    @property
    def has_working_orders(self) -> bool:
        """Whether any order may still fill."""
        return self._broker.working_count > 0

    def last_prices(self) -> dict[InstrumentId, int]:
        """Return the newest traded price of each instrument that has one, in its integer units."""
        return {key: lane.last_units for key, lane in self._lanes.items() if lane.last_units >= 0}

    def revision(self, instrument: InstrumentId) -> int:
        """Return a number that grows whenever a view of the instrument may have changed."""
        return self._lane(instrument).revision

    def instances(self) -> list[InstanceView]:
        """Return every instance: strategies in the order of the plan, then instruments."""
        return [views.instance_view(instance, self._session) for instance in self._instances]

    def watchlist(self) -> list[WatchlistRow]:
        """Return every chosen symbol."""
        return [views.watchlist_row(lane, self._by_lane[key]) for key, lane in self._lanes.items()]

    def indicators(self, instrument: InstrumentId | None = None) -> list[IndicatorView]:
        """Return every indicator of every instance, or of those of one instrument."""
        return [
            views.indicator_view(instance, alias, use, index)
            for instance in self._instances_of(instrument)
            for (alias, use), index in zip(instance.program.definition.indicators.items(), instance.slots, strict=False)
        ]

    def conditions(self, instrument: InstrumentId | None = None) -> list[ConditionsView]:
        """Return the five sections of every instance, or of those of one instrument."""
        return [views.conditions_view(instance) for instance in self._instances_of(instrument)]

    def equity(self) -> EquityView:
        """Return the account, marked at the prices its positions would close at."""
        return equity_view(self._broker, self._kernel.log.ts)

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


def _statics(plan: SessionPlan, programs: Sequence[Program]) -> dict[str, object]:
    statics: dict[str, object] = {"profile": plan.profile}
    for index, instrument in enumerate(plan.instruments):
        statics[f"instrument {index}"] = instrument
    for index, program in enumerate(programs):
        statics[f"program {index}"] = program
        statics[f"table {index}"] = program.table
        statics[f"definition {index}"] = program.definition
    return statics


def _check_names(plan: SessionPlan) -> None:
    names = [version.name for version in plan.strategies]
    for name in names:
        if names.count(name) > 1:
            raise Invalid(
                f'The strategy "{name}" is chosen twice; choose it once.',
                code="session.duplicate_strategy",
                path="strategies",
            )
