"""A session does not need the copy in QuestDB: it starts and trades without, says so, and says when it is back."""

from __future__ import annotations

import pytest

from papertape.errors import Conflict, Unavailable
from papertape.model.events import AlertRaised
from papertape.model.views import Check, MirrorState, PreflightView, StageView
from papertape.testkit.fake_mirror import FakeMirror, mirror_status
from papertape.testkit.fake_source import FakeSource, make_instrument
from papertape.testkit.manual_time import settle
from papertape.testkit.session_bench import SessionBench

BTC = make_instrument("BTCUSDT")


def bench(mirror: FakeMirror | None) -> SessionBench:
    return SessionBench(FakeSource([BTC]), mirror=mirror)


async def started(desk: SessionBench) -> str:
    view = await desk.start("BTCUSDT")
    await settle()
    return view.session_id


def mirrored(desk: SessionBench, session_id: str) -> Check | None:
    view = desk.desk.latest(session_id, "preflight")["preflight"]
    assert isinstance(view, PreflightView)
    return next((check for check in view.checks if check.code == "store.mirrored"), None)


def alerts(desk: SessionBench) -> list[tuple[str, str, str]]:
    return [(fact.code, fact.stage, fact.message) for fact in desk.seen.facts if isinstance(fact, AlertRaised)]


async def test_a_session_of_a_desk_without_a_copy_has_no_check_of_it() -> None:
    desk = bench(None)
    session_id = await started(desk)
    await desk.play([BTC], 2)
    assert mirrored(desk, session_id) is None
    with pytest.raises(Conflict, match=r"--store questdb://"):
        await desk.desk.resume_store()


async def test_a_live_copy_is_a_check_that_passes() -> None:
    desk = bench(FakeMirror("live"))
    session_id = await started(desk)
    await desk.play([BTC], 2)
    check = mirrored(desk, session_id)
    assert check == Check(
        code="store.mirrored",
        label="Data is being copied to QuestDB",
        status="ok",
        detail=mirror_status("live").detail,
        checked_ts=check.checked_ts if check else 0,
    )
    assert (desk.desk.session(session_id).state, desk.desk.health().status) == ("running", "ok")


@pytest.mark.parametrize("state", ["unreachable", "refused", "suspended"])
async def test_a_session_starts_without_the_copy_is_degraded_after_30_s_and_restored_when_it_is_back(
    state: MirrorState,
) -> None:
    mirror = FakeMirror(state)
    desk = bench(mirror)
    session_id = await started(desk)
    await desk.play([BTC], 2)
    check = mirrored(desk, session_id)
    assert check is not None
    assert check.status == "warning"
    session = desk.desk.session(session_id)
    assert (session.state, session.is_degraded) == ("running", False)
    await desk.play([BTC], 31)
    session = desk.desk.session(session_id)
    assert (session.state, session.degraded_reason) == ("running", mirror_status(state).detail)
    assert alerts(desk) == [("session.degraded", "store.mirrored", mirror_status(state).detail)]
    mirror.become("live")
    await desk.play([BTC], 2)
    assert not desk.desk.session(session_id).is_degraded
    assert alerts(desk)[-1][0] == "session.restored"


async def test_the_proof_of_life_waits_a_few_seconds_for_a_copy_that_is_connecting() -> None:
    desk = bench(FakeMirror("connecting"))
    session_id = await started(desk)
    await desk.play([BTC], 3)
    assert desk.desk.session(session_id).state == "starting"
    await desk.play([BTC], 4)
    check = mirrored(desk, session_id)
    assert check is not None
    assert (desk.desk.session(session_id).state, check.status) == ("running", "warning")


async def test_a_running_session_is_not_degraded_while_the_copy_reconnects_or_catches_up() -> None:
    mirror = FakeMirror("live")
    desk = bench(mirror)
    session_id = await started(desk)
    await desk.play([BTC], 2)
    mirror.become("connecting")
    await desk.play([BTC], 20)
    assert not desk.desk.session(session_id).is_degraded
    mirror.become("behind")
    await desk.play([BTC], 60)
    check = mirrored(desk, session_id)
    assert check is not None
    assert (check.status, desk.desk.session(session_id).is_degraded) == ("warning", False)


async def test_health_is_degraded_with_the_sentence_of_the_copy_said_once() -> None:
    mirror = FakeMirror("unreachable")
    desk = bench(mirror)
    session_id = await started(desk)
    detail = mirror_status("unreachable").detail
    assert (desk.desk.health().status, desk.desk.health().detail) == ("degraded", detail)
    await desk.play([BTC], 33)
    assert desk.desk.session(session_id).is_degraded
    assert desk.desk.health().detail == detail
    desk.store.fail("The disk is gone.")
    assert desk.desk.health().status == "failed"


async def test_the_store_stage_of_the_pipeline_says_how_the_copy_is() -> None:
    mirror = FakeMirror("suspended")
    desk = bench(mirror)
    session_id = await started(desk)
    await desk.play([BTC], 2)
    stage = desk.desk.latest(session_id, "pipeline")["store"]
    assert isinstance(stage, StageView)
    detail = mirror_status("suspended").detail
    assert (stage.status, stage.last_error) == ("warning", detail)
    assert stage.detail == f"kept in memory. Commit to disk 0.0 ms at worst. {detail}"


async def test_suspended_tables_are_resumed_and_a_refusal_is_told() -> None:
    mirror = FakeMirror("suspended")
    desk = bench(mirror)
    mirror.refusal = "QuestDB does not answer; start it and try again."
    with pytest.raises(Unavailable, match="does not answer"):
        await desk.desk.resume_store()
    mirror.refusal = None
    assert await desk.desk.resume_store() == ["signals"]
    assert desk.desk.store().mirror == mirror_status("live")
