"""Scenarios whose cause is the network: each fault alone, then together."""

from __future__ import annotations

from papertape.testkit.faults import (
    AcceptThenCut,
    Bandwidth,
    BlackHole,
    CutAfter,
    CutUpgrade,
    Fin,
    HalfOpen,
    HangUpgrade,
    Latency,
    Refuse,
    RefuseUpgrade,
    Reset,
    SlowClose,
    Stall,
    Step,
)
from papertape.testkit.storm.scenario import Chaos, Crowd, Load, Promise, Scenario
from papertape.wire.http import Transport

_CUT = Promise(every_follower_cut=True)
_ALL: tuple[Transport, ...] = ("websocket", "sse", "poll")
_FALLING = (Crowd(carriers=_ALL),)

_ALONE: tuple[Scenario, ...] = (
    Scenario(
        name="calm",
        what="Nothing is wrong, so nobody loses a connection.",
        promise=Promise(undisturbed=True),
    ),
    Scenario(
        name="reset",
        what="Every connection is reset, again and again.",
        chaos=Chaos(faults=(Reset(),), all_at_once=5),
        promise=_CUT,
    ),
    Scenario(
        name="fin",
        what="Every connection is closed without a closing handshake.",
        chaos=Chaos(faults=(Fin(),), all_at_once=5),
        promise=_CUT,
    ),
    Scenario(
        name="black-hole",
        what="What is sent vanishes both ways while the connection stays open.",
        script=(Step(at_s=0.3, fault=BlackHole()),),
        promise=_CUT,
    ),
    Scenario(
        name="black-hole-up",
        what="The server hears nothing any more, the client everything; the client need not notice.",
        script=(Step(at_s=0.3, fault=BlackHole(direction="up")),),
    ),
    Scenario(
        name="black-hole-down",
        what="The client hears nothing any more, the server everything.",
        script=(Step(at_s=0.3, fault=BlackHole(direction="down")),),
        promise=_CUT,
    ),
    Scenario(
        name="half-open-server-gone",
        what="The server's side is gone and the client is not told.",
        script=(Step(at_s=0.3, fault=HalfOpen(gone="server")),),
        promise=_CUT,
    ),
    Scenario(
        name="half-open-client-gone",
        what="The clients are gone and the server is not told; they come back beside their own ghosts.",
        script=(Step(at_s=0.2, fault=HalfOpen(gone="client")), Step(at_s=0.6, fault=HalfOpen(gone="client"))),
        promise=_CUT,
    ),
    Scenario(
        name="slow-close",
        what="The server sees the end at once, the client only later.",
        script=(Step(at_s=0.2, fault=SlowClose(seconds=0.3)),),
        promise=_CUT,
    ),
    Scenario(
        name="latency",
        what="Everything takes 100 to 150 ms longer, which is no reason to lose a connection.",
        script=(Step(at_s=0.1, fault=Latency(seconds=0.05, jitter_s=0.025), on="all"),),
        promise=Promise(undisturbed=True),
    ),
    Scenario(
        name="bandwidth",
        what="A thin line, and later a cut.",
        script=(Step(at_s=0.0, fault=Bandwidth(bytes_per_s=150_000), on="all"), Step(at_s=0.6, fault=Reset())),
        load=Load(facts_per_s=100),
        promise=_CUT,
    ),
    Scenario(
        name="stall",
        what="Nothing is read on the way any more; the client finds out by the silence.",
        script=(Step(at_s=0.3, fault=Stall()),),
        promise=Promise(every_follower_cut=True, may_close=(4101,)),
    ),
    Scenario(
        name="cut-in-a-frame",
        what="Every new connection ends within a frame, a little later each time.",
        script=tuple(
            Step(at_s=0.1 * number, fault=CutAfter(size=1_500 + 977 * number, how="fin")) for number in range(1, 9)
        ),
        promise=_CUT,
    ),
    Scenario(
        name="cut-in-the-handshake",
        what="The first connections that come back are cut after 100 bytes of the server's answer.",
        script=(
            Step(at_s=0.2, fault=CutAfter(size=100), on="all"),
            Step(at_s=0.6, fault=None),
        ),
        promise=_CUT,
    ),
    Scenario(
        name="cut-in-the-hello",
        what="The first connections that come back are cut while they say hello.",
        script=(
            Step(at_s=0.2, fault=CutAfter(size=420, direction="up"), on="new"),
            Step(at_s=0.21, fault=Reset()),
            Step(at_s=0.7, fault=None),
        ),
        promise=_CUT,
    ),
    Scenario(
        name="cut-in-the-catching-up",
        what="Whoever comes back is cut again before it has caught up.",
        script=(
            Step(at_s=0.1, fault=CutAfter(size=3_000), on="all"),
            Step(at_s=0.8, fault=None),
        ),
        promise=_CUT,
    ),
    Scenario(
        name="refused",
        what="Nobody listens for half a second.",
        script=(Step(at_s=0.2, fault=Refuse()), Step(at_s=0.21, fault=Reset()), Step(at_s=0.7, fault=None)),
        promise=_CUT,
    ),
    Scenario(
        name="accepted-then-cut",
        what="Connections are accepted and cut at once.",
        script=(Step(at_s=0.2, fault=AcceptThenCut()), Step(at_s=0.21, fault=Fin()), Step(at_s=0.7, fault=None)),
        promise=_CUT,
    ),
    Scenario(
        name="accepted-then-silent",
        what="Connections are accepted and nothing comes of it.",
        script=(
            Step(at_s=0.2, fault=AcceptThenCut(how="black_hole")),
            Step(at_s=0.21, fault=Reset()),
            Step(at_s=0.6, fault=None),
        ),
        promise=_CUT,
    ),
)

_UPGRADES: tuple[Scenario, ...] = tuple(
    Scenario(
        name=name,
        what=f"{what} The clients go on without and come back afterwards.",
        crowds=_FALLING,
        load=Load(seconds=seconds),
        script=(Step(at_s=0.2, fault=fault), Step(at_s=0.21, fault=Reset())),
        promise=Promise(every_follower_cut=True, falls_back=True, may_close=(4102,)),
    )
    for name, what, seconds, fault in (
        ("upgrade-refused-403", "A proxy answers 403 to every WebSocket.", 1.2, RefuseUpgrade(status=403)),
        ("upgrade-refused-502", "A proxy answers 502 to every WebSocket.", 1.2, RefuseUpgrade(status=502)),
        ("upgrade-hangs", "A proxy never answers a WebSocket.", 3.5, HangUpgrade()),
        ("upgrade-cut", "A proxy accepts every WebSocket and cuts it.", 1.5, CutUpgrade(after_s=0.05)),
        ("upgrade-black-holed", "A proxy accepts every WebSocket and swallows it.", 3.5, CutUpgrade(how="black_hole")),
    )
)

_CUTS = (Reset(), Fin(), BlackHole(), HalfOpen(), HalfOpen(gone="client"), SlowClose(seconds=0.1))

_TOGETHER: tuple[Scenario, ...] = (
    Scenario(
        name="any-cut",
        what="Cuts of every kind hit everybody at once.",
        chaos=Chaos(faults=_CUTS, all_at_once=5),
        promise=_CUT,
    ),
    Scenario(
        name="one-by-one",
        what="Cuts of every kind hit one client after the other.",
        crowds=(Crowd(count=8),),
        chaos=Chaos(singles=25),
    ),
    Scenario(
        name="many-at-once",
        what="Thirty clients are cut in the same moment, twice, and come back in the same moment.",
        crowds=(Crowd(count=30),),
        load=Load(facts_per_s=50),
        chaos=Chaos(faults=(Reset(), Fin()), all_at_once=2),
        promise=_CUT,
    ),
    Scenario(
        name="bad-line",
        what="A slow, thin, jittery line that is cut now and then.",
        script=(
            Step(at_s=0.0, fault=Latency(seconds=0.02, jitter_s=0.03), on="all"),
            Step(at_s=0.0, fault=Bandwidth(bytes_per_s=400_000), on="all"),
        ),
        chaos=Chaos(faults=_CUTS, all_at_once=3),
        promise=_CUT,
    ),
    Scenario(
        name="flapping",
        what="Connections come and die within 30 ms for half a second.",
        script=(
            Step(at_s=0.2, fault=CutUpgrade(after_s=0.03)),
            Step(at_s=0.21, fault=Reset()),
            Step(at_s=0.7, fault=None),
        ),
        promise=_CUT,
    ),
    Scenario(
        name="all-carriers-cut",
        what="Clients of all three carriers are cut in every way.",
        crowds=tuple(Crowd(count=2, carriers=(carrier,)) for carrier in _ALL),
        chaos=Chaos(faults=(Reset(), Fin()), all_at_once=5, singles=5),
    ),
    Scenario(
        name="event-streams-swallowed",
        what="Event streams fall silent.",
        crowds=(Crowd(carriers=("sse",)),),
        chaos=Chaos(faults=(BlackHole(), HalfOpen()), all_at_once=2),
        promise=_CUT,
    ),
    Scenario(
        name="polls-cut",
        what="Polls are cut at every moment, also within an answer.",
        crowds=(Crowd(carriers=("poll",)),),
        chaos=Chaos(faults=(Reset(), Fin(), CutAfter(size=300), CutAfter(size=40, direction="up")), all_at_once=10),
    ),
)

FAULTY_LINES: tuple[Scenario, ...] = (*_ALONE, *_UPGRADES, *_TOGETHER)
