"""Cases from Lean's indicator test data."""

from __future__ import annotations

from functools import partial

from papertape.testkit.references.case import Case, case_of

SOURCE = "lean-indicators"

_of = partial(case_of, SOURCE, "{}")

_LINE = {"fast": 12, "slow": 26}
_MACD = {**_LINE, "signal": 9}
_BANDS = {"period": 20, "deviations": 2}
_KELTNER = {"period": 20, "atr_period": 20, "multiplier": 1.5}
_DONCHIAN = "Donchian Channels 50"
_BOLLINGER = "Bollinger Bands® 20 2"

_CENTS = "its closes are printed in cents, its values made before: held to a cent"
_MACD_SEED = "its fast EMA starts at its own first bars, TA-Lib's with the slow one: compared when that has faded"
_ADOSC = "its EMAs start at a mean, TA-Lib's at the first value: compared when that has faded"
_CUT = "last digit cut, not rounded"
_FIRST_RANGE = "the first bar's high - low counts as a true range: a flat bar comes before it"
_CMF = "its first 19 values are made of bars before the file, its last bar was not final"
_CHOP = "its first value counts the first bar's high - low as a true range"
_SINGLE = "computed in single precision: seven digits of each price"
_GROWING = "its first 49 values are of fewer bars"
_LWMA = "some rows have two decimals"
_SWAPPED = "the names SMA5 and SMA15 are exchanged; its first values are made of bars before the file"
_EARLIER = "its first values are made of bars before the file"
_MASS = "its EMAs start elsewhere: compared when that has faded"
_DIRECTION = "TA-Lib's first Wilder sum is of period - 1 bars, theirs of period: compared when that has faded"
_KELTNER_MEANS = "a simple mean of typical prices, and of true ranges; ours are the EMA of closes and Wilder's ATR"
_OBV = "volumes printed with seven digits, whose errors add up; changes since the first bar are compared"
_MOVING = "a window of 50 bars of (open + high + low + close) / 4, weighed by volume; last digit cut, not rounded"

CASES: list[Case] = [
    _of("spy_with_indicators.txt", "SMA14", "sma", {"period": 14}, _CENTS, tolerance=0.01),
    _of("spy_with_indicators.txt", "EMA14", "ema", {"period": 14}, _CENTS, tolerance=0.01),
    _of("spy_with_indicators.txt", "MACD 12 26", "macd", _LINE, f"{_MACD_SEED}; {_CENTS}", after=200, tolerance=0.01),
    _of("spy_with_indicators.txt", "RSI 14 Wilder", "rsi", {"period": 14}),
    _of("spy_apo.txt", "APO_5_10", "apo", {"fast": 5, "slow": 10, "plain": 1}, "of simple means (plain = 1)"),
    _of("spy_ppo.txt", "PPO_5_10", "ppo", {"fast": 5, "slow": 10, "plain": 1}, "of simple means (plain = 1)"),
    _of("spy_ad.txt", "AD", "chaikin_ad"),
    _of("spy_ad_osc.txt", "AdOsc_3_10", "chaikin_oscillator", {"fast": 3, "slow": 10}, _ADOSC, after=120),
    _of("spy_aroon_oscillator.txt", "Aroon Oscillator 14", "aroon_oscillator", {"period": 14}, _CUT, tolerance=1e-05),
    _of("spy_atr_wilder.txt", "Average True Range 14", "atr", {"period": 14}, _FIRST_RANGE, lead=1),
    _of("spy_ao.txt", "AO", "awesome_oscillator", {"fast": 5, "slow": 34}),
    _of("spy_bop.txt", "BOP", "bop"),
    _of("spy_bollinger_bands.txt", "Moving Average 20", "bollinger_middle", {"period": 20}),
    _of("spy_bollinger_bands.txt", f"{_BOLLINGER} Top", "bollinger_upper", _BANDS, _CUT, tolerance=0.0001),
    _of("spy_bollinger_bands.txt", f"{_BOLLINGER} Bottom", "bollinger_lower", _BANDS, _CUT, tolerance=0.0001),
    _of(
        "spy_bollinger_bands.txt",
        "BandWidth",
        "bollinger_bandwidth",
        _BANDS,
        f"in percent; {_CUT}",
        times=100.0,
        tolerance=0.0002,
    ),
    _of("spy_bollinger_bands.txt", "%B", "bollinger_percent_b", _BANDS, _CUT, tolerance=0.0001),
    _of("spy_sm.csv", "mid_bb", "bollinger_middle", {"period": 20}),
    _of("spy_sm.csv", "bb high", "bollinger_upper", _BANDS),
    _of("spy_sm.csv", "bb low", "bollinger_lower", _BANDS),
    _of("spy_cmf.txt", "CMF_20", "cmf", {"period": 20}, _CMF, after=19, before=299),
    _of("spy_cmo.txt", "CMO_5", "cmo", {"period": 5}),
    _of("spy_with_chop.csv", "CHOP14", "choppiness", {"period": 14}, _CHOP, after=14),
    _of("spy_with_cci.txt", "Commodity Channel Index (CCI) 14", "cci", {"period": 14}, _SINGLE, tolerance=0.0025),
    _of("spy_with_don50.txt", f"{_DONCHIAN} Top", "donchian_upper", {"period": 50}, _GROWING, after=49),
    _of("spy_with_don50.txt", f"{_DONCHIAN} Bottom", "donchian_lower", {"period": 50}, _GROWING, after=49),
    _of("spy_with_don50.txt", f"{_DONCHIAN} Mean", "donchian_middle", {"period": 50}, _GROWING, after=49),
    _of("spy_dema.txt", "DEMA_5", "dema", {"period": 5}),
    _of("spy_tema.txt", "TEMA_5", "tema", {"period": 5}),
    _of("spy_ema.csv", "EMA14", "ema", {"period": 14}),
    _of("spy_hma.txt", "HMA_16", "hma", {"period": 16}),
    _of("spy_kama.txt", "KAMA_5", "kama", {"period": 5, "fast": 2, "slow": 30}),
    _of("spx_lwma.csv", "LWMA", "wma", {"period": 6}, _LWMA, unset=("", "0"), tolerance=0.001),
    _of("spy_with_rma.csv", "SMA5", "sma", {"period": 15}, _SWAPPED, after=14),
    _of("spy_with_rma.csv", "SMA10", "sma", {"period": 10}, _EARLIER, after=9),
    _of("spy_with_rma.csv", "SMA15", "sma", {"period": 5}, _SWAPPED, after=4),
    _of("spy_with_vwma.csv", "VWMA20", "vwma", {"period": 20}),
    _of("spy_with_zlema.csv", "ZLEMA5", "zlema", {"period": 5}),
    _of("spy_t3.txt", "T3_5", "t3", {"period": 5, "volume_factor": 0.7}),
    _of("spy_trima.txt", "TRIMA_5", "trima", {"period": 5}),
    _of("spy_trima.txt", "TRIMA_6", "trima", {"period": 6}),
    _of("spy_trix.txt", "TRIX_5", "trix", {"period": 5}),
    _of("spy_tr.txt", "TR", "true_range"),
    _of("spy_natr.txt", "NATR_5", "natr", {"period": 5}),
    _of("spy_tsi.csv", "TSI_25_13", "tsi", {"long": 25, "short": 13}),
    _of("spy_ultosc.txt", "ULTOSC_7_14_28", "ultimate_oscillator", {"short": 7, "medium": 14, "long": 28}),
    _of("spy_var.txt", "Var", "variance", {"period": 10}),
    _of("spy_max.txt", "MAX_5", "donchian_upper", {"period": 5}, "of closes", prices="close"),
    _of("spy_min.txt", "MIN_5", "donchian_lower", {"period": 5}, "of closes", prices="close"),
    _of("spy_midpoint.txt", "MIDPOINT_5", "donchian_middle", {"period": 5}, "of closes", prices="close"),
    _of("spy_midprice.txt", "MIDPRICE_5", "donchian_middle", {"period": 5}),
    _of("spy_mass_index_25.txt", "MassIndex", "mass_index", {"average": 9, "period": 25}, _MASS, after=160),
    _of("spy_mfi.txt", "Money Flow Index 20", "mfi", {"period": 20}, _SINGLE, tolerance=1e-05),
    _of("spy_rocr.txt", "ROCR_5", "roc", {"period": 5}, "the ratio: 1 + ours / 100", times=0.01, plus=1.0),
    _of("spy_with_roc50.txt", "Rate of Change 50", "momentum", {"period": 50}, _SINGLE, tolerance=1.6e-05),
    _of("spy_with_rocp50.txt", "Rate of Change % 50", "roc", {"period": 50}, _SINGLE, tolerance=1.1e-05),
    _of("spy_sarext.txt", "SAR", "parabolic_sar", {"acceleration": 0.02, "maximum": 0.2}),
    _of(
        "dwac_supertrend.txt",
        "Super",
        "supertrend",
        {"period": 10, "multiplier": 3},
        _FIRST_RANGE,
        unset=("", "0"),
        lead=1,
    ),
    _of("spy_with_ForceIndex.csv", "ForceIndex20", "force_index", {"period": 20}),
    _of("spy_with_StochRSI.csv", "k", "stoch_rsi_k", {"period": 14, "fast_k": 14, "smooth": 3}),
    _of("spy_with_StochRSI.csv", "d", "stoch_rsi_d", {"period": 14, "fast_k": 14, "smooth": 3, "fast_d": 3}),
    _of(
        "spy_with_stoch12k3.txt",
        "Stochastics 12 %K 3",
        "stochastic_k",
        {"fast_k": 12, "slow_k": 3},
        _SINGLE,
        tolerance=0.0005,
    ),
    _of(
        "spy_with_stoch12k3.txt",
        "%D 5",
        "stochastic_d",
        {"fast_k": 12, "slow_k": 3, "slow_d": 5},
        _SINGLE,
        tolerance=0.0005,
    ),
    _of("spy_with_adx.txt", "TR", "true_range"),
    _of(
        "spy_with_adx.txt",
        "DX",
        "dx",
        {"period": 14},
        f"{_DIRECTION}; some rows have two decimals",
        after=300,
        tolerance=0.005,
    ),
    *(
        _of("spy_with_adx.txt", column, kind, {"period": 14}, _DIRECTION, after=300)
        for column, kind in (("+DI14", "plus_di"), ("-DI14", "minus_di"), ("ADX 14", "adx"), ("ADXR 14", "adxr"))
    ),
    _of("spy_with_ichimoku.csv", "Tenkan", "ichimoku_tenkan", {"period": 9}),
    _of("spy_with_ichimoku.csv", "Kijun", "ichimoku_kijun", {"period": 26}),
    _of("spy_with_ichimoku.csv", "Senkou A", "ichimoku_senkou_a", {"tenkan": 9, "kijun": 26, "displacement": 26}),
    _of("spy_with_ichimoku.csv", "Senkou B", "ichimoku_senkou_b", {"period": 52, "displacement": 26}),
    _of(
        "spy_with_keltner.csv",
        "Keltner Channels 20 Top",
        "keltner_upper",
        _KELTNER,
        _KELTNER_MEANS,
        is_contrary=True,
        after=20,
    ),
    _of("spy_with_keltner.csv", "Middle Band", "keltner_middle", _KELTNER, _KELTNER_MEANS, is_contrary=True, after=20),
    _of(
        "spy_with_keltner.csv",
        "Keltner Channels 20 Bottom",
        "keltner_lower",
        _KELTNER,
        _KELTNER_MEANS,
        is_contrary=True,
        after=20,
    ),
    _of("spy_with_macd.txt", "MACD", "macd", _LINE, _SINGLE, tolerance=1e-05),
    _of("spy_with_macd.txt", "Signal", "macd_signal", _MACD, _SINGLE, tolerance=1e-05),
    _of("spy_with_macd.txt", "Histogram", "macd_histogram", _MACD, _SINGLE, tolerance=1e-05),
    _of("spy_with_obv.txt", "OBV", "obv", {}, _OBV, is_anchored=True, tolerance=2000.0),
    _of("spy_with_vwap.txt", "Moving VWAP 50", "vwma", {"period": 50}, _MOVING, prices="mean", tolerance=0.0001),
    _of("spy_with_vtx.csv", "plus_vtx", "vortex_plus", {"period": 14}),
    _of("spy_with_vtx.csv", "minus_vtx", "vortex_minus", {"period": 14}),
    _of("spy_with_williamsR14.txt", "Williams %R 14", "williams_r", {"period": 14}, _SINGLE, tolerance=0.0005),
]
"""Every column that a kind computes."""
