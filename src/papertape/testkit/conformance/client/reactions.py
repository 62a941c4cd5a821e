"""Scripts about ends: what a client does after each, what it tells, and how it judges silence."""

from __future__ import annotations

import asyncio

from papertape.testkit.conformance.client.attempt import Attempt
from papertape.testkit.conformance.client.script import ScriptBook, beat, pub, require_position, resumed, settled
from papertape.testkit.conformance.client.stage import Stage
from papertape.testkit.conformance.verdict import Breach, require, require_in_time
from papertape.wire.stream import Bye

REACTIONS = ScriptBook()
_QUIET_S = 15.0
_SOON_S = 1.5
_LEAST_BACKOFF_S = 0.5
_RETRY_MS = 3_000
_DEAD_S, _GRACE_S = 45.0, 10.0


async def say_bye(attempt: Attempt, code: int, retry_ms: int = 0) -> float:
    """End with `bye` and return when that began."""
    began = asyncio.get_running_loop().time()
    await attempt.say(Bye(code=code, reason="as the script says", retry_ms=retry_ms))
    await attempt.close(code)
    return began


async def expect_rest(stage: Stage, code: int) -> None:
    """Require that the client comes to rest and says so."""
    await stage.reported(lambda reports: any(one.kind == "stopped" for one in reports), f"that it stopped ({code})")
    again = await stage.attempt_within(stage.s(_QUIET_S))
    if again is not None:
        raise Breach(f"after {code} the client came again by {again.carrier}")


@REACTIONS.script("After 40xx a client stops.", "#close-codes-and-reactions")
async def a_stop_code_ends_it(stage: Stage) -> None:
    await say_bye(await settled(stage), 4004)
    await expect_rest(stage, 4004)


@REACTIONS.script("A code that is not known is read by its range: 4077 means stop.", "#close-codes-and-reactions")
async def an_unknown_stop_code_ends_it(stage: Stage) -> None:
    await say_bye(await settled(stage), 4077)
    await expect_rest(stage, 4077)


@REACTIONS.script("A close code counts also without a `bye`.", "#close-codes-and-reactions")
async def a_close_without_bye_counts(stage: Stage) -> None:
    await (await settled(stage)).close(4001)
    await expect_rest(stage, 4001)


@REACTIONS.script("After 42xx a client comes back at once, and it is no failure.", "#close-codes-and-reactions")
async def a_planned_end_is_no_failure(stage: Stage) -> None:
    attempt = await settled(stage)
    waits = []
    for code in (4202, 4201, 1012, 4202):
        ended_at = await say_bye(attempt, code)
        attempt = await stage.attempt()  # by WebSocket still, though each died young
        waits.append(attempt.at - ended_at)
        require_in_time(waits[-1] < stage.s(_SOON_S) + 0.5, f"after {code} the client came after {waits[-1]:.2f} s")
        require_position(attempt, 5)
        await attempt.welcome(resumed(5, 5))
    soonest_s = min(waits)
    says = f"the client never came sooner than after {soonest_s:.2f} s: it waits as after a failure"
    require_in_time(soonest_s < stage.s(_LEAST_BACKOFF_S), says)


@REACTIONS.script("After 41xx a client stays away for `retry_ms` at least.", "#reconnecting")
async def retry_ms_is_kept(stage: Stage) -> None:
    ended_at = await say_bye(await settled(stage), 4101, _RETRY_MS)
    attempt = await stage.attempt(within_s=20.0 + _RETRY_MS / 1000 / stage.scale)
    away_s = attempt.at - ended_at
    require(away_s > stage.s(_RETRY_MS / 1000) * 0.9, f"the client came after {away_s:.2f} s; 3 s (scaled) were asked")
    require_position(attempt, 5)


@REACTIONS.script("`prev` tells the last end: connection, code, age and carrier.", "#hello")
async def prev_tells_the_last_end(stage: Stage) -> None:
    first = await settled(stage)
    await say_bye(first, 4101)
    second = await stage.attempt(within_s=20.0)
    prev = second.hello.prev
    require(prev is not None and (prev.conn, prev.code) == (first.conn, 4101), f"`prev` is {prev}")
    require(prev is not None and prev.transport == "websocket" and prev.age_ms is not None, f"`prev` is {prev}")


@REACTIONS.script("`prev` of a cut has no code, or 1006.", "#hello")
async def prev_of_a_cut_has_no_code(stage: Stage) -> None:
    first = await settled(stage)
    first.abort()
    prev = (await stage.attempt()).hello.prev
    require(prev is not None and prev.conn == first.conn and prev.code in (None, 1006), f"`prev` is {prev}")


@REACTIONS.script("`prev` names the last connection that lived and counts the tries since.", "#hello")
async def prev_counts_the_attempts(stage: Stage) -> None:
    first = await settled(stage)
    stage.faults["websocket"] = "refuse"
    first.abort()
    await stage.seen(stage.failed, 20.0, "the client did not try again after a cut")
    del stage.faults["websocket"]
    prev = (await stage.attempt(within_s=20.0)).hello.prev
    require(prev is not None and prev.conn == first.conn, f"`prev` is {prev}; {first.conn} was the last that lived")
    tries = len(stage.refused)
    require(prev is not None and prev.attempts >= tries, f"`prev` counts {prev and prev.attempts} tries of {tries}")


@REACTIONS.script("The tab's name stays the same across connections.", "#hello")
async def the_tab_stays_the_same(stage: Stage) -> None:
    first = await settled(stage)
    first.abort()
    second = await stage.attempt()
    require(first.hello.tab == second.hello.tab, f"the tab was {first.hello.tab}, then {second.hello.tab}")


@REACTIONS.script("Without a welcome in 10 s a client gives up and tries again.", "#reconnecting")
async def a_missing_welcome_is_given_up(stage: Stage) -> None:
    first = await stage.attempt()
    second = await stage.attempt(within_s=10.0 + 5.0)
    require(second.at - first.at > stage.s(8.0), f"it gave up after {second.at - first.at:.2f} s")
    await stage.seen(first.over, 0.0, "the connection without a welcome is left open")


@REACTIONS.script("After 45 s of silence a client probes with `ping`; an answer is enough.", "#heartbeat-and-verdict")
async def silence_is_probed(stage: Stage) -> None:
    attempt = await settled(stage)
    attempt.pinged.clear()
    await _pinged(stage, attempt, _DEAD_S)
    again = await stage.attempt_within(stage.s(_GRACE_S * 2))
    require(again is None, "the client gave up though its probe was answered")
    await attempt.say(pub(6, 5))
    await stage.delivered(6)


@REACTIONS.script("Any frame answers a probe.", "#heartbeat-and-verdict")
async def any_frame_is_life(stage: Stage) -> None:
    attempt = await settled(stage)
    attempt.is_mute = True
    attempt.pinged.clear()
    await _pinged(stage, attempt, _DEAD_S)
    await attempt.say(beat(5))
    again = await stage.attempt_within(stage.s(_GRACE_S * 2))
    require(again is None, "the client gave up though a heartbeat came")


@REACTIONS.script(
    "Silent, probed and still silent for 10 s: the client closes and comes back.", "#heartbeat-and-verdict"
)
async def a_dead_connection_is_given_up(stage: Stage) -> None:
    first = await settled(stage)
    first.is_mute = True
    second = await stage.attempt(within_s=(_DEAD_S + _GRACE_S) * 2)
    silent_s = second.at - first.at
    require(silent_s > stage.s(_DEAD_S), f"the client gave up after {silent_s:.2f} s")
    require_position(second, 5)
    prev = second.hello.prev
    require(prev is not None and prev.conn == first.conn and bool(prev.silent_ms), f"`prev` is {prev}")


async def _pinged(stage: Stage, attempt: Attempt, seconds: float) -> None:
    await stage.seen(attempt.pinged, seconds * 1.5, f"no `ping` came in {seconds * 1.5:g} s (scaled) of silence")
