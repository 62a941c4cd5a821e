"""The checks of a session: what is verified before it starts, and the proof of life for as long as it runs.

Each check is one pure function of the vitals. `waiting` means not yet, `failed` means that the session is degraded.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from papertape.model.instrument import InstrumentId
from papertape.model.session import SessionPlan, StrategyVersion
from papertape.model.views import Check, CheckStatus
from papertape.session.vitals import Measured, Vitals
from papertape.strategy.parse import check_definition
from papertape.strategy.risk import venue_refusal

PROOF_DEADLINE_US = 30_000_000
SILENT_WARNING_US = 15_000_000
SILENT_FAILED_US = 30_000_000
STORE_LAG_FAILED_US = 10_000_000
STREAM_SILENT_FAILED_US = 15_000_000
MIRROR_PATIENCE_US = 5_000_000
"""How long a session that starts waits for the store's copy before it is proven without it."""
MIRROR_FAILED_US = 30_000_000

_ORDER: tuple[CheckStatus, ...] = ("ok", "waiting", "warning", "failed")


def worst(checks: Iterable[Check]) -> CheckStatus:
    """Return the gravest status among the checks, `ok` when there is none."""
    return max((check.status for check in checks), key=_ORDER.index, default="ok")


def check_plan(plan: SessionPlan, now: int) -> list[Check]:
    """Verify that every strategy can trade every instrument.

    Raises:
        Invalid: this version does not take a definition of the plan.
    """
    definitions = [check_definition(version.definition) for version in plan.strategies]
    checks = [_registered(version, now) for version in plan.strategies]
    for instrument in plan.instruments:
        refused = [
            f"{definition.name}: {refusal.sentence.rstrip('.')} ({refusal.code})."
            for definition in definitions
            if (refusal := venue_refusal(definition, instrument)) is not None
        ]
        checks.append(
            Check(
                code="symbol.tradable",
                label="Symbol can be traded by every strategy" if definitions else "Symbol exists at the venue",
                status="failed" if refused else "ok",
                detail=(" ".join(refused) or f"{instrument.id} exists at {instrument.venue} ({instrument.kind})."),
                instrument=instrument.id,
                checked_ts=now,
            )
        )
    return checks


def check_vitals(vitals: Vitals) -> list[Check]:
    """Return every check of a running session, session-wide ones first, then by symbol."""
    checks = [_configured(vitals), _active(vitals), _connected(vitals), _written(vitals), *_mirrored(vitals)]
    checks.append(_published(vitals))
    measured: dict[InstrumentId, list[Measured]] = {}
    for one in vitals.indicators:
        measured.setdefault(one.instrument, []).append(one)
    for instrument in vitals.instruments:
        checks += [_subscribed(vitals, instrument), _fed(vitals, instrument)]
        checks.append(_calculated(vitals, instrument, measured.get(instrument, [])))
    return checks


def _registered(version: StrategyVersion, now: int) -> Check:
    return Check(
        code="strategy.registered",
        label="Strategy is registered",
        status="ok",
        detail=f"{version.name} version {version.version} ({version.sha256[:12]}) is valid.",
        checked_ts=now,
    )


def _configured(vitals: Vitals) -> Check:
    return Check(
        code="session.configured",
        label="Session exists with its configuration",
        status="ok" if vitals.is_row_durable else "waiting",
        detail="The session's row is on disk." if vitals.is_row_durable else "The session's row is not on disk yet.",
        checked_ts=vitals.now,
    )


def _active(vitals: Vitals) -> Check:
    broken = [view for view in vitals.instances if view.state == "ERROR"]
    active = sum(view.is_active for view in vitals.instances)
    is_complete = active == vitals.expected_instances and not broken
    detail = f"{active} of {vitals.expected_instances} instances are active."
    if not vitals.expected_instances and not vitals.instances:
        detail = "This session records: it runs no strategy, and nothing trades."
    if broken:
        detail += f" {broken[0].key} is in ERROR: {broken[0].reason}"
    return Check(
        code="strategies.active",
        label="Every strategy × symbol is active",
        status="ok" if is_complete else "failed",
        detail=detail,
        checked_ts=vitals.now,
    )


def _connected(vitals: Vitals) -> Check:
    feed = vitals.feed
    status: CheckStatus = "ok"
    if feed.state in ("connecting", "reconnecting"):
        status = "failed" if _is_overdue(vitals, feed.last_frame_ts) else "waiting"
    elif feed.state in ("failed", "closed"):
        status = "failed"
    elif feed.state == "ended":
        status = "warning"
    return Check(
        code="feed.connected", label="Market feed is connected", status=status, detail=feed.detail,
        checked_ts=vitals.now,
    )  # fmt: skip


def _written(vitals: Vitals) -> Check:
    store = vitals.store
    waiting_us = 0 if vitals.undurable_since is None else vitals.now - vitals.undurable_since
    detail = f"{store.rows_total:,} rows in {store.driver}, commit to disk {store.lag_ms:.1f} ms at worst."
    status: CheckStatus = "ok"
    if vitals.durable_ts is None:
        status, detail = "waiting", "Nothing of this session has reached the store yet."
    if not store.is_healthy or waiting_us > STORE_LAG_FAILED_US:
        status = "failed"
        detail = store.last_error or f"The oldest unwritten row has waited for {waiting_us / 1e6:.0f} s."
    return Check(
        code="store.written", label="Data is being written to the store", status=status, detail=detail,
        checked_ts=vitals.now,
    )  # fmt: skip


def _mirrored(vitals: Vitals) -> list[Check]:
    mirror = vitals.store.mirror
    if mirror is None:
        return []
    status: CheckStatus = "ok" if mirror.state == "live" else "warning"
    if vitals.unmirrored_since is not None and vitals.now - vitals.unmirrored_since > MIRROR_FAILED_US:
        status = "failed"
    elif mirror.state == "connecting" and vitals.state == "starting":
        # Only here is it waited for, and briefly: the journal has everything, the copy is not needed to trade.
        status = "waiting" if vitals.now - vitals.started_ts < MIRROR_PATIENCE_US else "warning"
    check = Check(
        code="store.mirrored", label="Data is being copied to QuestDB", status=status, detail=mirror.detail,
        checked_ts=vitals.now,
    )  # fmt: skip
    return [check]


def _published(vitals: Vitals) -> Check:
    status: CheckStatus = "waiting"
    detail = "No fact has been published yet."
    if vitals.published_ts is not None:
        # The account is marked, and so a fact published, every second.
        silent_us = vitals.now - vitals.published_ts
        status = "failed" if silent_us > STREAM_SILENT_FAILED_US else "ok"
        detail = f"The newest fact reached the stream {silent_us / 1e6:.1f} s ago."
    return Check(
        code="stream.publishing", label="Stream is publishing", status=status, detail=detail, checked_ts=vitals.now
    )


def _subscribed(vitals: Vitals, instrument: InstrumentId) -> Check:
    is_subscribed = instrument in vitals.feed.subscribed
    return Check(
        code="symbol.subscribed",
        label="Symbol is subscribed",
        status="ok" if is_subscribed else "waiting",
        detail=f"{instrument} is acknowledged by the feed."
        if is_subscribed
        else f"The feed has not acknowledged {instrument} yet.",
        instrument=instrument,
        checked_ts=vitals.now,
    )


def _fed(vitals: Vitals, instrument: InstrumentId) -> Check:
    data_ts = vitals.data_ts.get(instrument)
    status: CheckStatus = "waiting"
    detail = f"No market data of {instrument} has arrived yet."
    if data_ts is not None:
        age = vitals.now - data_ts
        status = "failed" if age > SILENT_FAILED_US else "warning" if age > SILENT_WARNING_US else "ok"
        detail = f"The newest market data of {instrument} is {age / 1e6:.1f} s old."
        if instrument not in vitals.quote_ts:
            detail += " It has no quote yet."
    if vitals.feed.state == "ended":
        status = "warning"
    return Check(
        code="symbol.data", label="Market data arrives", status=status, detail=detail, instrument=instrument,
        checked_ts=vitals.now,
    )  # fmt: skip


def _calculated(vitals: Vitals, instrument: InstrumentId, measured: Sequence[Measured]) -> Check:
    known = [one for one in measured if one.value is not None]
    missing = [one for one in measured if one.value is None]
    is_evaluated = instrument in vitals.evaluated
    detail = f"{len(known)} of {len(measured)} indicators of {instrument} have a value."
    if not measured:
        detail = f"No strategy asks for an indicator of {instrument}."
    if missing:
        detail += f" {missing[0].name}: {missing[0].reason}."
    if vitals.is_warming:
        detail = f"Reading the history of {instrument}."
    return Check(
        code="indicators.calculating",
        label="Indicators are being calculated",
        status="ok" if is_evaluated and (known or not measured) else "waiting",
        detail=detail,
        instrument=instrument,
        checked_ts=vitals.now,
    )


def _is_overdue(vitals: Vitals, last_ts: int | None) -> bool:
    return vitals.now - max(vitals.started_ts, last_ts or 0) > SILENT_FAILED_US
