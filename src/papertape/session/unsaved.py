"""A session that neither runs here nor left views behind: what it watches, and why nothing moves."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from papertape.errors import Refused
from papertape.journal.ports import Filter, History
from papertape.model.events import InstanceTransitioned
from papertape.model.instrument import Instrument
from papertape.model.session import SessionRow
from papertape.model.tables import TRANSITIONS
from papertape.model.views import ConditionsView, IndicatorView, InstanceView, LastTransition, WatchlistRow
from papertape.session.core import SessionCore

Views = dict[str, Any]
"""Key → view, all of the type of the topic."""


def unsaved_views(row: SessionRow, history: History, topic: str) -> Views:
    """Return every instance, symbol, indicator and section of the session, each with the reason why it stands still."""
    make = _TOPICS.get(topic)
    return {} if make is None else {view.key: view for view in make(row, history)}


def _instances(row: SessionRow, history: History) -> Iterable[InstanceView]:
    symbols = {instrument.id: instrument.symbol for instrument in row.plan.instruments}
    for strategy, instrument in row.instances:
        last = _last_transition(row, history, strategy, instrument)
        yield InstanceView(
            key=f"{strategy}|{instrument}",
            strategy=strategy,
            instrument=instrument,
            symbol=symbols[instrument],
            state="MONITORING" if last is None else last.to_state,
            since=row.created_ts if last is None else last.ts,
            is_active=False,
            entries_paused=row.entries_paused,
            next_section=None,
            progress=0.0,
            blocking=None,
            last_transition=last,
            reason=row.reason,
            ts=row.updated_ts,
        )


def _last_transition(row: SessionRow, history: History, strategy: str, instrument: str) -> LastTransition | None:
    wanted = [Filter(column="strategy", value=strategy), Filter(column="instrument", value=instrument)]
    facts: list[InstanceTransitioned] = history.events(
        TRANSITIONS, row.session_id, limit=1, filters=wanted, newest_first=True
    )
    return msgspec.convert(facts[0], LastTransition, from_attributes=True) if facts else None


def _watchlist(row: SessionRow, _: History) -> Iterable[WatchlistRow]:
    return [_watchlist_row(instrument, row.reason) for instrument in row.plan.instruments]


def _watchlist_row(instrument: Instrument, reason: str) -> WatchlistRow:
    return WatchlistRow(
        key=instrument.id,
        instrument=instrument.id,
        symbol=instrument.symbol,
        venue=instrument.venue,
        kind=instrument.kind,
        price_decimals=instrument.price_decimals,
        last=None,
        direction="flat",
        bid=None,
        ask=None,
        spread_pct=None,
        change_session_pct=None,
        change_24h_pct=None,
        volume_session_quote=0.0,
        volume_24h_quote=None,
        sparkline=(),
        data_ts=None,
        recv_ts=None,
        reason=reason,
        position=None,
    )


def _indicators(row: SessionRow, _: History) -> Iterable[IndicatorView]:
    core = _core(row)
    if core is None:
        return []
    return [msgspec.structs.replace(view, reason=row.reason) for view in core.engine.indicators()]


def _conditions(row: SessionRow, _: History) -> Iterable[ConditionsView]:
    core = _core(row)
    if core is None:
        return []
    return [
        msgspec.structs.replace(
            view,
            sections=tuple(
                msgspec.structs.replace(section, is_watched=False, summary=row.reason) for section in view.sections
            ),
        )
        for view in core.engine.conditions()
    ]


def _core(row: SessionRow) -> SessionCore | None:
    try:
        return SessionCore(row.plan)
    except Refused:  # this version does not take its definitions any more; the instances and symbols are still listed
        return None


_TOPICS: dict[str, Callable[[SessionRow, History], Iterable[Any]]] = {
    "instances": _instances,
    "watchlist": _watchlist,
    "indicators": _indicators,
    "conditions": _conditions,
}
