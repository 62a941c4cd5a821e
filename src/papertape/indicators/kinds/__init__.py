"""One module per indicator, each with its declaration `KIND`.

In: the shells and windows of `indicators`. Out: `KINDS`, every declaration.
Never: knowledge of one kind in another.
"""

from __future__ import annotations

from papertape.indicators.kind import IndicatorKind
from papertape.indicators.kinds import (
    atr,
    bid_ask_imbalance,
    drawdown_pct,
    ema,
    last_price,
    mid_price,
    order_flow_imbalance,
    price_change_pct,
    price_velocity,
    pump_magnitude_pct,
    rsi,
    sma,
    spread_pct,
    sum_volume,
    trade_count,
    trade_rate,
    twpa,
    volume_surge_ratio,
    vwap,
)

KINDS: tuple[IndicatorKind, ...] = (
    atr.KIND,
    bid_ask_imbalance.KIND,
    drawdown_pct.KIND,
    ema.KIND,
    last_price.KIND,
    mid_price.KIND,
    order_flow_imbalance.KIND,
    price_change_pct.KIND,
    price_velocity.KIND,
    pump_magnitude_pct.KIND,
    rsi.KIND,
    sma.KIND,
    spread_pct.KIND,
    sum_volume.KIND,
    trade_count.KIND,
    trade_rate.KIND,
    twpa.KIND,
    volume_surge_ratio.KIND,
    vwap.KIND,
)
