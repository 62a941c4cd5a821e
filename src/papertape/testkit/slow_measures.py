"""Every windowed measure over trades once more, slow and obvious: from all trades so far, by its definition."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from itertools import groupby, pairwise

from papertape.indicators.compute import TradeRow

SECOND = 1_000_000
Trades = Sequence[TradeRow]
Params = Mapping[str, float]
Slow = Callable[[Trades, int, Params], float | None]


def within(trades: Trades, now: int, t1: float, t2: float = 0.0) -> list[TradeRow]:
    """Return the trades with `now - t1 < ts <= now - t2`, in seconds."""
    return [trade for trade in trades if now - round(t1 * SECOND) < trade.ts <= now - round(t2 * SECOND)]


def standing(trades: Trades, now: int, ago: float) -> float:
    """Return the price of the newest trade at or before `ago` seconds back from now."""
    return next(trade.price for trade in reversed(trades) if trade.ts <= now - round(ago * SECOND))


def integral(trades: Trades, now: int, t1: float, t2: float, weight: Callable[[TradeRow], float]) -> float:
    """Return the time integral over a window of what lasts from each trade to the next, in microseconds."""
    start, end = now - round(t1 * SECOND), now - round(t2 * SECOND)
    ends = [trade.ts for trade in trades[1:]] + [end]
    return math.fsum(
        weight(trade) * max(min(until, end) - max(trade.ts, start), 0)
        for trade, until in zip(trades, ends, strict=True)
    )


def twpa(trades: Trades, now: int, t1: float, t2: float = 0.0) -> float:
    """Return the time-weighted price average."""
    return integral(trades, now, t1, t2, lambda trade: trade.price) / ((t1 - t2) * SECOND)


def vwap(inside: Trades) -> float | None:
    """Return the volume-weighted price average."""
    volume = math.fsum(trade.size for trade in inside)
    return math.fsum(trade.price * trade.size for trade in inside) / volume if volume else None


def imbalance(inside: Trades) -> float | None:
    """Return volume bought less sold over their sum."""
    bought = math.fsum(trade.size for trade in inside if trade.is_buy)
    sold = math.fsum(trade.size for trade in inside if not trade.is_buy)
    return (bought - sold) / (bought + sold) if bought + sold else None


def volume(inside: Trades) -> float:
    """Return the sum of sizes."""
    return math.fsum(trade.size for trade in inside)


def gaps(inside: Trades) -> list[int]:
    """Return the microseconds from each trade to the next."""
    return [new.ts - old.ts for old, new in pairwise(inside)]


def change(new: float | None, old: float | None) -> float | None:
    """Return the change in percent."""
    return None if new is None or old is None or not old else (new / old - 1) * 100


def over_window(measure: Callable[[list[TradeRow]], float | None]) -> Slow:
    """Return a measure of the trades of the window (t1, t2) alone."""
    return lambda trades, now, params: measure(within(trades, now, params["t1"], params["t2"]))


def of_some(measure: Callable[[list[TradeRow]], float | None]) -> Slow:
    """Return a measure that is none over an empty window."""
    return over_window(lambda inside: measure(inside) if inside else None)


def slow_vtwpa(trades: Trades, now: int, params: Params) -> float | None:
    t1, t2 = params["t1"], params["t2"]
    sizes = integral(trades, now, t1, t2, lambda trade: trade.size)
    return integral(trades, now, t1, t2, lambda trade: trade.price * trade.size) / sizes if sizes else None


def slow_surge(measure: Callable[[list[TradeRow]], float]) -> Slow:
    def surge(trades: Trades, now: int, params: Params) -> float | None:
        current, baseline = params["current"], params["baseline"]
        old = measure(within(trades, now, current + baseline, current)) / baseline
        return measure(within(trades, now, current)) / current / old if old else None

    return surge


def window_price(trades: Trades, now: int, params: Params, gap: float) -> float | None:
    """Return the price that stands for the window that ends `gap` seconds ago."""
    length = params["window"]
    match params["price"]:
        case 0:
            return standing(trades, now, gap)
        case 1:
            return twpa(trades, now, gap + length, gap)
        case _:
            return vwap(within(trades, now, gap + length, gap))


def slow_velocity(trades: Trades, now: int, params: Params) -> float | None:
    return change(window_price(trades, now, params, 0), window_price(trades, now, params, params["gap"]))


def slow_acceleration(trades: Trades, now: int, params: Params) -> float | None:
    new, middle, old = (window_price(trades, now, params, i * params["gap"]) for i in range(3))
    late, early = change(new, middle), change(middle, old)
    return None if late is None or early is None else late - early


def slow_cascade(trades: Trades, now: int, params: Params) -> float:
    price = standing(trades, now, 0)
    moves = [price - standing(trades, now, seconds * params["scale"]) for seconds in (30, 60, 120, 300, 600)]
    return statistics.fmean(math.copysign(1, move) if move else 0 for move in moves)


def slow_streak(trades: Trades, now: int, params: Params) -> float:
    prices = [standing(trades, now, i * params["step"]) for i in range(11)]
    signs = [math.copysign(1, new - old) if new != old else 0.0 for new, old in pairwise(prices)]
    length = len(next(iter([list(run) for _, run in groupby(signs)])))
    return signs[0] * length


def slow_reversal(trades: Trades, now: int, params: Params) -> float:
    window, before = params["window"], params["before"]
    new, middle, old = (standing(trades, now, ago) for ago in (0, window, window + before))
    late, early = new / middle - 1, middle / old - 1
    return -late / early if late * early < 0 else 0.0


def slow_density(trades: Trades, now: int, params: Params) -> float:
    length = params["window"]

    def runs(t1: float, t2: float) -> int:
        inside = within(trades, now, t1, t2)
        # A trade without size counts as sold.
        return len(list(groupby(inside, key=lambda trade: (trade.ts, trade.is_buy and trade.size > 0))))

    return (runs(length, 0) - runs(2 * length, length)) / length / length


def slow_clustering(inside: list[TradeRow]) -> float | None:
    if len(inside) < 2 or inside[0].ts == inside[-1].ts:
        return None
    mean, deviation = statistics.fmean(gaps(inside)), statistics.pstdev(gaps(inside))
    return (deviation - mean) / (deviation + mean)


def slow_size_volatility(inside: list[TradeRow]) -> float | None:
    sizes = [trade.size for trade in inside]
    return statistics.pstdev(sizes) / statistics.fmean(sizes) if volume(inside) else None


def slow_pump(trades: Trades, now: int, params: Params) -> float | None:
    inside = within(trades, now, params["window"])
    before = within(trades, now, params["window"] + params["baseline"], params["window"])
    if not inside or not volume(before):
        return None
    rise = (inside[-1].price / min(trade.price for trade in inside) - 1) * 100
    surge = volume(inside) / params["window"] / (volume(before) / params["baseline"])
    parts = (rise / params["full_rise"], (surge - 1) / (params["full_surge"] - 1), imbalance(inside) or 0.0)
    return sum(weight * min(max(part, 0.0), 1.0) for weight, part in zip((50, 30, 20), parts, strict=True))


def slow_exhaustion(trades: Trades, now: int, params: Params) -> float | None:
    inside = within(trades, now, params["window"])
    quarter = within(trades, now, params["window"] / 4)
    prices = [trade.price for trade in inside]
    if not inside or min(prices) == max(prices):
        return None
    recovered = (prices[-1] - min(prices)) / (max(prices) - min(prices))
    flow = imbalance(quarter)
    sold = volume([trade for trade in inside if not trade.is_buy])
    lately = volume([trade for trade in quarter if not trade.is_buy])
    faded = max(0.0, 1 - 4 * lately / sold) if sold else 1.0
    return 40 * recovered + 30 * (0.5 if flow is None else (1 + flow) / 2) + 30 * faded


def slow_support(trades: Trades, now: int, params: Params) -> float | None:
    inside = within(trades, now, params["t1"], params["t2"])
    return change(trades[-1].price, min(trade.price for trade in inside)) if inside else None


def slow_volatility(inside: list[TradeRow]) -> float:
    return math.sqrt(math.fsum(math.log(new.price / old.price) ** 2 for old, new in pairwise(inside))) * 100


def slow_ema(trades: Trades, _: int, params: Params) -> float:
    period = int(params["period"])
    average = statistics.fmean(trade.price for trade in trades[:period])
    for trade in trades[period:]:
        average += 2 / (period + 1) * (trade.price - average)
    return average


SLOW: dict[str, Slow] = {
    "avg_trade_size": of_some(lambda inside: volume(inside) / len(inside)),
    "decision_density_acceleration": slow_density,
    "drawdown_pct": of_some(lambda inside: (1 - inside[-1].price / max(trade.price for trade in inside)) * 100),
    "dump_exhaustion": slow_exhaustion,
    "first_price": of_some(lambda inside: inside[0].price),
    "inter_trade_median_ms": over_window(
        lambda inside: statistics.median(gaps(inside)) / 1000 if len(inside) > 1 else None
    ),
    "last_price": of_some(lambda inside: inside[-1].price),
    "max_price": of_some(lambda inside: max(trade.price for trade in inside)),
    "min_price": of_some(lambda inside: min(trade.price for trade in inside)),
    "momentum_reversal": slow_reversal,
    "momentum_streak": slow_streak,
    "order_flow_imbalance": over_window(imbalance),
    "price_change_pct": of_some(lambda inside: change(inside[-1].price, inside[0].price)),
    "price_velocity": slow_velocity,
    "pump_magnitude_pct": of_some(lambda inside: change(inside[-1].price, min(trade.price for trade in inside))),
    "pump_strength": slow_pump,
    "realized_volatility": over_window(slow_volatility),
    "sum_volume": over_window(volume),
    "support_proximity_pct": slow_support,
    "trade_clustering": over_window(slow_clustering),
    "trade_count": over_window(lambda inside: float(len(inside))),
    "trade_ema": slow_ema,
    "trade_rate": lambda trades, now, params: (
        len(within(trades, now, params["t1"], params["t2"])) / (params["t1"] - params["t2"])
    ),
    "trade_rate_surge_ratio": slow_surge(lambda inside: float(len(inside))),
    "trade_size_volatility": over_window(slow_size_volatility),
    "trade_sma": lambda trades, _, params: statistics.fmean(trade.price for trade in trades[-int(params["period"]) :]),
    "twpa": lambda trades, now, params: twpa(trades, now, params["t1"], params["t2"]),
    "twpa_ratio": lambda trades, now, params: trades[-1].price / twpa(trades, now, params["t1"], params["t2"]),
    "velocity_acceleration": slow_acceleration,
    "velocity_cascade": slow_cascade,
    "volume_surge_ratio": slow_surge(volume),
    "vtwpa": slow_vtwpa,
    "vwap": over_window(vwap),
}
"""By kind; each is asked only once the kind is warm."""

WINDOWS: tuple[dict[str, float], ...] = (
    {"t1": 20, "t2": 0, "window": 20, "gap": 5, "price": 1, "current": 5, "baseline": 30, "period": 50, "scale": 0.1,
     "step": 2, "before": 20, "full_rise": 0.02, "full_surge": 3},
    {"t1": 0.25, "t2": 0, "window": 0.5, "gap": 2, "price": 0, "current": 0.5, "baseline": 3, "period": 1,
     "scale": 0.01, "step": 0.25, "before": 1, "full_rise": 5, "full_surge": 1.5},
    {"t1": 45, "t2": 15, "window": 3, "gap": 20, "price": 2, "current": 15, "baseline": 20, "period": 7, "scale": 0.05,
     "step": 4, "before": 9, "full_rise": 0.1, "full_surge": 10},
)  # fmt: skip
"""Three settings of every parameter there is."""
