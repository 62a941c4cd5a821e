import msgspec
import pytest

from papertape.errors import Conflict, Invalid, NotFound, Unavailable
from papertape.model.entries import Trade, VenueBar
from papertape.model.events import AlertRaised, EquityMarked, OrderFilled, PositionChanged, SessionChanged
from papertape.model.session import StartSession
from papertape.model.tables import ALERTS, SESSION_EVENTS
from papertape.model.views import OpenPosition
from papertape.session.backtest import first_difference
from papertape.testkit.fake_source import FakeSource, make_instrument
from papertape.testkit.manual_time import settle
from papertape.testkit.session_bench import SessionBench

BTC = make_instrument("BTCUSDT")
ETH = make_instrument("ETHUSDT")
SPOT = make_instrument("BTCUSDT", is_perpetual=False)
BOTH = [BTC, ETH]


def bench(**options: object) -> SessionBench:
    return SessionBench(FakeSource([BTC, ETH, SPOT], **options))  # type: ignore[arg-type]  # passed on by name


async def running() -> tuple[SessionBench, str]:
    desk = bench()
    view = await desk.start("BTCUSDT-PERP.FAKE", "ETHUSDT")
    await settle()
    await desk.play(BOTH, 3)
    return desk, view.session_id


def open_positions(desk: SessionBench, session_id: str) -> tuple[OpenPosition, ...]:
    (equity,) = desk.desk.latest(session_id, "equity").values()
    positions: tuple[OpenPosition, ...] = equity.open_positions
    return positions


async def test_every_strategy_and_symbol_is_an_active_instance_when_start_returns() -> None:
    desk = bench()
    view = await desk.start("BTCUSDT-PERP.FAKE", "ETHUSDT")
    instances = desk.desk.latest(view.session_id, "instances").values()
    assert [(item.strategy, item.instrument, item.state, item.is_active) for item in instances] == [
        ("buy-the-tick", "BTCUSDT-PERP.FAKE", "MONITORING", True),
        ("buy-the-tick", "ETHUSDT-PERP.FAKE", "MONITORING", True),
    ]
    assert view.state == "starting"
    assert all(item.since == view.created_ts for item in instances)


async def test_every_symbol_is_on_the_watchlist_with_its_reason_before_any_data() -> None:
    desk = bench()
    view = await desk.start("BTCUSDT-PERP.FAKE", "ETHUSDT")
    rows = desk.desk.latest(view.session_id, "watchlist").values()
    assert [row.instrument for row in rows] == [BTC.id, ETH.id]
    assert all(row.last is None and row.reason for row in rows)


async def test_every_indicator_has_a_value_or_the_reason_why_not() -> None:
    desk = bench()
    view = await desk.start("BTCUSDT-PERP.FAKE")
    before = desk.desk.latest(view.session_id, "indicators").values()
    assert len(before) == 2
    assert all(item.value is None and item.reason for item in before)
    await settle()
    await desk.play([BTC], 6)
    after = desk.desk.latest(view.session_id, "indicators").values()
    assert all(item.value is not None and item.reason is None for item in after)


async def test_a_session_runs_once_every_check_has_passed() -> None:
    desk, session_id = await running()
    assert desk.desk.session(session_id).state == "running"
    preflight = desk.desk.latest(session_id, "preflight")["preflight"]
    assert preflight.status == "ok"
    assert {check.code for check in preflight.checks} == {
        "strategy.registered", "symbol.tradable", "session.configured", "strategies.active", "feed.connected",
        "store.written", "stream.publishing", "symbol.subscribed", "symbol.data", "indicators.calculating",
    }  # fmt: skip


async def test_a_silent_symbol_degrades_the_session_and_is_named() -> None:
    desk = bench()
    view = await desk.start("BTCUSDT-PERP.FAKE", "ETHUSDT")
    await settle()
    await desk.play([BTC], 32)
    session = desk.desk.session(view.session_id)
    assert (session.state, session.is_degraded) == ("running", True)
    assert session.reason == (
        "Proof of life is missing after 30 s: No market data of ETHUSDT-PERP.FAKE has arrived yet."
    )
    alerts = desk.desk.facts(view.session_id, ALERTS)
    assert [(alert.code, alert.stage, alert.instrument) for alert in alerts] == [
        ("session.degraded", "symbol.data", ETH.id)
    ]
    await desk.play(BOTH, 3)
    assert desk.desk.session(view.session_id).is_degraded is False


async def test_a_check_that_fails_before_the_start_fails_the_session_with_its_instances_and_the_reason() -> None:
    desk = bench()
    view = await desk.start("BTCUSDT.FAKE", strategy="pump-peak-short")
    await settle()
    assert view.state == "failed"
    assert view.reason == (
        "pump-peak-short: BTCUSDT.FAKE is spot and cannot be sold short; choose a perpetual (venue.short_not_allowed)."
    )
    session = desk.desk.session(view.session_id)
    assert session.state == "failed"
    assert [item.instrument for item in desk.desk.latest(view.session_id, "instances").values()] == [SPOT.id]
    assert [event.state for event in desk.desk.facts(view.session_id, SESSION_EVENTS)] == ["starting", "failed"]


async def test_the_same_idempotency_key_returns_the_same_session() -> None:
    desk = bench()
    first = await desk.start("ETHUSDT", key="once")
    again = await desk.start("ETHUSDT", key="once")
    assert again.session_id == first.session_id
    assert len(desk.desk.sessions(10)) == 1


async def test_an_empty_idempotency_key_is_none() -> None:
    desk = bench()
    first = await desk.start("ETHUSDT", key="")
    again = await desk.start("ETHUSDT", key="")
    assert again.session_id != first.session_id


@pytest.mark.parametrize(
    ("request_", "error", "path"),
    [
        (StartSession(strategies=("nope",), symbols=("ETHUSDT",)), NotFound, "strategies[0]"),
        (StartSession(strategies=("buy-the-tick",), symbols=("NOPE",)), Invalid, "symbols[0]"),
        (StartSession(strategies=(), symbols=("ETHUSDT",)), Invalid, "strategies"),
        (StartSession(strategies=("buy-the-tick",), symbols=()), Invalid, "symbols"),
        (StartSession(strategies=("buy-the-tick",), symbols=("ETHUSDT",), mode="REPLAY"), Invalid, "mode"),
        (StartSession(strategies=("buy-the-tick",), symbols=("ETHUSDT",), feed="kraken"), Invalid, "feed"),
    ],
)
async def test_a_wrong_request_is_refused_at_its_path_and_nothing_is_created(
    request_: StartSession, error: type[Exception], path: str
) -> None:
    desk = bench()
    with pytest.raises(error) as refused:
        await desk.desk.start(request_, None)
    assert refused.value.path == path  # type: ignore[attr-defined]  # every error of ours has a path
    assert desk.desk.sessions(10) == []


async def test_an_unreachable_feed_is_said_and_nothing_is_created() -> None:
    desk = bench(error="The fake venue does not answer; check the network.")
    with pytest.raises(Unavailable, match="does not answer"):
        await desk.start("ETHUSDT")
    assert desk.desk.sessions(10) == []


async def test_history_warms_the_indicators_and_never_trades() -> None:
    now = bench().time.clock()
    minute = now - now % 60_000_000
    old = [
        VenueBar(
            ts=minute - back * 60_000_000, recv_ts=now, instrument=ETH.id, interval_s=60,
            open_ts=minute - (back + 1) * 60_000_000, open=100, high=130, low=90, close=129 - back, volume=5,
        )
        for back in reversed(range(30))
    ]  # fmt: skip
    desk = bench(history=old)
    view = await desk.start("ETHUSDT", strategy="slow-average")
    await settle()
    assert {type(fact) for fact in desk.stored(view.session_id)} == {SessionChanged, EquityMarked}
    desk.venue.emit(desk.trade(ETH, 129))
    indicators = desk.desk.latest(view.session_id, "indicators").values()
    assert [item.value for item in indicators if item.kind == "sma"] == [pytest.approx(1.195, rel=1e-15)]


async def test_a_recording_of_another_year_keeps_its_own_time() -> None:
    desk = bench()
    long_ago = desk.time.clock() - 40_000_000_000_000
    old = Trade(ts=long_ago, recv_ts=desk.time.clock(), instrument=ETH.id, price=100, size=5, side="buy", trade_id="1")
    desk = bench(history=[old])
    view = await desk.start("ETHUSDT")
    await settle()
    desk.venue.emit(msgspec.structs.replace(old, ts=long_ago + 2_000_000, trade_id="2"))
    (row,) = desk.desk.latest(view.session_id, "watchlist").values()
    (started,) = desk.desk.facts(view.session_id, SESSION_EVENTS)
    assert (started.ts, row.data_ts) == (long_ago, long_ago + 2_000_000)


async def test_stop_closes_positions_and_a_stopped_session_takes_no_more_commands() -> None:
    desk, session_id = await running()
    await desk.play(BOTH, 5)
    assert len(open_positions(desk, session_id)) == 2
    await desk.desk.stop(session_id, close_positions=True)
    await desk.play(BOTH, 2)
    assert desk.desk.session(session_id).state == "stopped"
    closed = [fact for fact in desk.stored(session_id) if isinstance(fact, PositionChanged) and fact.status == "closed"]
    assert [fact.instrument for fact in closed] == [BTC.id, ETH.id]
    with pytest.raises(Conflict, match="it is stopped"):
        await desk.desk.stop(session_id, close_positions=True)
    assert desk.venue.is_closed


async def test_an_ended_session_still_shows_its_last_views() -> None:
    desk, session_id = await running()
    await desk.desk.stop(session_id, close_positions=False)
    await desk.time.pass_time(2)
    await settle()
    rows = desk.desk.latest(session_id, "watchlist").values()
    assert [(row.instrument, row.last) for row in rows] == [(BTC.id, 100.0), (ETH.id, 100.0)]


async def test_resume_of_a_running_session_is_refused_and_of_a_paused_one_is_not() -> None:
    desk, session_id = await running()
    with pytest.raises(Conflict, match="cannot take 'resume': it is running"):
        await desk.desk.resume(session_id)
    assert (await desk.desk.pause_entries(session_id)).entries_paused is True
    assert (await desk.desk.resume(session_id)).entries_paused is False


async def test_replaying_the_tape_gives_every_stored_fact_byte_for_byte() -> None:
    desk, session_id = await running()
    await desk.play(BOTH, 30)
    await desk.desk.pause_entries(session_id)
    await desk.desk.stop(session_id, close_positions=True)
    await desk.play(BOTH, 2)
    facts = desk.stored(session_id)
    assert [fact.seq for fact in facts] == list(range(1, len(facts) + 1))
    assert sum(isinstance(fact, OrderFilled) for fact in facts) >= 4
    row = desk.store.session(session_id)
    assert row is not None
    assert first_difference(row, desk.store) is None


async def test_after_a_crash_the_session_goes_on_with_its_positions_and_says_the_gap() -> None:
    desk, session_id = await running()
    await desk.play(BOTH, 4)
    positions = open_positions(desk, session_id)
    assert len(positions) == 2
    await desk.time.pass_time(0)

    after = desk.restart(FakeSource([BTC, ETH, SPOT]))
    after.time.advance(40)
    assert await after.desk.open() == [session_id]
    await settle()
    restored = open_positions(after, session_id)
    assert [(item.instrument, item.quantity, item.entry_price) for item in restored] == [
        (item.instrument, item.quantity, item.entry_price) for item in positions
    ]
    gap = next(
        fact for fact in after.stored(session_id) if isinstance(fact, AlertRaised) and fact.code == "session.gap"
    )
    assert "nothing is filled for that time (gap policy hold)" in gap.message
    assert after.source.taken_up[0][1] == {BTC.id: 10_000, ETH.id: 10_000}
    await after.play(BOTH, 3)
    assert after.desk.session(session_id).state == "running"
    seqs = [fact.seq for fact in after.stored(session_id)]
    assert seqs == list(range(1, len(seqs) + 1))
    row = after.store.session(session_id)
    assert row is not None
    assert first_difference(row, after.store) is None


async def test_a_suspended_session_resumes_and_one_whose_feed_is_missing_waits() -> None:
    desk, session_id = await running()
    await desk.desk.close()
    assert desk.store.session(session_id).state == "suspended"  # type: ignore[union-attr]  # it was just written
    other = desk.restart(FakeSource([BTC, ETH], name="other"))
    await other.desk.open()
    waiting = other.desk.session(session_id)
    assert (waiting.state, waiting.reason) == (
        "suspended",
        "Waits for its feed: start the desk with --feed fake to resume it.",
    )
    again = other.restart(FakeSource([BTC, ETH]))
    await again.desk.open()
    await settle()
    await again.play(BOTH, 3)
    assert again.desk.session(session_id).state == "running"


async def test_a_store_that_fails_fails_the_session_loudly() -> None:
    desk, session_id = await running()
    desk.store.fail("The disk is gone; replace it and start the desk again.")
    await desk.play([BTC], 1)
    session = desk.desk.session(session_id)
    assert (session.state, session.reason) == ("failed", "The disk is gone; replace it and start the desk again.")


async def test_while_it_rests_an_instance_is_blocked_by_nothing_but_the_time_left() -> None:
    desk, session_id = await running()
    await desk.play(BOTH, 13)
    (resting,) = [view for view in desk.desk.latest(session_id, "instances").values() if view.key.endswith(BTC.id)]
    assert (resting.state, resting.blocking) == ("COOLDOWN", None)
    assert 0 < resting.progress < 100
    assert resting.reason.startswith("Resting for another ")


async def test_a_paused_instance_says_so_before_anything_else() -> None:
    desk = bench()
    view = await desk.start("ETHUSDT", strategy="slow-average")
    await settle()
    await desk.play([ETH], 3)
    await desk.desk.pause_entries(view.session_id)
    (watching,) = desk.desk.latest(view.session_id, "instances").values()
    assert watching.reason.startswith("Entries are paused: Paused by the trader. Watching: ")
