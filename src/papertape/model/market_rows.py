"""The market data of a session as rows for research: prices and sizes in units of the instrument, not scaled.

A float64 holds every scaled integer below 10**15 exactly enough to be turned back, so nothing is lost on the way.
`series` is the one key of a row's series, its parts joined by `|`, so that the newest row of each series is quick to
find. Times are microseconds UTC.
"""

from __future__ import annotations

import msgspec

from papertape.model.entries import Side
from papertape.model.events import SignalFired
from papertape.model.instrument import InstrumentId


class TradeRow(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One public print as journalled under entry `seq`. Series: session, instrument."""

    session_id: str
    seq: int
    ts: int
    recv_ts: int
    series: str
    instrument: InstrumentId
    price: float
    size: float
    side: Side
    trade_id: str
    is_warmup: bool


class QuoteRow(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Best bid and ask as journalled under entry `seq`. Series: session, instrument."""

    session_id: str
    seq: int
    ts: int
    recv_ts: int
    series: str
    instrument: InstrumentId
    bid: float
    bid_size: float
    ask: float
    ask_size: float
    is_warmup: bool


class BarRow(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One closed bar from the aggregator that feeds the strategies; `ts` is its open. Series: session, instrument,
    interval.
    """

    session_id: str
    ts: int
    series: str
    instrument: InstrumentId
    interval_s: int
    open: float
    high: float
    low: float
    close: float
    volume: float


class IndicatorValueRow(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One indicator of one instance at the clock tick `entry_seq`: a value, or the reason why not.

    Series: session, strategy, instrument, indicator.
    """

    session_id: str
    entry_seq: int
    ts: int
    series: str
    strategy: str
    instrument: InstrumentId
    indicator: str
    value: float | None
    reason: str | None


class SignalInContext(msgspec.Struct, frozen=True, kw_only=True):
    """A signal and the newest quote of its instrument at that moment, None when there was none yet."""

    signal: SignalFired
    quote: QuoteRow | None
