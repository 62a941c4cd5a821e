"""What the panels show, made on request from the state of lanes and instances; nothing here changes anything."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from papertape.broker import Broker
from papertape.engine.instance import Instance
from papertape.engine.lane import SECOND, Lane
from papertape.engine.reasons import FOUND, WORDS, instance_reason, section_name, waiting_clause
from papertape.engine.session_state import SessionState
from papertape.indicators.catalogue import CATALOGUE
from papertape.indicators.series import ChartBar
from papertape.model.events import SectionCode
from papertape.model.samples import IndicatorSample
from papertape.model.views import (
    BarView,
    ConditionsView,
    IndicatorView,
    InstanceView,
    OpenPosition,
    SectionView,
    WatchlistRow,
)
from papertape.strategy.check import SECTION_NAMES
from papertape.strategy.definition import IndicatorUse, section_of
from papertape.strategy.machine import NEXT_SECTION
from papertape.strategy.program import TRUE
from papertape.strategy.words import capitalised, number_text, unit_text

Direction = Literal["up", "down", "flat"]
_TREND_SAMPLES = 5
_DIRECTIONS: dict[int, Direction] = {1: "up", 0: "flat", -1: "down"}


def instance_view(instance: Instance, session: SessionState) -> InstanceView:
    """Return where an instance is, what comes next and what blocks it."""
    monitor, ts = instance.monitor, instance.lane.ts
    code = NEXT_SECTION[instance.state]
    if code == "ZE1" and instance.program.roots["ZE1"] < 0:
        code = "E1" if instance.program.roots["E1"] >= 0 else None
    root = -1 if code is None else instance.program.roots[code]
    is_resting = instance.state == "COOLDOWN"
    row = None if is_resting else monitor.blocking_row(root)
    return InstanceView(
        key=instance.key,
        strategy=instance.strategy,
        instrument=instance.lane.instrument.id,
        symbol=instance.lane.instrument.symbol,
        state=instance.state,
        since=instance.since,
        is_active=session.is_active and instance.state != "ERROR",
        entries_paused=session.paused_because() is not None,
        next_section=code,
        progress=_rested_pct(instance) if is_resting else 0.0 if root < 0 else monitor.node_progress(root),
        blocking=None if row is None else monitor.reading(row),
        last_transition=instance.last_transition,
        reason=instance_reason(instance, ts, session.paused_because()),
        ts=ts,
    )


def _rested_pct(instance: Instance) -> float:
    rest = instance.cooldown_until - instance.since
    return min(100.0, 100.0 * (instance.lane.ts - instance.since) / rest) if rest > 0 else 100.0


def conditions_view(instance: Instance) -> ConditionsView:
    """Return the five sections of an instance."""
    return ConditionsView(
        key=instance.key,
        strategy=instance.strategy,
        instrument=instance.lane.instrument.id,
        state=instance.state,
        sections=tuple(_section_view(instance, code) for code in SECTION_NAMES),
        ts=instance.lane.ts,
        recv_ts=instance.lane.recv_ts,
    )


def _section_view(instance: Instance, code: SectionCode) -> SectionView:
    monitor, root = instance.monitor, instance.program.roots[code]
    is_defined = section_of(instance.program.definition, code) is not None
    row = monitor.blocking_row(root)
    is_true = root >= 0 and instance.memory.answers[root] == TRUE
    return SectionView(
        code=code,
        word=FOUND if code == "S1" and is_true else WORDS[code],
        is_defined=is_defined,
        is_watched=instance.is_watched(code),
        answer="false" if root < 0 else monitor.answer(root),
        progress=0.0 if root < 0 else monitor.node_progress(root),
        blocking=None if row is None else monitor.label(row),
        summary=_summary(instance, code, is_defined),
        conditions=monitor.readings(code),
    )


def _summary(instance: Instance, code: SectionCode, is_defined: bool) -> str:
    if not is_defined:
        return "This strategy does not define this section."
    name = section_name(instance, code)
    if instance.program.roots[code] < 0:
        cancel = instance.program.definition.sections.O1
        return f"A found signal is dropped after {cancel.timeout if cancel else 'a while'} without an entry."
    return f"{capitalised(name) + ': ' if name else ''}{capitalised(waiting_clause(instance, code))}."


def indicator_view(instance: Instance, alias: str, use: IndicatorUse, index: int) -> IndicatorView:
    """Return one indicator of an instance: its value, or why not yet."""
    lane = instance.lane
    slot = lane.slots[index]
    kind, params = slot.identity
    declared = CATALOGUE[kind]
    warmup = slot.indicator.warmup(lane.ts)
    value = lane.values[index]
    samples = tuple(slot.samples)
    return IndicatorView(
        key=f"{instance.key}|{alias}",
        strategy=instance.strategy,
        instrument=lane.instrument.id,
        name=use.name or alias.replace("_", " "),
        kind=kind,
        params=", ".join(f"{name} {number_text(number)}" for name, number in params),
        meaning=declared.meaning,
        unit=unit_text(declared.unit, lane.instrument),
        value=value,
        reason=None if value is not None else lane.reason(index),
        trend=_trend(samples),
        sparkline=samples,
        warmup_have=warmup.have,
        warmup_need=warmup.need,
        warmup_unit=warmup.unit,
        ts=lane.data_ts(index),
        recv_ts=lane.recv_ts,
    )


def _trend(samples: Sequence[float]) -> Direction:
    if len(samples) < 2:
        return "flat"
    change = samples[-1] - samples[max(0, len(samples) - 1 - _TREND_SAMPLES)]
    return "up" if change > 0 else "down" if change < 0 else "flat"


def watchlist_row(lane: Lane, broker: Broker, instances: Sequence[Instance]) -> WatchlistRow:
    """Return one chosen symbol as the list shows it."""
    instrument = lane.instrument
    bid, ask = lane.touch(broker)
    last, first = lane.last, lane.first_price
    return WatchlistRow(
        key=instrument.id,
        instrument=instrument.id,
        symbol=instrument.symbol,
        venue=instrument.venue,
        kind=instrument.kind,
        price_decimals=instrument.price_decimals,
        last=last,
        direction=_DIRECTIONS[lane.direction],
        bid=bid,
        ask=ask,
        spread_pct=None if bid is None or ask is None else (ask - bid) / ((ask + bid) / 2) * 100.0,
        change_session_pct=None if last is None or not first else (last - first) / first * 100.0,
        change_24h_pct=lane.change_24h_pct,
        volume_session_quote=lane.volume_session_quote,
        volume_24h_quote=lane.volume_24h_quote,
        sparkline=tuple(lane.spark),
        data_ts=lane.event_ts,
        recv_ts=lane.recv_ts,
        reason=_missing_price(lane),
        position=_position(lane, broker, instances),
    )


def _missing_price(lane: Lane) -> str | None:
    if lane.event_ts is None:
        return f"Waiting for the first market event of {lane.instrument.symbol}."
    if lane.age(lane.event_ts) > lane.stale_us:
        return f"Stale: nothing has come from {lane.instrument.symbol} for {lane.age(lane.event_ts) // SECOND} s."
    if lane.last is None:
        return f"No trade of {lane.instrument.symbol} yet; its quotes are shown."
    return None


def _position(lane: Lane, broker: Broker, instances: Sequence[Instance]) -> OpenPosition | None:
    for instance in instances:
        if instance.lane is lane and instance.position is not None:
            return broker.position(instance.strategy, lane.instrument.id)
    return None


def bar_views(lane: Lane, interval_s: int, limit: int) -> list[BarView]:
    """Return the newest bars of an instrument, oldest first."""
    return [_bar_view(lane, interval_s, bar) for bar in lane.bank.series.bars(interval_s, limit)]


def closed_bar_views(lane: Lane, interval_s: int, after_ts: int, until_ts: int) -> list[BarView]:
    """Return the bars with trades that end after `after_ts` and not after `until_ts`, oldest first."""
    return [_bar_view(lane, interval_s, bar) for bar in lane.bank.series.closed(interval_s, after_ts, until_ts)]


def _bar_view(lane: Lane, interval_s: int, bar: ChartBar) -> BarView:
    return BarView(
        instrument=lane.instrument.id,
        interval_s=interval_s,
        ts=bar.open_ts,
        open=bar.open,
        high=bar.high,
        low=bar.low,
        close=bar.close,
        volume=bar.volume,
        is_partial=bar.is_partial,
    )


def indicator_samples(instance: Instance) -> list[IndicatorSample]:
    """Return every indicator of an instance as of now: its value, or why not yet."""
    lane, samples = instance.lane, []
    for alias, index in zip(instance.program.definition.indicators, instance.slots, strict=True):
        value = lane.values[index]
        samples.append(
            IndicatorSample(
                strategy=instance.strategy,
                instrument=lane.instrument.id,
                indicator=alias,
                value=value,
                reason=None if value is not None else lane.reason(index),
            )
        )
    return samples
