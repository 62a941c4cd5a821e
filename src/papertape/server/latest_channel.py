"""The latest values of one topic: encoded once a change, kept with the version at which each key last changed."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

from papertape.server.frames import encode_record, pub_latest, snap_pages
from papertape.server.settings import StreamLimits

Read = Callable[[], Mapping[str, msgspec.Struct]]


class _Kept(msgspec.Struct, gc=False):
    value: msgspec.Struct | None
    raw: msgspec.Raw | None
    version: int


class LatestChannel:
    """Pulls values from the desk when somebody listens. A key that disappears is published as null."""

    def __init__(self, topic: str, epoch: str, read: Read, version: int, limits: StreamLimits) -> None:
        self.topic = topic
        self.epoch = epoch
        self.born = version
        self.version = version
        self.listeners = 0
        self.idle_since: float | None = None
        self.refreshed_at = float("-inf")
        self._read = read
        self._limits = limits
        self._keys: dict[str, _Kept] = {}
        self._frames: dict[int, list[bytes]] = {}
        self._snapshot: tuple[int, list[bytes]] | None = None

    def refresh(self, next_version: int, now: float) -> bool:
        """Read the desk; return whether anything changed, in which case the version is now `next_version`.

        Raises:
            PapertapeError: whatever the desk refuses with; what is kept stays as it was.
        """
        values = self._read()
        self.refreshed_at = now
        changed = False
        try:
            for key, value in values.items():
                changed |= self._put(key, value, next_version)
            for key in self._keys.keys() - values.keys():
                changed |= self._put(key, None, next_version)
        finally:  # a value that cannot be encoded keeps back no other
            if changed:
                self.version = next_version
                self._frames.clear()
        return changed

    def frames_since(self, version: int, ts: int) -> list[bytes]:
        """Return the publications that bring a client from `version` to now; built once for all who are there."""
        frames = self._frames.get(version)
        if frames is None:
            rows = {key: kept.raw for key, kept in self._keys.items() if kept.version > version}
            frames = pub_latest(self.topic, self.epoch, version, self.version, ts, rows, self._limits.frame_bytes)
            self._frames[version] = frames
        return frames

    def snapshot(self) -> list[bytes]:
        """Return every value as snapshot pages; encoded once a version for all who ask."""
        if self._snapshot is None or self._snapshot[0] != self.version:
            rows = {key: kept.raw for key, kept in self._keys.items() if kept.raw is not None}
            pages = snap_pages(self.topic, self.epoch, self.version, rows, self._limits.frame_bytes)
            self._snapshot = (self.version, pages)
        return self._snapshot[1]

    def can_resume(self, epoch: str | None, version: int | None) -> bool:
        """Return whether a client at this position needs only what changed."""
        return epoch == self.epoch and version is not None and self.born <= version <= self.version

    def _put(self, key: str, value: msgspec.Struct | None, version: int) -> bool:
        kept = self._keys.get(key)
        if kept is not None and kept.value is value:
            return False
        raw = None if value is None else encode_record(value)
        if kept is not None and kept.raw == raw:
            kept.value = value
            return False
        self._keys[key] = _Kept(value, raw, version)
        return True
