"""Measures the process's memory against its limit, and says what the stream does about it."""

from __future__ import annotations

import os
import resource
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

import msgspec
import structlog

_log = structlog.get_logger("papertape.server.memory")

MemoryState = Literal["normal", "refuse", "slow", "shed"]
MEMORY_STATES: tuple[MemoryState, ...] = ("normal", "refuse", "slow", "shed")

MEGABYTE = 1024 * 1024
_WATERMARKS: tuple[tuple[MemoryState, float], ...] = (("shed", 0.95), ("slow", 0.90), ("refuse", 0.80))
_HYSTERESIS = 0.02  # of the limit: a state is left below its watermark, so that it does not flap at it
_UNLIMITED = 1 << 60  # what version 1 of control groups says for no limit is above this


class MemoryLimit(msgspec.Struct, frozen=True, kw_only=True):
    """How many bytes this process may take, and who says so."""

    size: int
    source: str


class MemoryWatch:
    """The state of the memory: normal; refuse (80 %: no new connections), slow (90 %: latest values once a second),
    shed (95 %: the newest connections are closed).
    """

    def __init__(self, limit: MemoryLimit, read: Callable[[], int]) -> None:
        self.limit = limit
        self.used = 0
        self.state: MemoryState = "normal"
        self._read = read

    @property
    def used_mb(self) -> float:
        """Return the memory at the last measurement, in megabytes of 1,048,576 bytes."""
        return round(self.used / MEGABYTE, 1)

    @property
    def limit_mb(self) -> float:
        """Return the limit in megabytes."""
        return round(self.limit.size / MEGABYTE, 1)

    def measure(self) -> MemoryState:
        """Read the memory and return the state that follows; a change is logged."""
        self.used = self._read()
        share = self.used / self.limit.size
        state = _state_at(share)
        if _rank(state) < _rank(self.state):
            state = min(self.state, _state_at(share + _HYSTERESIS), key=_rank)
        if state != self.state:
            _log.warning(
                "memory_state", state=state, was=self.state, used_mb=self.used_mb, limit_mb=self.limit_mb,
                limit_source=self.limit.source,
            )  # fmt: skip
            self.state = state
        return state

    def shortage(self) -> str:
        """Return how much is taken of what, for a sentence."""
        return f"{self.used_mb:,.0f} of {self.limit_mb:,.0f} MB are taken ({self.limit.source})"


def watch_memory(limit_mb: float | None) -> MemoryWatch:
    """Return a watch over this process, against `limit_mb` or else what its control group or the machine allows."""
    if limit_mb is not None:
        limit = MemoryLimit(size=int(limit_mb * MEGABYTE), source="the configured limit")
    else:
        limit = find_limit()
    return MemoryWatch(limit, resident_bytes)


def resident_bytes() -> int:
    """Return the resident memory of this process; where the system does not say, the most it ever was."""
    try:
        with open("/proc/self/statm", "rb") as statm:
            return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return most if sys.platform == "darwin" else most * 1024


def find_limit(root: Path = Path("/")) -> MemoryLimit:
    """Return the smallest limit of the control groups this process is in, or the machine's memory."""
    limits = [*_group_limits(root)]
    machine = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    if limits and min(limits) < machine:
        return MemoryLimit(size=min(limits), source="the limit of its control group")
    return MemoryLimit(size=machine, source="the machine's memory")


def _group_limits(root: Path) -> Iterator[int]:
    try:
        lines = (root / "proc/self/cgroup").read_text().splitlines()
    except OSError:
        return  # not a Linux
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers == "":
            yield from _limits_upwards(root / "sys/fs/cgroup", path, "memory.max")
        elif "memory" in controllers.split(","):
            yield from _limits_upwards(root / "sys/fs/cgroup/memory", path, "memory.limit_in_bytes")


def _limits_upwards(mount: Path, path: str, name: str) -> Iterator[int]:
    group = mount / path.lstrip("/")
    for folder in (group, *group.parents):
        if not folder.is_relative_to(mount):
            return
        try:
            text = (folder / name).read_text().strip()
        except OSError:
            continue  # the root group has no limit, and inside a container a group's own path may not be shown
        if text.isdigit() and 0 < int(text) < _UNLIMITED:
            yield int(text)


def _state_at(share: float) -> MemoryState:
    return next((state for state, watermark in _WATERMARKS if share >= watermark), "normal")


def _rank(state: MemoryState) -> int:
    return MEMORY_STATES.index(state)
