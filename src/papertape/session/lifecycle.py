"""The lifecycle of a session as one table."""

from __future__ import annotations

from typing import Literal

from papertape.errors import Broken
from papertape.model.entries import Lifecycle

LifecycleTrigger = Literal[
    "proven", "unproven", "checks_failed", "stop", "closed", "suspend", "resume", "recover", "broken", "source_ended"
]

LIFECYCLE: dict[tuple[Lifecycle, LifecycleTrigger], Lifecycle] = {
    ("starting", "proven"): "running",
    ("starting", "unproven"): "running",  # proof of life is missing after its deadline: it runs, marked degraded
    ("starting", "checks_failed"): "failed",
    ("starting", "stop"): "stopping",
    ("starting", "suspend"): "suspended",
    ("starting", "recover"): "starting",  # the desk was killed while it started
    ("starting", "source_ended"): "stopping",
    ("starting", "broken"): "failed",
    ("running", "stop"): "stopping",
    ("running", "suspend"): "suspended",
    ("running", "recover"): "starting",  # after a crash life is proven again
    ("running", "source_ended"): "stopping",  # a recording has an end
    ("running", "broken"): "failed",
    ("stopping", "closed"): "stopped",
    ("stopping", "recover"): "stopping",  # it is never suspended: what was told to stop stops at the next start
    ("stopping", "broken"): "failed",
    ("suspended", "resume"): "starting",
    ("suspended", "stop"): "stopped",  # it waits for a feed this desk does not have, and nothing of it runs
    ("suspended", "broken"): "failed",  # it cannot be restored
}

LIVE: frozenset[Lifecycle] = frozenset({"starting", "running", "stopping"})
ENDED: frozenset[Lifecycle] = frozenset({"stopped", "failed"})


def next_lifecycle(state: Lifecycle, trigger: LifecycleTrigger) -> Lifecycle:
    """Return the state after `trigger`.

    Raises:
        Broken: the table has no such row.
    """
    try:
        return LIFECYCLE[(state, trigger)]
    except KeyError:
        raise Broken(
            f"A session that is {state} cannot take {trigger!r}; the lifecycle table has no such row.",
            code="session.unknown_transition",
        ) from None


def allowed_commands(state: Lifecycle, *, entries_paused: bool, is_trading: bool = True) -> tuple[str, ...]:
    """Return the commands a trader may give now, in the words of the HTTP interface.

    A session that does not trade has no entries and no positions: it can only be stopped.
    """
    if not is_trading:
        return ("stop",) if state in ("starting", "running", "suspended") else ()
    if state in ("starting", "running"):
        entries = "resume" if entries_paused else "pause-entries"
        return ("stop", entries, "emergency-stop", "close-position")
    if state == "stopping":
        return ("emergency-stop", "close-position")
    if state == "suspended":
        return ("stop",)
    return ()
