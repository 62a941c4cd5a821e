"""Decimal numbers of a file, texts or float64, as exact integers in an instrument's units.

A float64 stands for the number of 15 significant digits nearest to it: what a file shows behind them is noise of the
program that wrote it. A text is taken to its last digit.
"""

from __future__ import annotations

import polars as pl

MOST_DECIMALS = 15
LARGEST = 10**15
"""Integers below it survive float64 and products with each other's decimals."""

# Half a unit in the fifteenth digit is at least 5e-16 of a number; reading a decimal misses it by 1.1e-16 at most.
_NOISE = 4.4e-16


def decimals_needed(values: pl.Series, at_least: int = 0) -> int:
    """Return the fewest decimals, `at_least` or more, that show every value exactly; 16 when 15 are not enough."""
    if values.dtype == pl.String:
        longest = _fraction_lengths(values).max()
        return max(at_least, longest if isinstance(longest, int) else 0)
    for decimals in range(at_least, MOST_DECIMALS + 1):
        if not has_more_decimals(values, decimals).any():
            return decimals
    return MOST_DECIMALS + 1


def has_more_decimals(values: pl.Series, decimals: int) -> pl.Series:
    """Return for each value whether it needs more decimals than these."""
    if values.dtype == pl.String:
        return _fraction_lengths(values) > decimals
    unit = 10.0**decimals
    return (((values * unit).round() / unit) - values).abs() > values.abs() * _NOISE


def as_numbers(values: pl.Series) -> pl.Series:
    """Return the values as float64."""
    return values.cast(pl.Float64)


def scaled(values: pl.Series, decimals: int) -> pl.Series:
    """Return values that need no more decimals as integers of `10**-decimals`, exact where they are below `LARGEST`.

    Reading a decimal and multiplying it round twice, each by at most 1.1e-16 of it: less than a quarter of one unit.
    """
    return (as_numbers(values) * 10.0**decimals).round().cast(pl.Int64)


def _fraction_lengths(texts: pl.Series) -> pl.Series:
    frame = texts.to_frame("text").lazy()
    text = pl.col("text")
    short = pl.when(text.str.contains(".", literal=True)).then(text.str.strip_chars_end("0")).otherwise(text)
    lengths = (short.str.len_bytes().cast(pl.Int64) - short.str.find(".", literal=True).cast(pl.Int64) - 1).fill_null(0)
    return frame.select(lengths).collect().to_series()
