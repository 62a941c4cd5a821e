"""The client's core on one connection: greeting, liveness, holes, lists of topics, how it ends."""

from __future__ import annotations

import msgspec
import pytest

from papertape.client import closes
from papertape.client.actions import Close, Open, Send
from papertape.client.closes import CloseRecord
from papertape.client.limits import ClientLimits
from papertape.errors import Invalid
from papertape.testkit.client_bench import (
    ALERTS,
    BARS,
    EPOCH,
    FILLS,
    START_WALL,
    ClientBench,
    pub,
    snap,
    subscribed,
)
from papertape.wire.stream import (
    Bye,
    Heartbeat,
    Hello,
    Ping,
    Pong,
    PreviousClose,
    StreamError,
    Sub,
    SubRequest,
    Unsub,
    Vis,
)


def live(*topics: str, limits: ClientLimits | None = None) -> ClientBench:
    bench = ClientBench(*(topics or (FILLS,)), limits=limits)
    bench.start()
    for topic in topics or (FILLS,):
        bench.welcome(subscribed(topic), snap(topic, 4))
    bench.take()
    bench.delivered.clear()
    return bench


def beat(heads: dict[str, int] | None = None, lag_ms: float = 0.5) -> Heartbeat:
    return Heartbeat(srv_ts=0, lag_ms=lag_ms, heads=heads or {})


def test_it_says_hello_with_its_list_and_is_live_when_every_topic_is_answered() -> None:
    bench = ClientBench(FILLS, BARS)
    phases = [bench.core.phase]
    bench.start()
    opened = bench.take()
    phases.append(bench.core.phase)
    bench.welcome(subscribed(FILLS), snap(FILLS, 4), link=1)
    phases.append(bench.core.phase)
    bench.say(subscribed(BARS), snap(BARS, 1), pub(FILLS, 5, 4), link=1)
    phases.append(bench.core.phase)
    wanted = (SubRequest(topic=FILLS), SubRequest(topic=BARS))
    assert opened == [Open(link=1, carrier="websocket", hello=Hello(v=1, tab="bench", batch=True, subs=wanted))]
    assert phases == ["idle", "connecting", "catching_up", "live"]
    assert bench.delivered == [snap(FILLS, 4), snap(BARS, 1), pub(FILLS, 5, 4)]


def test_a_frame_of_many_messages_is_the_same_as_many_frames() -> None:
    bench = live()
    bench.say(pub(FILLS, 5, 4), pub(FILLS, 5, 4), pub(FILLS, 7, 5))
    assert [update.seq for update in bench.delivered if not isinstance(update, StreamError)] == [5, 7]
    assert bench.core.subscriptions.duplicates == 1


def test_without_a_welcome_in_ten_seconds_it_gives_up() -> None:
    bench = ClientBench(FILLS)
    bench.start()
    bench.pass_time(9.9)
    waiting = bench.core.phase
    bench.pass_time(0.1)
    assert waiting == "connecting"
    assert bench.all_of(Close) == [
        Close(link=1, code=closes.NO_WELCOME, reason="no welcome within 10 s", is_abrupt=True)
    ]
    assert bench.core.phase == "waiting"


def test_a_deadline_that_rings_late_begins_again() -> None:
    bench = ClientBench(FILLS)
    bench.start()
    bench.stall(60.0)
    bench.pass_time(9.9)
    assert (bench.core.phase, bench.all_of(Close)) == ("connecting", [])
    bench.welcome()
    assert bench.core.connects == 1


def test_silence_is_probed_and_only_then_death() -> None:
    bench = live()
    bench.pass_time(45.0)
    probed = bench.take()
    bench.pass_time(9.9)
    waiting = bench.take()
    bench.pass_time(0.1)
    assert (probed, waiting) == ([Send(link=1, message=Ping(id=2))], [])
    assert [(action.link, action.code, action.is_abrupt) for action in bench.all_of(Close)] == [(1, closes.DEAD, True)]
    assert bench.core.closes.records == (
        CloseRecord(
            at=START_WALL + 55.0,
            conn="c-1",
            transport="websocket",
            code=closes.DEAD,
            by="client",
            reason="silent for too long, and no answer to a probe",
            alive_s=55.0,
            age_s=55.0,
            silent_s=55.0,
        ),
    )


def test_any_frame_is_life() -> None:
    bench = live()
    for _ in range(10):
        bench.pass_time(44.0)
        bench.say(pub(BARS, 1))
    bench.pass_time(46.0)
    bench.say(beat())
    bench.pass_time(44.0)
    assert (bench.all_of(Close), bench.core.phase) == ([], "live")


def test_the_servers_word_on_silence_counts_unless_the_script_has_its_own() -> None:
    by_server, by_script = live(), live(limits=ClientLimits(dead_s=5.0, grace_s=1.0))
    for bench in (by_server, by_script):
        bench.pass_time(6.0)
    assert [len(bench.all_of(Close)) for bench in (by_server, by_script)] == [0, 1]


@pytest.mark.parametrize("asleep_s", [47.1, 60.0, 36_000.0])
def test_a_verdict_that_comes_late_is_void_and_asks_again(asleep_s: float) -> None:
    bench = live()
    bench.pass_time(45.0)  # probed
    bench.stall(asleep_s)
    after = bench.take()
    bench.pass_time(9.9)
    bench.say(pub(BARS, 1))
    bench.pass_time(10.0)
    assert after == [Send(link=1, message=Ping(id=2)), Send(link=1, message=Ping(id=3))]
    assert (bench.take(), bench.core.phase) == ([], "live")


def test_after_a_void_verdict_silence_is_death_all_the_same() -> None:
    bench = live()
    bench.stall(600.0)
    bench.pass_time(10.0)
    assert [close.code for close in bench.all_of(Close)] == [closes.DEAD]


def test_a_hidden_client_gives_no_verdict_and_probes_when_it_is_shown() -> None:
    bench = live()
    bench.core.show(is_visible=False, now=bench.now)
    bench.pass_time(300.0)
    hidden = bench.take()
    bench.core.show(is_visible=True, now=bench.now)
    shown = bench.take()
    bench.pass_time(10.0)
    assert hidden == [Send(link=1, message=Vis(visible=False))]
    assert shown == [Send(link=1, message=Vis(visible=True)), Send(link=1, message=Ping(id=2))]
    assert [close.code for close in bench.all_of(Close)] == [closes.DEAD]


def test_a_client_that_is_hidden_while_its_probe_is_under_way_gives_no_verdict() -> None:
    bench = live()
    bench.pass_time(46.0)
    bench.core.show(is_visible=False, now=bench.now)
    bench.pass_time(60.0)
    assert (bench.all_of(Close), bench.core.phase) == ([], "live")


def test_a_hole_is_asked_for_from_the_position_and_nothing_is_lost_or_doubled() -> None:
    bench = live()
    bench.say(pub(FILLS, 9, 7), pub(FILLS, 10, 9))
    asked = bench.take()
    bench.say(subscribed(FILLS, 4, 10), pub(FILLS, 7, 4), pub(FILLS, 9, 7), pub(FILLS, 10, 9), link=1)
    assert asked == [Send(link=1, message=Sub(subs=(SubRequest(topic=FILLS, epoch=EPOCH, seq=4),)))]
    assert bench.delivered == [pub(FILLS, 7, 4), pub(FILLS, 9, 7), pub(FILLS, 10, 9)]
    assert (bench.core.subscriptions.holes, bench.core.phase) == (1, "live")


def test_a_head_that_never_comes_is_asked_for_at_the_second_heartbeat() -> None:
    bench = live()
    bench.say(beat({FILLS: 6}), link=1)
    first = bench.take()
    bench.say(beat({FILLS: 6}), link=1)
    assert first == []
    assert bench.take() == [Send(link=1, message=Sub(subs=(SubRequest(topic=FILLS, epoch=EPOCH, seq=4),)))]


def test_a_topic_that_the_desk_cannot_give_now_is_asked_for_again() -> None:
    bench = live()
    busy = StreamError(code="stream.busy", message="Later.", temporary=True, topic=ALERTS)
    bench.core.add([ALERTS], bench.now)
    bench.say(busy, link=1)
    bench.take()
    bench.pass_time(5.0)
    again = bench.take()
    bench.say(subscribed(ALERTS), snap(ALERTS, 4), link=1)
    assert bench.delivered == [busy, snap(ALERTS, 4)]
    assert again == [Send(link=1, message=Sub(subs=(SubRequest(topic=ALERTS),)))]


def test_a_topic_that_the_desk_refuses_is_told_and_not_waited_for() -> None:
    bench = live()
    unknown = StreamError(code="stream.unknown_topic", message="No.", temporary=False, topic=ALERTS)
    bench.core.add([ALERTS], bench.now)
    catching_up = bench.core.phase
    bench.say(unknown)
    assert (catching_up, bench.core.phase, bench.delivered) == ("catching_up", "live", [unknown])
    assert bench.core.status(bench.now).reason == f"{ALERTS}: No."


def test_topics_come_and_go_while_it_runs() -> None:
    bench = live()
    bench.core.add([FILLS, ALERTS], bench.now)
    bench.core.remove([FILLS, BARS])
    changes = bench.take()
    with pytest.raises(Invalid, match="There is no topic"):
        bench.core.add(["desk/nope"], bench.now)
    bench.say(pub(FILLS, 5, 4), subscribed(ALERTS), snap(ALERTS, 4), link=1)
    assert changes == [
        Send(link=1, message=Sub(subs=(SubRequest(topic=ALERTS),))),
        Send(link=1, message=Unsub(topics=(FILLS,))),
    ]
    assert (bench.delivered, bench.core.subscriptions.topics) == ([snap(ALERTS, 4)], (ALERTS,))


def test_topics_added_before_the_welcome_are_asked_for_after_it() -> None:
    bench = ClientBench(FILLS)
    bench.start()
    bench.core.add([ALERTS], bench.now)
    before = bench.take()
    bench.welcome(link=1)
    assert [type(action) for action in before] == [Open]
    assert Send(link=1, message=Sub(subs=(SubRequest(topic=ALERTS),))) in bench.take()


def test_what_is_not_the_protocol_ends_the_connection() -> None:
    bench = live()
    bench.core.received(1, b"<html>", bench.now)
    assert [(close.code, close.is_abrupt) for close in bench.take() if isinstance(close, Close)] == [
        (closes.GARBLED, True)
    ]
    assert bench.core.closes.records[0].by == "client"


def test_a_bye_says_why_and_how_long_to_stay_away() -> None:
    bench = live()
    bench.pass_time(20.0)
    bench.say(Bye(code=4101, reason="Slow.", retry_ms=3_000), link=1)
    bench.end(4101, "something shorter", link=1)
    bench.pass_time(2.9)
    early = bench.take()
    bench.pass_time(0.1)
    told = PreviousClose(conn="c-1", code=4101, reason="Slow.", age_ms=20_000, silent_ms=0)
    position = SubRequest(topic=FILLS, epoch=EPOCH, seq=4)
    hello = Hello(v=1, tab="bench", batch=True, prev=told, subs=(position,))
    assert early == []
    assert bench.take() == [Open(link=2, carrier="websocket", hello=hello)]


def test_attempts_without_a_welcome_are_told_until_one_comes() -> None:
    bench = live()
    bench.pass_time(20.0)
    bench.end(link=1)
    for _ in range(2):
        bench.pass_time(1.0)
        bench.end()
    bench.pass_time(1.0)
    told = bench.opened.hello.prev
    bench.welcome()
    bench.pass_time(20.0)
    bench.end(4202)
    bench.pass_time(1.0)
    assert told == PreviousClose(
        conn="c-1", code=None, reason="no reason given", age_ms=20_000, silent_ms=20_000, attempts=2
    )
    assert bench.opened.hello.prev == PreviousClose(
        conn="c-4", code=4202, reason="no reason given", age_ms=20_000, silent_ms=20_000
    )


@pytest.mark.parametrize("code", [4001, 4003, 4004, 4005, 4008, 4042])
def test_a_code_that_forbids_to_come_back_stops_it(code: int) -> None:
    bench = live()
    bench.say(pub(FILLS, 5, 4), Bye(code=code, reason="Go away.", retry_ms=0), link=1)
    bench.end(code, link=1)
    bench.take()
    bench.pass_time(1_000.0)
    assert (bench.core.phase, bench.take(), bench.core.next_at) == ("stopped", [], None)
    assert bench.core.stopped_by is not None
    assert (bench.core.stopped_by.code, bench.delivered) == (code, [pub(FILLS, 5, 4)])


def test_its_status_tells_all_there_is_to_know() -> None:
    bench = live()
    bench.pass_time(10.0)
    bench.say(beat(lag_ms=7.5), link=1)
    bench.pass_time(0.2)
    srv_ts = round((START_WALL + bench.at + 3.0) * 1e6)
    bench.say(Pong(id=2, srv_ts=srv_ts), link=1)
    bench.pass_time(1.0)
    assert msgspec.structs.asdict(bench.core.status(bench.now)) == {
        "phase": "live",
        "transport": "websocket",
        "conn": "c-1",
        "reconnects": 0,
        "connected_s": pytest.approx(11.2),
        "retry_in_s": None,
        "frame_age_s": pytest.approx(1.0),
        "rtt_s": pytest.approx(0.2),
        "clock_offset_s": pytest.approx(3.1),
        "server_lag_ms": 7.5,
        "reason": "",
        "duplicates": 0,
        "holes": 0,
        "topics": (FILLS,),
    }


def test_after_it_was_stopped_and_started_it_goes_on_where_it_was() -> None:
    bench = live()
    bench.say(pub(FILLS, 5, 4), link=1)
    bench.core.stop()
    ended = bench.take()
    bench.pass_time(100.0)
    bench.start()
    assert ended == [Close(link=1, code=closes.DONE, reason="the client is done")]
    assert bench.opened.hello.subs == (SubRequest(topic=FILLS, epoch=EPOCH, seq=5),)
