"""The past of a fake desk: its published facts, three equal bars, and what a test puts in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from papertape.errors import Unavailable
from papertape.journal.research import Found, SignalInContext, Source, Span
from papertape.model.events import SignalFired
from papertape.model.market_rows import IndicatorValueRow
from papertape.model.tables import SIGNALS, Table
from papertape.model.views import BarView

_START_TS = 1_766_854_702_000_000


class FakePast:
    """Answers from `facts`, as from `source` with `note`; with `failure` set, nothing can be answered."""

    def __init__(self, facts: Callable[..., list[Any]], check: Callable[[str], None]) -> None:
        self.source: Source = "journal"
        self.note: str | None = None
        self.failure: Unavailable | None = None
        self.values: list[IndicatorValueRow] = []
        self.asked: list[tuple[object, ...]] = []
        self._facts = facts
        self._check = check

    async def facts(
        self,
        session_id: str,
        table: Table,
        *,
        after: int = 0,
        until: int | None = None,
        limit: int = 1000,
        filters: Mapping[str, str] = {},
        newest_first: bool = False,
    ) -> Found[Any]:
        """Return the published facts of one table."""
        return self._found(
            self._facts(
                session_id, table, after=after, until=until, limit=limit, filters=filters, newest_first=newest_first
            )
        )

    async def bars(self, session_id: str, instrument: str, interval_s: int, span: Span, limit: int) -> Found[BarView]:
        """Return `limit` equal bars, at most three."""
        self._check(session_id)
        self.asked.append((session_id, instrument, interval_s, span, limit))
        return self._found([
            BarView(
                instrument=instrument, interval_s=interval_s, ts=_START_TS + index * interval_s * 1_000_000,
                open=1.0, high=2.0, low=0.5, close=1.5, volume=3.0, is_partial=False,
            )
            for index in range(min(limit, 3))
        ])  # fmt: skip

    async def indicator_values(
        self, session_id: str, strategy: str, instrument: str, indicator: str, span: Span, limit: int
    ) -> Found[IndicatorValueRow]:
        """Return the newest of the test's values."""
        self._check(session_id)
        self.asked.append((session_id, strategy, instrument, indicator, span, limit))
        return self._found(self.values[-limit:])

    async def latest_values(self, session_id: str) -> Found[IndicatorValueRow]:
        """Return the newest of the test's values by series."""
        self._check(session_id)
        newest = {row.series: row for row in self.values}
        return self._found([newest[series] for series in sorted(newest)])

    async def signals_in_context(self, session_id: str, limit: int) -> Found[SignalInContext]:
        """Return the published signals without a quote."""
        signals: list[SignalFired] = self._facts(session_id, SIGNALS, limit=limit, newest_first=True)
        return self._found([SignalInContext(signal=signal, quote=None) for signal in signals])

    def _found(self, items: list[Any]) -> Found[Any]:
        if self.failure is not None:
            raise self.failure
        return Found(items=items, source=self.source, note=self.note)
