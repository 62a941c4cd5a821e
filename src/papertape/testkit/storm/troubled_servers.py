"""Scenarios whose cause is the server or the desk behind it."""

from __future__ import annotations

import msgspec

from papertape.testkit.faults import Reset, Step
from papertape.testkit.storm.scenario import (
    QUICK,
    Blocked,
    Burst,
    Chaos,
    Crowd,
    Load,
    MemoryShort,
    NewEpoch,
    Promise,
    Restart,
    Scenario,
    StoreDown,
    Unheard,
)

_CUT = Promise(every_follower_cut=True)
_ANY_SNAPSHOTS = Promise(only_first_snapshots=False)
_SMALL_RING = msgspec.structs.replace(QUICK, ring_events=32)
_SMALL_QUEUE = msgspec.structs.replace(QUICK, queue_messages=300, queue_bytes=1_000_000, write_deadline_s=0.4)
_LONG = Load(facts_per_s=150, text_chars=5_000, seconds=1.5, before=2)

TROUBLED_SERVERS: tuple[Scenario, ...] = (
    Scenario(
        name="restart",
        what="The server restarts; positions are resumed by the next one.",
        acts=(Restart(at_s=0.4),),
        promise=_CUT,
    ),
    Scenario(
        name="restart-under-load",
        what="The server restarts twice while it writes much.",
        load=Load(facts_per_s=500, text_chars=2_000, batch=20, before=2),
        acts=(Restart(at_s=0.3), Restart(at_s=0.8, pause_s=0.1)),
        promise=_CUT,
    ),
    Scenario(
        name="restart-all-carriers",
        what="The server restarts under clients of all three carriers.",
        crowds=tuple(Crowd(count=2, carriers=(carrier,)) for carrier in ("websocket", "sse", "poll")),
        acts=(Restart(at_s=0.4, pause_s=0.1),),
    ),
    Scenario(
        name="restart-with-stuck-client",
        what="The server ends while a client does not read what is being written.",
        crowds=(Crowd(), Crowd(kind="stuck", count=2)),
        limits=_SMALL_QUEUE,
        load=msgspec.structs.replace(_LONG, facts_per_s=400),
        acts=(Restart(at_s=0.8),),
        promise=Promise(every_follower_cut=True, may_close=(4101,)),
    ),
    Scenario(
        name="restart-among-cuts",
        what="Connections are cut while the server restarts.",
        acts=(Restart(at_s=0.4, pause_s=0.05), Restart(at_s=0.8)),
        chaos=Chaos(faults=(Reset(),), all_at_once=6),
        promise=_CUT,
    ),
    Scenario(
        name="new-epoch",
        what="The desk loses its history: everybody is told by a snapshot, and keeps the connection.",
        acts=(NewEpoch(at_s=0.5),),
        promise=Promise(only_first_snapshots=False, undisturbed=True),
    ),
    Scenario(
        name="new-epoch-unseen",
        what="The desk loses its history while the server restarts.",
        acts=(Restart(at_s=0.4, pause_s=0.2), NewEpoch(at_s=0.5)),
        promise=Promise(only_first_snapshots=False, every_follower_cut=True),
    ),
    Scenario(
        name="new-epoch-among-cuts",
        what="The desk loses its history twice while connections are cut.",
        acts=(NewEpoch(at_s=0.4), NewEpoch(at_s=0.7)),
        chaos=Chaos(faults=(Reset(),), all_at_once=5),
        promise=_ANY_SNAPSHOTS,
    ),
    Scenario(
        name="store-down",
        what="The store does not answer while everybody is connected.",
        acts=(StoreDown(at_s=0.3, for_s=0.5),),
        promise=Promise(undisturbed=True),
    ),
    Scenario(
        name="store-down-at-return",
        what="The store does not answer when clients come back for more than the ring has.",
        limits=_SMALL_RING,
        acts=(StoreDown(at_s=0.3, for_s=0.6),),
        chaos=Chaos(faults=(Reset(),), all_at_once=5),
        promise=_CUT,
    ),
    Scenario(
        name="store-down-after-restart",
        what="The store does not answer after the server restarted.",
        acts=(Restart(at_s=0.2), StoreDown(at_s=0.25, for_s=0.5)),
        promise=_CUT,
    ),
    Scenario(
        name="unheard",
        what="The hub is not told of facts for a while.",
        acts=(Unheard(at_s=0.3, for_s=0.3), Unheard(at_s=0.8, for_s=0.2)),
        promise=Promise(undisturbed=True),
    ),
    Scenario(
        name="unheard-at-the-end",
        what="The hub is not told of the last facts; only the heads of the heartbeat tell.",
        load=Load(seconds=0.8, ends_silently=True),
        acts=(Unheard(at_s=0.5, for_s=0.5),),
        promise=Promise(undisturbed=True),
    ),
    Scenario(
        name="unheard-and-store-down",
        what="The hub misses facts while the store does not answer either.",
        acts=(Unheard(at_s=0.3, for_s=0.3), StoreDown(at_s=0.2, for_s=0.6)),
        promise=_ANY_SNAPSHOTS,
    ),
    Scenario(
        name="unheard-between-heartbeats",
        what="The hub misses facts that the store cannot give it; the next fact tells the client, not a heartbeat.",
        limits=msgspec.structs.replace(QUICK, heartbeat_s=30.0),
        acts=(Unheard(at_s=0.3, for_s=0.2), StoreDown(at_s=0.25, for_s=0.5)),
        promise=_ANY_SNAPSHOTS,
    ),
    Scenario(
        name="unheard-among-cuts",
        what="The hub misses facts while connections are cut.",
        acts=(Unheard(at_s=0.3, for_s=0.4),),
        chaos=Chaos(faults=(Reset(),), all_at_once=5),
        promise=_CUT,
    ),
    Scenario(
        name="ring-overflow",
        what="More is published during a cut than the ring keeps; the store has it.",
        limits=_SMALL_RING,
        acts=(Burst(at_s=0.41, facts=300),),
        script=(Step(at_s=0.4, fault=Reset()), Step(at_s=0.8, fault=Reset())),
        promise=_CUT,
    ),
    Scenario(
        name="missed-too-many",
        what="A client misses more facts of a topic than are sent again: it is told by a snapshot.",
        crowds=(Crowd(topics=("fills",)),),
        acts=(Restart(at_s=0.4, pause_s=0.1), Burst(at_s=0.45, facts=6_000)),
        promise=Promise(only_first_snapshots=False, every_follower_cut=True),
    ),
    Scenario(
        name="burst",
        what="A thousand facts become durable at once, twice.",
        acts=(Burst(at_s=0.3, facts=1_000), Burst(at_s=0.7, facts=1_000)),
        promise=Promise(undisturbed=True),
    ),
    Scenario(
        name="values",
        what="Latest values change quickly beside facts while connections are cut.",
        crowds=(Crowd(topics=("fills", "watchlist", "indicators")),),
        load=Load(values_per_s=300),
        chaos=Chaos(faults=(Reset(),), all_at_once=4),
    ),
    Scenario(
        name="values-and-restart",
        what="Latest values after a restart come as a snapshot, facts by position.",
        crowds=(Crowd(topics=("fills", "watchlist", "indicators")),),
        load=Load(values_per_s=200),
        acts=(Restart(at_s=0.4),),
        promise=_CUT,
    ),
    Scenario(
        name="hidden-and-visible",
        what="Clients become hidden and visible all the time while values change.",
        crowds=(Crowd(kind="blinker", topics=("alerts", "watchlist", "indicators")),),
        load=Load(values_per_s=300),
    ),
    Scenario(
        name="rotation",
        what="Connections are rotated as planned, one after the other.",
        limits=msgspec.structs.replace(QUICK, rotate_after_s=0.4, rotate_gap_s=0.05),
        promise=Promise(every_follower_cut=True, closes=(4202,)),
    ),
    Scenario(
        name="rotation-all-carriers",
        what="Connections of all three carriers are rotated while values change.",
        limits=msgspec.structs.replace(QUICK, rotate_after_s=0.4, rotate_gap_s=0.05),
        crowds=tuple(
            Crowd(count=2, carriers=(carrier,), topics=("fills", "alerts", "watchlist"))
            for carrier in ("websocket", "sse", "poll")
        ),
        load=Load(values_per_s=100),
        promise=Promise(closes=(4202,)),
    ),
    Scenario(
        name="memory-shed",
        what="Memory runs out: the newest connections are closed, and all are back when there is some again.",
        crowds=(Crowd(count=6),),
        load=Load(seconds=2.5),
        acts=(MemoryShort(at_s=0.3, for_s=1.5, share=0.97),),
        promise=Promise(closes=(4104,)),
    ),
    Scenario(
        name="memory-refuses",
        what="Memory is short: nobody is let in who was cut, and nobody else is disturbed.",
        acts=(MemoryShort(at_s=0.1, for_s=1.6, share=0.85),),
        load=Load(seconds=2.0),
        script=(Step(at_s=1.2, fault=Reset()),),
        promise=_CUT,
    ),
    Scenario(
        name="memory-slows",
        what="Memory is short: latest values come more slowly and end up right.",
        crowds=(Crowd(topics=("fills", "watchlist")),),
        acts=(MemoryShort(at_s=0.1, for_s=1.5, share=0.92),),
        load=Load(seconds=1.5, values_per_s=200),
        promise=Promise(undisturbed=True),
    ),
    Scenario(
        name="loop-blocked",
        what="The loop stands still for longer than every deadline: nobody is closed for it.",
        limits=msgspec.structs.replace(QUICK, hello_deadline_s=0.3, write_deadline_s=0.3),
        acts=(Blocked(at_s=0.4, for_s=0.9),),
        promise=Promise(undisturbed=True),
        alone=True,
    ),
    Scenario(
        name="loop-in-slices",
        what="The loop stands still for 150 ms again and again.",
        acts=tuple(Blocked(at_s=0.2 * number, for_s=0.15) for number in range(1, 6)),
        promise=Promise(undisturbed=True),
        alone=True,
    ),
)
