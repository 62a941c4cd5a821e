"""What bars of any store have in common: which of them a span holds, and how one is shown."""

from __future__ import annotations

from papertape.journal.research import Span
from papertape.model.instrument import Instrument
from papertape.model.views import BarView

_NEVER = 2**62


def opens_within(span: Span, interval_s: int) -> tuple[int, int]:
    """Return from where to where trades make the bars that open within a span: aligned, the end excluded."""
    width = interval_s * 1_000_000
    start_ts = 0 if span.start_ts is None else min(max(0, span.start_ts), _NEVER)
    end_ts = _NEVER if span.end_ts is None else min(max(0, span.end_ts), _NEVER)
    return -(-start_ts // width) * width, -(-end_ts // width) * width


def bar_view(
    instrument: Instrument,
    interval_s: int,
    ts: int,
    prices: tuple[float, float, float, float],
    volume: int,
    last_ts: int,
) -> BarView:
    """Return a bar as shown.

    Args:
        instrument: What it is a bar of.
        interval_s: Its length in seconds.
        ts: Its open, microseconds UTC.
        prices: Open, high, low, close, in units of the instrument.
        volume: The exact sum of its scaled sizes, so that every store rounds it once and alike.
        last_ts: When the last recorded trade of the instrument was.
    """
    opened, high, low, close = prices
    return BarView(
        instrument=instrument.id,
        interval_s=interval_s,
        ts=ts,
        open=opened,
        high=high,
        low=low,
        close=close,
        volume=instrument.size_float(volume),
        is_partial=last_ts < ts + interval_s * 1_000_000,
    )
