"""What every place that answers questions about the past must answer: one suite, run on each of them.

A test module subclasses `ResearchContract` and gives the fixture `past`.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any, Protocol

import msgspec
import pytest

from papertape.errors import Broken, Invalid
from papertape.journal.ports import Commit, Filter
from papertape.journal.research import Research, SignalInContext, Span
from papertape.model.entries import Batch, Entry, Quote, Trade
from papertape.model.events import SessionChanged
from papertape.model.instrument import Instrument
from papertape.model.market_rows import IndicatorValueRow, QuoteRow
from papertape.model.samples import IndicatorSample, Samples
from papertape.model.session import SessionRow
from papertape.model.tables import EVENT_TABLES, FILLS, SESSION_EVENTS, SIGNALS, Table
from papertape.model.views import BarView
from papertape.testkit.store_contract import OTHER, SESSION, facts, numbered, session_row, signal
from papertape.testkit.venue import PERPETUAL, SPOT

SECOND = 1_000_000
START = 1_766_854_800 * SECOND
"""2025-12-27 17:00:00 UTC in microseconds; a multiple of every interval asked for but 7 s."""
WHOLE = Span()
COIN = msgspec.structs.replace(PERPETUAL, id="COINUSDT.TEST", price_decimals=8, size_decimals=0)


class Past(Protocol):
    """What a suite asks, and how it gets there."""

    @property
    def research(self) -> Research:
        """Where the questions go."""

    def write(self, *commits: Commit) -> None:
        """Make commits durable, and visible to `research`."""


def ended(session_id: str = SESSION, **changes: object) -> Commit:
    """Return the row of a session that has ended and watched the two instruments of tests, and a third one."""
    row = session_row(session_id, 1, state="stopped", updated_ts=START, **changes)
    return Commit(session_id=session_id, batch=None, row=watching(row, PERPETUAL, SPOT, COIN))


def watching(row: SessionRow, *instruments: Instrument) -> SessionRow:
    """Return the row of a session that watches these instruments."""
    return msgspec.structs.replace(row, plan=msgspec.structs.replace(row.plan, instruments=instruments))


def tape(*entries: Entry, first_seq: int = 1, session_id: str = SESSION, is_warmup: bool = False) -> Commit:
    """Return a commit of one batch."""
    batch = Batch(first_seq=first_seq, entries=tuple(entries), is_warmup=is_warmup)
    return Commit(session_id=session_id, batch=batch)


def trade(at_s: float, price: int, size: int = 1, instrument: Instrument = PERPETUAL) -> Trade:
    """Return a print `at_s` seconds after the start; price and size scaled."""
    ts = START + round(at_s * SECOND)
    return Trade(
        ts=ts, recv_ts=ts + 5, instrument=instrument.id, price=price, size=size, side="buy", trade_id=f"t{price}"
    )


def quote(at_s: float, bid: int, instrument: Instrument = PERPETUAL) -> Quote:
    """Return a quote `at_s` seconds after the start, one cent wide."""
    ts = START + round(at_s * SECOND)
    return Quote(ts=ts, recv_ts=ts + 5, instrument=instrument.id, bid=bid, bid_size=1_500, ask=bid + 1, ask_size=2_000)


def sampled(entry_seq: int, at_s: float, *indicators: IndicatorSample, session_id: str = SESSION) -> Commit:
    """Return a commit of the samples of one clock tick."""
    samples = Samples(entry_seq=entry_seq, ts=START + round(at_s * SECOND), indicators=indicators, bars=())
    return Commit(session_id=session_id, batch=None, samples=samples)


def reading(
    value: float | None, indicator: str = "rsi", strategy: str = "pump-peak-short", instrument: Instrument = PERPETUAL
) -> IndicatorSample:
    """Return one sample; without a value it says why."""
    reason = "It needs 14 bars." if value is None else None
    return IndicatorSample(
        strategy=strategy, instrument=instrument.id, indicator=indicator, value=value, reason=reason
    )  # fmt: skip


def bar(at_s: int, interval_s: int, *prices: float, volume: float, is_partial: bool = False) -> BarView:
    """Return the bar that opens `at_s` seconds after the start; `prices` are open, high, low, close."""
    opened, high, low, closed = prices
    return BarView(
        instrument=PERPETUAL.id, interval_s=interval_s, ts=START + at_s * SECOND,
        open=opened, high=high, low=low, close=closed, volume=volume, is_partial=is_partial,
    )  # fmt: skip


def quoted(seq: int, at_s: float, bid: float, ask: float, instrument: Instrument = PERPETUAL) -> QuoteRow:
    """Return the row of a `quote`."""
    ts = START + round(at_s * SECOND)
    return QuoteRow(
        session_id=SESSION, seq=seq, ts=ts, recv_ts=ts + 5, series=f"{SESSION}|{instrument.id}",
        instrument=instrument.id, bid=bid, bid_size=1.5, ask=ask, ask_size=2.0, is_warmup=False,
    )  # fmt: skip


def fired(seq: int, at_s: float, instrument: Instrument = PERPETUAL) -> Any:  # Any: SignalFired, as `signal` returns it
    """Return a signal `at_s` seconds after the start."""
    return signal(seq, ts=START + round(at_s * SECOND), instrument=instrument.id)


def value_row(entry_seq: int, at_s: float, sample: IndicatorSample, session_id: str = SESSION) -> IndicatorValueRow:
    """Return the row of a sample."""
    return IndicatorValueRow(
        session_id=session_id, entry_seq=entry_seq, ts=START + round(at_s * SECOND),
        series=f"{session_id}|{sample.strategy}|{sample.instrument}|{sample.indicator}",
        strategy=sample.strategy, instrument=sample.instrument, indicator=sample.indicator,
        value=sample.value, reason=sample.reason,
    )  # fmt: skip


class ResearchContract:
    """The behaviour of `Research`."""

    async def test_every_fact_is_read_back_equal(self, past: Past) -> None:
        recorded: dict[str, list[Any]] = {
            table.name: _in_order(numbered(table.record, 40, 1)) for table in EVENT_TABLES
        }
        past.write(*(facts(SESSION, *events) for events in recorded.values()))
        found = {table.name: (await past.research.events(table, SESSION)).items for table in EVENT_TABLES}
        assert found == recorded

    async def test_facts_are_read_between_positions(self, past: Past) -> None:
        past.write(facts(SESSION, *(signal(seq) for seq in range(1, 11))), facts(OTHER, signal(4)))
        assert await _seqs(past, after=3, until=7) == [4, 5, 6, 7]
        assert await _seqs(past, after=3, limit=2) == [4, 5]
        assert await _seqs(past, newest_first=True, limit=3) == [10, 9, 8]
        assert await _seqs(past, until=2, newest_first=True) == [2, 1]
        assert await _seqs(past, after=-(2**63), until=2**63 - 1, limit=1) == [1]
        assert [await _seqs(past, **each) for each in ({"limit": 0}, {"limit": -1}, {"until": -5})] == [[], [], []]
        assert (await past.research.events(SIGNALS, "exec_none")).items == []

    async def test_facts_of_one_moment_keep_the_order_of_their_seq(self, past: Past) -> None:
        seqs = random.Random(5).sample(range(1, 41), 40)
        past.write(*(facts(SESSION, signal(seq, ts=START)) for seq in seqs))
        assert await _seqs(past) == list(range(1, 41))
        assert await _seqs(past, newest_first=True, limit=5) == [40, 39, 38, 37, 36]

    async def test_facts_are_filtered_by_text_integer_and_boolean(self, past: Past) -> None:
        changes = [msgspec.structs.replace(each, ts=START) for each in numbered(SessionChanged, 30, seed=3)]
        past.write(facts(SESSION, *changes, signal(31), signal(32, side=None, ts=7), signal(33, side="buy")))
        degraded = await past.research.events(SESSION_EVENTS, SESSION, filters=[_is("is_degraded", "true")])
        assert degraded.items == [change for change in changes if change.is_degraded]
        assert await _seqs(past, filters=[_is("side", "sell"), _is("section", "S1")]) == [31]
        assert await _seqs(past, filters=[_is("ts", "7")]) == [32]
        assert await _seqs(past, filters=[_is("seq", "33")], newest_first=True) == [33]

    @pytest.mark.parametrize(
        "value", ["' OR 1=1 --", "pump-peak-short' --", "$1", "pump-peak-short\x00", "zażółć 🟢", '"; DROP ALL --', ""]
    )
    async def test_a_filter_value_is_only_a_value(self, past: Past, value: str) -> None:
        odd = [value.replace("\x00", "?")] * 2
        past.write(facts(SESSION, signal(1), signal(2, strategy=odd[0], reason=odd[1])))
        wanted = [] if "\x00" in value else [2]
        assert await _seqs(past, filters=[_is("strategy", value)]) == wanted
        assert (await past.research.events(SIGNALS, value)).items == []

    @pytest.mark.parametrize(("table", "column"), [(FILLS, "price"), (SIGNALS, "trace"), (SIGNALS, "price")])
    async def test_a_filter_on_money_or_structure_is_refused(self, past: Past, table: Table, column: str) -> None:
        with pytest.raises(Invalid, match=f"Column {column} of {table.name}"):
            await past.research.events(table, SESSION, filters=[_is(column, "1")])

    async def test_a_filter_on_an_undeclared_column_is_refused(self, past: Past) -> None:
        with pytest.raises(Broken, match="declares no column 'sides'"):
            await past.research.events(SIGNALS, SESSION, filters=[_is("sides", "buy")])

    async def test_bars_are_built_from_trades_with_gaps_left_out(self, past: Past) -> None:
        past.write(ended(), tape(trade(0, 100, 500), trade(0.4, 130, 250), trade(0.9, 90, 1), trade(3, 110, 7)))
        assert await _bars(past, 1) == [
            bar(0, 1, 1.0, 1.3, 0.9, 0.9, volume=0.751),
            bar(3, 1, 1.1, 1.1, 1.1, 1.1, volume=0.007, is_partial=True),
        ]
        assert await _bars(past, 60) == [bar(0, 60, 1.0, 1.3, 0.9, 1.1, volume=0.758, is_partial=True)]

    @pytest.mark.parametrize("interval_s", [1, 5, 7, 60, 3600])
    async def test_bars_of_any_interval_are_those_of_a_plain_loop(self, past: Past, interval_s: int) -> None:
        chance = random.Random(interval_s)
        times = sorted(chance.randrange(0, 400_000) / 1_000 for _ in range(300))
        trades = [trade(at_s, chance.randrange(1, 10**7), chance.randrange(1, 10**9)) for at_s in times]
        past.write(ended(), *_batches(trades, 30))
        assert await _bars(past, interval_s) == plain_bars(trades, interval_s)

    async def test_trades_of_one_microsecond_count_in_the_order_of_their_seq(self, past: Past) -> None:
        chance = random.Random(6)
        trades = [trade(index // 100, chance.randrange(1, 10**7), chance.randrange(1, 10**6)) for index in range(1_000)]
        past.write(ended(), *chance.sample(_batches(trades, 50), 20))
        assert await _bars(past, 1) == plain_bars(trades, 1)

    async def test_a_volume_is_the_exact_sum_of_its_sizes(self, past: Past) -> None:
        sizes = [1, 10**15, 3, 999_999_999_999_999, 7] * 20
        past.write(ended(), tape(*(trade(index / 200, 100, size) for index, size in enumerate(sizes))))
        (only,) = await _bars(past, 60)
        assert only.volume == PERPETUAL.size_float(sum(sizes))

    async def test_prices_and_sizes_of_other_decimals_are_exact(self, past: Past) -> None:
        trades = [trade(index, 1 + index * 7, 3 * 10**9 + index, COIN) for index in range(20)]
        past.write(ended(), tape(*trades))
        found = (await past.research.bars(SESSION, COIN.id, 5, WHOLE)).items
        assert found == plain_bars(trades, 5, COIN)

    async def test_bars_of_a_span_are_never_cut(self, past: Past) -> None:
        past.write(ended(), tape(*(trade(at_s, 100 + at_s) for at_s in range(30))))
        whole = await _bars(past, 5)
        assert [each.ts for each in whole] == [START + at_s * SECOND for at_s in (0, 5, 10, 15, 20, 25)]
        spans = [(0, 15), (1, 15), (5, 11), (-100, 1), (4, 5), (26, 90), (3, 4)]
        asked = [await _bars(past, 5, Span(start_ts=START + a * SECOND, end_ts=START + b * SECOND)) for a, b in spans]
        assert asked == [whole[0:3], whole[1:3], whole[1:3], whole[0:1], [], [], []]
        assert await _bars(past, 5, Span(start_ts=START + 12 * SECOND)) == whole[3:]
        assert await _bars(past, 5, Span(end_ts=START + 12 * SECOND)) == whole[:3]
        assert await _bars(past, 5, Span(start_ts=-5, end_ts=2**63 - 1)) == whole

    async def test_the_newest_bars_are_kept_by_a_limit(self, past: Past) -> None:
        past.write(ended(), tape(*(trade(at_s, 100 + at_s) for at_s in range(10))))
        whole = await _bars(past, 1)
        found = [(await past.research.bars(SESSION, PERPETUAL.id, 1, WHOLE, limit=n)).items for n in (3, 0, -1, 99)]
        assert found == [whole[-3:], [], [], whole]

    async def test_only_a_bar_whose_end_no_trade_has_reached_is_partial(self, past: Past) -> None:
        past.write(ended(), tape(trade(1, 100), trade(9.999_999, 100), trade(40, 100, instrument=SPOT)))
        assert [each.is_partial for each in await _bars(past, 5)] == [False, True]
        past.write(tape(trade(40, 100), first_seq=4))
        assert [each.is_partial for each in await _bars(past, 5, Span(end_ts=START + 40 * SECOND))] == [False, False]

    async def test_trades_of_the_warm_up_count_and_those_of_others_do_not(self, past: Past) -> None:
        warmup = tape(trade(0, 100), trade(1, 101, instrument=SPOT), quote(1, 5), is_warmup=True)
        past.write(ended(), ended(OTHER), warmup, tape(trade(2, 102), first_seq=4))
        past.write(tape(trade(3, 103), session_id=OTHER))
        assert [(each.open, each.close) for each in await _bars(past, 60)] == [(1.0, 1.02)]

    async def test_a_session_or_instrument_that_is_not_there_has_nothing(self, past: Past) -> None:
        past.write(ended(), tape(trade(0, 100)), sampled(1, 0, reading(1.0)))
        research = past.research
        for session_id, instrument in ((OTHER, PERPETUAL.id), (SESSION, "NONE.TEST"), (SESSION, SPOT.id)):
            assert (await research.bars(session_id, instrument, 60, WHOLE)).items == []
            values = await research.indicator_values(session_id, "pump-peak-short", instrument, "rsi", WHOLE)
            assert values.items == []
        assert (await research.latest_values(OTHER)).items == []
        assert (await research.signals_in_context(OTHER)).items == []

    async def test_the_values_of_one_indicator_are_read_by_span_and_limit(self, past: Past) -> None:
        values = [None, 30.5, 41.25, None, 0.1 + 0.2, -0.0, 1e-300]
        past.write(
            *(
                sampled(10 * at_s, at_s, reading(value), reading(9.0, "ema"), reading(8.0, instrument=SPOT))
                for at_s, value in enumerate(values, 1)
            ),
            sampled(10, 1, reading(77.0), session_id=OTHER),
        )
        rows = [value_row(10 * at_s, at_s, reading(value)) for at_s, value in enumerate(values, 1)]
        assert await _values(past, WHOLE) == rows
        assert await _values(past, Span(start_ts=START + 2 * SECOND, end_ts=START + 4 * SECOND)) == rows[1:3]
        assert await _values(past, Span(end_ts=START + 6 * SECOND), limit=2) == rows[3:5]
        assert [await _values(past, WHOLE, limit=limit) for limit in (0, -1)] == [[], []]

    async def test_of_several_samples_of_one_moment_the_last_counts(self, past: Past) -> None:
        past.write(*(sampled(seq, 1, reading(float(seq))) for seq in range(1, 6)), sampled(6, 2, reading(6.0)))
        assert await _values(past, WHOLE) == [value_row(5, 1, reading(5.0)), value_row(6, 2, reading(6.0))]

    async def test_the_latest_value_of_every_indicator_is_found(self, past: Past) -> None:
        stopped = reading(4.0, 'gone, "odd" name\'s | ü', strategy="b c=d,e")
        past.write(
            sampled(1, 1, reading(1.0), stopped, reading(2.0, instrument=SPOT)),
            sampled(2, 2, reading(None), reading(3.0, "ema"), reading(5.0, instrument=SPOT)),
            sampled(9, 9, reading(99.0), session_id=OTHER),
        )
        rows = [value_row(2, 2, each) for each in (reading(None), reading(3.0, "ema"), reading(5.0, instrument=SPOT))]
        rows.append(value_row(1, 1, stopped))
        assert (await past.research.latest_values(SESSION)).items == sorted(rows, key=lambda row: row.series)

    async def test_a_signal_stands_with_the_quote_of_its_moment(self, past: Past) -> None:
        past.write(
            ended(),
            tape(quote(1, 100), quote(2, 102), quote(2, 500, SPOT), quote(4, 104)),
            facts(SESSION, fired(1, 0.5), fired(2, 2), fired(3, 3), fired(4, 3, SPOT), fired(5, 1, COIN)),
        )
        first, second = quoted(2, 2, 1.02, 1.03), quoted(3, 2, 5.0, 5.01, SPOT)
        assert (await past.research.signals_in_context(SESSION)).items == [
            SignalInContext(signal=fired(5, 1, COIN), quote=None),
            SignalInContext(signal=fired(4, 3, SPOT), quote=second),
            SignalInContext(signal=fired(3, 3), quote=first),
            SignalInContext(signal=fired(2, 2), quote=first),
            SignalInContext(signal=fired(1, 0.5), quote=None),
        ]
        newest = (await past.research.signals_in_context(SESSION, limit=2)).items
        assert [each.signal.seq for each in newest] == [5, 4]
        assert (await past.research.signals_in_context(SESSION, limit=0)).items == []

    async def test_of_several_quotes_of_one_moment_the_last_counts(self, past: Past) -> None:
        quotes = [quote(index // 50, 100 + index) for index in range(500)]
        past.write(ended(), *random.Random(7).sample(_batches(quotes, 20), 25))
        past.write(facts(SESSION, *(fired(seq, seq / 2) for seq in range(1, 20))))
        found = (await past.research.signals_in_context(SESSION)).items
        assert [each.quote.seq for each in found if each.quote] == [50 * (seq // 2 + 1) for seq in range(19, 0, -1)]

    async def test_more_signals_than_one_question_takes_have_their_quotes(self, past: Past) -> None:
        past.write(ended(), *_batches([quote(at_s, 100 + at_s) for at_s in range(250)], 50))
        past.write(facts(SESSION, *(fired(seq, seq) for seq in range(1, 250))))
        found = (await past.research.signals_in_context(SESSION, limit=240)).items
        assert [each.quote.seq for each in found if each.quote] == list(range(250, 10, -1))


def plain_bars(trades: Sequence[Trade], interval_s: int, instrument: Instrument = PERPETUAL) -> list[BarView]:
    """Return the bars of trades of one instrument in the order of their seq, by the plainest means."""
    width = interval_s * SECOND
    grouped: dict[int, list[Trade]] = {}
    for each in trades:
        grouped.setdefault(each.ts - each.ts % width, []).append(each)
    newest = max((each.ts for each in trades), default=0)
    return [
        BarView(
            instrument=instrument.id,
            interval_s=interval_s,
            ts=ts,
            open=instrument.price_float(some[0].price),
            high=instrument.price_float(max(each.price for each in some)),
            low=instrument.price_float(min(each.price for each in some)),
            close=instrument.price_float(some[-1].price),
            volume=instrument.size_float(sum(each.size for each in some)),
            is_partial=newest < ts + width,
        )
        for ts, some in sorted(grouped.items())
    ]


def _in_order(events: Sequence[Any]) -> list[Any]:  # Any: records of one event table
    return [msgspec.structs.replace(each, ts=START + each.seq) for each in events]


def _batches(entries: Sequence[Entry], size: int) -> list[Commit]:
    return [tape(*entries[start : start + size], first_seq=start + 1) for start in range(0, len(entries), size)]


async def _bars(past: Past, interval_s: int, span: Span = WHOLE) -> list[BarView]:
    return (await past.research.bars(SESSION, PERPETUAL.id, interval_s, span)).items


async def _values(past: Past, span: Span, limit: int = 1000) -> list[IndicatorValueRow]:
    found = await past.research.indicator_values(
        SESSION, "pump-peak-short", PERPETUAL.id, "rsi", span, limit=limit
    )  # fmt: skip
    return found.items


async def _seqs(past: Past, **window: Any) -> list[int]:  # Any: the arguments of `Research.events`
    return [record.seq for record in (await past.research.events(SIGNALS, SESSION, **window)).items]


def _is(column: str, value: str) -> Filter:
    return Filter(column=column, value=value)
