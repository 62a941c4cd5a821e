"""What a session samples once a second of entry time, beside its facts: indicator values and the bars that closed.

Samples follow from the tape alone, as facts do; they are written with the clock tick that caused them.
"""

from __future__ import annotations

import msgspec

from papertape.model.instrument import InstrumentId
from papertape.model.views import BarView


class IndicatorSample(msgspec.Struct, frozen=True, kw_only=True, gc=False, array_like=True):
    """One indicator of one instance: `value` is set, or `reason` says why not. Stored without its fields' names."""

    strategy: str
    instrument: InstrumentId
    indicator: str
    value: float | None
    reason: str | None


class Samples(msgspec.Struct, frozen=True, kw_only=True):
    """The samples of one clock tick. `entry_seq` and `ts` are the tick's; the bars are closed ones only."""

    entry_seq: int
    ts: int
    indicators: tuple[IndicatorSample, ...]
    bars: tuple[BarView, ...]
