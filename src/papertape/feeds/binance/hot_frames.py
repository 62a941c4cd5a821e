"""The messages that come by the thousand, from bytes straight to market events. Pure.

What is written here takes a message only when it is exactly what the venue is known to send: one level of plain fields
in any order, no space, no escape, no exponent, numbers in bounds, the instrument known, the next in its sequence.
Everything else is refused without a trace and left to `protocol` and `decoder`, which give the same events, slower.
"""

# kernel: compiled by scripts/kernel_build.py

from __future__ import annotations

from papertape.feeds.binance.book_sync import NO_UPDATE
from papertape.feeds.binance.clock_offset import ClockOffset
from papertape.feeds.binance.frames import Received
from papertape.feeds.binance.hot_fields import (
    INTEGER,
    LEVELS,
    NO_NUMBER,
    PU,
    TEXT,
    TRUTH,
    Fields,
    Position,
    stream_kind,
)
from papertape.model.buffers import Exact
from papertape.model.entries import BookUpdate, MarketEvent, Quote, Trade


class HotFrames(Fields):
    """Takes the hot messages of one market for the instruments in `positions`, by the venue's symbol in bytes."""

    __slots__ = ("clock",)
    clock: ClockOffset

    def __init__(self, clock: ClockOffset) -> None:
        Fields.__init__(self)
        self.clock = clock

    def take_all(self, burst: list[Received], start: int, recv_ts: int, received: Exact, out: list[MarketEvent]) -> int:
        """Take messages from `start` on and return the index of the first refused, or the length.

        `recv_ts` and `received` are the same time in microseconds UTC; the one is counted with, the other given on.
        """
        at = start
        while at < len(burst):
            message = burst[at]
            if type(message) is not bytes or not self.take(message, recv_ts, received, out):
                break
            at += 1
        return at

    def take(self, raw: bytes, recv_ts: int, received: Exact, out: list[MarketEvent]) -> bool:
        """Append the event of a message, if it makes one, or return False, with nothing changed."""
        end = len(raw) - 2
        at = stream_kind(raw)
        if at < 0 or not raw.endswith(b"}}"):
            return False
        if raw.startswith(b'bookTicker","data":{', at):
            return self.scan(raw, at + 20, end) and self._quote(raw, recv_ts, received, out)
        if raw.startswith(b'trade","data":{', at):
            return self.scan(raw, at + 15, end) and self._trade(raw, recv_ts, received, out)
        if raw.startswith(b'depth@100ms","data":{', at):
            return self.scan(raw, at + 21, end) and self._depth(raw, recv_ts, received, out)
        if raw.startswith(b'depth@0ms","data":{', at):
            return self.scan(raw, at + 19, end) and self._depth(raw, recv_ts, received, out)
        if raw.startswith(b'aggTrade","data":{', at):
            return self.scan(raw, at + 18, end) and self._agg_trade(raw, recv_ts, received, out)
        return False

    def _quote(self, raw: bytes, recv_ts: int, received: Exact, out: list[MarketEvent]) -> bool:
        position: Position | None = self._symbol(raw)
        if position is None or not self._has(117, INTEGER) or not self._may_have_time(84):
            return False
        if not self._may_have_time(69) or not (
            self._has(98, TEXT) and self._has(66, TEXT) and self._has(97, TEXT) and self._has(65, TEXT)
        ):
            return False
        if self.values[117] <= position.quote_id:
            return True
        bid = self._price(raw, 98, position)
        bid_size = self._size(raw, 66, position)
        ask = self._price(raw, 97, position)
        ask_size = self._size(raw, 65, position)
        if bid == NO_NUMBER or bid_size == NO_NUMBER or ask == NO_NUMBER or ask_size == NO_NUMBER:
            return False
        ts = recv_ts + self.clock.offset()
        if self._has(69, INTEGER):
            self.clock.observe(self.values[69] * 1000, recv_ts)
            ts = self._time() * 1000
        position.quote_id = self.values[117]
        out.append(
            Quote(
                ts=ts,
                recv_ts=received,
                instrument=position.instrument_id,
                bid=bid,
                bid_size=bid_size,
                ask=ask,
                ask_size=ask_size,
            )
        )
        return True

    def _trade(self, raw: bytes, recv_ts: int, received: Exact, out: list[MarketEvent]) -> bool:
        position: Position | None = self._symbol(raw)
        if position is None or not self._is_print() or not self._has(116, INTEGER):
            return False
        if self.marks[88] >= self.floor and not (self._has(88, TEXT) and raw.startswith(b'MARKET"', self.values[88])):
            return False
        trade_id, traded_ms = self.values[116], self.values[84]
        price, size = self._price(raw, 112, position), self._size(raw, 113, position)
        if price == NO_NUMBER or size == NO_NUMBER or not position.trades.is_next(trade_id):
            return False
        self.clock.observe(self.values[69] * 1000, recv_ts)
        position.trades.skip_to(trade_id)
        if traded_ms > position.trade_ms:
            position.trade_ms = traded_ms
        out.append(
            Trade(
                ts=traded_ms * 1000,
                recv_ts=received,
                instrument=position.instrument_id,
                price=price,
                size=size,
                side="sell" if self.values[109] else "buy",
                trade_id=str(trade_id),
            )
        )
        return True

    def _agg_trade(self, raw: bytes, recv_ts: int, received: Exact, out: list[MarketEvent]) -> bool:
        position: Position | None = self._symbol(raw)
        if position is None or not self._is_print() or not self._has(97, INTEGER):
            return False
        if self.marks[108] >= self.floor and not self._has(108, INTEGER):
            return False
        agg_id = self.values[97]
        if agg_id <= position.agg_id:
            return True
        price, size = self._price(raw, 112, position), self._size(raw, 113, position)
        if price == NO_NUMBER or size == NO_NUMBER or agg_id == 0:
            return False
        self.clock.observe(self.values[69] * 1000, recv_ts)
        position.agg_id = agg_id
        out.append(
            Trade(
                ts=self.values[84] * 1000,
                recv_ts=received,
                instrument=position.instrument_id,
                price=price,
                size=size,
                side="sell" if self.values[109] else "buy",
                trade_id=str(agg_id),
            )
        )
        return True

    def _depth(self, raw: bytes, recv_ts: int, received: Exact, out: list[MarketEvent]) -> bool:
        position: Position | None = self._symbol(raw)
        if position is None or not self._has(97, LEVELS) or not self._has(98, LEVELS):
            return False
        if not self._has(85, INTEGER) or not self._has(117, INTEGER) or not self._has_time(69):
            return False
        previous_id = NO_UPDATE
        if self._has(PU, INTEGER):
            previous_id = self.values[PU]
        elif self.marks[PU] >= self.floor:
            return False
        if not self._may_have_time(84) or not position.book.is_next(self.values[85], self.values[117], previous_id):
            return False
        self.clock.observe(self.values[69] * 1000, recv_ts)
        position.book.advance(self.values[117])
        out.append(
            BookUpdate(
                ts=self._time() * 1000,
                recv_ts=received,
                instrument=position.instrument_id,
                is_snapshot=False,
                bids=tuple(self.bids),
                asks=tuple(self.asks),
            )
        )
        return True

    def _is_print(self) -> bool:
        is_timed = self._has_time(69) and self._has_time(84)
        return is_timed and self._has(112, TEXT) and self._has(113, TEXT) and self._has(109, TRUTH)
