import asyncio

from papertape.model.entries import ClockTick, Entry, LifecycleChange, Quote, Trade
from papertape.model.instrument import Instrument
from papertape.session.core import SessionCore
from papertape.session.panels import KEPT_PANELS, Panels
from papertape.testkit.engine_run import START_TS, session_plan
from papertape.testkit.fake_source import make_instrument
from papertape.testkit.session_bench import SIMPLE_STRATEGY

BTC, ETH = make_instrument("BTCUSDT"), make_instrument("ETHUSDT")
SECOND = 1_000_000


def live_core() -> SessionCore:
    core = SessionCore(session_plan(SIMPLE_STRATEGY, instruments=(BTC, ETH)))
    start = LifecycleChange(
        ts=START_TS, recv_ts=START_TS, state="running", trigger="start", reason="", is_degraded=False,
        entries_paused=False,
    )  # fmt: skip
    core.feed([start])
    return core


def market(instrument: Instrument, second: float, price: int = 10_000) -> list[Entry]:
    ts = START_TS + round(second * SECOND)
    return [
        Quote(ts=ts, recv_ts=ts, instrument=instrument.id, bid=price - 1, bid_size=9, ask=price + 1, ask_size=9),
        Trade(ts=ts, recv_ts=ts, instrument=instrument.id, price=price, size=100, side="buy", trade_id=f"T{ts}"),
    ]


def everything(core: SessionCore) -> dict[str, object]:
    return {
        "indicators": {view.key: view for view in core.engine.indicators()},
        "conditions": {view.key: view for view in core.engine.conditions()},
        "bars": {
            f"{instrument.id}|{interval_s}": core.engine.bars(instrument.id, interval_s, 1)[-1]
            for instrument in (BTC, ETH)
            for interval_s in (1, 5, 15, 60, 300)
            if core.engine.bars(instrument.id, interval_s, 1)
        },
    }


def exact(panels: Panels) -> dict[str, object]:
    return {topic: panels.exact(topic) for topic in KEPT_PANELS}


def test_after_every_kind_of_entry_the_panels_show_what_the_engine_shows() -> None:
    core = live_core()
    panels = Panels(core)
    ts = START_TS + 5 * SECOND
    closing = LifecycleChange(
        ts=ts, recv_ts=ts, state="stopping", trigger="stop", reason="Enough.", is_degraded=False, entries_paused=True
    )
    for entries in (market(BTC, 1), market(ETH, 2), [ClockTick(ts=ts - 1, recv_ts=ts)], [closing]):
        core.feed(entries)
        assert exact(panels) == everything(core)


def test_history_that_warms_is_shown_too() -> None:
    core = SessionCore(session_plan(SIMPLE_STRATEGY, instruments=(BTC, ETH)))
    panels = Panels(core)
    assert exact(panels) == everything(core)
    core.feed(market(BTC, -3), is_warmup=True)
    assert exact(panels) == everything(core)
    assert panels.instances() == core.engine.instances()


def test_only_the_instrument_that_changed_is_made_anew() -> None:
    core = live_core()
    panels = Panels(core)
    before = panels.exact("conditions")
    core.feed(market(BTC, 1))
    after = panels.exact("conditions")
    assert [key for key in before if after[key] is not before[key]] == [f"buy-the-tick|{BTC.id}"]


def test_instances_are_made_once_an_entry() -> None:
    core = live_core()
    panels = Panels(core)
    assert panels.instances() is panels.instances()
    core.feed(market(BTC, 1))
    assert panels.instances() == core.engine.instances()


async def test_who_follows_is_shown_the_newest_soon_without_asking_for_it_to_be_made() -> None:
    core = live_core()
    panels = Panels(core)
    panels.shown("conditions")
    core.feed(market(BTC, 1))
    wanted = {view.key: view for view in core.engine.conditions()}
    async with asyncio.timeout(30):
        while panels.shown("conditions") != wanted:  # noqa: ASYNC110  made anew by the loop's own timer
            await asyncio.sleep(0.005)
    panels.close()
