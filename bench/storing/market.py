"""A session to measure with: ticks of three instruments, 18 indicators each second, a signal now and then."""

from __future__ import annotations

import random
from collections.abc import Iterator

import msgspec

from papertape.journal.ports import Commit
from papertape.model.entries import Batch, Entry, Quote, Trade
from papertape.model.events import SignalFired
from papertape.model.instrument import Instrument
from papertape.model.samples import IndicatorSample, Samples
from papertape.model.session import SessionRow
from papertape.testkit.store_contract import session_row
from papertape.testkit.venue import PERPETUAL, SPOT

SESSION = "bench"
START = 1_766_854_800_000_000
TICKS_A_SECOND = 3_000
TICKS_A_COMMIT = 15
COMMITS_A_SIGNAL = 20
COIN = msgspec.structs.replace(SPOT, id="COINUSDT.TEST", symbol="COINUSDT", base="COIN")
INSTRUMENTS: tuple[Instrument, ...] = (PERPETUAL, SPOT, COIN)
INDICATORS = 6


class Market:
    """Makes commits in order; half the ticks are trades, half are quotes."""

    def __init__(self) -> None:
        self.ticks = 0
        self.signals = 0
        self._commits = 0
        self._sampled_s = 0
        self._chance = random.Random(7)
        self._price = 6_180_020

    def row(self, revision: int, state: str) -> Commit:
        """Return the session's row, which names its instruments."""
        row: SessionRow = session_row(SESSION, revision, state=state, updated_ts=START + revision)
        plan = msgspec.structs.replace(row.plan, instruments=INSTRUMENTS)
        return Commit(session_id=SESSION, batch=None, row=msgspec.structs.replace(row, plan=plan))

    def commits(self, ticks: int) -> Iterator[Commit]:
        """Yield commits until so many ticks were made in all."""
        while self.ticks < ticks:
            yield self._commit()

    def _commit(self) -> Commit:
        first = self.ticks + 1
        entries = tuple(self._entry(first + index) for index in range(TICKS_A_COMMIT))
        self.ticks += TICKS_A_COMMIT
        self._commits += 1
        batch = Batch(first_seq=first, entries=entries)
        events = (self._signal(entries[-1].ts),) if self._commits % COMMITS_A_SIGNAL == 0 else ()
        return Commit(session_id=SESSION, batch=batch, events=events, samples=self._samples(entries[-1].ts))

    def _entry(self, seq: int) -> Entry:
        ts = START + seq * 1_000_000 // TICKS_A_SECOND
        instrument = INSTRUMENTS[seq % 3].id
        self._price += self._chance.randrange(-20, 21)
        size = self._chance.randrange(1, 5_000)
        if seq % 2:
            return Trade(
                ts=ts,
                recv_ts=ts + 900,
                instrument=instrument,
                price=self._price,
                size=size,
                side="buy" if size % 2 else "sell",
                trade_id=str(4_000_000_000 + seq),
            )
        bid, ask = self._price - 1, self._price + 1
        return Quote(ts=ts, recv_ts=ts + 900, instrument=instrument, bid=bid, bid_size=size, ask=ask, ask_size=size + 7)

    def _signal(self, ts: int) -> SignalFired:
        self.signals += 1
        return SignalFired(
            seq=self.signals,
            ts=ts,
            entry_seq=self.ticks,
            strategy="pump-peak-short",
            instrument=PERPETUAL.id,
            section="S1",
            side="sell",
            price=self._price / 100,
            outcome="accepted",
            reason="The price rose 3 % in 60 s.",
            trace=(),
        )

    def _samples(self, ts: int) -> Samples | None:
        second = (ts - START) // 1_000_000
        if second == self._sampled_s:
            return None
        self._sampled_s = second
        values = tuple(
            IndicatorSample(
                strategy="pump-peak-short",
                instrument=instrument.id,
                indicator=f"indicator_{index}",
                value=self._chance.random(),
                reason=None,
            )
            for instrument in INSTRUMENTS
            for index in range(INDICATORS)
        )
        return Samples(entry_seq=self.ticks, ts=ts, indicators=values, bars=())


def milliseconds(seconds: list[float], share: float) -> float:
    """Return a quantile of times in milliseconds."""
    ordered = sorted(seconds)
    return round(1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))], 3)
