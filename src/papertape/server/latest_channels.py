"""Every latest-value topic somebody listens to, or did a moment ago: read once a tick for all who do."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec
import structlog

from papertape.errors import PapertapeError
from papertape.model.views import SystemView
from papertape.server.desk_port import DeskPort
from papertape.server.latest_channel import LatestChannel, Read
from papertape.server.settings import StreamLimits
from papertape.wire.topics import Topic

_log = structlog.get_logger("papertape.server.hub")

_AFTER_FAILURE_S = 5.0
_SLOW_TOPICS = frozenset({"pipeline", "preflight"})  # ages in seconds: nobody reads them at 10 Hz


class LatestChannels:
    """Numbers the versions of all channels of this server process, whose positions belong to `epoch`."""

    def __init__(self, desk: DeskPort, limits: StreamLimits, epoch: str, system: Callable[[], SystemView]) -> None:
        self._desk = desk
        self._limits = limits
        self._epoch = epoch
        self._system = system
        self._version = 0
        self._channels: dict[str, LatestChannel] = {}

    def channel(self, topic: Topic, now: float) -> LatestChannel:
        """Return the topic's channel with values at most a tick old; raises what the desk refuses with."""
        channel = self._channels.get(topic.text)
        if channel is None:
            self._version += 1
            channel = LatestChannel(topic.text, self._epoch, self._reader(topic), self._version, self._limits)
        if channel.listeners == 0 or now - channel.refreshed_at >= self._limits.tick_s:
            self._refresh(channel, now)
        self._channels[topic.text] = channel
        return channel

    def expire(self, topic: str) -> None:
        """Read a topic at the next tick, however slow it is otherwise."""
        channel = self._channels.get(topic)
        if channel is not None:
            channel.refreshed_at = float("-inf")

    def tick(self, now: float, attentive_s: float) -> None:
        """Refresh what somebody listens to, and forget what nobody did for a while."""
        for topic, channel in tuple(self._channels.items()):
            if channel.listeners:
                channel.idle_since = None
                self._keep_fresh(topic, channel, now)
                continue
            channel.idle_since = channel.idle_since if channel.idle_since is not None else attentive_s
            if attentive_s - channel.idle_since > self._limits.idle_channel_s:
                del self._channels[topic]

    def _keep_fresh(self, topic: str, channel: LatestChannel, now: float) -> None:
        interval = self._limits.slow_refresh_s if _is_slow(topic) else self._limits.tick_s * 0.9
        if now - channel.refreshed_at < interval:
            return
        try:
            self._refresh(channel, now)
        except PapertapeError as error:
            channel.refreshed_at = now
            _log.warning("latest_unreadable", topic=topic, code=error.code, message=error.message)
        except Exception:  # noqa: BLE001 - a supervisor: one topic's failure must not stop every client's heartbeat
            channel.refreshed_at = now + _AFTER_FAILURE_S
            _log.exception("latest_failed", topic=topic)

    def _refresh(self, channel: LatestChannel, now: float) -> None:
        self._version += 1  # used up also by a refresh that fails halfway
        channel.refresh(self._version, now)

    def _reader(self, topic: Topic) -> Read:
        if topic.session_id is not None:
            session_id = topic.session_id
            return lambda: self._desk.followed(session_id, topic.name)
        return self._read_sessions if topic.name == "sessions" else self._read_system

    def _read_sessions(self) -> Mapping[str, msgspec.Struct]:
        return {view.session_id: view for view in self._desk.sessions(limit=200)}

    def _read_system(self) -> Mapping[str, msgspec.Struct]:
        view = self._system()
        return {view.key: view}


def _is_slow(topic: str) -> bool:
    scope, _, name = topic.rpartition("/")
    return scope == "desk" or name in _SLOW_TOPICS
