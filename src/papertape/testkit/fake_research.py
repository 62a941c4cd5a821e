"""Research that answers facts from a history, and everything else with what a test puts in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from papertape.errors import PapertapeError
from papertape.journal.ports import Filter, History
from papertape.journal.research import Found, SignalInContext, Source, Span
from papertape.model.market_rows import IndicatorValueRow
from papertape.model.tables import Table
from papertape.model.views import BarView


class FakeResearch:
    """Implements `Research`. It answers as from `source` with `note`; with `failure` set, it raises that instead."""

    def __init__(self, history: History) -> None:
        self.source: Source = "questdb"
        self.note: str | None = None
        self.failure: PapertapeError | None = None
        self.kept_bars: list[BarView] = []
        self.values: list[IndicatorValueRow] = []
        self.signals: list[SignalInContext] = []
        self._history = history

    async def events(
        self,
        table: Table,
        session_id: str,
        *,
        after: int = 0,
        until: int | None = None,
        limit: int = 1000,
        filters: Sequence[Filter] = (),
        newest_first: bool = False,
    ) -> Found[Any]:
        """Return records of one event table from the history."""
        return self._found(
            self._history.events(
                table, session_id, after=after, until=until, limit=limit, filters=filters, newest_first=newest_first
            )
        )

    async def bars(
        self, session_id: str, instrument: str, interval_s: int, span: Span, *, limit: int = 1000
    ) -> Found[BarView]:
        """Return the test's bars of the instrument and interval."""
        _ = session_id, span
        wanted = [bar for bar in self.kept_bars if (bar.instrument, bar.interval_s) == (instrument, interval_s)]
        return self._found(wanted[-limit:])

    async def indicator_values(
        self, session_id: str, strategy: str, instrument: str, indicator: str, span: Span, *, limit: int = 1000
    ) -> Found[IndicatorValueRow]:
        """Return the test's values of one indicator."""
        _ = session_id, span
        asked = (strategy, instrument, indicator)
        wanted = [row for row in self.values if (row.strategy, row.instrument, row.indicator) == asked]
        return self._found(wanted[-limit:])

    async def latest_values(self, session_id: str) -> Found[IndicatorValueRow]:
        """Return the test's values."""
        _ = session_id
        return self._found(self.values)

    async def signals_in_context(self, session_id: str, *, limit: int = 100) -> Found[SignalInContext]:
        """Return the test's signals."""
        _ = session_id
        return self._found(self.signals[:limit])

    def _found(self, items: list[Any]) -> Found[Any]:
        if self.failure is not None:
            raise self.failure
        return Found(items=items, source=self.source, note=self.note)
