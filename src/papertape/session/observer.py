"""Observes one session: gathers what its checks and stages are judged by, from its engine, its scribe and the store."""

from __future__ import annotations

from papertape.journal.ports import Appender
from papertape.model.entries import Lifecycle
from papertape.model.feed import FeedStatus
from papertape.model.views import MirrorStatus
from papertape.session.core import SessionCore
from papertape.session.panels import Panels
from papertape.session.scribe import Scribe
from papertape.session.vitals import Measured, Vitals
from papertape.strategy.parse import check_definition


class Observer:
    """Looks at one session that began at `started_ts` (our clock)."""

    def __init__(self, core: SessionCore, panels: Panels, scribe: Scribe, appender: Appender, started_ts: int) -> None:
        self._core = core
        self._panels = panels
        self._scribe = scribe
        self._appender = appender
        self._started_ts = started_ts
        self._unmirrored_since: int | None = None
        self._names = {
            (version.name, alias): use.name or alias.replace("_", " ")
            for version in core.plan.strategies
            for alias, use in check_definition(version.definition).indicators.items()
        }

    def observe(self, now: int, *, state: Lifecycle, feed: FeedStatus, is_warming: bool) -> Vitals:
        """Return what is observed now."""
        pipeline, ledger = self._scribe.pipeline, self._scribe.ledger
        plan, store = self._core.plan, self._appender.status()
        self._note_mirror(store.mirror, now)
        return Vitals(
            now=now,
            started_ts=self._started_ts,
            state=state,
            is_row_durable=self._scribe.durable_revision > 0,
            expected_instances=len(plan.strategies) * len(plan.instruments),
            instances=tuple(self._panels.instances()),
            instruments=tuple(instrument.id for instrument in plan.instruments),
            feed=feed,
            data_ts=pipeline.data_ts,
            quote_ts=pipeline.quote_ts,
            evaluated=frozenset(pipeline.evaluated),
            indicators=self._measured(),
            store=store,
            unmirrored_since=self._unmirrored_since,
            undurable_since=ledger.undurable_since,
            durable_ts=ledger.durable_ts,
            published_ts=pipeline.published_ts,
            is_warming=is_warming,
        )

    def _measured(self) -> tuple[Measured, ...]:
        return tuple(
            Measured(
                instrument=sample.instrument,
                name=self._names[sample.strategy, sample.indicator],
                value=sample.value,
                reason=sample.reason,
            )
            for sample in self._core.engine.indicator_samples()
        )

    def _note_mirror(self, mirror: MirrorStatus | None, now: int) -> None:
        # Merely behind, it takes what it is given: a lasting lag is no interruption.
        if mirror is None or mirror.state in ("live", "behind"):
            self._unmirrored_since = None
        elif self._unmirrored_since is None:
            self._unmirrored_since = now
