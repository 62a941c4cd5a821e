"""What the panels show, made on request from the state of lanes and instances; nothing here changes anything."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from papertape.broker.views import position_view
from papertape.engine.codes import COOLDOWN, ERROR, NEVER, SECOND, STATES, TRIGGERS
from papertape.engine.instance import Instance
from papertape.engine.lane import Lane
from papertape.engine.moments import monitor_now
from papertape.engine.reasons import (
    FOUND,
    SECTION_WORDS,
    instance_reason,
    reason_words,
    section_name,
    waiting_clause,
)
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
    LastTransition,
    OpenPosition,
    SectionView,
    WatchlistRow,
)
from papertape.strategy.check import SECTION_NAMES
from papertape.strategy.definition import IndicatorUse, section_of
from papertape.strategy.evaluate import TRUE
from papertape.strategy.machine import NEXT_SECTION, WATCHED
from papertape.strategy.words import capitalised, number_text, unit_text

Direction = Literal["up", "down", "flat"]
_TREND_SAMPLES = 5
_DIRECTIONS: dict[int, Direction] = {1: "up", 0: "flat", -1: "down"}


def instance_view(instance: Instance, session: SessionState) -> InstanceView:
    """Return where an instance is, what comes next and what blocks it."""
    monitor, ts = monitor_now(instance), instance.lane.ts
    code = NEXT_SECTION[STATES[instance.state]]
    if code == "ZE1" and instance.program.roots["ZE1"] < 0:
        code = "E1" if instance.program.roots["E1"] >= 0 else None
    root = -1 if code is None else instance.program.roots[code]
    is_resting = instance.state == COOLDOWN
    row = None if is_resting else monitor.blocking_row(root)
    return InstanceView(
        key=instance.key,
        strategy=instance.strategy,
        instrument=instance.lane.instrument.id,
        symbol=instance.lane.instrument.symbol,
        state=STATES[instance.state],
        since=instance.since,
        is_active=session.is_active() and instance.state != ERROR,
        entries_paused=session.paused_because() is not None,
        next_section=code,
        progress=_rested_pct(instance) if is_resting else 0.0 if root < 0 else monitor.node_progress(root),
        blocking=None if row is None else monitor.reading(row),
        last_transition=_last_transition(instance),
        reason=instance_reason(instance, ts, session.paused_because()),
        ts=ts,
    )


def _last_transition(instance: Instance) -> LastTransition | None:
    if instance.last_reason is None:
        return None
    return LastTransition(
        seq=instance.last_seq,
        ts=instance.last_ts,
        from_state=STATES[instance.last_from],
        to_state=STATES[instance.last_to],
        trigger=TRIGGERS[instance.last_trigger],
        reason=reason_words(instance, instance.last_reason),
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
        state=STATES[instance.state],
        sections=tuple(_section_view(instance, code) for code in SECTION_NAMES),
        ts=instance.lane.ts,
        recv_ts=_known(instance.lane.recv_ts),
    )


def _section_view(instance: Instance, code: SectionCode) -> SectionView:
    monitor, root = monitor_now(instance), instance.program.roots[code]
    is_defined = section_of(instance.program.definition, code) is not None
    row = monitor.blocking_row(root)
    is_true = root >= 0 and instance.memory.answer(root) == TRUE
    return SectionView(
        code=code,
        word=FOUND if code == "S1" and is_true else SECTION_WORDS[code],
        is_defined=is_defined,
        is_watched=code in WATCHED[STATES[instance.state]],
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
    value = _present(lane.values[index])
    samples = slot.samples.numbers()
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
        ts=_known(lane.quote_ts if slot.is_quoted else lane.trade_ts),
        recv_ts=_known(lane.recv_ts),
    )


def _trend(samples: Sequence[float]) -> Direction:
    if len(samples) < 2:
        return "flat"
    change = samples[-1] - samples[max(0, len(samples) - 1 - _TREND_SAMPLES)]
    return "up" if change > 0 else "down" if change < 0 else "flat"


def watchlist_row(lane: Lane, instances: Sequence[Instance]) -> WatchlistRow:
    """Return one chosen symbol as the list shows it; `instances` are those of this symbol."""
    instrument = lane.instrument
    bid, ask = _present(lane.bid()), _present(lane.ask())
    last, first = _present(lane.last), _present(lane.first_price)
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
        change_24h_pct=_present(lane.change_24h_pct),
        volume_session_quote=lane.traded / lane.size_scale,
        volume_24h_quote=_present(lane.volume_24h_quote),
        sparkline=lane.spark.numbers(),
        data_ts=_known(lane.event_ts),
        recv_ts=_known(lane.recv_ts),
        reason=_missing_price(lane),
        position=_position(instances),
    )


def _missing_price(lane: Lane) -> str | None:
    if lane.event_ts == NEVER:
        return f"Waiting for the first market event of {lane.instrument.symbol}."
    if lane.is_stale():
        return f"Stale: nothing has come from {lane.instrument.symbol} for {lane.age(lane.event_ts) // SECOND} s."
    if lane.last_units < 0:
        return f"No trade of {lane.instrument.symbol} yet; its quotes are shown."
    return None


def _position(instances: Sequence[Instance]) -> OpenPosition | None:
    for instance in instances:
        if instance.position is not None:
            return position_view(instance.position, instance.session.broker.money_decimals)
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
    # A buffer has at least one place, also of an instance without indicators.
    for alias, index in zip(instance.program.definition.indicators, instance.slots, strict=False):
        value = _present(lane.values[index])
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


def _known(ts: int) -> int | None:
    return None if ts == NEVER else ts


def _present(number: float) -> float | None:
    return None if number != number else number
