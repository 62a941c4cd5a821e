"""Addresses, backoff, ladder, clock, close log: the parts of the client that fit on a hand."""

from __future__ import annotations

import random

import pytest

from papertape.client.address import StreamAddress, parse_address
from papertape.client.backoff import Backoff
from papertape.client.closes import CloseLog, CloseRecord, TransportEnd
from papertape.client.ladder import Ladder
from papertape.client.limits import CARRIERS, ClientLimits
from papertape.client.server_clock import ServerClock
from papertape.client.subscriptions import Subscriptions
from papertape.errors import Invalid
from papertape.testkit.client_bench import BARS, FILLS
from papertape.wire.stream import PreviousClose


@pytest.mark.parametrize(
    ("url", "websocket", "http", "is_local"),
    [
        ("ws://127.0.0.1:8420/api/stream", "ws://127.0.0.1:8420/api/stream", "http://127.0.0.1:8420/api/stream", True),
        ("http://[::1]:8420", "ws://[::1]:8420/api/stream", "http://[::1]:8420/api/stream", True),
        ("http://localhost:1/", "ws://localhost:1/api/stream", "http://localhost:1/api/stream", True),
        ("https://h/desk/api/stream/", "wss://h/desk/api/stream", "https://h/desk/api/stream", False),
        ("wss://h/s", "wss://h/s", "https://h/s", False),
    ],
)
def test_every_scheme_and_prefix_gives_the_addresses_of_all_carriers(
    url: str, websocket: str, http: str, is_local: bool
) -> None:
    assert parse_address(url) == StreamAddress(
        websocket=websocket, sse=f"{http}/sse", poll=f"{http}/poll", is_loopback=is_local
    )


@pytest.mark.parametrize("url", ["127.0.0.1:8420", "ftp://h/x", "http://", "http://h:99999/x", "http://h/x?hello=1"])
def test_what_is_no_address_is_refused_in_a_sentence(url: str) -> None:
    with pytest.raises(Invalid, match=r"is not the address of a stream, since .*; give one like http://127"):
        parse_address(url)


def test_the_wait_grows_to_its_limit_and_is_never_below_its_floor() -> None:
    chance, backoff = random.Random(1), Backoff()
    waits = [[backoff.delay_s(attempt, chance) for _ in range(500)] for attempt in (1, 2, 5, 40)]
    assert [
        (min(each) >= 0.5, max(each) <= limit) for each, limit in zip(waits, (1.0, 1.5, 8.5, 20.0), strict=True)
    ] == [(True, True)] * 4
    assert [max(each) > share for each, share in zip(waits, (0.97, 1.45, 8.0, 19.99), strict=True)] == [True] * 4
    assert all(0 <= backoff.spread_s(chance) <= 0.25 for _ in range(100))


def test_three_failures_in_a_row_step_down_and_a_life_of_ten_seconds_is_none() -> None:
    ladder = Ladder(CARRIERS, ClientLimits())
    lives = [None, 9.9, 10.0, None, 3.0, None]
    steps = [(ladder.on_end(alive_s), ladder.carrier) for alive_s in lives]
    assert steps == [(False, "websocket")] * 5 + [(True, "sse")]


def test_when_nothing_works_the_ladder_begins_again_and_nothing_is_new_any_more() -> None:
    ladder = Ladder(CARRIERS, ClientLimits(failures=1))
    steps = [(ladder.on_end(None), ladder.carrier) for _ in range(5)]
    assert steps == [(True, "sse"), (True, "poll"), (False, "websocket"), (False, "sse"), (False, "poll")]


def test_a_websocket_that_took_over_and_died_young_steps_down_at_once() -> None:
    ladder = Ladder(CARRIERS, ClientLimits())
    ladder.on_upgrade()
    assert (ladder.on_end(2.0), ladder.carrier) == (True, "sse")
    ladder.on_upgrade()
    assert (ladder.on_end(60.0), ladder.on_end(2.0), ladder.carrier) == (False, False, "websocket")


def test_a_client_of_one_carrier_stays_on_it() -> None:
    ladder = Ladder(["poll"], ClientLimits())
    assert [ladder.on_end(None) for _ in range(4)] == [False] * 4
    assert (ladder.carrier, ladder.is_fallback) == ("poll", False)


def test_looks_for_websocket_come_at_15_30_60_120_and_then_every_300_seconds() -> None:
    assert [ClientLimits().probe_after(done) for done in range(7)] == [15, 30, 60, 120, 300, 300, 300]


def test_the_clock_is_that_of_the_quickest_answer() -> None:
    clock = ServerClock()
    clock.on_stamp(102_000_000, wall=100.0)
    one_way = clock.offset_s
    clock.on_round_trip(101_000_000, wall=100.0, rtt_s=1.0)
    clock.on_round_trip(101_400_000, wall=100.5, rtt_s=0.2)
    clock.on_round_trip(105_000_000, wall=101.0, rtt_s=3.0)
    clock.on_stamp(999_000_000, wall=0.0)
    assert (one_way, round(clock.offset_s, 3), clock.rtt_s) == (2.0, 1.0, 3.0)


def record(conn: str | None, reason: str, alive_s: float | None) -> CloseRecord:
    return CloseRecord(
        at=0.0,
        conn=conn,
        transport="sse",
        code=4101,
        by="server",
        reason=reason,
        alive_s=alive_s,
        age_s=7.0,
        silent_s=0.5,
    )


def test_the_next_hello_tells_of_the_last_connection_that_lived_and_of_the_attempts_since() -> None:
    log = CloseLog(kept=3)
    nothing = log.untold
    log.add(record(None, "no", None))
    first = log.untold
    log.add(record("c-1", "slow", 2.0))
    log.add(record(None, "no", None))
    log.add(record(None, "still no", None))
    told = log.untold
    log.on_welcome()
    assert nothing is None
    assert first == PreviousClose(
        conn=None, code=4101, reason="no", age_ms=7000, silent_ms=500, transport="sse", attempts=1
    )
    assert told == PreviousClose(
        conn="c-1", code=4101, reason="slow", age_ms=2000, silent_ms=500, transport="sse", attempts=2
    )
    assert (log.untold, log.last, [one.reason for one in log.records]) == (None, told, ["still no", "no", "slow"])


def test_a_code_that_was_said_is_the_servers_and_silence_is_the_networks() -> None:
    assert [TransportEnd(code=code).by for code in (None, 1005, 1006, 1000, 1011, 4101)] == ["network"] * 3 + [
        "server"
    ] * 3


def test_one_topic_that_cannot_exist_adds_none_of_them() -> None:
    subscriptions = Subscriptions()
    with pytest.raises(Invalid, match="There is no topic 'session/nope'"):
        subscriptions.add([FILLS, "session/nope"])
    subscriptions.add([FILLS, FILLS])
    subscriptions.add([BARS, FILLS])
    subscriptions.remove([FILLS, "desk/system"])
    assert subscriptions.topics == (BARS,)
