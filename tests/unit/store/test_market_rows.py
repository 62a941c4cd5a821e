"""Rows for research: nothing of a price is lost, and every row says where it came from."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from papertape.errors import Broken
from papertape.model.entries import Batch, ClockTick, Quote, Trade
from papertape.model.instrument import Instrument
from papertape.model.market_rows import BarRow, IndicatorValueRow, QuoteRow, TradeRow
from papertape.model.samples import IndicatorSample, Samples
from papertape.model.views import BarView
from papertape.store.market_rows import market_rows, sample_rows
from papertape.testkit.venue import SPOT

LARGEST = 10**15 - 1


def with_decimals(decimals: int) -> Instrument:
    return msgspec.structs.replace(SPOT, price_decimals=decimals, size_decimals=decimals)


def trade(price: int, size: int = 1) -> Trade:
    return Trade(ts=7, recv_ts=8, instrument=SPOT.id, price=price, size=size, side="sell", trade_id="t-1")


@given(price=st.integers(-LARGEST, LARGEST), size=st.integers(0, LARGEST), decimals=st.integers(0, 12))
def test_every_scaled_integer_of_15_digits_comes_back_by_rounding(price: int, size: int, decimals: int) -> None:
    batch = Batch(first_seq=1, entries=(trade(price, size),))
    (row,), _ = market_rows("exec_1", batch, {SPOT.id: with_decimals(decimals)})
    back = [round(Fraction(number) * 10**decimals) for number in (row.price, row.size)]
    assert back == [price, size]
    assert [Decimal(repr(number)).scaleb(decimals) for number in (row.price, row.size)] == [price, size]


def test_trades_and_quotes_keep_their_seq_and_the_rest_has_no_row() -> None:
    quote = Quote(ts=9, recv_ts=9, instrument=SPOT.id, bid=100, bid_size=2, ask=101, ask_size=3)
    batch = Batch(first_seq=40, entries=(ClockTick(ts=7, recv_ts=7), trade(150, 25), quote), is_warmup=True)
    scale = {SPOT.id: with_decimals(1)}
    where: dict[str, Any] = {
        "session_id": "exec_1",
        "series": f"exec_1|{SPOT.id}",
        "instrument": SPOT.id,
        "is_warmup": True,
    }
    assert market_rows("exec_1", batch, scale) == (
        [TradeRow(seq=41, ts=7, recv_ts=8, price=15.0, size=2.5, side="sell", trade_id="t-1", **where)],
        [QuoteRow(seq=42, ts=9, recv_ts=9, bid=10.0, bid_size=0.2, ask=10.1, ask_size=0.3, **where)],
    )


def test_an_instrument_whose_decimals_are_unknown_is_refused_by_name() -> None:
    with pytest.raises(Broken, match=rf"Entry 1 of session exec_1 is about {SPOT.id}.*it knows none"):
        market_rows("exec_1", Batch(first_seq=1, entries=(trade(1),)), {})


def test_samples_become_bars_and_indicator_values() -> None:
    sampled = IndicatorSample(strategy="s", instrument="A.B", indicator="ema", value=None, reason="warming up")
    bar = BarView(
        instrument="A.B", interval_s=60, ts=5, open=1.0, high=2.0, low=0.5, close=1.5, volume=9.0, is_partial=False
    )
    samples = Samples(entry_seq=3, ts=65, indicators=(sampled,), bars=(bar,))
    assert sample_rows("exec_1", samples) == (
        [
            BarRow(
                session_id="exec_1", ts=5, series="exec_1|A.B|60", instrument="A.B", interval_s=60, open=1.0, high=2.0,
                low=0.5, close=1.5, volume=9.0,
            )
        ],
        [
            IndicatorValueRow(
                session_id="exec_1", entry_seq=3, ts=65, series="exec_1|s|A.B|ema", strategy="s", instrument="A.B",
                indicator="ema", value=None, reason="warming up",
            )
        ],
    )  # fmt: skip
