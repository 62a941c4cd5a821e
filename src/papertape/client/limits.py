"""Every number of the client but the waits between attempts, with the defaults of the protocol's specification."""

from __future__ import annotations

import msgspec

from papertape.wire.http import Transport

CARRIERS: tuple[Transport, ...] = ("websocket", "sse", "poll")


class ClientLimits(msgspec.Struct, frozen=True, kw_only=True):
    """Deadlines and intervals of the client, in seconds.

    `deadline_s`: to connect and be welcomed. `dead_s`: silence before a probe, None for what the desk says in its
    welcome; `grace_s`: for the answer to the probe; a verdict that is more than `late_s` late is void. After `failures`
    in a row (no welcome, or dead before `alive_s` of life) the next carrier is tried; `probes_s`: from one look for
    WebSocket to the next while another carrier is in use, the last one again and again; `early_probe_s`: the first
    look when WebSocket worked here before. `ping_s`: between measurements of the clock; `poll_pause_s`: from the start
    of a poll to the next at least; `ask_again_s`: before a topic is asked for again that the desk could not give;
    `reopen_s`: in which changes of the list are joined where a carrier needs a new request for them.
    """

    deadline_s: float = 10.0
    dead_s: float | None = None
    grace_s: float = 10.0
    late_s: float = 2.0
    failures: int = 3
    alive_s: float = 10.0
    probes_s: tuple[float, ...] = (15.0, 30.0, 60.0, 120.0, 300.0)
    early_probe_s: float = 1.0
    ping_s: float = 10.0
    poll_pause_s: float = 0.2
    ask_again_s: float = 5.0
    reopen_s: float = 0.02

    def probe_after(self, done: int) -> float:
        """Return the seconds before the next look for WebSocket after `done` of them."""
        return self.probes_s[min(done, len(self.probes_s) - 1)]
