"""Cases from StockCharts' tables, as the `ta` library keeps them."""

from __future__ import annotations

from functools import partial

from papertape.testkit.references.case import Case, case_of

SOURCE = "ta-stockcharts-reference"

_of = partial(case_of, SOURCE, "cs-{}.csv")

_LINE = {"fast": 12, "slow": 26}
_MACD = {**_LINE, "signal": 9}
_BANDS = {"period": 20, "deviations": 2}
_KELTNER = {"period": 20, "atr_period": 10, "multiplier": 2}

_DIRECTION = "TA-Lib's first Wilder sum is of period - 1 bars, theirs of period: compared when that has faded"
_FIRST_RANGE = "the first bar's high - low counts as a true range: a flat bar comes before it"
_DONCHIAN = "bands of the bars before this one: compared one bar later"
_FORCE = "its EMA starts at the first value, ours at a mean, and the file is too short for that to fade"
_KAMA = "the seed is printed too, one bar before TA-Lib's first value"
_FIRST_CLOSE = "its EMAs start at the first close, as after flat bars, which come before it"
_BANDS_APART = "distance from the middle band, as its EMA and its ATR start differently; a flat bar comes before it"
_SIGNAL = f"{_FIRST_CLOSE}; its signal starts elsewhere: compared when that has faded"
_PVO = f"of volumes in the place of closes; {_FIRST_CLOSE}"
_SAR = "its first trend starts at another extreme than TA-Lib's: compared from its first reversal"
_ZERO = "its averages start at 0, as after flat bars, which come before it"
_CUT = "last digit cut, not rounded"
_TSI = "its smoothing factors are 0.07692 and 0.1428 in the place of 2 / 26 and 2 / 14"
_VWAP = "a window of 14 bars: only its first 14, which are the sum since the start"
_ROLLING = "a window of 14 bars of typical prices, weighed by volume"
_EARLIER = "its first values are made of bars before the file"

_ZEROS = ("0.000000000000000",)

CASES: list[Case] = [
    _of("accum", "ADLine", "chaikin_ad"),
    *(
        _of("adx", column, kind, {"period": 14}, _DIRECTION, after=400)
        for column, kind in (("+DI14", "plus_di"), ("-DI14", "minus_di"), ("DX", "dx"), ("ADX", "adx"))
    ),
    _of("adx", "TR", "true_range"),
    _of("atr", "ATR", "atr", {"period": 14}, _FIRST_RANGE, lead=1, unset=_ZEROS),
    _of("atr2", "ATR", "atr", {"period": 10}, _FIRST_RANGE, lead=1, unset=_ZEROS),
    _of("bbands", "MiddleBand", "bollinger_middle", {"period": 20}),
    _of("bbands", "20-day Standard Deviation", "standard_deviation", {"period": 20}),
    _of("bbands", "HighBand", "bollinger_upper", _BANDS),
    _of("bbands", "LowBand", "bollinger_lower", _BANDS),
    _of("bbands", "WidthBand", "bollinger_bandwidth", _BANDS, "in percent", times=100.0),
    _of("bbands", "PercentageBand", "bollinger_percent_b", _BANDS),
    _of("cci", "CCI", "cci", {"period": 20}),
    *(_of("dc", f"{band}_band", f"donchian_{band}", {"period": 20}) for band in ("upper", "middle", "lower")),
    *(
        _of("dc2", f"{band}_band", f"donchian_{band}", {"period": 20}, _DONCHIAN, shift=1)
        for band in ("upper", "middle", "lower")
    ),
    _of("fi", "FI_1", "force_index", {"period": 1}),
    _of("fi", "FI", "force_index", {"period": 13}, _FORCE, is_contrary=True, after=13),
    _of("kama", "KAMA", "kama", {"period": 10, "fast": 2, "slow": 30}, _KAMA, after=10),
    _of("kc", "middle_band", "keltner_middle", _KELTNER, _FIRST_CLOSE, lead=20),
    _of(
        "kc",
        "upper_band",
        "keltner_upper",
        _KELTNER,
        _BANDS_APART,
        lead=1,
        after=19,
        less=("middle_band", "keltner_middle"),
    ),
    _of(
        "kc",
        "lower_band",
        "keltner_lower",
        _KELTNER,
        _BANDS_APART,
        lead=1,
        after=19,
        less=("middle_band", "keltner_middle"),
    ),
    _of("macd", "MACD_line", "macd", _LINE, _FIRST_CLOSE, lead=40),
    _of("macd", "MACD_signal", "macd_signal", _MACD, _SIGNAL, lead=40, after=115),
    _of("macd", "MACD_diff", "macd_histogram", _MACD, _SIGNAL, lead=40, after=115),
    _of("mfi", "MFI", "mfi", {"period": 14}),
    _of("obv", "OBV", "obv"),
    _of("percentr", "Williams_%R", "williams_r", {"period": 14}),
    _of("ppo", "PPO", "ppo", {"fast": 12, "slow": 26}, _FIRST_CLOSE, lead=40),
    _of("pvo", "PVO", "ppo", {"fast": 12, "slow": 26}, _PVO, lead=40, prices="volume"),
    _of("psar", "psar_up", "parabolic_sar", {"acceleration": 0.02, "maximum": 0.2}),
    _of("psar", "psar_down", "parabolic_sar", {"acceleration": 0.02, "maximum": 0.2}, _SAR, after=8),
    _of("roc", "ROC", "roc", {"period": 12}),
    _of("rsi", "RSI", "rsi", {"period": 14}, _ZERO, lead=14),
    _of("soo", "SO", "stochastic_fast_k", {"fast_k": 14}),
    _of("soo", "SO_SIG", "stochastic_fast_d", {"fast_k": 14, "fast_d": 3}, _CUT, tolerance=1e-06),
    _of("stochrsi", "RSI", "rsi", {"period": 14}, f"{_ZERO}; six decimals and a zero", lead=14, tolerance=5e-07),
    _of(
        "stochrsi",
        "StochRSI(14)",
        "stoch_rsi_k",
        {"period": 14, "fast_k": 14, "smooth": 1},
        f"from 0 to 1; {_ZERO}",
        lead=14,
        times=0.01,
    ),
    _of("tsi", "TSI", "tsi", {"long": 25, "short": 13}, _TSI, tolerance=0.012),
    _of("ultosc", "Ult_Osc", "ultimate_oscillator", {"short": 7, "medium": 14, "long": 28}),
    _of("vortex", "+VI14", "vortex_plus", {"period": 14}),
    _of("vortex", "-VI14", "vortex_minus", {"period": 14}),
    _of("vwap", "vwap", "session_vwap", {}, _VWAP, before=14),
    _of("vwap", "vwap", "vwma", {"period": 14}, _ROLLING, after=13, prices="typical"),
    _of("wma", "WMA", "wma", {"period": 9}, _EARLIER, after=8),
]
"""Every column that a kind computes."""
