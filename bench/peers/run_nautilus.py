"""NautilusTrader: its Cython engine and its own averages. Inside the clock: `BacktestEngine.run` over added ticks."""

from __future__ import annotations

import importlib
import time
from decimal import Decimal
from typing import Any

from peers.columns import Columns, read_columns
from peers.load import CAPITAL, FEE, LOTS, PRICE_UNIT, SIZE_UNIT, Load
from peers.runner import Asked, Measured, run

engines: Any = importlib.import_module("nautilus_trader.backtest.engine")
configs: Any = importlib.import_module("nautilus_trader.config")
indicators: Any = importlib.import_module("nautilus_trader.indicators")
data: Any = importlib.import_module("nautilus_trader.model.data")
enums: Any = importlib.import_module("nautilus_trader.model.enums")
identifiers: Any = importlib.import_module("nautilus_trader.model.identifiers")
instruments: Any = importlib.import_module("nautilus_trader.model.instruments")
model: Any = importlib.import_module("nautilus_trader.model")
trading: Any = importlib.import_module("nautilus_trader.trading")

_VENUE = identifiers.Venue("SIM")
_NANO = 1000
_WORDS = enums.AggressorSide


class Cross(trading.Strategy):  # type: ignore[misc]  # its types live in its own environment
    """The load on one instrument."""

    def __init__(self, number: int, instrument: Any, load: Load) -> None:
        super().__init__(configs.StrategyConfig(strategy_id=f"Cross-{number:03d}"))
        self.instrument = instrument
        self.need = load.slow
        self.fast = indicators.ExponentialMovingAverage(load.fast)
        self.slow = indicators.ExponentialMovingAverage(load.slow)
        self.quantity = model.Quantity(LOTS * SIZE_UNIT, 3)
        self.was_above: bool | None = None
        self.is_long = False
        self.fills = 0

    def on_start(self) -> None:
        """Let the engine keep the averages."""
        self.register_indicator_for_trade_ticks(self.instrument.id, self.fast)
        self.register_indicator_for_trade_ticks(self.instrument.id, self.slow)
        self.subscribe_trade_ticks(self.instrument.id)

    def on_trade_tick(self, tick: Any) -> None:  # noqa: ARG002 - the averages have taken it
        """Look at one trade."""
        if not self.slow.initialized:
            return
        fast, slow = self.fast.value, self.slow.value
        is_above = fast > slow
        if self.is_long:
            if fast < slow:
                self.is_long = False
                self._send(enums.OrderSide.SELL)
        elif is_above and self.was_above is False:
            self.is_long = True
            self._send(enums.OrderSide.BUY)
        self.was_above = is_above

    def on_order_filled(self, event: Any) -> None:  # noqa: ARG002 - it is counted only
        """Count fills."""
        self.fills += 1

    def _send(self, side: Any) -> None:
        self.submit_order(self.order_factory.market(self.instrument.id, side, self.quantity))


def measure(asked: Asked) -> Measured:
    """Run once."""
    columns = read_columns(asked.folder, asked.events)
    engine = engines.BacktestEngine(
        config=configs.BacktestEngineConfig(
            logging=configs.LoggingConfig(bypass_logging=True),
            risk_engine=configs.RiskEngineConfig(bypass=True),
            run_analysis=False,
        )
    )
    dollar = model.Currency.from_str("USDT")
    engine.add_venue(
        venue=_VENUE,
        oms_type=enums.OmsType.NETTING,
        account_type=enums.AccountType.MARGIN,
        base_currency=dollar,
        starting_balances=[model.Money(CAPITAL, dollar)],
        trade_execution=True,
    )
    pairs = [_pair(symbol) for symbol in range(asked.symbols)]
    strategies = [Cross(number, pair, asked.load) for number, pair in enumerate(pairs)]
    for pair in pairs:
        engine.add_instrument(pair)
    engine.add_data(_ticks(columns, pairs))
    engine.add_strategies(strategies)
    started = time.perf_counter()
    engine.run()
    seconds = time.perf_counter() - started
    fills = sum(strategy.fills for strategy in strategies)
    note = "one strategy an instrument; logging, analysis and risk checks off, account and portfolio on"
    equity = _equity(engine, columns, pairs, dollar)
    return Measured(asked.events, seconds, fills, equity, "at the quote made of trades", "first price", note)


def _pair(symbol: int) -> Any:
    name = f"S{symbol:02d}USDT"
    return instruments.CurrencyPair(
        instrument_id=identifiers.InstrumentId(identifiers.Symbol(name), _VENUE),
        raw_symbol=identifiers.Symbol(name),
        base_currency=model.Currency.from_str("BTC"),
        quote_currency=model.Currency.from_str("USDT"),
        price_precision=2,
        size_precision=3,
        price_increment=model.Price(PRICE_UNIT, 2),
        size_increment=model.Quantity(SIZE_UNIT, 3),
        margin_init=Decimal(0),
        margin_maint=Decimal(0),
        maker_fee=Decimal(str(FEE)),
        taker_fee=Decimal(str(FEE)),
        ts_event=0,
        ts_init=0,
    )


def _ticks(columns: Columns, pairs: list[Any]) -> list[Any]:
    ids = [pair.id for pair in pairs]
    sides = {1: _WORDS.BUYER, -1: _WORDS.SELLER}
    precise = model.Price(1, 0).raw // 100
    fine = model.Quantity(1, 0).raw // 1000
    trade_id = identifiers.TradeId("T")
    make = data.TradeTick.from_raw
    rows = zip(columns.ts, columns.price, columns.size, columns.side, columns.symbol, strict=True)
    return [
        make(ids[of], price * precise, 2, size * fine, 3, sides[side], trade_id, ts * _NANO, ts * _NANO)
        for ts, price, size, side, of in rows
    ]


def _equity(engine: Any, columns: Columns, pairs: list[Any], dollar: Any) -> float:
    """Return the balance with open positions marked at the last trade of their instrument."""
    last = dict(zip(columns.symbol, columns.price, strict=True))
    equity = engine.portfolio.account(_VENUE).balance_total(dollar).as_decimal()
    for symbol, pair in enumerate(pairs):
        for position in engine.cache.positions_open(instrument_id=pair.id):
            equity += position.unrealized_pnl(model.Price(last[symbol] * PRICE_UNIT, 2)).as_decimal()
    return float(equity)


if __name__ == "__main__":
    run("nautilus", "nautilus-trader", measure)
