"""What must hold after a run, each broken promise as a sentence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from papertape.testkit.faults import Bandwidth, BlackHole, CutAfter, CutUpgrade, HalfOpen, Latency, SlowClose, Stall
from papertape.testkit.storm.followers import Follower, RawFollower
from papertape.testkit.storm.host import Host
from papertape.testkit.storm.offenders import EXPECTED, Offender
from papertape.testkit.storm.scenario import Scenario
from papertape.wire import close
from papertape.wire.http import ConnectionView

_SWALLOWING = BlackHole | HalfOpen | SlowClose | CutAfter | CutUpgrade | Latency | Bandwidth | Stall
_ALWAYS_ALLOWED = frozenset({1000, 1001, 1005, 1006, 1012})  # clients that leave, cuts, a server that goes


def audit_clients(
    scenario: Scenario, followers: Sequence[Follower | RawFollower], offenders: Sequence[Offender]
) -> Iterator[str]:
    """Yield what the clients saw that must not be."""
    for follower in followers:
        witness = follower.witness
        yield from witness.wrong
        if follower.stopped:
            yield f"{witness.name}: was told never to come back: {follower.stopped}"
        if scenario.promise.only_first_snapshots and witness.snapshots > 1:
            yield f"{witness.name}: {witness.snapshots} snapshots of a topic although nothing was lost"
        if isinstance(follower, Follower):
            yield from _audit_connects(scenario, follower)
    yield from _audit_fallback(scenario, [one for one in followers if isinstance(one, Follower)])
    for offender in offenders:
        expected = EXPECTED.get(offender.kind)
        strange = [code for code in offender.codes if code not in (expected, 1001, 1012)]
        if expected is not None and strange:
            yield f"{offender.kind}: closed with {strange[:5]}, expected {expected}"
        if offender.is_owed:
            yield f"{offender.kind}: was never closed with {expected} in {offender.offences} attempts"


def _audit_connects(scenario: Scenario, follower: Follower) -> Iterator[str]:
    connects = follower.client.connects
    if scenario.promise.undisturbed and connects != 1:
        yield f"{follower.witness.name}: connected {connects} times although nothing was wrong"
    if scenario.promise.every_follower_cut and connects < 2:
        yield f"{follower.witness.name}: was never cut, so this run proves nothing"


def _audit_fallback(scenario: Scenario, followers: list[Follower]) -> Iterator[str]:
    if scenario.promise.falls_back and not all(follower.has_fallen_back for follower in followers):
        yield "not everybody was given anything while WebSocket did not work"


def audit_server(scenario: Scenario, host: Host) -> Iterator[str]:
    """Yield what the server's records and queues say that must not be, once every client is gone."""
    if host.live():
        yield f"{host.live()} connections are recorded as live although every client is gone"
    if not host.hub.idle.is_set():
        yield "the hub still has subscribers although every client is gone"
    allowed = _ALWAYS_ALLOWED | {*scenario.promise.closes, *scenario.promise.may_close}
    if any(isinstance(step.fault, _SWALLOWING) for step in host.proxy.script):
        allowed |= {close.SILENT}  # a hello that was swallowed was not said
    ended = host.ended()
    yield from _unexplained(ended, allowed)
    codes = Counter(record.code for record in ended)
    yield from (f"nobody was closed with {code}" for code in scenario.promise.closes if not codes[code])
    opened = sum(hub.health().opened for hub in host.hubs)
    known = sum(record.told_by == "desk" for record in ended)
    if known != opened:
        yield f"{opened} connections were opened, {known} ends are recorded"
    limits = scenario.limits
    if host.worst_queue_bytes > limits.queue_bytes + limits.reply_bytes:
        yield f"{host.worst_queue_bytes:,} bytes waited for one client, allowed are {limits.queue_bytes:,} and replies"
    if host.worst_queue_messages > limits.queue_messages + 2_000:
        yield f"{host.worst_queue_messages:,} messages waited for one client"


def _unexplained(ended: list[ConnectionView], allowed: frozenset[int]) -> Iterator[str]:
    strange = Counter(
        f"{record.transport} closed by {record.closed_by} with {record.code}: {record.reason!r}"
        for record in ended
        if record.closed_by is None or record.code not in allowed or not record.reason or record.closed_ts is None
    )
    yield from (f"unexplained or unexpected end, {count} times: {end}" for end, count in strange.items())
