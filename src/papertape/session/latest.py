"""The latest-value topics of a session: from its engine while it lives, from its saved last views afterwards."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any

import msgspec

from papertape.errors import NotFound
from papertape.model import views
from papertape.model.session import SessionRow
from papertape.session.checks import worst
from papertape.session.lifecycle import ENDED, allowed_commands
from papertape.session.panels import KEPT_PANELS
from papertape.session.runner import Runner
from papertape.session.source import MarketSource
from papertape.session.unsaved import Views

CHART = "chart"
"""Under which name the bars of the chart are kept beside the topics."""

_URGENCY = ("EXITING", "POSITION_ACTIVE", "ENTERING", "SIGNAL_DETECTED", "ERROR", "COOLDOWN", "MONITORING")


def live_views(runner: Runner, topic: str, now: int) -> Views:
    """Return the latest views of one topic of a session that runs here, as of this moment.

    Raises:
        NotFound: the topic does not exist.
    """
    return runner.panels.exact(topic) if check_topic(topic) in KEPT_PANELS else _LIVE[topic](runner, now)


def followed_views(runner: Runner, topic: str, now: int) -> Views:
    """Return the latest views of one topic for who asks again and again; see `Panels.shown`.

    Raises:
        NotFound: the topic does not exist.
    """
    return runner.panels.shown(topic) if check_topic(topic) in KEPT_PANELS else _LIVE[topic](runner, now)


def check_topic(topic: str) -> str:
    """Return `topic` when it is a latest-value topic; raises `NotFound` otherwise."""
    if topic not in views.VIEW_OF:
        raise NotFound(
            f"There is no latest-value topic {topic!r}; topics are {', '.join(views.VIEW_OF)}.", code="topic.unknown"
        )
    return topic


class SavedViews:
    """The last views of a session that no longer runs, decoded topic by topic when asked for."""

    def __init__(self, payload: bytes | None) -> None:
        self._topics: dict[str, msgspec.Raw] = {}
        self._decoded: dict[str, Views] = {}
        if payload is not None:
            self._topics = msgspec.json.decode(payload, type=dict[str, msgspec.Raw])

    @property
    def is_empty(self) -> bool:
        """Whether nothing was saved: the desk was killed, or it could not write."""
        return not self._topics

    def topic(self, topic: str) -> Views:
        """Return the saved views of one topic by key, empty when none of it were saved."""
        view_type: Any = views.VIEW_OF[check_topic(topic)]
        if topic in self._topics and topic not in self._decoded:
            # Kept: whoever looks ten times a second at what no longer changes is given the same objects.
            self._decoded[topic] = msgspec.json.decode(self._topics[topic], type=dict[str, view_type])
        return self._decoded.get(topic, {})

    def bars(self, instrument: str, interval_s: int) -> list[views.BarView]:
        """Return the saved bars of an instrument, oldest first."""
        if CHART not in self._topics:
            return []
        kept = msgspec.json.decode(self._topics[CHART], type=dict[str, msgspec.Raw])
        series = kept.get(f"{instrument}|{interval_s}")
        return [] if series is None else msgspec.json.decode(series, type=list[views.BarView])


def session_view(
    row: SessionRow, source: MarketSource | None, runner: Runner | None, last_equity: Decimal | None = None
) -> views.SessionView:
    """Return a session as listed: from its row, and from its engine when it runs here, otherwise with `last_equity`."""
    equity = runner.core.engine.equity().equity if runner is not None else last_equity
    return views.SessionView(
        key=row.session_id,
        session_id=row.session_id,
        epoch=row.epoch,
        seq=runner.durable_seq if runner is not None else 0,
        mode=row.plan.mode,
        feed=row.feed,
        feed_note=source.note if source is not None else None,
        is_simulated_feed=all(instrument.venue == "SIMULATED" for instrument in row.plan.instruments),
        state=row.state,
        reason=row.reason,
        is_degraded=row.is_degraded,
        degraded_reason=row.reason if row.is_degraded else None,
        entries_paused=row.entries_paused,
        allowed=_allowed(row, is_here=runner is not None),
        created_ts=row.created_ts,
        started_ts=row.created_ts,
        updated_ts=row.updated_ts,
        strategies=tuple(version.name for version in row.plan.strategies),
        instruments=tuple(instrument.id for instrument in row.plan.instruments),
        capital=row.plan.capital,
        currency=row.plan.currency,
        profile=row.plan.profile.name,
        headline=_headline(row, runner),
        equity=equity,
        pnl=equity - row.plan.capital if equity is not None else None,
    )


def _allowed(row: SessionRow, *, is_here: bool) -> tuple[str, ...]:
    if not is_here and row.state != "suspended":
        return ()
    return allowed_commands(row.state, entries_paused=row.entries_paused, is_trading=row.plan.mode != "RECORD")


def _headline(row: SessionRow, runner: Runner | None) -> str:
    if runner is None or row.state not in ("running", "stopping"):
        return row.reason
    most_urgent = min(runner.panels.instances(), key=lambda view: _URGENCY.index(view.state), default=None)
    if most_urgent is None:
        count = len(row.plan.instruments)
        return f"Recording {count} symbol{'' if count == 1 else 's'}: {row.reason}"
    return f"{most_urgent.symbol}: {most_urgent.reason}"


def _instances(runner: Runner) -> list[views.InstanceView]:
    # The engine knows no time before its first entry; an instance has been where it is since the session was made.
    # Nor does it know that its own session has failed: what fails a session may be the journal itself.
    row = runner.row
    seen = [msgspec.structs.replace(view, since=view.since or row.created_ts) for view in runner.panels.instances()]
    if row.state not in ENDED:
        return seen
    reason = f"The session is {row.state}: {row.reason}"
    return [msgspec.structs.replace(view, is_active=False, reason=reason) for view in seen]


def _preflight(runner: Runner, now: int) -> Views:
    checks = (*runner.plan_checks, *runner.checks)
    view = views.PreflightView(key="preflight", status=worst(checks), checks=checks, ts=now)
    return {view.key: view}


def _summary(runner: Runner) -> Views:
    return {runner.row.session_id: session_view(runner.row, runner.source, runner)}


def _by_key(items: Iterable[Any]) -> Views:
    return {item.key: item for item in items}


_LIVE: dict[str, Callable[[Runner, int], Views]] = {
    "watchlist": lambda runner, _: _by_key(runner.core.engine.watchlist()),
    "instances": lambda runner, _: _by_key(_instances(runner)),
    "equity": lambda runner, _: _by_key([runner.core.engine.equity()]),
    "pipeline": lambda runner, now: _by_key(runner.pipeline.views(runner.vitals(now), runner.checks)),
    "preflight": _preflight,
    "summary": lambda runner, _: _summary(runner),
}
