"""What a publication says it follows when the store that knows does not answer."""

from __future__ import annotations

from typing import Any

from papertape.errors import Broken
from papertape.model.events import AlertRaised, OrderFilled
from papertape.model.tables import Table
from papertape.testkit.facts import fact
from papertape.testkit.fake_desk import EPOCH, FakeDesk
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


class BrokenReads(FakeDesk):
    """A desk whose journal is written, and read by nobody any more."""

    def facts(self, session_id: str, table: Table, **asked: Any) -> list[Any]:
        raise Broken(f"{table.name} of {session_id} cannot be read by {asked}.", code="store.damaged")


def test_a_journal_that_cannot_be_read_keeps_no_session_from_publishing() -> None:
    bench = HubBench(desk=BrokenReads())
    probe = bench.probe()
    probe.say(Hello(v=1, tab="t", subs=(SubRequest(topic=FILLS, epoch=EPOCH, seq=0),)))
    bench.desk.publish(fact(OrderFilled, 1))
    bench.desk.publish(fact(OrderFilled, 3))  # the second was never handed over
    assert [(pub.seq, pub.prev) for pub in probe.read_only(Pub)] == [(1, 0), (3, 2)]
