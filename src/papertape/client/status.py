"""How a client is doing, to be read by a script at any moment."""

from __future__ import annotations

from typing import Literal

import msgspec

from papertape.wire.http import Transport

Phase = Literal["idle", "connecting", "catching_up", "live", "waiting", "stopped"]


class ClientStatus(msgspec.Struct, frozen=True, kw_only=True):
    """A client at one moment. Seconds throughout; what is not known is None.

    `phase`: idle, nobody follows; connecting, no welcome yet; catching_up, positions are not current; live;
    waiting, the next attempt has a time; stopped, the desk said not to come back. `reconnects`: welcomes after the
    first. `connected_s`: since the welcome. `frame_age_s`: since the newest frame. `clock_offset_s`: add to this
    machine's clock to get the server's. `server_lag_ms`: the worst lag of the server's event loop, by its heartbeat.
    """

    phase: Phase
    transport: Transport
    conn: str | None
    reconnects: int
    connected_s: float | None
    retry_in_s: float | None
    frame_age_s: float | None
    rtt_s: float | None
    clock_offset_s: float
    server_lag_ms: float | None
    reason: str
    duplicates: int
    holes: int
    topics: tuple[str, ...]
