"""What is said of the whole desk: whether it works, and what is wrong and what to do where it does not."""

from __future__ import annotations

from collections.abc import Sequence

from papertape import __version__
from papertape.model.session import SessionRow
from papertape.model.views import HealthView, StoreStatus


def judge_health(store: StoreStatus, live: Sequence[SessionRow]) -> HealthView:
    """Return `failed` when the journal does not work, `degraded` when its copy or a live session does not."""
    if not store.is_healthy:
        detail = f"The store does not work: {store.last_error or store.detail}"
        return HealthView(status="failed", detail=detail, version=__version__, store=store, sessions=len(live))
    degraded, troubles, mirror = [row for row in live if row.is_degraded], [], store.mirror
    if mirror is not None and not mirror.is_healthy:
        degraded = [row for row in degraded if mirror.location not in row.reason]  # that is said once, as it is now
        troubles = [mirror.detail]
    troubles = [f"Session {row.session_id} is degraded: {row.reason}" for row in degraded[:1]] + troubles
    return HealthView(
        status="degraded" if troubles else "ok",
        detail=" ".join(troubles) or "All is well.",
        version=__version__,
        store=store,
        sessions=len(live),
    )
