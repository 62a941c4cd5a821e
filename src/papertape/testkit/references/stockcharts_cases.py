"""Cases from StockCharts' tables, as the `ta` library keeps them."""

from __future__ import annotations

from papertape.testkit.references.case import Case, Prices

SOURCE = "ta-stockcharts-reference"


def _of(name: str, column: str, kind: str, definition: str = "", *, lead: int = 0, after: int = 0,
        prices: Prices = "as given", times: float = 1.0, is_anchored: bool = False, zero_is_unset: bool = False,
        tolerance: float = 0.0, before: int = 1 << 30, shift: int = 0, less: tuple[str, str] | None = None,
        is_contrary: bool = False, **params: float) -> Case:
    unset = ("", "NaN", "0.000000000000000") if zero_is_unset else ("", "NaN")
    return Case(source=SOURCE, file=f"cs-{name}.csv", column=column, kind=kind, params=params, definition=definition,
                lead=lead, after=after, prices=prices, times=times, is_anchored=is_anchored, unset=unset,
                tolerance=tolerance, before=before, shift=shift, less=less,
                is_contrary=is_contrary)


_MACD = {"fast": 12, "slow": 26, "signal": 9}
_BANDS = {"period": 20, "deviations": 2}
_KELTNER = {"period": 20, "atr_period": 10, "multiplier": 2}

_DIRECTION = "TA-Lib's first Wilder sum is of period - 1 bars, theirs of period: compared when that has faded"
_FIRST_RANGE = "the first bar's high - low counts as a true range: a flat bar comes before it"
_DONCHIAN = "bands of the bars before this one: compared one bar later"
_FORCE = "its EMA starts at the first value, ours at a mean as TA-Lib's; the file is too short for that to fade"
_KAMA = "the seed is printed too, one bar before TA-Lib's first value"
_FIRST_CLOSE = "its EMAs start at the first close, as after flat bars, which come before it"
_BANDS_APART = "distance from the middle band, as its EMA and its ATR start differently; a flat bar comes before it"
_SIGNAL = f"{_FIRST_CLOSE}; its signal starts elsewhere: compared when that has faded"
_PVO = f"of volumes in the place of closes; {_FIRST_CLOSE}"
_SAR = "before row 8: its first trend starts at the first bar's high, TA-Lib's at the second bar's"
_ZERO = "its averages start at 0, as after flat bars, which come before it"
_CUT = "last digit cut, not rounded"
_TSI = "its smoothing factors are rounded to four digits (0.07692 for 2/26)"
_VWAP = "a window of 14 bars: only its first 14, which are the sum since the start"
_ROLLING = "a window of 14 bars of typical prices, weighed by volume"
_EARLIER = "its first values are made of bars before the file"

CASES: list[Case] = [
    _of("accum", "ADLine", "chaikin_ad"),
    *(_of("adx", column, kind, _DIRECTION, after=400, period=14) for column, kind in (
        ("+DI14", "plus_di"), ("-DI14", "minus_di"), ("DX", "dx"), ("ADX", "adx"))),
    _of("adx", "TR", "true_range"),
    _of("atr", "ATR", "atr", _FIRST_RANGE, period=14, lead=1, zero_is_unset=True),
    _of("atr2", "ATR", "atr", _FIRST_RANGE, period=10, lead=1, zero_is_unset=True),
    _of("bbands", "MiddleBand", "bollinger_middle", period=20),
    _of("bbands", "20-day Standard Deviation", "standard_deviation", period=20),
    _of("bbands", "HighBand", "bollinger_upper", **_BANDS),
    _of("bbands", "LowBand", "bollinger_lower", **_BANDS),
    _of("bbands", "WidthBand", "bollinger_bandwidth", "in percent", times=100.0, **_BANDS),
    _of("bbands", "PercentageBand", "bollinger_percent_b", **_BANDS),
    _of("cci", "CCI", "cci", period=20),
    *(_of("dc", f"{band}_band", f"donchian_{band}", period=20) for band in ("upper", "middle", "lower")),
    *(_of("dc2", f"{band}_band", f"donchian_{band}", _DONCHIAN, shift=1, period=20)
      for band in ("upper", "middle", "lower")),
    _of("fi", "FI_1", "force_index", period=1),
    _of("fi", "FI", "force_index", _FORCE, is_contrary=True, after=13, period=13),
    _of("kama", "KAMA", "kama", _KAMA, after=10, period=10, fast=2, slow=30),
    _of("kc", "middle_band", "keltner_middle", _FIRST_CLOSE, lead=20, **_KELTNER),
    _of("kc", "upper_band", "keltner_upper", _BANDS_APART, lead=1, after=19, less=("middle_band", "keltner_middle"), **_KELTNER),
    _of("kc", "lower_band", "keltner_lower", _BANDS_APART, lead=1, after=19, less=("middle_band", "keltner_middle"), **_KELTNER),
    _of("macd", "MACD_line", "macd", _FIRST_CLOSE, lead=40, **_MACD),
    _of("macd", "MACD_signal", "macd_signal", _SIGNAL, lead=40, after=115, **_MACD),
    _of("macd", "MACD_diff", "macd_histogram", _SIGNAL, lead=40, after=115, **_MACD),
    _of("mfi", "MFI", "mfi", period=14),
    _of("obv", "OBV", "obv"),
    _of("percentr", "Williams_%R", "williams_r", period=14),
    _of("ppo", "PPO", "ppo", _FIRST_CLOSE, fast=12, slow=26, lead=40),
    _of("pvo", "PVO", "ppo", _PVO, fast=12, slow=26, lead=40, prices="volume"),
    _of("psar", "psar_up", "parabolic_sar", step=0.02, maximum=0.2),
    _of("psar", "psar_down", "parabolic_sar", _SAR, after=8, step=0.02, maximum=0.2),
    _of("roc", "ROC", "roc", period=12),
    _of("rsi", "RSI", "rsi", _ZERO, period=14, lead=14),
    _of("soo", "SO", "stochastic_fast_k", period=14),
    _of("soo", "SO_SIG", "stochastic_fast_d", _CUT, tolerance=1e-6, period=14, d_smooth=3),
    _of("stochrsi", "RSI", "rsi", _ZERO, lead=14, period=14),
    _of("stochrsi", "StochRSI(14)", "stoch_rsi_k", f"from 0 to 1; {_ZERO}", lead=14, rsi_period=14, period=14, k_smooth=1, times=0.01),
    _of("tsi", "TSI", "tsi", _TSI, tolerance=0.012, fast=13, slow=25),
    _of("ultosc", "Ult_Osc", "ultimate_oscillator", short=7, medium=14, long=28),
    _of("vortex", "+VI14", "vortex_plus", period=14),
    _of("vortex", "-VI14", "vortex_minus", period=14),
    _of("vwap", "vwap", "session_vwap", _VWAP, before=14),
    _of("vwap", "vwap", "vwma", _ROLLING, after=13, prices="typical", period=14),
    _of("wma", "WMA", "wma", _EARLIER, after=8, period=9),
]
"""Every column that a kind computes."""
