"""Scenarios whose cause is other clients: those that read slowly, ask too much or break the protocol."""

from __future__ import annotations

import msgspec

from papertape.testkit.faults import Fin, Reset, Stall, Step
from papertape.testkit.storm.scenario import QUICK, Chaos, Crowd, Kind, Load, Promise, Restart, Scenario

_SMALL_QUEUE = msgspec.structs.replace(QUICK, queue_messages=300, queue_bytes=1_000_000, write_deadline_s=0.4)
_LONG = Load(facts_per_s=150, text_chars=5_000, seconds=1.5, before=2)


def _beside(kind: Kind, code: int, what: str, topics: tuple[str, ...] = ("fills", "alerts")) -> Scenario:
    limits = msgspec.structs.replace(QUICK, hello_deadline_s=0.3, topics=4)
    return Scenario(
        name=f"beside-{kind}",
        what=f"{what} The others notice nothing.",
        limits=limits,
        crowds=(Crowd(count=2), Crowd(kind=kind, count=3, topics=topics)),
        promise=Promise(undisturbed=True, closes=(code,)),
    )


DIFFICULT_CLIENTS: tuple[Scenario, ...] = (
    Scenario(
        name="slow",
        what="A client that reads too slowly is closed and goes on by position; the others notice nothing.",
        limits=_SMALL_QUEUE,
        crowds=(Crowd(), Crowd(kind="slow", count=2)),
        load=_LONG,
        promise=Promise(undisturbed=True, closes=(4101,)),
    ),
    Scenario(
        name="stuck",
        what="A client that stopped reading is closed; the others notice nothing.",
        limits=_SMALL_QUEUE,
        crowds=(Crowd(), Crowd(kind="stuck", count=2)),
        load=_LONG,
        promise=Promise(undisturbed=True, closes=(4101,)),
    ),
    Scenario(
        name="stuck-event-stream",
        what="An event stream that nobody reads is ended; the others notice nothing.",
        limits=_SMALL_QUEUE,
        crowds=(Crowd(), Crowd(kind="sse_stuck", count=2)),
        load=_LONG,
        promise=Promise(undisturbed=True, closes=(4101,)),
    ),
    Scenario(
        name="all-stall",
        what="The lines of all clients stand still while much is published.",
        limits=_SMALL_QUEUE,
        load=_LONG,
        script=(Step(at_s=0.3, fault=Stall(direction="down")),),
        promise=Promise(every_follower_cut=True, may_close=(4101,)),
    ),
    _beside("mute", 4102, "Clients connect and never say hello."),
    _beside("garbage", 4005, "Clients send what is not the protocol."),
    _beside("oversized", 1009, "Clients send frames above 64 KB."),
    _beside("flood", 4105, "Clients send more messages than allowed."),
    _beside("twice", 4005, "Clients say hello twice."),
    _beside(
        "greedy", 4008, "Clients want more topics than allowed.", ("fills", "alerts", "signals", "orders", "account")
    ),
    _beside("outdated", 4004, "Clients speak a version that does not exist."),
    Scenario(
        name="leavers",
        what="Clients leave while their snapshots are paged out, again and again.",
        limits=msgspec.structs.replace(QUICK, frame_bytes=2_000),
        crowds=(Crowd(count=2), Crowd(kind="leaver", count=4)),
        load=Load(before=400, text_chars=500),
        promise=Promise(undisturbed=True),
    ),
    Scenario(
        name="poll-leavers",
        what="Polls are abandoned before they are answered.",
        crowds=(Crowd(count=1, carriers=("poll",)), Crowd(kind="poll_leaver", count=4)),
    ),
    Scenario(
        name="churn",
        what="Clients subscribe and unsubscribe all the time.",
        crowds=(Crowd(count=1), Crowd(kind="churner", count=4)),
    ),
    Scenario(
        name="choosers",
        what="Clients of the library add and remove topics all the time, by every carrier; added again is from anew.",
        crowds=tuple(Crowd(kind="chooser", count=2, carriers=(carrier,)) for carrier in ("websocket", "sse", "poll")),
        promise=Promise(only_first_snapshots=False),
    ),
    Scenario(
        name="choosers-among-cuts",
        what="Clients of the library add and remove topics while they are cut and the server restarts.",
        crowds=(Crowd(kind="chooser", count=4),),
        chaos=Chaos(faults=(Reset(), Fin()), all_at_once=4),
        acts=(Restart(at_s=0.5),),
        promise=Promise(only_first_snapshots=False, every_follower_cut=True),
    ),
    Scenario(
        name="churn-among-cuts",
        what="Clients subscribe and unsubscribe while they are cut.",
        crowds=(Crowd(kind="churner", count=4),),
        chaos=Chaos(faults=(Reset(), Fin()), all_at_once=4),
    ),
    Scenario(
        name="stampede",
        what="More clients come back at once than may be accepted a second; all are back in the end.",
        limits=msgspec.structs.replace(QUICK, new_connections_per_s=20.0),
        crowds=(Crowd(count=15),),
        load=Load(facts_per_s=50),
        script=(Step(at_s=0.3, fault=Reset()),),
        promise=Promise(every_follower_cut=True),
    ),
    Scenario(
        name="everybody",
        what="Clients of every kind at once, on a bad day.",
        limits=msgspec.structs.replace(_SMALL_QUEUE, hello_deadline_s=0.3),
        crowds=(
            Crowd(count=2),
            Crowd(count=1, carriers=("sse",)),
            Crowd(count=1, carriers=("poll",)),
            *(Crowd(kind=kind, count=1) for kind in ("slow", "stuck", "mute", "garbage", "flood", "leaver", "churner")),
        ),
        load=Load(text_chars=1_000, values_per_s=50),
        chaos=Chaos(faults=(Reset(), Fin()), all_at_once=2, singles=5),
        promise=Promise(may_close=(4101, 4102, 4005, 4105)),
    ),
)
