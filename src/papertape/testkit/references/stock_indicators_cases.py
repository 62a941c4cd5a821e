"""Cases from the regression baselines of Stock.Indicators, over SPY's days of 2017 and 2018."""

from __future__ import annotations

from functools import partial

from papertape.testkit.references.case import Case, case_of

SOURCE = "stock-indicators"

_of = partial(case_of, SOURCE, "{}.standard.json")

_LINE = {"fast": 12, "slow": 26}
_MACD = {**_LINE, "signal": 9}
_BANDS = {"period": 20, "deviations": 2}
_SLOW = {"fast_k": 14, "slow_k": 3}

_DIRECTION = "TA-Lib's first Wilder sum is of period - 1 bars, theirs of period: compared when that has faded"
_ADXR = "(ADX + ADX period bars ago) / 2; TA-Lib, and we, look period - 1 bars back"
_TIES = "left out: a bar whose window has the same high or low twice; TA-Lib, and we, count the newest, they the oldest"
_DEMA = "their second EMA starts at the first value of the first one, TA-Lib's at a mean: compared when that has faded"
_KAMA = "they print the seed too, one bar before TA-Lib's first value"
_MACD_SEED = "their fast EMA starts at its own first bars, TA-Lib's with the slow one: compared when that has faded"
_OBV = "they start at 0, TA-Lib at the first volume: changes since the first bar are compared"
_SAR = (
    "they begin long until a first reversal; where the reversing bar itself goes beyond the old extreme TA-Lib, as we, "
    "sets the stop there, they at the old extreme"
)
_DONCHIAN = "their bands are of the bars before this one, ours include it: compared one bar later"

CASES: list[Case] = [
    *(
        _of("adx", column, kind, {"period": 14}, _DIRECTION, after=300)
        for column, kind in (("pdi", "plus_di"), ("mdi", "minus_di"), ("dx", "dx"), ("adx", "adx"))
    ),
    _of("adx", "adxr", "adxr", {"period": 14}, _ADXR, is_contrary=True, after=300),
    _of("aroon", "aroonUp", "aroon_up", {"period": 25}, _TIES, without=(193,)),
    _of("aroon", "aroonDown", "aroon_down", {"period": 25}, _TIES, without=(232,)),
    _of("aroon", "oscillator", "aroon_oscillator", {"period": 25}, _TIES, without=(193, 232)),
    _of("atr", "tr", "true_range"),
    _of("atr", "atr", "atr", {"period": 14}),
    _of("atr", "atrp", "natr", {"period": 14}),
    _of("bb", "sma", "bollinger_middle", {"period": 20}),
    _of("bb", "upperBand", "bollinger_upper", _BANDS),
    _of("bb", "lowerBand", "bollinger_lower", _BANDS),
    _of("bb", "percentB", "bollinger_percent_b", _BANDS),
    _of("bb", "width", "bollinger_bandwidth", _BANDS),
    _of("cci", "cci", "cci", {"period": 20}),
    _of("cmf", "cmf", "cmf", {"period": 20}),
    _of("dema", "dema", "dema", {"period": 14}, _DEMA, after=150),
    _of("donchian", "upperBand", "donchian_upper", {"period": 20}, _DONCHIAN, shift=1),
    _of("donchian", "centerline", "donchian_middle", {"period": 20}, _DONCHIAN, shift=1),
    _of("donchian", "lowerBand", "donchian_lower", {"period": 20}, _DONCHIAN, shift=1),
    _of("ema", "ema", "ema", {"period": 20}),
    _of("kama", "kama", "kama", {"period": 10, "fast": 2, "slow": 30}, _KAMA, after=10),
    _of("macd", "macd", "macd", _LINE, _MACD_SEED, after=200),
    _of("macd", "signal", "macd_signal", _MACD, _MACD_SEED, after=200),
    _of("macd", "histogram", "macd_histogram", _MACD, _MACD_SEED, after=200),
    _of("macd", "fastEma", "ema", {"period": 12}),
    _of("macd", "slowEma", "ema", {"period": 26}),
    _of("mfi", "mfi", "mfi", {"period": 14}),
    _of("obv", "obv", "obv", {}, _OBV, is_anchored=True),
    _of("psar", "sar", "parabolic_sar", {"acceleration": 0.02, "maximum": 0.2}, _SAR, after=40, without=(250,)),
    _of("roc", "roc", "roc", {"period": 14}),
    _of("roc", "momentum", "momentum", {"period": 14}),
    _of("rsi", "rsi", "rsi", {"period": 14}),
    _of("sma", "sma", "sma", {"period": 20}),
    _of("smma", "smma", "smma", {"period": 20}),
    _of("stdev", "stdDev", "standard_deviation", {"period": 14}),
    _of("stdev", "mean", "sma", {"period": 14}),
    _of("stoch", "k", "stochastic_k", _SLOW),
    _of("stoch", "d", "stochastic_d", {**_SLOW, "slow_d": 3}),
    _of("tr", "tr", "true_range"),
    _of("vwap", "vwap", "session_vwap"),
    _of("willr", "williamsR", "williams_r", {"period": 14}),
    _of("wma", "wma", "wma", {"period": 14}),
]
"""Every column that a kind computes."""
