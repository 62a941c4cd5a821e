"""What a desk shows of its sessions through the stream: at once where one breaks, as it was left where one ends."""

from __future__ import annotations

from papertape.journal.ports import Commit
from papertape.model.session import SessionId
from papertape.server.hub import StreamHub
from papertape.testkit.fake_source import FakeSource, make_instrument
from papertape.testkit.manual_time import settle
from papertape.testkit.session_bench import SessionBench
from papertape.testkit.stream_probe import StreamProbe
from papertape.wire.stream import Hello, Pub

BTC, ETH = make_instrument("BTCUSDT"), make_instrument("ETHUSDT")
BOTH = [BTC, ETH]


async def running() -> tuple[SessionBench, SessionId]:
    desk = SessionBench(FakeSource(BOTH))
    session_id = (await desk.start("BTCUSDT", "ETHUSDT")).session_id
    await settle()
    await desk.play(BOTH, 3)
    assert desk.desk.session(session_id).state == "running"
    return desk, session_id


def halt(desk: SessionBench, session_id: SessionId) -> None:
    """Let the store refuse everything more of a session, as it does after a seq that was written before."""
    (first, *_) = desk.store.batches(session_id)
    desk.store.submit(Commit(session_id=session_id, batch=first), lambda _: None)


def states_told(probe: StreamProbe, session_id: SessionId) -> dict[str, str]:
    told = {}
    for message in probe.read_only(Pub):
        if session_id in message.data:
            told[message.topic] = message.data[session_id]["state"]
    return told


async def test_a_session_that_breaks_is_told_at_the_next_tick_though_the_store_takes_no_row_of_it() -> None:
    desk, session_id = await running()
    hub = StreamHub(desk.desk, clock=desk.time.clock, monotonic=desk.time.monotonic)
    desk.desk.outlets.append(hub)
    probe = StreamProbe(hub)
    probe.say(Hello(v=1, tab="t"))
    topics = ("desk/sessions", f"session/{session_id}/summary")
    for topic in topics:
        probe.subscribe(topic)
    hub.tick()
    probe.read()
    halt(desk, session_id)
    desk.venue.emit(desk.trade(BTC, 10_000))
    await settle()
    desk.time.advance(0.1)
    hub.tick()
    assert states_told(probe, session_id) == dict.fromkeys(topics, "failed")
    instances = desk.desk.latest(session_id, "instances").values()
    assert [view.is_active for view in instances] == [False, False]
    assert all("must halt" in view.reason for view in instances)


async def test_one_session_that_the_store_refuses_keeps_no_other_from_being_suspended() -> None:
    desk, refused_id = await running()
    halt(desk, refused_id)
    desk.venue.emit(desk.trade(BTC, 10_000))
    other_id = (await desk.start("ETHUSDT")).session_id
    await settle()
    await desk.desk.close()
    states = {row.session_id: row.state for row in desk.store.sessions()}
    assert states == {refused_id: "running", other_id: "suspended"}  # the store took nothing more of the first


async def test_who_follows_a_session_that_ended_is_shown_what_it_left() -> None:
    desk, session_id = await running()
    live = desk.desk.followed(session_id, "bars")
    assert [*live] == [*desk.desk.latest(session_id, "bars")]
    await desk.desk.stop(session_id, close_positions=False)
    await desk.time.pass_time(3)
    await desk.desk.close()
    assert desk.desk.session(session_id).state == "stopped"
    for topic in ("bars", "conditions", "indicators", "watchlist", "summary"):
        left = desk.desk.followed(session_id, topic)
        assert left == desk.desk.latest(session_id, topic) != {}
