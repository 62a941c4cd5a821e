"""Recordings of trades and quotes in Parquet.

Columns of trades: symbol, price, size, aggressor (`buy` or `sell`), trade_id and trade_ts_ms or event_ts_ms; of quotes:
symbol, bid_price, bid_size, ask_price, ask_size. Both: recv_ts_ns where known, `venue` such as binance-spot or
binance-usdm. Files are told apart by their columns. Quotes without a time of their own get the receive time plus the
offset of the trades' clock.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from operator import attrgetter
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from papertape.errors import Invalid
from papertape.feeds.binance.clock_offset import ClockOffset
from papertape.feeds.binance.frames import Market
from papertape.feeds.recorded.discover import Precision, make_instrument
from papertape.feeds.recorded.recording import Moment, Tally
from papertape.model.entries import MarketEvent, Quote, Trade
from papertape.model.instrument import Instrument

_TRADES = frozenset({"symbol", "price", "size", "aggressor"})
_QUOTES = frozenset({"symbol", "bid_price", "bid_size", "ask_price", "ask_size"})
_ROWS_AT_ONCE = 20_000
# The columns of a row have different types, which polars does not tell the type checker.
_Row = tuple[Any, ...]
_MARKETS: dict[str, Market] = {"binance-spot": "spot", "binance-usdm": "usdm"}


class _Ints(NamedTuple):
    instrument: Instrument
    price_unit: int
    size_unit: int

    def price(self, value: float) -> int:
        return round(value * self.price_unit)

    def size(self, value: float) -> int:
        return round(value * self.size_unit)


class ParquetRecording:
    """Trades and quotes from one Parquet file, or from all of a folder, merged by receive time.

    Raises:
        Invalid: no file has the columns of trades or quotes.
    """

    def __init__(self, path: Path, market: Market | None = None) -> None:
        self._market = market
        files = [path] if path.is_file() else sorted(path.glob("*.parquet"))
        frames = [pl.scan_parquet(file) for file in files]
        columns = [frozenset(frame.collect_schema().names()) for frame in frames]
        self._trades = [frame for frame, has in zip(frames, columns, strict=True) if has >= _TRADES]
        self._quotes = [frame for frame, has in zip(frames, columns, strict=True) if has >= _QUOTES]
        if not self._trades and not self._quotes:
            raise Invalid(
                f"{path} has neither trades (columns {', '.join(sorted(_TRADES))}) nor quotes (columns "
                f"{', '.join(sorted(_QUOTES))}); rename the columns or convert the file.",
                code="recording.columns",
            )

    def instruments(self) -> list[Instrument]:
        """Return the instruments found, with the decimals their numbers need."""
        seen: dict[tuple[Market, str], Precision] = {}
        for frame in self._trades:
            self._observe(frame, "price", "size", seen)
        for frame in self._quotes:
            self._observe(frame, "bid_price", "bid_size", seen)
            self._observe(frame, "ask_price", "ask_size", seen)
        found = [make_instrument(market, symbol, precision) for (market, symbol), precision in seen.items()]
        return sorted(found, key=lambda instrument: instrument.id)

    def play(self, instruments: Sequence[Instrument], tally: Tally) -> Iterator[Moment]:
        """Yield one moment a row, in receive order."""
        wanted = {(_market_of(i), i.symbol): _Ints(i, 10**i.price_decimals, 10**i.size_decimals) for i in instruments}
        offset = ClockOffset()
        streams = [self._trade_moments(frame, wanted, offset) for frame in self._trades]
        streams += [self._quote_moments(frame, wanted, offset) for frame in self._quotes]
        for moment in heapq.merge(*streams, key=attrgetter("recv_us")):
            tally.frames += 1
            yield moment

    def _observe(self, frame: pl.LazyFrame, price: str, size: str, seen: dict[tuple[Market, str], Precision]) -> None:
        picked = self._with_market(frame).select("market", "symbol", pl.col(price, size).cast(pl.String)).unique()
        for market, symbol, price_text, size_text in picked.collect().iter_rows():
            if market is not None:
                seen.setdefault((market, symbol), Precision()).see(price_text, size_text)

    def _trade_moments(
        self, frame: pl.LazyFrame, wanted: dict[tuple[Market, str], _Ints], offset: ClockOffset
    ) -> Iterator[Moment]:
        names = ("trade_ts_ms", "event_ts_ms", "price", "size", "aggressor", "trade_id")
        for recv_us, ints, row in self._rows(frame, names, wanted):
            trade_ms, event_ms, price, size, aggressor, trade_id = row
            at_ms = trade_ms if trade_ms is not None else event_ms
            if event_ms is not None:
                offset.observe(event_ms * 1000, recv_us)
            event: MarketEvent = Trade(
                ts=recv_us if at_ms is None else at_ms * 1000,
                recv_ts=recv_us,
                instrument=ints.instrument.id,
                price=ints.price(price),
                size=ints.size(size),
                side="sell" if aggressor == "sell" else "buy",
                trade_id=str(trade_id),
            )
            yield Moment(recv_us, [event])

    def _quote_moments(
        self, frame: pl.LazyFrame, wanted: dict[tuple[Market, str], _Ints], offset: ClockOffset
    ) -> Iterator[Moment]:
        names = ("tx_ts_ms", "event_ts_ms", "bid_price", "bid_size", "ask_price", "ask_size")
        for recv_us, ints, row in self._rows(frame, names, wanted):
            tx_ms, event_ms, bid, bid_size, ask, ask_size = row
            at_ms = tx_ms if tx_ms is not None else event_ms
            event: MarketEvent = Quote(
                ts=recv_us + offset.offset_us if at_ms is None else at_ms * 1000,
                recv_ts=recv_us,
                instrument=ints.instrument.id,
                bid=ints.price(bid),
                bid_size=ints.size(bid_size),
                ask=ints.price(ask),
                ask_size=ints.size(ask_size),
            )
            yield Moment(recv_us, [event])

    def _rows(
        self, frame: pl.LazyFrame, names: tuple[str, ...], wanted: dict[tuple[Market, str], _Ints]
    ) -> Iterator[tuple[int, _Ints, _Row]]:
        has = frozenset(frame.collect_schema().names())
        values = [pl.col(name) if name in has else pl.lit(None).alias(name) for name in names]
        if "recv_ts_ns" in has:
            received = (pl.col("recv_ts_ns") // 1000).alias("recv_us")
        else:
            times = [pl.col(name) for name in ("trade_ts_ms", "tx_ts_ms", "event_ts_ms") if name in has]
            received = (pl.coalesce(times) * 1000).alias("recv_us")
        table = self._with_market(frame).select(received, "market", "symbol", *values)
        ordered = table.collect().sort("recv_us", maintain_order=True)
        for chunk in ordered.iter_slices(_ROWS_AT_ONCE):
            for recv_us, market, symbol, *row in chunk.iter_rows():
                ints = wanted.get((market, symbol))
                if ints is not None:
                    yield recv_us, ints, tuple(row)

    def _with_market(self, frame: pl.LazyFrame) -> pl.LazyFrame:
        if "venue" in frame.collect_schema().names() and self._market is None:
            known = pl.col("venue").replace_strict(_MARKETS, default=None, return_dtype=pl.String)
            return frame.with_columns(known.alias("market"))
        return frame.with_columns(pl.lit(self._market or "spot").alias("market"))


def _market_of(instrument: Instrument) -> Market:
    return "spot" if instrument.kind == "spot" else "usdm"
