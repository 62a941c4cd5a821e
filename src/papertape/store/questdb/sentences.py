"""Says how a copy is doing and what to do next, in one sentence or two."""

from __future__ import annotations

from papertape.model.views import MirrorStatus


def detail_of(status: MirrorStatus, waiting_s: float, retry_s: float) -> str:
    """Return the sentences for a status; its own `detail` is not read.

    Args:
        status: How the copy is doing.
        waiting_s: For how long the oldest row waits, in seconds.
        retry_s: How often a refusal is tried again, in seconds.
    """
    server = f"QuestDB {status.version or ''}".strip() + f" at {status.location}"
    waiting = _waiting(status.waiting_rows)
    match status.state:
        case "connecting":
            return f"Connecting to {server}; {waiting}."
        case "live":
            on_their_way = f"; {waiting} for the next batch" if status.waiting_rows else ""
            return f"{server} has taken what the journal holds{on_their_way}."
        case "behind":
            return (
                f"{server} is behind: {waiting}, the oldest for {waiting_s:.0f} s. They are kept in the journal and "
                "sent as fast as it takes them; look at its load and its disk if this lasts."
            )
        case "unreachable":
            return (
                f"{server} does not answer, so {waiting}; the journal keeps them and sessions go on. Start QuestDB or "
                f"look at the network; papertape goes on trying by itself. It said: {status.last_error}"
            )
        case "refused":
            return (
                f"{server} does not take the copy: {status.last_error} {waiting[0].upper()}{waiting[1:]}; the journal "
                f"keeps them. It is tried again every {retry_s:.0f} s."
            )
        case "suspended":
            names = ", ".join(
                f"{table.table} ({table.error})" if table.error else table.table
                for table in status.tables
                if table.is_suspended
            )
            return (
                f"{server} has suspended {names}: it takes rows there and does not show them. Make room on its disk "
                "or mend what its log says, then choose Resume on the storage page."
            )


def _waiting(rows: int) -> str:
    if rows == 0:
        return "no row waits"
    return "1 row waits" if rows == 1 else f"{rows:,} rows wait"
