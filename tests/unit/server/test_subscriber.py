from __future__ import annotations

import msgspec
import pytest

from papertape import __version__
from papertape.model.events import AlertRaised, OrderFilled
from papertape.server.settings import StreamLimits
from papertape.testkit.facts import fact
from papertape.testkit.fake_desk import EPOCH, SESSION_ID
from papertape.testkit.stream_probe import HubBench, session_topic
from papertape.wire.stream import (
    Bye,
    Heartbeat,
    Hello,
    Ping,
    Pong,
    PreviousClose,
    Pub,
    Snap,
    StreamError,
    Sub,
    SubRequest,
    Subscribed,
    Unsub,
    Welcome,
)

FILLS = session_topic("fills")
ALERTS = session_topic("alerts")


def seqs(messages: list[Pub]) -> list[tuple[int, int | None]]:
    return [(message.seq, message.prev) for message in messages]


def test_hello_is_answered_with_welcome() -> None:
    bench = HubBench()
    probe = bench.probe()
    probe.say(Hello(v=1, tab="tab-1"))
    welcome = Welcome(
        conn=probe.subscriber.connection.id, hb_s=10, dead_s=45, srv_ts=bench.time.clock(), version=__version__
    )
    assert probe.read() == [welcome]
    assert probe.subscriber.connection.tab == "tab-1"


def test_a_subscription_without_a_position_gets_a_snapshot_then_publications() -> None:
    bench = HubBench()
    bench.desk.fill(2)
    probe = bench.probe()
    probe.say(Hello(v=1, tab="t", subs=(SubRequest(topic=FILLS),)))
    _, ack, snap = probe.read()
    assert ack == Subscribed(topic=FILLS, epoch=EPOCH, resumed=False, from_seq=0, to_seq=2)
    assert isinstance(snap, Snap)
    assert (snap.seq, snap.page, snap.of, [row["seq"] for row in snap.data]) == (2, 1, 1, [1, 2])
    bench.desk.fill(2)
    assert seqs(probe.read_only(Pub)) == [(3, 2), (4, 3)]


def test_a_publication_carries_the_record_and_the_seq_before_it_on_its_topic() -> None:
    bench = HubBench()
    probe = bench.greeted(FILLS)
    fill = fact(OrderFilled, 2)
    bench.desk.publish(fact(AlertRaised, 1), fill)
    (pub,) = probe.read_only(Pub)
    record = msgspec.convert(pub.data, OrderFilled)
    assert (pub.topic, pub.epoch, pub.seq, pub.prev, record) == (FILLS, EPOCH, 2, 0, fill)


def test_a_new_epoch_is_announced_with_a_snapshot() -> None:
    bench = HubBench()
    probe = bench.greeted(FILLS)
    bench.desk.epoch = "e-2"
    bench.desk.fill(1)
    ack, snap = probe.read()
    assert ack == Subscribed(topic=FILLS, epoch="e-2", resumed=False, from_seq=0, to_seq=1)
    assert isinstance(snap, Snap)
    bench.desk.fill(1)
    assert [(pub.epoch, pub.seq) for pub in probe.read_only(Pub)] == [("e-2", 2)]


def test_a_snapshot_too_large_for_a_frame_comes_in_pages() -> None:
    bench = HubBench(StreamLimits(frame_bytes=1_000))
    bench.desk.fill(5)
    probe = bench.greeted()
    probe.subscribe(FILLS)
    snaps = probe.read_only(Snap)
    assert [(snap.page, snap.of) for snap in snaps] == [(page, len(snaps)) for page in range(1, len(snaps) + 1)]
    assert len(snaps) > 1
    assert [row["seq"] for snap in snaps for row in snap.data] == [1, 2, 3, 4, 5]


def test_an_unknown_topic_is_an_error_and_the_connection_stays() -> None:
    bench = HubBench()
    probe = bench.greeted()
    probe.subscribe("session/nope")
    assert probe.read() == [
        StreamError(
            code="stream.unknown_topic",
            message="There is no topic 'session/nope'.",
            temporary=False,
            topic="session/nope",
        )
    ]
    assert probe.subscriber.ending is None


def test_an_unknown_session_is_an_error() -> None:
    bench = HubBench()
    probe = bench.greeted()
    topic = session_topic("fills", "exec_20251227_165822_00000000")
    probe.subscribe(topic)
    (error,) = probe.read_only(StreamError)
    assert (error.code, error.temporary, error.topic) == ("session.unknown", False, topic)


def test_a_store_that_does_not_answer_is_a_temporary_error() -> None:
    bench = HubBench()
    bench.desk.fill(1)
    probe = bench.greeted()
    bench.desk.is_store_down = True
    probe.subscribe(FILLS)
    (error,) = probe.read_only(StreamError)
    assert (error.code, error.temporary) == ("store.unavailable", True)


def test_facts_published_while_the_store_is_down_claim_no_continuity_they_cannot_prove() -> None:
    bench = HubBench()
    bench.desk.publish(fact(OrderFilled, 1))
    probe = bench.greeted(FILLS)
    bench.desk.is_store_down = True
    bench.desk.publish(fact(OrderFilled, 5))
    assert seqs(probe.read_only(Pub)) == [(5, 4)]


def test_unsubscribed_topics_are_silent() -> None:
    bench = HubBench()
    probe = bench.greeted(FILLS, ALERTS)
    probe.say(Unsub(topics=(FILLS,)))
    bench.desk.publish(fact(OrderFilled, 1), fact(AlertRaised, 2))
    assert [pub.topic for pub in probe.read_only(Pub)] == [ALERTS]


def test_ping_is_answered_before_facts_that_wait() -> None:
    bench = HubBench()
    probe = bench.greeted(FILLS)
    bench.desk.fill(1)
    probe.say(Ping(id=7))
    pong, pub = probe.read()
    assert pong == Pong(id=7, srv_ts=bench.time.clock())
    assert isinstance(pub, Pub)


def test_a_heartbeat_comes_every_ten_seconds_with_heads_and_lag() -> None:
    bench = HubBench()
    probe = bench.greeted(FILLS)
    bench.desk.fill(3)
    probe.read()
    bench.time.advance(10.0)
    bench.hub.tick(lag_ms=12.34)
    assert probe.read() == [Heartbeat(srv_ts=bench.time.clock(), lag_ms=12.3, heads={FILLS: 3})]


def test_a_heartbeat_names_no_head_whose_facts_still_wait_behind_it() -> None:
    bench = HubBench()
    probe = bench.greeted(FILLS, ALERTS)
    bench.desk.fill(1)
    bench.time.advance(10.0)
    bench.hub.tick()
    beat, pub = probe.read()
    assert isinstance(beat, Heartbeat)
    assert isinstance(pub, Pub)
    assert beat.heads == {ALERTS: 0}


def test_a_client_that_does_not_say_hello_in_time_is_closed_as_silent() -> None:
    bench = HubBench()
    probe = bench.probe()
    bench.pass_time(11.0)
    assert probe.read() == [Bye(code=4102, reason="The client did not say hello within 10 s.", retry_ms=1000)]


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        ("", 4005),
        ("{", 4005),
        ("[]", 4005),
        ("null", 4005),
        ('"hello"', 4005),
        ("{}", 4005),
        ('{"t":"nope"}', 4005),
        ('{"t":"hello"}', 4005),
        ('{"t":"hello","v":"1","tab":"t"}', 4005),
        ('{"t":"hello","v":1,"tab":"t","subs":[{}]}', 4005),
        ('{"t":"hello","v":1,"tab":"t","subs":[{"topic":5}]}', 4005),
        ('{"t":"ping","id":1}', 4005),
        ('{"t":"sub","subs":[]}', 4005),
        (b"\xff\xfe\x00", 4005),
        ("[" * 20_000, 4005),
        ('{"t":"hello","v":2,"tab":"t"}', 4004),
    ],
)
def test_a_first_frame_that_breaks_the_protocol_ends_the_connection(frame: str | bytes, code: int) -> None:
    probe = HubBench().probe()
    probe.subscriber.receive(frame)
    (bye,) = probe.read()
    assert isinstance(bye, Bye)
    assert (bye.code, bye.retry_ms) == (code, 0)


def test_a_second_hello_ends_the_connection() -> None:
    probe = HubBench().greeted()
    probe.say(Hello(v=1, tab="t"))
    assert [bye.code for bye in probe.read_only(Bye)] == [4005]


def test_unknown_fields_of_a_newer_client_are_ignored() -> None:
    probe = HubBench().probe()
    probe.subscriber.receive('{"t":"hello","v":1,"tab":"t","later":true}')
    assert [type(message) for message in probe.read()] == [Welcome]


def test_more_topics_than_allowed_end_the_connection() -> None:
    probe = HubBench(StreamLimits(topics=2)).greeted(FILLS, ALERTS)
    probe.subscribe(FILLS)  # again is not more
    probe.read()
    probe.subscribe("desk/system")
    assert probe.read() == [
        Bye(code=4008, reason="A connection carries at most 2 topics; close some panels.", retry_ms=0)
    ]


def test_more_messages_than_allowed_end_the_connection() -> None:
    bench = HubBench()
    probe = bench.greeted()
    for number in range(41):
        probe.say(Ping(id=number))
    assert [bye.code for bye in probe.read_only(Bye)] == [4105]


def test_twenty_messages_a_second_are_allowed_for_ever() -> None:
    bench = HubBench()
    probe = bench.greeted()
    for number in range(200):
        probe.say(Ping(id=number))
        bench.time.advance(0.05)
    assert len(probe.read_only(Pong)) == 200


def test_a_client_that_reads_slower_than_facts_come_is_closed_and_resumes() -> None:
    bench = HubBench(StreamLimits(queue_messages=10))
    probe = bench.greeted(FILLS)
    bench.desk.fill(11)
    (bye,) = probe.read()
    assert isinstance(bye, Bye)
    assert bye.code == 4101
    assert bye.retry_ms > 0
    again = bench.greeted()
    again.subscribe(FILLS, EPOCH, 0)
    assert len(again.read_only(Pub)) == 11


def test_a_client_to_which_no_byte_can_be_sent_for_half_a_minute_is_closed_as_slow() -> None:
    bench = HubBench()
    probe = bench.greeted(FILLS)
    probe.subscriber.writing_since = bench.hub.attentive_s()
    bench.pass_time(16.0)
    assert probe.subscriber.ending is None  # a page whose thread is blocked takes nothing in that time
    bench.pass_time(14.2)
    assert probe.subscriber.ending is not None
    assert probe.subscriber.ending.code == 4101


def test_one_slow_client_does_not_touch_another() -> None:
    bench = HubBench(StreamLimits(queue_messages=10))
    slow, healthy = bench.greeted(FILLS), bench.greeted(FILLS)
    received = []
    for _ in range(20):
        bench.desk.fill(1)
        received += [pub.seq for pub in healthy.read_only(Pub)]
    assert received == [*range(1, 21)]
    assert [bye.code for bye in slow.read_only(Bye)] == [4101]


def test_subscribing_again_from_a_position_repeats_nothing_and_loses_nothing() -> None:
    bench = HubBench()
    probe = bench.greeted(FILLS)
    bench.desk.fill(3)
    probe.read()
    probe.subscribe(FILLS, EPOCH, 1)
    bench.desk.fill(1)
    assert [pub.seq for pub in probe.read_only(Pub)] == [2, 3, 4]


def test_answers_that_pile_up_unread_are_refused_for_now() -> None:
    bench = HubBench(StreamLimits(reply_bytes=2_000))
    bench.desk.fill(3)
    probe = bench.greeted()
    for _ in range(3):
        probe.subscribe(FILLS)
    assert [error.code for error in probe.read_only(StreamError)] == ["stream.busy", "stream.busy"]


def test_a_connection_tells_who_closed_and_why_and_what_the_client_saw() -> None:
    bench = HubBench()
    first = bench.greeted(FILLS)
    bench.time.advance(3.0)
    first.subscriber.end("network", 1006, "The connection was cut.")
    bench.hub.disconnected(first.subscriber)
    story = PreviousClose(conn=first.subscriber.connection.id, code=1006, reason="cut", age_ms=3001)
    second = bench.probe()
    second.say(Hello(v=1, tab="t", prev=story))
    connections = bench.hub.connections()
    (ended,) = connections.ended
    assert (ended.closed_by, ended.code, ended.reason, ended.age_ms, ended.client_story) == (
        "network",
        1006,
        "The connection was cut.",
        3000,
        story,
    )
    assert [live.id for live in connections.live] == [second.subscriber.connection.id]


def test_a_hub_that_shuts_down_says_goodbye_and_admits_nobody() -> None:
    bench = HubBench()
    probe = bench.greeted(FILLS)
    bench.hub.farewell("The desk is shutting down.")
    assert probe.read() == [Bye(code=1001, reason="The desk is shutting down.", retry_ms=100)]
    assert bench.hub.refusal() is not None


def test_more_connections_a_second_than_allowed_are_not_admitted() -> None:
    bench = HubBench(StreamLimits(new_connections_per_s=5))
    assert [bench.hub.refusal() is None for _ in range(6)] == [True] * 5 + [False]
    bench.time.advance(0.2)
    assert bench.hub.refusal() is None


def test_sub_and_unsub_of_many_topics_leave_nothing_behind() -> None:
    bench = HubBench()
    probe = bench.greeted()
    topics = (FILLS, ALERTS, "desk/system", session_topic("watchlist"))
    probe.say(Sub(subs=tuple(SubRequest(topic=topic) for topic in topics)))
    probe.say(Unsub(topics=topics))
    assert probe.subscriber.connection.topics == 0
    assert SESSION_ID in FILLS


def test_a_topic_that_could_not_be_answered_is_not_subscribed() -> None:
    bench = HubBench()
    bench.desk.fill(3)
    probe = bench.greeted()
    bench.desk.is_store_down = True
    probe.subscribe(FILLS)
    assert [error.temporary for error in probe.read_only(StreamError)] == [True]
    bench.desk.is_store_down = False
    bench.desk.fill(1)
    assert probe.read() == []
    bench.pass_time(10.1)
    assert [beat.heads for beat in probe.read_only(Heartbeat)] == [{}]


def test_an_answer_that_does_not_fit_by_its_first_message_is_refused_whole() -> None:
    seen = set()
    for reply_bytes in range(1_300, 1_700, 10):
        bench = HubBench(StreamLimits(reply_bytes=reply_bytes))
        bench.greeted(FILLS)
        bench.desk.fill(3)
        probe = bench.greeted()
        probe.subscribe(FILLS, EPOCH, 0)
        seen.add(tuple(type(message) for message in probe.read()))
    assert seen == {(StreamError,), (Subscribed, Pub, Pub, Pub)}
