"""A fake desk under load: facts and latest values that carry the moment they were made, and quick reads."""

from __future__ import annotations

import asyncio
import time
from bisect import bisect_right
from collections.abc import Mapping
from typing import Any

import msgspec

from papertape.model.events import AlertRaised, AnyEvent
from papertape.model.tables import TABLE_OF, Table
from papertape.model.views import WatchlistRow
from papertape.server.hub import StreamHub
from papertape.testkit.facts import fact
from papertape.testkit.fake_desk import SESSION_ID, FakeDesk
from papertape.testkit.stream_probe import session_topic

FACT_TOPIC = session_topic("alerts")
TICK_TOPIC = session_topic("watchlist")
_STEP_S = 0.005
_FULL = 500  # messages that may wait for one client while facts come as fast as they are taken
_ENVELOPE = 355  # bytes of a published alert without its message


class Load(msgspec.Struct, frozen=True, kw_only=True, tag_field="do", tag="load"):
    """What to publish for `seconds`: facts of `fact_bytes` a frame, and changes of latest values over `symbols`.

    `burst` facts are handed over at once. With `is_greedy` facts come as fast as the slowest client takes them.
    """

    seconds: float
    facts_per_s: float = 0.0
    fact_bytes: int = 300
    burst: int = 1
    is_greedy: bool = False
    ticks_per_s: float = 0.0
    symbols: int = 50


class LoadDesk(FakeDesk):
    """A desk whose reads cost the same however long the load lasts."""

    def __init__(self) -> None:
        super().__init__()
        self.ticks = 0
        self._by_table: dict[Table, list[AnyEvent]] = {}
        self._seq = 0

    def publish(self, *events: AnyEvent, session_id: str = SESSION_ID) -> None:
        """Make facts durable, then tell the outlets."""
        for event in events:
            self._by_table.setdefault(TABLE_OF[type(event)], []).append(event)
        self._seq = events[-1].seq if events else self._seq
        super().publish(*events, session_id=session_id)

    def alert(self, count: int, size: int) -> None:
        """Publish alerts, each a frame of about `size` bytes that says when it was made."""
        self.publish(*(_alert(seq, size) for seq in range(self._seq + 1, self._seq + 1 + count)))

    def tick(self, count: int, symbols: int) -> None:
        """Change the latest values of the next symbols, each saying when it was changed."""
        rows = self.views.setdefault("watchlist", {})
        for _ in range(count):
            key = f"S{self.ticks % symbols:03}.SIM"
            rows[key] = _row(key, self.ticks)
            self.ticks += 1

    def facts(
        self,
        session_id: str,
        table: Table,
        *,
        after: int = 0,
        until: int | None = None,
        limit: int = 1000,
        filters: Mapping[str, str] = {},
        newest_first: bool = False,
    ) -> list[Any]:
        """Return published facts of one table; filters are not applied."""
        del session_id, filters
        kept = self._by_table.get(table, [])
        first = bisect_right(kept, after, key=_seq_of)
        last = len(kept) if until is None else bisect_right(kept, until, key=_seq_of)
        return kept[max(first, last - limit) : last][::-1] if newest_first else kept[first : min(last, first + limit)]

    def head(self, session_id: str, topic: str) -> int:
        """Return the last seq of a topic."""
        del session_id
        return max((kept[-1].seq for table, kept in self._by_table.items() if table.topic == topic), default=0)


async def run_load(desk: LoadDesk, hub: StreamHub, load: Load) -> None:
    """Publish as the load says until its time is over; what falls behind is caught up at once."""
    began = time.monotonic()
    facts = ticks = 0
    while (passed := time.monotonic() - began) < load.seconds:
        if load.is_greedy:
            if hub.most_waiting() < _FULL:
                desk.alert(load.burst, load.fact_bytes)
            await asyncio.sleep(0)
            continue
        while facts + load.burst <= passed * load.facts_per_s:
            desk.alert(load.burst, load.fact_bytes)
            facts += load.burst
        due = int(passed * load.ticks_per_s) - ticks
        desk.tick(due, load.symbols)
        ticks += due
        await asyncio.sleep(_pause(load, facts, began))


def _pause(load: Load, facts: int, began: float) -> float:
    fact_due = began + (facts + load.burst) / load.facts_per_s if load.facts_per_s else float("inf")
    wait = fact_due - time.monotonic()
    return max(0.0, min(wait, _STEP_S if load.ticks_per_s else 0.1))


def _alert(seq: int, size: int) -> AlertRaised:
    message = f"at={time.monotonic_ns()} ".ljust(size - _ENVELOPE, "x")
    return fact(AlertRaised, seq, message=message)


def _row(key: str, count: int) -> WatchlistRow:
    return WatchlistRow(
        key=key, instrument=key, symbol=key[:4], venue="SIM", kind="spot", price_decimals=2, last=100.0 + count % 97,
        direction="up", bid=100.0, ask=100.01, spread_pct=0.01, change_session_pct=0.1, change_24h_pct=None,
        volume_session_quote=1000.0, volume_24h_quote=None, sparkline=(), data_ts=count, recv_ts=count,
        reason=f"tick={time.monotonic_ns()} ", position=None,
    )  # fmt: skip


def _seq_of(event: AnyEvent) -> int:
    return event.seq
