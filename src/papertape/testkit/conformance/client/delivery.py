"""Scripts about what a client says first, what it delivers, and when it asks again."""

from __future__ import annotations

import msgspec

from papertape.testkit.conformance.client.attempt import Attempt
from papertape.testkit.conformance.client.script import (
    EPOCH,
    ScriptBook,
    beat,
    fresh,
    pub,
    require_position,
    resumed,
    settled,
)
from papertape.testkit.conformance.client.stage import ALERTS, FILLS, WATCHLIST, Stage
from papertape.testkit.conformance.verdict import require
from papertape.wire.stream import StreamError, Sub

DELIVERY = ScriptBook()
_ASKED_S = 5.0
_MOMENT_S = 0.2  # real time in which a client that is wrong would have delivered


async def answer_again(stage: Stage, attempt: Attempt, seq: int, *missed: tuple[int, int]) -> None:
    """Answer the subscription that a hole must cause: from the client's position, with a snapshot without one."""
    asked = await attempt.next_of(Sub, stage.patience(_ASKED_S))
    (request,) = asked.subs
    require(request.topic == FILLS, f"the client asks for {request.topic} again, not for {FILLS}")
    if request.seq is None:
        await attempt.say(*fresh(missed[-1][1]))
        return
    require((request.epoch, request.seq) == (EPOCH, seq), f"the client asks from {request}; it stands at {seq}")
    await attempt.say(resumed(seq, missed[-1][1]), *(pub(number, prev) for prev, number in missed))


async def caught_up(stage: Stage, seqs: list[int], head: int) -> None:
    """Require that the client has delivered these publications, or a snapshot at the head instead."""
    await stage.reported(
        lambda _: stage.seqs() == seqs or (stage.snapshots()[-1:] == [(EPOCH, head)]), f"what leads to {head}"
    )


@DELIVERY.script("`hello` comes first, with version, tab, topics, no position and no story.", "#hello", (FILLS, ALERTS))
async def hello_comes_first(stage: Stage) -> None:
    hello = (await stage.attempt()).hello
    require(hello.v == 1 and bool(hello.tab), f"`hello` says version {hello.v} and tab {hello.tab!r}")
    require({request.topic for request in hello.subs} == {FILLS, ALERTS}, f"`hello` asks for {hello.subs}")
    require(all(request.seq is None for request in hello.subs), f"a new client has positions: {hello.subs}")
    require(hello.prev is None, f"a new client tells of an end: {hello.prev}")


@DELIVERY.script("A snapshot and what follows it are delivered once and in order.", "#pub")
async def a_snapshot_and_publications_are_delivered(stage: Stage) -> None:
    attempt = await settled(stage, 5)
    await attempt.say(pub(7, 5), pub(8, 7), pub(12, 8))
    await stage.delivered(7, 8, 12)


@DELIVERY.script("A `prev` that is not beyond the position continues it.", "#pub")
async def a_prev_before_the_position_is_no_hole(stage: Stage) -> None:
    attempt = await settled(stage, 5)
    await attempt.say(pub(9, 3))
    await stage.delivered(9)


@DELIVERY.script("A publication that came before is dropped.", "#pub")
async def duplicates_are_dropped(stage: Stage) -> None:
    attempt = await settled(stage, 5)
    await attempt.say(pub(4, 3), pub(6, 5), pub(6, 5), pub(5, 4), pub(7, 6))
    await stage.delivered(6, 7)


@DELIVERY.script("Several publications of latest values with one seq all count.", "#pub", (WATCHLIST,))
async def latest_values_with_one_seq_all_count(stage: Stage) -> None:
    attempt = await stage.attempt()
    await attempt.welcome(*fresh(5, WATCHLIST))
    await attempt.say(*(pub(seq, None, WATCHLIST) for seq in (6, 6, 7)))
    await stage.delivered(6, 6, 7, topic=WATCHLIST)


@DELIVERY.script("At a hole the client subscribes again from where it is, on the same connection.", "#pub")
async def a_hole_is_asked_for(stage: Stage) -> None:
    attempt = await settled(stage, 5)
    await attempt.say(pub(6, 5), pub(9, 8))
    await answer_again(stage, attempt, 6, (6, 8), (8, 9))
    await caught_up(stage, [6, 8, 9], 9)


@DELIVERY.script("A head that is beyond the position at two heartbeats is a loss: the client subscribes again.", "#hb")
async def a_head_that_never_came_is_asked_for(stage: Stage) -> None:
    attempt = await settled(stage, 5)
    await attempt.say(beat(6), beat(6))
    await answer_again(stage, attempt, 5, (5, 6))
    await caught_up(stage, [6], 6)


@DELIVERY.script("A head may overtake its data: one heartbeat alone causes nothing.", "#hb")
async def a_head_that_overtakes_is_no_hole(stage: Stage) -> None:
    attempt = await settled(stage, 5)
    await attempt.say(beat(6), pub(6, 5), beat(6))
    await stage.delivered(6)
    message = await attempt.next(stage.s(_ASKED_S))
    require(not isinstance(message, Sub), f"the client asked again for what it has: {message}")


@DELIVERY.script("The pages of a snapshot are one snapshot, delivered when the last is there.", "#snap")
async def pages_make_one_snapshot(stage: Stage) -> None:
    attempt = await stage.attempt()
    sub, snap = fresh(5)
    pages = [msgspec.structs.replace(snap, page=number, of=3) for number in (1, 2, 3)]
    await attempt.welcome(sub, *pages[:2])
    require(await stage.attempt_within(_MOMENT_S) is None, "the client came again in the middle of a snapshot")
    require(not stage.snapshots(), "a snapshot was delivered before its last page")
    await attempt.say(pages[2], pub(6, 5))
    await stage.delivered(6)
    require(stage.snapshots() == [(EPOCH, 5)], f"the snapshots {stage.snapshots()} were delivered; one was sent")


@DELIVERY.script("A snapshot that was cut is no position: the next `hello` asks for it anew.", "#snap")
async def a_cut_snapshot_moves_nothing(stage: Stage) -> None:
    attempt = await stage.attempt()
    sub, snap = fresh(5)
    await attempt.welcome(sub, msgspec.structs.replace(snap, page=1, of=2))
    attempt.abort()
    found = (await stage.attempt()).position(FILLS)
    require(found == (None, None), f"after half a snapshot `hello` says the position {found}")


@DELIVERY.script("After a cut `hello` says the position of the last delivery.", "#resuming")
async def positions_are_in_the_next_hello(stage: Stage) -> None:
    attempt = await settled(stage, 5)
    await attempt.say(pub(6, 5), pub(8, 6))
    await stage.delivered(6, 8)
    attempt.abort()
    second = await stage.attempt()
    require_position(second, 8)
    await second.welcome(resumed(8, 9), pub(9, 8), pub(10, 9))
    await stage.delivered(6, 8, 9, 10)


@DELIVERY.script("What a resume repeats is dropped.", "#resuming")
async def a_resume_that_overlaps_is_dropped(stage: Stage) -> None:
    attempt = await settled(stage, 5)
    await attempt.say(pub(6, 5), pub(7, 6))
    await stage.delivered(6, 7)
    attempt.abort()
    second = await stage.attempt()
    await second.welcome(resumed(7, 8), pub(7, 6), pub(8, 7))
    await stage.delivered(6, 7, 8)


@DELIVERY.script("A snapshot where the client had a position replaces what it had, and its position.", "#resuming")
async def a_snapshot_replaces_the_position(stage: Stage) -> None:
    attempt = await settled(stage, 50)
    attempt.abort()
    second = await stage.attempt()
    require_position(second, 50)
    await second.welcome(*fresh(3, epoch="e-2"), pub(4, 3, epoch="e-2"))
    await stage.delivered(4)
    require(stage.snapshots() == [(EPOCH, 50), ("e-2", 3)], f"the snapshots are {stage.snapshots()}")


@DELIVERY.script("An epoch that changes on a living connection is followed, and said in the next `hello`.", "#resuming")
async def a_new_epoch_is_followed(stage: Stage) -> None:
    attempt = await settled(stage, 50)
    await attempt.say(*fresh(2, epoch="e-2"), pub(3, 2, epoch="e-2"))
    await stage.delivered(3)
    attempt.abort()
    require_position(await stage.attempt(), 3, epoch="e-2")


@DELIVERY.script("A client says `batch` and takes frames that hold several messages, in order.", "#batch-frames")
async def arrays_of_messages_are_taken(stage: Stage) -> None:
    attempt = await stage.attempt()
    require(attempt.hello.batch, "`hello` does not say `batch`; every client of ours does")
    await attempt.welcome()
    await attempt.say_at_once(*fresh(5), pub(6, 5), pub(7, 6))
    await attempt.say_at_once(pub(8, 7))
    await stage.delivered(6, 7, 8)


@DELIVERY.script("Fields that a client does not know are ignored.", "#versions")
async def unknown_fields_are_ignored(stage: Stage) -> None:
    attempt = await settled(stage, 5)
    await attempt.say({**msgspec.to_builtins(pub(6, 5)), "colour": "red"}, pub(7, 6))
    await stage.delivered(6, 7)


@DELIVERY.script("An `err` that is temporary is asked for again later; the connection stays.", "#err", (FILLS, ALERTS))
async def a_temporary_error_is_asked_for_again(stage: Stage) -> None:
    attempt = await stage.attempt()
    busy = StreamError(code="stream.busy", message="Try again.", temporary=True, topic=ALERTS)
    await attempt.welcome(busy, *fresh(5), pub(6, 5))
    await stage.delivered(6)
    asked = await attempt.next_of(Sub, stage.patience(30.0))
    require([request.topic for request in asked.subs] == [ALERTS], f"the client asks for {asked.subs} again")


@DELIVERY.script("An `err` that is not temporary is not asked for again; other topics go on.", "#err", (FILLS, ALERTS))
async def a_lasting_error_is_not_asked_for_again(stage: Stage) -> None:
    attempt = await stage.attempt()
    unknown = StreamError(code="session.unknown", message="There is none.", temporary=False, topic=ALERTS)
    await attempt.welcome(unknown, *fresh(5), pub(6, 5))
    await stage.delivered(6)
    message = await attempt.next(stage.s(15.0))
    require(not isinstance(message, Sub), f"the client asks again: {message}")
