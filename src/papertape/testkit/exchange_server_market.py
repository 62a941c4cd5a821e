"""What the exchange server knows of one symbol: the prints, bars, quote and book as played so far."""

from __future__ import annotations

from collections import OrderedDict, deque
from decimal import Decimal

from papertape.feeds.binance.frames import BookTickerFrame, DepthFrame, Level, Market, SnapshotFrame, TradeFrame
from papertape.model.instrument import Instrument
from papertape.testkit.frames import PlayedFrame

_TRADES_KEPT = 20_000
_BARS_KEPT = 2_000
_UPDATES_KEPT = 200


class PlayedBar:
    """One minute of prints, as decimal texts and sums."""

    def __init__(self, open_ms: int, price: str) -> None:
        self.open_ms = open_ms
        self.open = self.high = self.low = self.close = price
        self.volume = Decimal(0)
        self.quote_volume = Decimal(0)
        self.trades = 0

    def take(self, trade: TradeFrame) -> None:
        """Add one print."""
        price, size = Decimal(trade.price), Decimal(trade.size)
        self.close = trade.price
        self.high = trade.price if price > Decimal(self.high) else self.high
        self.low = trade.price if price < Decimal(self.low) else self.low
        self.volume += size
        self.quote_volume += price * size
        self.trades += 1


class PlayedMarket:
    """The state of one symbol of one market after the frames played so far."""

    def __init__(self, market: Market, instrument: Instrument) -> None:
        self.market = market
        self.instrument = instrument
        self.trades: deque[TradeFrame] = deque(maxlen=_TRADES_KEPT)
        self.bars: OrderedDict[int, PlayedBar] = OrderedDict()
        self.quote: BookTickerFrame | None = None
        self.last_update_id = 0
        self.event_ms = 0
        self._bids: dict[str, str] = {}
        self._asks: dict[str, str] = {}
        # A recorder asks for its snapshot while updates are running: it comes after some that are newer.
        self._recent: deque[DepthFrame] = deque(maxlen=_UPDATES_KEPT)
        self.first_price: Decimal | None = None
        self.quote_volume = Decimal(0)

    def take(self, played: PlayedFrame) -> None:
        """Apply one played frame."""
        frame = played.frame
        if isinstance(frame, TradeFrame):
            self._on_trade(frame)
        elif isinstance(frame, BookTickerFrame):
            self.quote = frame
        elif isinstance(frame, DepthFrame):
            self._on_depth(frame)
        elif isinstance(frame, SnapshotFrame):
            self._on_snapshot(frame)

    def levels(self, limit: int) -> tuple[list[Level], list[Level]]:
        """Return the best `limit` bids and asks, best first, as the venue writes them."""
        bids = sorted(self._bids.items(), key=_price, reverse=True)[:limit]
        asks = sorted(self._asks.items(), key=_price)[:limit]
        return bids, asks

    @property
    def change_pct(self) -> Decimal:
        """Percent change since the first print played."""
        if self.first_price is None or not self.trades:
            return Decimal(0)
        return (Decimal(self.trades[-1].price) / self.first_price - 1) * 100

    def _on_trade(self, trade: TradeFrame) -> None:
        self.trades.append(trade)
        self.event_ms = max(self.event_ms, trade.event_ms)
        self.first_price = self.first_price or Decimal(trade.price)
        self.quote_volume += Decimal(trade.price) * Decimal(trade.size)
        open_ms = trade.trade_ms // 60_000 * 60_000
        bar = self.bars.get(open_ms)
        if bar is None:
            bar = self.bars[open_ms] = PlayedBar(open_ms, trade.price)
            if len(self.bars) > _BARS_KEPT:
                self.bars.popitem(last=False)
        bar.take(trade)

    def _on_depth(self, frame: DepthFrame) -> None:
        self.event_ms = max(self.event_ms, frame.event_ms)
        self._recent.append(frame)
        if frame.last_id > self.last_update_id:
            self._apply(frame)

    def _on_snapshot(self, frame: SnapshotFrame) -> None:
        later = [recent for recent in self._recent if recent.last_id > frame.last_id]
        if frame.last_id < self.last_update_id and not later:
            return
        self.last_update_id = frame.last_id
        self._bids, self._asks = dict(frame.bids), dict(frame.asks)
        for recent in later:
            self._apply(recent)

    def _apply(self, frame: DepthFrame) -> None:
        self.last_update_id = frame.last_id
        _change(self._bids, frame.bids)
        _change(self._asks, frame.asks)


def _change(side: dict[str, str], levels: tuple[Level, ...]) -> None:
    for price, size in levels:
        if size.strip("0.") == "":
            side.pop(price, None)
        else:
            side[price] = size


def _price(level: Level) -> float:
    return float(level[0])
