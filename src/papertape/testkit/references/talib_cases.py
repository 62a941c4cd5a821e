"""Cases from TA-Lib's output on real crypto candles: its definitions are the ones papertape follows."""

from __future__ import annotations

from typing import Unpack

from papertape.testkit.references.case import Case, Options, Params

SOURCE = "talib-on-crypto"
FILES = ("coinbase_BTC-USD_4h_2024_talib.parquet", "coinbase_BTC-USD_1m_20170903_talib.parquet")


def _of(
    column: str, kind: str, params: Params | None = None, definition: str = "", **options: Unpack[Options]
) -> list[Case]:
    return [
        Case(source=SOURCE, file=file, column=column, kind=kind, params=params or {}, definition=definition, **options)
        for file in FILES
    ]


_LINE = {"fast": 12, "slow": 26}
_MACD = {**_LINE, "signal": 9}
_BANDS = {"period": 20, "deviations": 2}
_SLOW = {"fast_k": 14, "slow_k": 3}
_NOISE = (
    "rows left out where closes stood still through the window: of an RSI that does not move TA-Lib tells 0 or 100 by "
    "its last bit"
)
_CCI = "held to 1e-6: where closes hardly move the mean deviation is small beside the rounding errors of a price"

CASES: list[Case] = [
    *(case for period in (9, 20, 50) for case in _of(f"SMA_{period}", "sma", {"period": period})),
    *(case for period in (9, 20, 50) for case in _of(f"EMA_{period}", "ema", {"period": period})),
    *_of("WMA_20", "wma", {"period": 20}),
    *_of("DEMA_20", "dema", {"period": 20}),
    *_of("TEMA_20", "tema", {"period": 20}),
    *_of("KAMA_10", "kama", {"period": 10, "fast": 2, "slow": 30}),
    *_of("T3_5_0.7", "t3", {"period": 5, "volume_factor": 0.7}),
    *_of("TRIMA_20", "trima", {"period": 20}),
    *_of("RSI_14", "rsi", {"period": 14}),
    *_of("MACD_12_26_9", "macd", _LINE),
    *_of("MACDsignal_12_26_9", "macd_signal", _MACD),
    *_of("MACDhist_12_26_9", "macd_histogram", _MACD),
    *_of("BBupper_20_2", "bollinger_upper", _BANDS),
    *_of("BBmiddle_20_2", "bollinger_middle", {"period": 20}),
    *_of("BBlower_20_2", "bollinger_lower", _BANDS),
    *_of("TRANGE", "true_range"),
    *_of("ATR_14", "atr", {"period": 14}),
    *_of("NATR_14", "natr", {"period": 14}),
    *_of("ADX_14", "adx", {"period": 14}),
    *_of("ADXR_14", "adxr", {"period": 14}),
    *_of("PLUS_DI_14", "plus_di", {"period": 14}),
    *_of("MINUS_DI_14", "minus_di", {"period": 14}),
    *_of("DX_14", "dx", {"period": 14}),
    *_of("STOCHslowk_14_3_3", "stochastic_k", _SLOW),
    *_of("STOCHslowd_14_3_3", "stochastic_d", {**_SLOW, "slow_d": 3}),
    *_of("STOCHFk_14", "stochastic_fast_k", {"fast_k": 14}),
    *_of("STOCHFd_14_3", "stochastic_fast_d", {"fast_k": 14, "fast_d": 3}),
    *_of("STOCHRSIk_14_14", "stoch_rsi_k", {"period": 14, "fast_k": 14, "smooth": 1}, _NOISE, flat=14),
    *_of("STOCHRSId_14_14_3", "stoch_rsi_d", {"period": 14, "fast_k": 14, "smooth": 1, "fast_d": 3}, _NOISE, flat=12),
    *_of("WILLR_14", "williams_r", {"period": 14}),
    *_of("CCI_20", "cci", {"period": 20}, _CCI, tolerance=1e-06),
    *_of("MFI_14", "mfi", {"period": 14}),
    *_of("OBV", "obv"),
    *_of("AD", "chaikin_ad"),
    *_of("ADOSC_3_10", "chaikin_oscillator", {"fast": 3, "slow": 10}),
    *_of("ROC_10", "roc", {"period": 10}),
    *_of("MOM_10", "momentum", {"period": 10}),
    *_of("CMO_14", "cmo", {"period": 14}),
    *_of("TRIX_15", "trix", {"period": 15}),
    *_of("ULTOSC_7_14_28", "ultimate_oscillator", {"short": 7, "medium": 14, "long": 28}),
    *_of("PPO_12_26_ema", "ppo", {"fast": 12, "slow": 26}),
    *_of("APO_12_26_ema", "apo", {"fast": 12, "slow": 26}),
    *_of("BOP", "bop"),
    *_of("AROONdown_14", "aroon_down", {"period": 14}),
    *_of("AROONup_14", "aroon_up", {"period": 14}),
    *_of("AROONOSC_14", "aroon_oscillator", {"period": 14}),
    *_of("SAR_0.02_0.2", "parabolic_sar", {"acceleration": 0.02, "maximum": 0.2}),
    *_of("STDDEV_20_1", "standard_deviation", {"period": 20}),
    *_of("VAR_20", "variance", {"period": 20}),
    *_of("LINEARREG_14", "linear_regression", {"period": 14}),
    *_of("LINEARREG_SLOPE_14", "linear_regression_slope", {"period": 14}),
    *_of("MAX_20", "donchian_upper", {"period": 20}),
    *_of("MIN_20", "donchian_lower", {"period": 20}),
    *_of("MIDPRICE_14", "donchian_middle", {"period": 14}),
]
"""Every column of both files that a kind computes."""
