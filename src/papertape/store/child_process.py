"""Child processes that do CPU work for a desk: they give way to it, and how they ended is said in words."""

from __future__ import annotations

import contextlib
import os
import signal
from pathlib import Path

_LEAST_PRIORITY = 19
_FIRST_TO_GO = "1000"


def give_way(pid: int = 0) -> None:
    """Let a process have the CPU only when nobody else wants it, and be the first to go when memory runs out.

    `pid` 0 is this process. Where a container forbids it, the process runs on as any other.
    """
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, pid, _LEAST_PRIORITY)
    with contextlib.suppress(OSError):  # Linux only
        Path(f"/proc/{pid or 'self'}/oom_score_adj").write_text(_FIRST_TO_GO)


def describe_end(status: int, said: bytes) -> str:
    """Return how a child without an answer ended, as part of a sentence; `said` is its standard error."""
    if status == -signal.SIGKILL:
        return "was killed, by hand or because the machine ran out of memory"
    how = f"was ended by signal {-status}" if status < 0 else f"ended with status {status}"
    text = said.decode(errors="replace").strip()[-300:]
    return f"{how} and no answer: {text or 'it said nothing'}"
