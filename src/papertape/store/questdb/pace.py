"""How often a mirror does what, and how much it takes at once."""

from __future__ import annotations

import msgspec

from papertape.store.outbox import PageLimits


class MirrorPace(msgspec.Struct, frozen=True, kw_only=True):
    """All times in seconds.

    Rows are sent every `step_s`, at once while a full page waits. A server that does not answer is tried again after
    `first_retry_s`, twice as long each time up to `longest_retry_s`; one that refuses, every `refused_retry_s`. It is
    asked how it is doing every `ask_s`, and for its use of disk every `sizes_s`. Rows that wait longer than `behind_s`
    are said to, and are unhealthy from `unhealthy_s` on. A closing mirror sends for `farewell_s` more at most, and the
    start of a desk waits for the first connection for `start_s` at most: longer than one request, so that a port that
    keeps silent is found out before anything runs.
    """

    step_s: float = 0.25
    first_retry_s: float = 0.25
    longest_retry_s: float = 5.0
    refused_retry_s: float = 5.0
    ask_s: float = 1.0
    sizes_s: float = 30.0
    behind_s: float = 5.0
    unhealthy_s: float = 30.0
    farewell_s: float = 2.0
    start_s: float = 8.0
    request_s: float = 5.0
    page: PageLimits = PageLimits()
