"""A copy of the journal that is as a test says it is."""

from __future__ import annotations

import msgspec

from papertape.errors import Unavailable
from papertape.model.views import MirroredTable, MirrorState, MirrorStatus

_DETAILS: dict[MirrorState, str] = {
    "connecting": "Connecting to QuestDB at questdb://127.0.0.1:9000.",
    "live": "QuestDB 9.3.4 at questdb://127.0.0.1:9000 has everything the journal has.",
    "behind": "QuestDB at questdb://127.0.0.1:9000 is behind; it catches up by itself.",
    "unreachable": "QuestDB at questdb://127.0.0.1:9000 does not answer; nothing is lost. Start it: `make questdb`.",
    "refused": "QuestDB at questdb://127.0.0.1:9000 refuses the password; start the desk with the right one.",
    "suspended": "QuestDB has suspended the table signals; make room on its disk, then choose Resume.",
}


def mirror_status(state: MirrorState = "live", **changes: object) -> MirrorStatus:
    """Return the status of a copy in this state, with other values where given."""
    is_live = state == "live"
    table = MirroredTable(
        table="signals", rows=7, unapplied=0, is_suspended=state == "suspended", memory_pressure=0, disk_bytes=1_000,
        error=None,
    )  # fmt: skip
    status = MirrorStatus(
        driver="questdb",
        location="questdb://127.0.0.1:9000",
        state=state,
        is_healthy=is_live,
        detail=_DETAILS[state],
        last_error=None if is_live else _DETAILS[state],
        version="9.3.4" if is_live else None,
        last_acknowledged_ts=None,
        waiting_rows=0 if is_live else 12,
        waiting_since=None,
        rows_total=1_000,
        lag_ms=120.0,
        visible_lag_ms=340.0,
        tables=(table,),
    )
    return msgspec.structs.replace(status, **changes)


class FakeMirror:
    """Implements `Mirror`. `become` sets how it is doing; `refusal` makes resuming fail."""

    def __init__(self, state: MirrorState = "live") -> None:
        self._status = mirror_status(state)
        self.refusal: str | None = None

    def become(self, state: MirrorState, **changes: object) -> None:
        """Be in this state from now on."""
        self._status = mirror_status(state, **changes)

    def status(self) -> MirrorStatus:
        """Return how the copy is said to be doing."""
        return self._status

    def resume_suspended(self) -> list[str]:
        """Return the suspended tables, which go on; raises `Unavailable` when `refusal` is set."""
        if self.refusal is not None:
            raise Unavailable(self.refusal, code="store.mirror_unreachable")
        suspended = [table.table for table in self._status.tables if table.is_suspended]
        self.become("live")
        return suspended
