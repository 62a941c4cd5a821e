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
    stream_kind,
)
from papertape.model.buffers import Exact
from papertape.model.entries import BookUpdate, MarketEvent, Quote, Trade


class HotFrames:
    """Takes the hot messages of one market for the instruments in `positions`, by the venue's symbol in bytes."""

    __slots__ = ("clock", "fields")
    clock: ClockOffset
    fields: Fields

    def __init__(self, clock: ClockOffset) -> None:
        self.clock = clock
        self.fields = Fields()

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
            return self.fields.scan(raw, at + 20, end) and self._quote(raw, recv_ts, received, out)
        if raw.startswith(b'trade","data":{', at):
            return self.fields.scan(raw, at + 15, end) and self._trade(raw, recv_ts, received, out)
        if raw.startswith(b'depth@100ms","data":{', at):
            return self.fields.scan(raw, at + 21, end) and self._depth(raw, recv_ts, received, out)
        if raw.startswith(b'depth@0ms","data":{', at):
            return self.fields.scan(raw, at + 19, end) and self._depth(raw, recv_ts, received, out)
        if raw.startswith(b'aggTrade","data":{', at):
            return self.fields.scan(raw, at + 18, end) and self._agg_trade(raw, recv_ts, received, out)
        return False

    def _quote(self, raw: bytes, recv_ts: int, received: Exact, out: list[MarketEvent]) -> bool:
        fields = self.fields
        position = fields.position(raw)
        if position is None or not fields.has(117, INTEGER) or not fields.may_have_time(84):
            return False
        if not fields.may_have_time(69) or not (
            fields.has(98, TEXT) and fields.has(66, TEXT) and fields.has(97, TEXT) and fields.has(65, TEXT)
        ):
            return False
        if fields.numbers[117] <= position.quote_id:
            return True
        bid = fields.price(raw, 98, position)
        bid_size = fields.size(raw, 66, position)
        ask = fields.price(raw, 97, position)
        ask_size = fields.size(raw, 65, position)
        if bid == NO_NUMBER or bid_size == NO_NUMBER or ask == NO_NUMBER or ask_size == NO_NUMBER:
            return False
        ts = recv_ts + self.clock.offset()
        if fields.has(69, INTEGER):
            self.clock.observe(fields.numbers[69] * 1000, recv_ts)
            ts = fields.time_ms() * 1000
        position.quote_id = fields.numbers[117]
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
        fields = self.fields
        position = fields.position(raw)
        if position is None or not self._is_print() or not fields.has(116, INTEGER):
            return False
        if fields.marks[88] >= fields.floor and not (
            fields.has(88, TEXT) and raw.startswith(b'MARKET"', fields.starts[88])
        ):
            return False
        trade_id, traded_ms = fields.numbers[116], fields.numbers[84]
        price, size = fields.price(raw, 112, position), fields.size(raw, 113, position)
        if price == NO_NUMBER or size == NO_NUMBER or not position.trades.is_next(trade_id):
            return False
        self.clock.observe(fields.numbers[69] * 1000, recv_ts)
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
                side="sell" if fields.numbers[109] else "buy",
                trade_id=str(trade_id),
            )
        )
        return True

    def _agg_trade(self, raw: bytes, recv_ts: int, received: Exact, out: list[MarketEvent]) -> bool:
        fields = self.fields
        position = fields.position(raw)
        if position is None or not self._is_print() or not fields.has(97, INTEGER):
            return False
        if fields.marks[108] >= fields.floor and not fields.has(108, INTEGER):
            return False
        agg_id = fields.numbers[97]
        if agg_id <= position.agg_id:
            return True
        price, size = fields.price(raw, 112, position), fields.size(raw, 113, position)
        if price == NO_NUMBER or size == NO_NUMBER or agg_id == 0:
            return False
        self.clock.observe(fields.numbers[69] * 1000, recv_ts)
        position.agg_id = agg_id
        out.append(
            Trade(
                ts=fields.numbers[84] * 1000,
                recv_ts=received,
                instrument=position.instrument_id,
                price=price,
                size=size,
                side="sell" if fields.numbers[109] else "buy",
                trade_id=str(agg_id),
            )
        )
        return True

    def _depth(self, raw: bytes, recv_ts: int, received: Exact, out: list[MarketEvent]) -> bool:
        fields = self.fields
        position = fields.position(raw)
        if position is None or not fields.has(97, LEVELS) or not fields.has(98, LEVELS):
            return False
        if not fields.has(85, INTEGER) or not fields.has(117, INTEGER) or not fields.has_time(69):
            return False
        previous_id = NO_UPDATE
        if fields.has(PU, INTEGER):
            previous_id = fields.numbers[PU]
        elif fields.marks[PU] >= fields.floor:
            return False
        if not fields.may_have_time(84) or not position.book.is_next(
            fields.numbers[85], fields.numbers[117], previous_id
        ):
            return False
        self.clock.observe(fields.numbers[69] * 1000, recv_ts)
        position.book.advance(fields.numbers[117])
        out.append(
            BookUpdate(
                ts=fields.time_ms() * 1000,
                recv_ts=received,
                instrument=position.instrument_id,
                is_snapshot=False,
                bids=tuple(fields.bids),
                asks=tuple(fields.asks),
            )
        )
        return True

    def _is_print(self) -> bool:
        fields = self.fields
        is_timed = fields.has_time(69) and fields.has_time(84)
        return is_timed and fields.has(112, TEXT) and fields.has(113, TEXT) and fields.has(109, TRUTH)
