"""The client's core between carriers: down when WebSocket fails, back when it works, and nothing lost on the way."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from papertape.client.actions import Close, Open, Send
from papertape.client.backoff import Backoff
from papertape.client.limits import ClientLimits
from papertape.testkit.client_bench import ALERTS, EPOCH, FILLS, ClientBench, pub, snap, subscribed
from papertape.wire.http import Transport
from papertape.wire.stream import Bye, Heartbeat, Hello, StreamError, Sub, SubRequest, Vis

AT_FOUR = SubRequest(topic=FILLS, epoch=EPOCH, seq=4)


def carriers(bench: ClientBench) -> list[Transport]:
    return [action.carrier for action in bench.all_of(Open)]


def on_sse() -> ClientBench:
    """Return a live bench on an event stream; three WebSockets failed before."""
    bench = ClientBench(FILLS)
    bench.start()
    for _ in range(3):
        bench.end()
        bench.pass_time(1.0)
    bench.welcome(subscribed(FILLS), snap(FILLS, 4))
    bench.take()
    bench.delivered.clear()
    return bench


def on_poll() -> ClientBench:
    bench = ClientBench(FILLS, carriers=["poll"])
    bench.start()
    bench.welcome(subscribed(FILLS), snap(FILLS, 4), Heartbeat(srv_ts=0, lag_ms=0, heads={FILLS: 4}))
    bench.take()
    bench.delivered.clear()
    return bench


def test_three_failures_lead_to_the_event_stream_three_more_to_polling_and_then_it_begins_again() -> None:
    bench = ClientBench(FILLS)
    bench.start()
    for _ in range(9):
        bench.end()
        bench.pass_time(1.0)
    assert carriers(bench) == ["websocket"] * 3 + ["sse"] * 3 + ["poll"] * 3 + ["websocket"]


def test_death_before_ten_seconds_of_life_is_a_failure_and_later_is_none() -> None:
    young, old = ClientBench(FILLS), ClientBench(FILLS)
    for bench, alive_s in ((young, 9.0), (old, 10.0)):
        bench.start()
        for _ in range(3):
            bench.welcome()
            bench.pass_time(alive_s)
            bench.end()
            bench.pass_time(1.0)
    assert (young.opened.carrier, old.opened.carrier) == ("sse", "websocket")


def test_the_first_try_of_another_carrier_does_not_wait() -> None:
    bench = ClientBench(FILLS)
    bench.start()
    moments = []
    for _ in range(3):
        bench.end()
        moments.append((bench.core.next_at or 0.0) - bench.at)
        bench.pass_time(1.0)
    assert moments == [1.0, 1.0, 0.0]


def test_patience_is_forgotten_only_after_thirty_seconds_of_life() -> None:
    bench = ClientBench(FILLS, backoff=Backoff(floor_s=0.0, step_s=1.0, at_once_s=0.0), carriers=["websocket"])
    waits: dict[float, list[float]] = {29.0: [], 30.0: []}
    for alive_s, seen in waits.items():
        for _ in range(200):
            bench.core.start(bench.now)
            bench.settle()
            bench.welcome()
            bench.pass_time(alive_s)
            bench.end()
            seen.append((bench.core.next_at or 0.0) - bench.at)
    assert (max(waits[29.0]) > 15.0, max(waits[30.0][1:]) <= 2.0) == (True, True)


@pytest.mark.parametrize("code", [1001, 1012, 4201, 4202])
def test_a_planned_end_brings_it_back_at_once_and_is_no_failure(code: int) -> None:
    bench = ClientBench(FILLS)
    bench.start()
    for _ in range(5):
        bench.welcome()
        bench.end(code)
        bench.pass_time(0.0)
    assert carriers(bench) == ["websocket"] * 6


def test_how_long_to_stay_away_is_heeded_from_an_answer_too() -> None:
    bench = ClientBench(FILLS)
    bench.start()
    bench.end(reason="it was answered with HTTP 503", retry_s=7.0)
    assert bench.core.next_at == 7.0


def test_websocket_is_looked_for_at_15_30_60_120_and_every_300_seconds_while_a_fallback_carries() -> None:
    bench = on_sse()
    moments, last = [], bench.at - 1.0  # the event stream began a second ago
    for _ in range(6):
        while not bench.all_of(Open):
            bench.pass_time(1.0)
            bench.say(Heartbeat(srv_ts=0, lag_ms=0, heads={}), link=4)
        moments.append(round(bench.at - last))
        last = bench.at
        bench.end(link=bench.opened.link)
        bench.take()
    assert moments == [15, 30, 60, 120, 300, 300]
    assert (bench.core.phase, bench.core.closes.records[0].reason) == ("live", "probe while on sse: no reason given")


def test_a_websocket_that_hangs_beside_the_fallback_is_dropped_and_the_fallback_goes_on() -> None:
    bench = on_sse()
    bench.pass_time(15.0)
    bench.say(pub(FILLS, 5, 4), link=4)
    bench.pass_time(10.0)
    assert [(close.link, close.is_abrupt) for close in bench.all_of(Close)] == [(5, True)]
    assert (bench.core.status(bench.now).transport, bench.delivered) == ("sse", [pub(FILLS, 5, 4)])


def test_websocket_takes_over_without_loss_or_duplicates() -> None:
    bench = on_sse()
    bench.pass_time(15.0)
    probe = bench.take()
    bench.say(pub(FILLS, 9, 4), link=5)  # before its welcome nothing counts
    bench.say(pub(FILLS, 5, 4), link=4)  # the fallback goes on while WebSocket is asked
    bench.welcome(link=5)
    taken = bench.take()
    catching_up = bench.core.phase
    bench.say(pub(FILLS, 6, 5), link=4)  # too late: the event stream is left
    bench.say(subscribed(FILLS, 4, 6), pub(FILLS, 5, 4), pub(FILLS, 6, 5), pub(FILLS, 7, 6), link=5)
    assert probe == [Open(link=5, carrier="websocket", hello=Hello(v=1, tab="bench", batch=True, subs=(AT_FOUR,)))]
    assert taken[0] == Close(link=4, code=1000, reason="WebSocket works again")
    assert bench.delivered == [pub(FILLS, 5, 4), pub(FILLS, 6, 5), pub(FILLS, 7, 6)]
    assert (catching_up, bench.core.phase) == ("catching_up", "live")
    assert bench.core.status(bench.now).transport == "websocket"


def test_topics_that_came_while_websocket_was_asked_are_asked_for_after_it_took_over() -> None:
    bench = on_sse()
    bench.pass_time(15.0)
    bench.core.add([ALERTS], bench.now)
    bench.welcome(link=5)
    assert Send(link=5, message=Sub(subs=(SubRequest(topic=ALERTS),))) in bench.take()
    bench.pass_time(1.0)
    assert bench.take() == []


def test_a_websocket_that_took_over_and_died_young_gives_way_to_the_fallback_at_once() -> None:
    bench = on_sse()
    bench.pass_time(15.0)
    bench.welcome(subscribed(FILLS, 4), link=5)
    bench.pass_time(2.0)
    bench.end(link=5)
    bench.pass_time(0.0)
    bench.take()
    bench.welcome(subscribed(FILLS, 4))
    bench.pass_time(29.0)
    early = bench.take()
    bench.pass_time(1.0)
    assert (early, carriers(bench)) == ([], ["websocket"])


def test_where_websocket_lived_before_it_is_looked_for_after_a_second() -> None:
    bench = ClientBench(FILLS)
    bench.start()
    bench.welcome()
    bench.pass_time(60.0)
    for _ in range(4):  # the desk restarts
        bench.end()
        bench.pass_time(1.0)
    fallback = bench.opened.carrier
    bench.take()
    bench.welcome()
    bench.pass_time(1.0)
    assert (fallback, carriers(bench)) == ("sse", ["websocket"])


def test_an_event_stream_learns_of_new_topics_and_of_holes_by_a_new_hello_that_is_no_reconnect() -> None:
    bench = on_sse()
    bench.core.add([ALERTS], bench.now)
    bench.say(pub(FILLS, 9, 8), link=4)
    bench.core.show(is_visible=True, now=bench.now)
    bench.end(link=5)  # looking at it looks for WebSocket too
    bench.take()
    bench.pass_time(0.02)
    reopened = bench.take()
    connects = bench.core.connects
    bench.welcome(subscribed(FILLS, 4), pub(FILLS, 8, 4), pub(FILLS, 9, 8), subscribed(ALERTS), snap(ALERTS, 9))
    assert [action.carrier for action in reopened if isinstance(action, Open)] == ["sse"]
    assert bench.opened.hello.subs == (AT_FOUR, SubRequest(topic=ALERTS))
    assert bench.delivered == [pub(FILLS, 8, 4), pub(FILLS, 9, 8), snap(ALERTS, 9)]
    assert (bench.core.connects, bench.core.phase) == (connects, "live")


def test_a_one_way_carrier_is_sent_nothing_and_silence_on_it_is_death_all_the_same() -> None:
    bench = on_sse()
    bench.core.show(is_visible=False, now=bench.now)
    bench.core.remove([FILLS])
    bench.core.show(is_visible=True, now=bench.now)
    bench.end(link=5)
    bench.pass_time(44.0)
    alive = bench.core.closes.records[0].transport
    bench.pass_time(11.0)
    assert [action for action in bench.all_of(Send) if action.link == 4 or isinstance(action.message, Vis)] == []
    assert (alive, [record.transport for record in bench.core.closes.records if record.conn]) == ("websocket", ["sse"])


def test_every_poll_carries_the_newest_position_and_comes_no_sooner_than_its_pause() -> None:
    bench = on_poll()
    bench.pass_time(0.19)
    early = bench.take()
    bench.pass_time(0.01)
    second = bench.take()
    bench.pass_time(20.0)
    held = bench.take()
    bench.welcome(subscribed(FILLS, 4, 7), pub(FILLS, 7, 4))
    bench.pass_time(0.0)
    third = bench.take()
    hellos = [Hello(v=1, tab="bench", batch=True, subs=(replace(AT_FOUR, seq=seq),)) for seq in (4, 7)]
    polls = [Open(link=1, carrier="poll", hello=hello) for hello in hellos]
    assert (early, second, held, third) == ([], polls[:1], [], polls[1:])
    assert (bench.core.connects, bench.delivered) == (1, [pub(FILLS, 7, 4)])


def test_a_poll_that_failed_is_asked_again_from_the_same_position() -> None:
    bench = on_poll()
    bench.pass_time(0.2)
    bench.end(reason="the poll failed")
    bench.take()
    bench.pass_time(1.0)
    assert [(action.link, action.hello.subs) for action in bench.all_of(Open)] == [(2, (AT_FOUR,))]


def test_a_goodbye_in_a_poll_ends_it() -> None:
    bench = on_poll()
    bench.pass_time(30.0)
    bench.say(Bye(code=1001, reason="Restarting.", retry_ms=100))
    assert (bench.core.phase, bench.core.closes.records[0].code, bench.core.next_at) == ("waiting", 1001, 30.1)


def test_a_hole_in_the_answer_to_a_poll_is_asked_for_by_the_next_poll() -> None:
    bench = on_poll()
    bench.pass_time(0.2)
    bench.take()
    bench.welcome(subscribed(FILLS, 4), pub(FILLS, 9, 8))
    bench.pass_time(0.2)
    assert [(type(action), action.link) for action in bench.take()] == [(Open, 1)]
    assert (bench.opened.hello.subs, bench.delivered) == ((AT_FOUR,), [])


def test_a_new_topic_does_not_wait_for_the_poll_that_is_held() -> None:
    bench = on_poll()
    bench.pass_time(0.2)
    bench.take()
    bench.core.add([ALERTS], bench.now)
    bench.pass_time(0.02)
    assert [type(action) for action in bench.take()] == [Close, Open]
    assert bench.opened.hello.subs == (AT_FOUR, SubRequest(topic=ALERTS))


def test_word_of_the_network_coming_back_ends_a_wait() -> None:
    bench = ClientBench(FILLS, limits=ClientLimits(failures=1))
    bench.start()
    bench.end()
    bench.core.check(bench.now)
    assert bench.take()[-2:] == [
        Open(link=2, carrier="sse", hello=bench.opened.hello),
        Open(link=3, carrier="websocket", hello=bench.opened.hello),
    ]


@pytest.mark.parametrize("is_temporary", [True, False])
def test_a_topic_that_was_refused_is_not_asked_for_by_every_poll(is_temporary: bool) -> None:
    bench = ClientBench(FILLS, ALERTS, carriers=["poll"])
    bench.start()
    refusal = StreamError(
        code="session.unknown", message="There is no such session.", temporary=is_temporary, topic=ALERTS
    )
    bench.welcome(subscribed(FILLS), snap(FILLS, 4), refusal)
    bench.pass_time(1.0)
    asked = [[sub.topic for sub in action.hello.subs] for action in bench.all_of(Open)]
    bench.welcome(subscribed(FILLS, 4), link=bench.opened.link)
    bench.pass_time(6.0)
    again = [[sub.topic for sub in action.hello.subs] for action in bench.all_of(Open)][len(asked) :]
    assert asked == [[FILLS, ALERTS], [FILLS]]
    assert again == ([[FILLS], [FILLS, ALERTS]] if is_temporary else [[FILLS]])


def test_a_topic_that_comes_after_all_is_asked_for_by_every_poll_again() -> None:
    bench = ClientBench(FILLS, ALERTS, carriers=["poll"])
    bench.start()
    busy = StreamError(code="stream.busy", message="Ask later.", temporary=True, topic=ALERTS)
    bench.welcome(subscribed(FILLS), snap(FILLS, 4), busy)
    bench.end()
    bench.pass_time(1.0)
    bench.welcome(subscribed(FILLS, 4), subscribed(ALERTS), snap(ALERTS, 2))
    bench.pass_time(0.5)
    assert [sub.topic for sub in bench.opened.hello.subs] == [FILLS, ALERTS]


def test_websocket_that_refuses_for_good_is_not_looked_for_again_while_the_fallback_lives() -> None:
    bench = on_sse()
    bench.pass_time(14.0)
    (candidate,) = [action for action in bench.take() if isinstance(action, Open)]
    bench.end(4003, link=candidate.link)
    for _ in range(100):
        bench.say(Heartbeat(srv_ts=0, lag_ms=0, heads={}), link=candidate.link - 1)
        bench.pass_time(10.0)
    assert bench.all_of(Open) == []
