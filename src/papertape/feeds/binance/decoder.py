"""Typed frames of one market to market events: integers, sequencing, gaps. Pure: time and bytes are handed in."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import msgspec

from papertape.errors import Invalid
from papertape.feeds.binance.clock_offset import ClockOffset
from papertape.feeds.binance.frames import (
    AggTradeFrame,
    BookTickerFrame,
    DepthFrame,
    Frame,
    Garbage,
    Level,
    Market,
    Received,
    SnapshotFrame,
    TickerFrame,
    TradeFrame,
)
from papertape.feeds.binance.hot_frames import HotFrames
from papertape.feeds.binance.position import NO_ID, Position
from papertape.feeds.binance.protocol import parse_frame
from papertape.feeds.binance.trade_sync import Print, Verdict
from papertape.model.entries import BookGap, BookUpdate, MarketEvent, Quote, Ticker, Trade
from papertape.model.instrument import Instrument, InstrumentId

Out = list[MarketEvent]

# No connection repeats prints this old: a server that does was restarted, and its ids begin again.
_RESTARTED_MS = 60_000
_MARKET_FRAMES = (TradeFrame, BookTickerFrame, DepthFrame, TickerFrame, AggTradeFrame)


class NeedSnapshot(msgspec.Struct, frozen=True):
    """The book of `symbol` is void: fetch a snapshot and hand it to `on_snapshot`."""

    symbol: str


class NeedTrades(msgspec.Struct, frozen=True):
    """Prints of `symbol` after `after_id` are missing, up to `before_id` where known: fetch, hand to `on_trades`."""

    symbol: str
    after_id: int
    before_id: int | None


Request = NeedSnapshot | NeedTrades


class MarketDecoder:
    """Turns the frames of one market into events, for the instruments it was given.

    A frame that cannot be used is counted in `decode_errors` with its reason in `last_error`; nothing raises.
    Duplicates (a second connection during rotation) are recognised by trade id and update id and dropped. Spot
    `bookTicker` carries no time: its `ts` is the receive time plus the tracked clock offset.

    Args:
        market: spot or USD-M.
        can_fetch: whether somebody serves `take_requests`; if not, holes are announced and passed over.
    """

    def __init__(self, market: Market, *, can_fetch: bool = True) -> None:
        self.market = market
        self.clock = ClockOffset()
        self.frames = 0
        self.events = 0
        self.decode_errors = 0
        self.last_error: str | None = None
        self.gaps = 0
        self.missing_trades = 0
        self._can_fetch = can_fetch
        self._states: dict[str, Position] = {}
        self._hot = HotFrames(self.clock)
        self._requests: list[Request] = []
        # One frame class, one method: the argument types differ, so the table cannot name them.
        self._handlers: dict[type, Callable[[Position, Any, int, Out], None]] = {
            TradeFrame: self._on_trade,
            BookTickerFrame: self._on_book_ticker,
            DepthFrame: self._on_depth,
            TickerFrame: self._on_ticker,
            AggTradeFrame: self._on_agg_trade,
        }

    def add(self, instrument: Instrument) -> None:
        """Start decoding an instrument; one that is decoded already keeps its position."""
        state = self._states.setdefault(instrument.symbol, Position(instrument))
        self._hot.fields.add(instrument.symbol.encode(), state)

    def continue_after(self, symbol: str, trade_id: int) -> None:
        """Take `trade_id` as the last print known, when none was decoded yet; what follows it is then asked for."""
        state = self._states.get(symbol)
        if state is not None and state.trades.last_id is None:
            state.trades.skip_to(trade_id)
            state.was_lost = True

    def remove(self, symbol: str) -> None:
        """Forget an instrument; its frames are passed over from now on."""
        self._states.pop(symbol, None)
        self._hot.fields.remove(symbol.encode())

    def take_burst(self, burst: list[Received], recv_ts: int, out: Out) -> None:
        """Append the events of messages and frames as they came; the hot messages take the short way."""
        taken = 0
        while taken < len(burst):
            before = len(out)
            refused = self._hot.take_all(burst, taken, recv_ts, recv_ts, out)
            self.frames += refused - taken
            self.events += len(out) - before
            taken = refused + 1
            if refused < len(burst):
                received = burst[refused]
                self.take(parse_frame(received) if isinstance(received, bytes) else received, recv_ts, out)

    def take_hot(self, raw: bytes, recv_ts: int, out: Out) -> bool:
        """Append the event of a hot message by the short way, or return False, with nothing changed."""
        before = len(out)
        if not self._hot.take(raw, recv_ts, recv_ts, out):
            return False
        self.frames += 1
        self.events += len(out) - before
        return True

    def take(self, frame: Frame, recv_ts: int, out: Out) -> None:
        """Append the events of one frame to `out`; `recv_ts` in microseconds UTC."""
        self.frames += 1
        if not isinstance(frame, _MARKET_FRAMES):
            if isinstance(frame, Garbage):
                self.count_error(f"{frame.reason}: {frame.excerpt!r}")
            return
        state = self._states.get(frame.symbol)
        if state is None:
            return
        before = len(out)
        try:
            self._handlers[type(frame)](state, frame, recv_ts, out)
        except (Invalid, ValueError) as error:
            del out[before:]
            self.count_error(f"{type(frame).__name__} of {state.instrument.id}: {error}")
            if isinstance(frame, DepthFrame):
                self._void(state, f"a book update could not be read: {error}", recv_ts, out)
                self._ask_snapshot(state)
        self.events += len(out) - before

    def on_snapshot(self, symbol: str, snapshot: SnapshotFrame, recv_ts: int, out: Out) -> None:
        """Append the book of a snapshot and the held updates that continue it, or ask for a newer snapshot."""
        state = self._states.get(symbol)
        if state is None:
            return
        state.wants_snapshot = False
        joined = state.book.join(snapshot.last_id)
        if joined is None:
            self._ask_snapshot(state)
            return
        before = len(out)
        try:
            out.append(self._book_update(state, snapshot, recv_ts, is_snapshot=True))
            out.extend(self._book_update(state, frame, recv_ts, is_snapshot=False) for frame in joined)
        except (Invalid, ValueError) as error:
            del out[before:]
            state.book.void()
            self.count_error(f"Book snapshot of {state.instrument.id}: {error}")
        self.events += len(out) - before

    def on_trades(self, symbol: str, fetched: Iterable[Print], recv_ts: int, out: Out) -> None:
        """Append what a recovery brought and what was held meanwhile; what stays missing is announced as a gap.

        All are stamped with `recv_ts`, so that receive times never go back.
        """
        state = self._states.get(symbol)
        if state is None or not state.trades.is_recovering:
            return
        before = len(out)
        resolution = state.trades.resolve(fetched)
        if resolution.missing:
            self.missing_trades += resolution.missing
            self._void(
                state, f"{resolution.missing} trades are missing and the venue no longer gives them", recv_ts, out
            )
            self._ask_snapshot(state)
        out.extend(msgspec.structs.replace(trade, recv_ts=recv_ts) for trade in resolution.trades)
        self.events += len(out) - before

    def on_connected(self) -> None:
        """Ask for the trades since the loss or the history; books are asked for by their first update."""
        for state in self._states.values():
            if state.was_lost and state.trades.last_id is not None and not state.trades.is_recovering:
                self._ask_trades(state, state.trades.last_id, None)
            state.was_lost = False

    def ask_missing_books(self) -> None:
        """Ask for the books that no update has asked for: those of quiet instruments."""
        for state in self._states.values():
            if not state.book.is_live:
                self._ask_snapshot(state)

    def has_book(self, instrument: InstrumentId) -> bool:
        """Return whether the book of an instrument is in place."""
        return any(state.book.is_live for state in self._states.values() if state.instrument.id == instrument)

    def on_lost(self, reason: str, recv_ts: int, out: Out) -> None:
        """Void every book and announce the gap of every instrument."""
        for state in self._states.values():
            state.wants_snapshot = False
            state.was_lost = True
            self._void(state, reason, recv_ts, out)

    def snapshot_failed(self, symbol: str) -> None:
        """Allow the snapshot of `symbol` to be asked for again."""
        state = self._states.get(symbol)
        if state is not None:
            state.wants_snapshot = False
            self._ask_snapshot(state)

    def take_requests(self) -> list[Request]:
        """Return what must be fetched by REST, once."""
        requests, self._requests = self._requests, []
        return requests

    def count_error(self, reason: str) -> None:
        """Count something undecodable and remember why."""
        self.decode_errors += 1
        self.last_error = reason

    def _on_trade(self, state: Position, frame: TradeFrame, recv_ts: int, out: Out) -> None:
        trade = self._trade(state, frame, recv_ts) if frame.order_type == "MARKET" else None
        self.clock.observe(frame.event_ms * 1000, recv_ts)
        verdict = state.trades.take(frame.trade_id)
        if verdict == "duplicate" and frame.trade_ms < state.trade_ms - _RESTARTED_MS:
            state.restart()
            self._void(state, "the venue began anew at earlier trade ids", recv_ts, out)
            self._ask_snapshot(state)
            verdict = state.trades.take(frame.trade_id)
        state.trade_ms = max(state.trade_ms, frame.trade_ms)
        sync = state.trades
        if verdict == "hole":
            verdict = self._on_trade_hole(state, frame.trade_id, recv_ts, out)
        if verdict == "held":
            sync.hold(Print(frame.trade_id, trade))
        elif verdict == "deliver" and trade is not None:
            out.append(trade)

    def _on_trade_hole(self, state: Position, trade_id: int, recv_ts: int, out: Out) -> Verdict:
        last = state.trades.last_id or 0
        self.gaps += 1
        if self._can_fetch:
            self._ask_trades(state, last, trade_id)
            return "held"
        self.missing_trades += trade_id - last - 1
        state.trades.skip_to(trade_id)
        out.append(self._gap(state, f"{trade_id - last - 1} trades are missing in the recording", recv_ts))
        return "deliver"

    def _on_book_ticker(self, state: Position, frame: BookTickerFrame, recv_ts: int, out: Out) -> None:
        if frame.update_id <= state.quote_id:
            return
        event_ms = frame.event_ms
        if event_ms is None:
            ts = recv_ts + self.clock.offset_us
        else:
            self.clock.observe(event_ms * 1000, recv_ts)
            ts = (frame.transaction_ms or event_ms) * 1000
        quote = Quote(
            ts=ts,
            recv_ts=recv_ts,
            instrument=state.instrument.id,
            bid=state.price(frame.bid),
            bid_size=state.size(frame.bid_size),
            ask=state.price(frame.ask),
            ask_size=state.size(frame.ask_size),
        )
        state.quote_id = frame.update_id
        out.append(quote)

    def _on_depth(self, state: Position, frame: DepthFrame, recv_ts: int, out: Out) -> None:
        self.clock.observe(frame.event_ms * 1000, recv_ts)
        verdict = state.book.take(frame)
        if verdict == "apply":
            out.append(self._book_update(state, frame, recv_ts, is_snapshot=False))
        elif verdict == "hole":
            self.gaps += 1
            out.append(self._gap(state, f"book updates before {frame.first_id} are missing", recv_ts))
        if verdict in {"hole", "held"}:
            self._ask_snapshot(state)

    def _on_ticker(self, state: Position, frame: TickerFrame, recv_ts: int, out: Out) -> None:
        if frame.event_ms <= state.ticker_ms:
            return
        state.ticker_ms = frame.event_ms
        out.append(
            Ticker(
                ts=frame.event_ms * 1000,
                recv_ts=recv_ts,
                instrument=state.instrument.id,
                change_pct=float(frame.change_pct),
                volume_quote=float(frame.volume_quote),
            )
        )

    def _on_agg_trade(self, state: Position, frame: AggTradeFrame, recv_ts: int, out: Out) -> None:
        if frame.agg_id is not None and frame.agg_id <= state.agg_id:
            return
        state.agg_id = NO_ID if frame.agg_id is None else frame.agg_id
        self.clock.observe(frame.event_ms * 1000, recv_ts)
        out.append(
            Trade(
                ts=frame.trade_ms * 1000,
                recv_ts=recv_ts,
                instrument=state.instrument.id,
                price=state.price(frame.price),
                size=state.size(frame.size),
                side="sell" if frame.buyer_is_maker else "buy",
                trade_id=str(frame.agg_id or frame.last_trade_id or 0),
            )
        )

    def _trade(self, state: Position, frame: TradeFrame, recv_ts: int) -> Trade:
        return Trade(
            ts=frame.trade_ms * 1000,
            recv_ts=recv_ts,
            instrument=state.instrument.id,
            price=state.price(frame.price),
            size=state.size(frame.size),
            side="sell" if frame.buyer_is_maker else "buy",
            trade_id=str(frame.trade_id),
        )

    def _book_update(
        self, state: Position, frame: DepthFrame | SnapshotFrame, recv_ts: int, *, is_snapshot: bool
    ) -> BookUpdate:
        event_ms = frame.transaction_ms or frame.event_ms
        return BookUpdate(
            ts=recv_ts + self.clock.offset_us if event_ms is None else event_ms * 1000,
            recv_ts=recv_ts,
            instrument=state.instrument.id,
            is_snapshot=is_snapshot,
            bids=_levels(state, frame.bids),
            asks=_levels(state, frame.asks),
        )

    def _void(self, state: Position, reason: str, recv_ts: int, out: Out) -> None:
        state.book.void()
        self.gaps += 1
        out.append(self._gap(state, reason, recv_ts))

    def _gap(self, state: Position, reason: str, recv_ts: int) -> BookGap:
        return BookGap(
            ts=recv_ts + self.clock.offset_us, recv_ts=recv_ts, instrument=state.instrument.id, reason=reason
        )

    def _ask_snapshot(self, state: Position) -> None:
        if self._can_fetch and not state.wants_snapshot:
            state.wants_snapshot = True
            self._requests.append(NeedSnapshot(symbol=state.instrument.symbol))

    def _ask_trades(self, state: Position, after_id: int, before_id: int | None) -> None:
        state.trades.begin_recovery()
        self._requests.append(NeedTrades(symbol=state.instrument.symbol, after_id=after_id, before_id=before_id))


def _levels(state: Position, levels: tuple[Level, ...]) -> tuple[tuple[int, int], ...]:
    price, size = state.price, state.size
    try:
        return tuple([(price(p), size(q)) for p, q in levels])
    except Invalid:
        return tuple(_levels_on_the_grid(state, levels))


def _levels_on_the_grid(state: Position, levels: tuple[Level, ...]) -> Iterator[tuple[int, int]]:
    # Orders from before the tick was made coarser may still stand between today's prices: they are left out.
    for price, size in levels:
        with contextlib.suppress(Invalid):
            yield state.price(price), state.size(size)
