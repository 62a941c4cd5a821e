from papertape.model.views import Check, CheckStatus
from papertape.session.checks import PROOF_DEADLINE_US
from papertape.session.verdict import Verdict, judge


def check(status: CheckStatus, code: str = "symbol.data") -> Check:
    return Check(code=code, label="Market data arrives", status=status, detail=f"It is {status}.", instrument="A.X")


def test_a_starting_session_runs_once_every_check_passes() -> None:
    assert judge("starting", [check("ok"), check("warning")], is_degraded=False, age_us=1) == Verdict(
        trigger="proven",
        state="running",
        reason="Every check passed: data arrives, is calculated, written and shown.",
        is_degraded=False,
        check=None,
    )


def test_a_starting_session_waits_for_what_is_missing() -> None:
    assert judge("starting", [check("waiting")], is_degraded=False, age_us=PROOF_DEADLINE_US) is None


def test_proof_of_life_missing_after_the_deadline_runs_degraded_and_names_the_check() -> None:
    missing = check("waiting")
    verdict = judge("starting", [check("ok"), missing], is_degraded=False, age_us=PROOF_DEADLINE_US + 1)
    assert verdict == Verdict(
        trigger="unproven",
        state="running",
        reason="Proof of life is missing after 30 s: It is waiting.",
        is_degraded=True,
        check=missing,
    )


def test_a_running_session_is_degraded_once_and_restored_once() -> None:
    failed = check("failed")
    degraded = judge("running", [failed], is_degraded=False, age_us=0)
    assert degraded == Verdict(
        trigger="degraded", state="running", reason="It is failed.", is_degraded=True, check=failed
    )
    assert judge("running", [failed], is_degraded=True, age_us=0) is None
    assert judge("running", [check("ok")], is_degraded=True, age_us=0) == Verdict(
        trigger="restored", state="running", reason="Every check passes again.", is_degraded=False, check=None
    )
    assert judge("running", [check("warning")], is_degraded=False, age_us=0) is None


def test_a_stopping_session_is_judged_by_its_positions_alone() -> None:
    assert judge("stopping", [check("failed")], is_degraded=False, age_us=0) is None
