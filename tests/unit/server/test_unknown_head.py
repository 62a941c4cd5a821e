"""What a publication says it follows when the store that knows does not answer."""

from __future__ import annotations

from papertape.model.events import AlertRaised, OrderFilled
from papertape.testkit.facts import fact
from papertape.testkit.fake_desk import EPOCH
from papertape.testkit.stream_probe import HubBench, session_topic
from papertape.wire.stream import Hello, Pub, SubRequest

FILLS = session_topic("fills")


def test_a_client_that_missed_nothing_goes_on_although_the_store_cannot_say_which_fact_was_before() -> None:
    bench = HubBench()
    bench.desk.fill(3)
    probe = bench.probe()
    probe.say(Hello(v=1, tab="t", subs=(SubRequest(topic=FILLS, epoch=EPOCH, seq=3),)))
    bench.desk.is_store_down = True
    bench.desk.publish(fact(AlertRaised, 4), fact(OrderFilled, 5))
    assert [(pub.seq, pub.prev) for pub in probe.read_only(Pub)] == [(5, 3)]


def test_a_client_that_missed_facts_goes_on_by_position_once_the_store_answers_again() -> None:
    bench = HubBench()
    bench.desk.fill(3)
    bench.desk.publish(fact(AlertRaised, 4))
    probe = bench.greeted(session_topic("alerts"))
    bench.desk.is_store_down = True
    bench.desk.publish(fact(OrderFilled, 5))
    bench.desk.is_store_down = False
    probe.subscribe(FILLS, EPOCH, 2)
    assert [(pub.seq, pub.prev) for pub in probe.read_only(Pub)] == [(3, 2), (5, 3)]
