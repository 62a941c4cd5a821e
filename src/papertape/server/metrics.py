"""The desk's figures in Prometheus' text format, read when they are asked for."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector

from papertape.model.views import MirrorStatus
from papertape.server.desk_port import DeskPort
from papertape.server.hub import StreamHub
from papertape.server.memory import MEMORY_STATES


class _Figures(Collector):
    def __init__(self, desk: DeskPort, hub: StreamHub) -> None:
        self._desk = desk
        self._hub = hub

    def collect(self) -> Iterator[Metric]:
        yield from self._desk_figures()
        yield from self._stream_figures()

    def _desk_figures(self) -> Iterator[Metric]:
        health = self._desk.health()
        healthy = 1.0 if health.status != "failed" else 0.0
        yield GaugeMetricFamily("papertape_healthy", "1 when the desk can do its work.", value=healthy)
        yield GaugeMetricFamily("papertape_sessions_live", "Sessions that run.", value=health.sessions)
        store = health.store
        yield GaugeMetricFamily("papertape_store_queue", "Commits waiting for the store.", value=store.queue_length)
        yield GaugeMetricFamily("papertape_store_lag_ms", "Worst commit to durable, 5 s.", value=store.lag_ms)
        yield CounterMetricFamily("papertape_store_rows", "Rows written.", value=store.rows_total)
        if store.mirror is not None:
            yield from _mirror_figures(store.mirror)
        feeds = CounterMetricFamily("papertape_feed_frames", "Frames received.", labels=["feed"])
        errors = CounterMetricFamily("papertape_feed_decode_errors", "Frames not decoded.", labels=["feed"])
        for feed in self._desk.feeds():
            if feed.status is not None:
                feeds.add_metric([feed.name], feed.status.frames)
                errors.add_metric([feed.name], feed.status.decode_errors)
        yield feeds
        yield errors

    def _stream_figures(self) -> Iterator[Metric]:
        hub = self._hub
        live = GaugeMetricFamily("papertape_stream_connections", "Live connections.", labels=["transport"])
        for transport, count in hub.book.live_by_transport().items():
            live.add_metric([transport], count)
        yield live
        closes = CounterMetricFamily("papertape_stream_closes", "Ended connections.", labels=["by", "code"])
        for (by, code), count in hub.book.closes.items():
            closes.add_metric([by, str(code)], count)
        yield closes
        yield CounterMetricFamily("papertape_stream_messages", "Messages handed over.", value=hub.messages_sent)
        yield CounterMetricFamily("papertape_stream_bytes", "Bytes handed over.", value=hub.bytes_sent)
        yield CounterMetricFamily("papertape_stream_facts", "Durable facts received.", value=hub.facts_seen)
        health = hub.health()
        yield CounterMetricFamily("papertape_stream_opened", "Connections opened.", value=health.opened)
        yield CounterMetricFamily("papertape_stream_refused", "Connections refused with 503.", value=health.refused)
        yield GaugeMetricFamily("papertape_stream_queue_bytes", "Bytes that wait.", value=health.queue_bytes)
        yield GaugeMetricFamily("papertape_memory_mb", "Resident memory.", value=health.memory_mb)
        yield GaugeMetricFamily("papertape_memory_limit_mb", "What it may grow to.", value=health.memory_limit_mb)
        state = GaugeMetricFamily("papertape_memory_state", "1 for the state the memory is in.", labels=["state"])
        for name in MEMORY_STATES:
            state.add_metric([name], float(name == health.memory_state))
        yield state
        yield GaugeMetricFamily("papertape_loop_lag_ms", "Worst event-loop lag, fading.", value=hub.lag.recent_ms)
        yield GaugeMetricFamily("papertape_loop_lag_worst_ms", "Worst lag since the start.", value=hub.lag.worst_ms)


def _mirror_figures(mirror: MirrorStatus) -> Iterator[Metric]:
    labels = [mirror.driver]
    figures = (
        ("up", "1 when the copy takes what the journal has.", float(mirror.is_healthy)),
        ("waiting_rows", "Rows of the journal not acknowledged by the copy.", mirror.waiting_rows),
        ("lag_ms", "Worst commit to acknowledged, 60 s.", mirror.lag_ms),
        ("visible_lag_ms", "Worst commit to visible to readers, 60 s.", mirror.visible_lag_ms),
        ("suspended_tables", "Tables the database has suspended.", sum(one.is_suspended for one in mirror.tables)),
        ("disk_bytes", "Bytes the copy's tables take.", sum(one.disk_bytes for one in mirror.tables)),
    )
    for name, meaning, value in figures:
        gauge = GaugeMetricFamily(f"papertape_mirror_{name}", meaning, labels=["driver"])
        gauge.add_metric(labels, value)
        yield gauge
    rows = CounterMetricFamily("papertape_mirror_rows", "Rows acknowledged by the copy.", labels=["driver"])
    rows.add_metric(labels, mirror.rows_total)
    yield rows


class Metrics:
    """The desk's own registry: nothing of the process-wide one."""

    content_type = CONTENT_TYPE_LATEST

    def __init__(self, desk: DeskPort, hub: StreamHub) -> None:
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(_Figures(desk, hub))

    def render(self) -> bytes:
        """Return every figure as text."""
        return generate_latest(self._registry)
