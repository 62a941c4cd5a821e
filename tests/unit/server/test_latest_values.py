from __future__ import annotations

from typing import Any

import msgspec
import pytest
import structlog

from papertape.model.views import Check, PreflightView
from papertape.server.settings import StreamLimits
from papertape.testkit.stream_probe import HubBench, StreamProbe, session_topic
from papertape.wire.stream import Heartbeat, Hello, Pub, Snap, SubRequest, Subscribed, Vis

TOPIC = session_topic("conditions")


def view(key: str, ts: int = 0, detail: str = "") -> PreflightView:
    return PreflightView(key=key, status="ok", checks=(Check(code="c", label="l", status="ok", detail=detail),), ts=ts)


def changes(probe: StreamProbe) -> list[dict[str, Any]]:
    return [{key: value and value["ts"] for key, value in pub.data.items()} for pub in probe.read_only(Pub)]


def test_a_subscription_gets_every_value_then_only_changed_keys() -> None:
    bench = HubBench()
    bench.desk.show("conditions", view("a"), view("b"))
    probe = bench.probe()
    probe.say(Hello(v=1, tab="t", subs=(SubRequest(topic=TOPIC),)))
    _, ack, snap = probe.read()
    assert isinstance(ack, Subscribed)
    assert isinstance(snap, Snap)
    assert (ack.resumed, ack.epoch, snap.seq, [*snap.data]) == (False, bench.hub.boot, ack.to_seq, ["a", "b"])
    bench.desk.show("conditions", view("a"), view("b", ts=1))
    bench.pass_time(0.1)
    assert changes(probe) == [{"b": 1}]


def test_equal_values_are_not_published_again() -> None:
    bench = HubBench()
    bench.desk.show("conditions", view("a"))
    probe = bench.greeted(TOPIC)
    bench.desk.show("conditions", view("a"))
    bench.pass_time(1.0)
    assert changes(probe) == []


def test_a_key_that_disappears_is_published_as_null() -> None:
    bench = HubBench()
    bench.desk.show("conditions", view("a"), view("b"))
    probe = bench.greeted(TOPIC)
    bench.desk.show("conditions", view("a"))
    bench.pass_time(0.1)
    assert changes(probe) == [{"b": None}]


def count_while_changing(bench: HubBench, probe: StreamProbe, seconds: float) -> int:
    count = 0
    for number in range(round(seconds * 10)):
        bench.desk.show("conditions", view("a", ts=number + 1))
        bench.pass_time(0.1)
        count += len(probe.read_only(Pub))
    return count


def test_values_come_every_100_ms_to_a_visible_tab_and_every_second_to_a_hidden_one() -> None:
    bench = HubBench()
    bench.desk.show("conditions", view("a"))
    visible, hidden = bench.greeted(TOPIC), bench.greeted(TOPIC, vis=False)
    for number in range(20):
        bench.desk.show("conditions", view("a", ts=number + 1))
        bench.pass_time(0.1)
    # each client keeps only the newest value while it does not read
    assert [len(probe.read_only(Pub)) for probe in (visible, hidden)] == [1, 1]
    assert count_while_changing(bench, visible, 2.0) in (19, 20)
    hidden.read()
    assert count_while_changing(bench, hidden, 3.0) in (2, 3)
    hidden.say(Vis(visible=True))
    assert count_while_changing(bench, hidden, 1.0) in (9, 10)


def test_a_client_whose_sends_wait_gets_values_less_often() -> None:
    bench = HubBench()
    bench.desk.show("conditions", view("a"))
    probe = bench.greeted(TOPIC)
    count_while_changing(bench, probe, 0.3)
    probe.subscriber.wrote(0.3)
    count_while_changing(bench, probe, 0.1)
    assert count_while_changing(bench, probe, 3.0) in (2, 3)


def test_a_client_that_reads_nothing_is_owed_only_the_newest_value_and_is_not_closed() -> None:
    bench = HubBench()
    bench.desk.show("conditions", view("a"))
    probe = bench.greeted(TOPIC)
    for number in range(1_000):
        bench.desk.show("conditions", view("a", ts=number + 1))
        bench.time.advance(0.001)
        bench.hub.tick()
    bench.pass_time(0.2)
    assert changes(probe) == [{"a": 1_000}]
    assert probe.subscriber.ending is None


def test_nothing_is_read_from_the_desk_for_topics_nobody_listens_to() -> None:
    bench = HubBench()
    bench.desk.show("conditions", view("a"))
    probe = bench.greeted(TOPIC)
    probe.subscriber.end("client", 1000, "gone")
    bench.desk.show("conditions", view("a", ts=9))
    bench.pass_time(0.2)
    again = bench.greeted()
    bench.desk.show("conditions", view("a", ts=10))
    again.subscribe(TOPIC)
    assert [snap.data["a"]["ts"] for snap in again.read_only(Snap)] == [10]


def test_a_position_is_resumed_with_what_changed_since() -> None:
    bench = HubBench()
    bench.desk.show("conditions", view("a"), view("b"))
    bench.greeted(TOPIC)
    probe = bench.greeted()
    probe.subscribe(TOPIC)
    (ack,) = probe.read_only(Subscribed)
    bench.desk.show("conditions", view("a"), view("b", ts=5))
    bench.pass_time(0.1)
    later = bench.greeted()
    later.subscribe(TOPIC, ack.epoch, ack.to_seq)
    assert [again.resumed for again in later.read_only(Subscribed)] == [True]
    bench.pass_time(0.1)
    assert changes(later) == [{"b": 5}]


@pytest.mark.parametrize("epoch", ["boot-of-before", None])
def test_a_position_of_another_server_process_gets_a_snapshot(epoch: str | None) -> None:
    bench = HubBench()
    bench.desk.show("conditions", view("a"))
    probe = bench.greeted()
    probe.subscribe(TOPIC, epoch, 1)
    assert [len(snap.data) for snap in probe.read_only(Snap)] == [1]


def test_a_change_larger_than_a_frame_is_split_and_only_the_last_part_moves_the_position() -> None:
    bench = HubBench(StreamLimits(frame_bytes=500))
    bench.desk.show("conditions", *(view(str(number)) for number in range(6)))
    probe = bench.greeted(TOPIC)
    bench.desk.show("conditions", *(view(str(number), ts=1, detail="x" * 200) for number in range(6)))
    bench.pass_time(0.1)
    pubs = probe.read_only(Pub)
    positions = [pub.seq for pub in pubs]
    assert len(pubs) == 6
    assert [*set(positions[:-1])] == [positions[0]]
    assert positions[-1] > positions[0]
    assert sorted(key for pub in pubs for key in pub.data) == [str(number) for number in range(6)]


def test_a_changed_session_is_listed_at_the_next_tick_without_waiting_for_the_slow_refresh() -> None:
    bench = HubBench()
    probe = bench.greeted("desk/sessions")
    bench.desk.fill(1)
    bench.hub.session_changed("any")
    bench.pass_time(0.2)
    assert len(probe.read_only(Pub)) == 1


def test_the_desk_tells_its_connections_and_lag() -> None:
    bench = HubBench()
    bench.hub.lag.sample(expected=1.0, actual=1.2)
    probe = bench.greeted()
    probe.subscribe("desk/system")
    (snap,) = probe.read_only(Snap)
    assert (snap.data["system"]["connections"], snap.data["system"]["loop_lag_ms"]) == (1, 200.0)


def test_a_topic_that_fails_is_logged_and_stops_nobody_elses_heartbeat() -> None:
    bench = HubBench()
    bench.desk.show("conditions", view("a"))
    probe = bench.greeted("desk/sessions", TOPIC)
    bench.desk.breaks = True
    with structlog.testing.capture_logs() as logs:
        bench.pass_time(10.2)
    assert {entry["event"] for entry in logs} == {"latest_failed"}
    assert len(logs) <= 3
    assert [beat.heads for beat in probe.read_only(Heartbeat)] == [{}]


def test_a_value_that_cannot_be_encoded_keeps_back_no_other() -> None:
    bench = HubBench()
    bench.desk.show("conditions", view("a"))
    probe = bench.greeted(TOPIC)
    broken = msgspec.structs.replace(view("b"), checks=(object(),))
    bench.desk.show("conditions", view("a", ts=7), broken)
    bench.pass_time(0.3)
    assert changes(probe) == [{"a": 7}]
