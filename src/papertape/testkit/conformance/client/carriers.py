"""Scripts about falling back, and about coming back to WebSocket."""

from __future__ import annotations

from papertape.testkit.conformance.client.attempt import Attempt
from papertape.testkit.conformance.client.script import ScriptBook, fresh, pub, require_position, resumed, settled
from papertape.testkit.conformance.client.stage import FILLS, Fault, Stage
from papertape.testkit.conformance.verdict import require

CARRYING = ScriptBook()
_THREE_S = 60.0


async def fallen_back(stage: Stage, fault: Fault = "refuse") -> Attempt:
    """Return the event stream that three failures of WebSocket must lead to."""
    stage.faults["websocket"] = fault
    attempt = await stage.attempt(within_s=_THREE_S, carrier="sse")
    failures = len(stage.refused)
    require(failures == 3, f"the client fell back after {failures} failures in a row; 3 are the rule")
    return attempt


@CARRYING.script("After three refused WebSockets in a row a client comes by Server-Sent Events.", "#falling-back")
async def refused_websockets_lead_to_events(stage: Stage) -> None:
    attempt = await fallen_back(stage)
    await attempt.welcome(*fresh(5), pub(6, 5))
    await stage.delivered(6)


@CARRYING.script("A WebSocket that is never answered is a failure.", "#falling-back")
async def hanging_websockets_lead_to_events(stage: Stage) -> None:
    attempt = await fallen_back(stage, "hang")
    await attempt.welcome(*fresh(5), pub(6, 5))
    await stage.delivered(6)


@CARRYING.script("A WebSocket that dies within 10 s of its welcome is a failure.", "#falling-back")
async def cut_websockets_lead_to_events(stage: Stage) -> None:
    attempt = await fallen_back(stage, "cut")
    await attempt.welcome(*fresh(5), pub(6, 5))
    await stage.delivered(6)


@CARRYING.script("The positions go along to the fallback.", "#falling-back")
async def positions_go_along(stage: Stage) -> None:
    first = await settled(stage, 5)
    stage.faults["websocket"] = "refuse"
    first.abort()
    attempt = await stage.attempt(within_s=_THREE_S, carrier="sse")
    require_position(attempt, 5)
    await attempt.welcome(resumed(5, 6), pub(6, 5))
    await stage.delivered(6)


@CARRYING.script(
    "When event streams fail three times too, a client polls, each time from where it is.", "#falling-back"
)
async def failing_events_lead_to_polls(stage: Stage) -> None:
    stage.faults["websocket"] = stage.faults["sse"] = "refuse"
    first = await stage.attempt(within_s=_THREE_S * 2, carrier="poll")
    await first.welcome(*fresh(5), pub(6, 5))
    await first.answer()
    second = await stage.attempt(within_s=5.0, carrier="poll")
    require_position(second, 6)
    await second.welcome(resumed(6, 7), pub(7, 6))
    await second.answer()
    third = await stage.attempt(within_s=5.0, carrier="poll")
    require_position(third, 7)
    await stage.delivered(6, 7)
    require(first.hello.tab == third.hello.tab, "polls of one client have several tabs")


@CARRYING.script(
    "From a fallback a client looks for WebSocket within 15 s, takes it, and loses nothing.", "#falling-back"
)
async def websocket_is_taken_again(stage: Stage) -> None:
    events = await fallen_back(stage)
    await events.welcome(*fresh(5), pub(6, 5))
    await stage.delivered(6)
    del stage.faults["websocket"]
    socket = await stage.attempt(within_s=20.0)
    await events.say(pub(7, 6))
    await stage.delivered(6, 7)
    require_position(socket, 6)
    await socket.welcome(resumed(6, 8), pub(7, 6), pub(8, 7))
    await stage.delivered(6, 7, 8)
    await stage.seen(events.over, 2.0, "the fallback is left open beside the WebSocket")
    again = await stage.attempt_within(stage.s(2.0))
    require(again is None, f"the client came by {again.carrier if again else ''} beside its WebSocket")


@CARRYING.script("A look for WebSocket that fails leaves the fallback as it is.", "#falling-back")
async def a_failed_look_changes_nothing(stage: Stage) -> None:
    events = await fallen_back(stage)
    await events.welcome(*fresh(5))
    stage.failed.clear()
    await stage.seen(stage.failed, 20.0, "the client did not look for WebSocket")
    again = await stage.attempt_within(stage.s(5.0))
    require(again is None, f"the client came by {again.carrier if again else ''} beside its event stream")
    await events.say(pub(6, 5))
    await stage.delivered(6)


@CARRYING.script("An event stream may hold arrays of messages too.", "#batch-frames")
async def events_may_hold_arrays(stage: Stage) -> None:
    events = await fallen_back(stage)
    await events.welcome()
    await events.say_at_once(*fresh(5), pub(6, 5), pub(7, 6))
    await stage.delivered(6, 7)
    require(stage.snapshots(FILLS)[-1][1] == 5, f"the snapshots are {stage.snapshots()}")


@CARRYING.script("503 with `Retry-After` is waited for.", "#reconnecting")
async def retry_after_is_kept(stage: Stage) -> None:
    first = await stage.raw_attempt()
    await first.respond(503, b"{}", "Retry-After: 1\r\n")
    second = await stage.attempt(within_s=20.0 + 1.0 / stage.scale)
    away_s = second.at - first.at
    require(away_s > stage.s(0.4), f"the client came again after {away_s:.2f} s")
