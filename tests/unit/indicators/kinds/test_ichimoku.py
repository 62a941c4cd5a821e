"""Ichimoku."""

from __future__ import annotations

from papertape.indicators.bars import Bar
from papertape.testkit.candles import candles, values_of


def middle(bars: list[Bar], period: int) -> list[float | None]:
    return [
        None
        if at + 1 < period
        else (
            max(bar.high for bar in bars[at + 1 - period : at + 1])
            + min(bar.low for bar in bars[at + 1 - period : at + 1])
        )
        / 2.0
        for at in range(len(bars))
    ]


def delayed(line: list[float | None], by: int) -> list[float | None]:
    return [*[None] * by, *line][: len(line)]


def test_tenkan_and_kijun_are_the_middles_of_ranges() -> None:
    bars = candles(200)

    assert values_of("ichimoku_tenkan", bars) == middle(bars, 9)
    assert values_of("ichimoku_kijun", bars) == middle(bars, 26)


def test_the_cloud_at_the_newest_bar_is_what_was_known_when_it_was_drawn() -> None:
    bars = candles(200)
    both = zip(middle(bars, 9), middle(bars, 26), strict=True)
    edge = [None if short is None or long is None else (short + long) / 2.0 for short, long in both]

    assert values_of("ichimoku_senkou_a", bars) == delayed(edge, 26)
    assert values_of("ichimoku_senkou_b", bars) == delayed(middle(bars, 52), 26)


def test_without_displacement_the_cloud_is_drawn_where_it_is_known() -> None:
    bars = candles(80)

    assert values_of("ichimoku_senkou_b", bars, displacement=0) == middle(bars, 52)


def test_the_lagging_span_stands_at_the_close_of_its_displacement_ago() -> None:
    bars = candles(40)

    assert values_of("ichimoku_chikou", bars, displacement=26) == delayed([bar.close for bar in bars], 26)
