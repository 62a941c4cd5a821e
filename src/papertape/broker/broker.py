"""The simulated venue as the engine sees it."""

# kernel: compiled by scripts/kernel_build.py

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from math import nan

from papertape.broker.account import Account
from papertape.broker.exchange import Exchange
from papertape.broker.lifecycle import CANCEL, ENTRY, LIMIT, MARKET, REJECTED
from papertape.broker.market import NEVER, Market
from papertape.broker.money import FEE_DECIMALS, money_decimals, money_int
from papertape.broker.owner import NO_PRICE, Order, Owner, new_order
from papertape.broker.rows import Rows
from papertape.broker.rules import refuse_order, refuse_side
from papertape.errors import Broken
from papertape.model.buffers import Exact
from papertape.model.entries import BookUpdate
from papertape.model.fact_log import FactLog, Reason
from papertape.model.instrument import Instrument
from papertape.model.session import SimulationProfile


class Broker(Exchange):
    """One account at one simulated venue, for any number of strategies and instruments.

    Every call that may change something writes its rows to the log and returns whether there were any: orders (each
    that changed, once, as it is after the call), fills, positions (each that changed, once), the account (once, after
    fills); each owner is told as its row is written. Times are microseconds UTC and never go back from call to call.
    """

    __slots__ = ("log", "markets", "open_position_count", "owners")
    log: FactLog
    markets: list[Market]
    owners: list[Owner]
    open_position_count: int

    def __init__(
        self,
        instruments: Sequence[Instrument],
        profile: SimulationProfile,
        capital: Decimal,
        currency: str,
        log: FactLog,
    ) -> None:
        decimals = money_decimals(list(instruments), capital)
        account = Account(money_int(capital, decimals), 10 ** (decimals - FEE_DECIMALS))
        Exchange.__init__(self, profile, account, Rows(log), currency, decimals)
        self.log = log
        self.markets = [Market(index, each, decimals, currency) for index, each in enumerate(instruments)]
        self.owners = []
        self.open_position_count = 0

    def market(self, index: int) -> Market:
        """Return the market of an instrument by its place in the plan.

        Raises:
            Broken: there is no such place.
        """
        if not 0 <= index < len(self.markets):
            raise Broken(
                f"The simulated venue knows no instrument {index}; it was made for {len(self.markets)}. "
                "Keep the journal and report it.",
                code="broker.unknown_instrument",
            )
        found: Market = self.markets[index]
        return found

    def add_owner(self, owner: Owner) -> None:
        """Take in an owner; rows name it by its index."""
        owner.index = len(self.owners)
        self.owners.append(owner)

    def on_trade(self, market: Market, ts: int, price: int, lots: int, trade_id: str) -> bool:
        """Take a public print; `lots` is negative when the aggressor sold.

        Arrivals before it, the trade itself, what it fills and triggers, arrivals with it.
        """
        is_due = ts >= self.next_due
        if is_due:
            self.now = ts
            self.run_due(ts, True)
        market.take_trade(ts, price, lots, trade_id)
        if market.fires_below < price < market.fires_above:
            return is_due and self._end(ts)
        self.now = ts
        self.meet_trade(market, ts)
        return self._end(ts)

    def on_quote(self, market: Market, ts: int, bid: int, bid_lots: int, ask: int, ask_lots: int) -> bool:
        """Take a best bid and ask with their sizes."""
        is_due = ts >= self.next_due
        if is_due:
            self.now = ts
            self.run_due(ts, True)
        market.take_quote(ts, bid, bid_lots, ask, ask_lots)
        if not market.meets_depth:
            return is_due and self._end(ts)
        self.now = ts
        self.meet_depth(market, ts)
        return self._end(ts)

    def on_book(self, market: Market, update: BookUpdate) -> bool:
        """Take a snapshot of the book, or changed levels."""
        ts: int = update.ts
        is_due = ts >= self.next_due
        if is_due:
            self.now = ts
            self.run_due(ts, True)
        if not market.take_book(update) or not market.meets_depth:
            return is_due and self._end(ts)
        self.now = ts
        self.meet_depth(market, ts)
        return self._end(ts)

    def on_gap(self, market: Market, ts: int) -> bool:
        """Take note that market data is missing: what was shown is void until something newer comes."""
        is_due = ts >= self.next_due
        if is_due:
            self.now = ts
            self.run_due(ts, True)
        market.take_gap()
        return is_due and self._end(ts)

    def on_time(self, ts: int) -> bool:
        """Let arrivals and expiries up to `ts` happen."""
        if ts < self.next_due:
            return False
        self.now = ts
        self.run_due(ts, False)
        return self._tell()

    def submit_entry(
        self,
        owner: Owner,
        is_buy: bool,
        limit: int,
        quantity: int,
        expire_ts: int,
        stop_loss_pct: float,
        take_profit_pct: float,
        leverage: int,
        reason: Reason,
        ts: int,
    ) -> Order:
        """Send an entry at the market (`limit` is `NO_PRICE`) or at a limit; percentages are NaN for none."""
        order = new_order(self.next_number(), owner, reason)
        order.order_type = MARKET if limit == NO_PRICE else LIMIT
        order.is_buy = is_buy
        order.limit = limit
        order.quantity = quantity
        order.expire_ts = expire_ts
        order.stop_loss_pct = stop_loss_pct
        order.take_profit_pct = take_profit_pct
        order.leverage = leverage
        self._send(order, ts)
        self._tell()
        return order

    def submit(
        self,
        owner: Owner,
        order_type: int,
        purpose: int,
        is_buy: bool,
        quantity: int,
        limit: int,
        trigger: int,
        reason: Reason,
        ts: int,
        expire_ts: int = NEVER,
        stop_loss_pct: float = nan,
        take_profit_pct: float = nan,
        leverage: int = 1,
    ) -> Order:
        """Send an order of any type; an exit is cut to what is open.

        A refused one is told with status `rejected` and words `code: sentence`.
        """
        order = new_order(self.next_number(), owner, reason)
        order.order_type = order_type
        order.purpose = purpose
        order.is_buy = is_buy
        order.limit = limit
        order.trigger = trigger
        order.quantity = quantity
        order.expire_ts = expire_ts
        order.stop_loss_pct = stop_loss_pct
        order.take_profit_pct = take_profit_pct
        order.leverage = leverage
        self._send(order, ts)
        self._tell()
        return order

    def cancel(self, order: Order, ts: int, reason: Reason) -> bool:
        """Withdraw an order at once; nothing happens when it no longer works."""
        if not order.is_working():
            return False
        self.now = ts
        order.withdrawn = reason
        self.finish(order, CANCEL, "")
        return self._tell()

    def close(self, owner: Owner, ts: int, purpose: int, reason: Reason) -> bool:
        """Withdraw every working order of an owner and close what it holds at the market."""
        self.now = ts
        if owner.orders:
            order: Order
            for order in list(owner.orders):
                order.withdrawn = reason
                order.is_closing = True
                self.finish(order, CANCEL, "")
        position = owner.position
        if position is not None:
            leaving = new_order(self.next_number(), owner, reason)
            leaving.purpose = purpose
            leaving.is_buy = not position.is_long
            leaving.quantity = position.quantity
            self._send(leaving, ts)
        return self._tell()

    def equity_exact(self) -> Exact:
        """Return the account marked at the prices its positions would close at, in units of money."""
        return self.account.cash + self.account.unrealized()

    def mark(self, ts: int) -> Exact:
        """Write the account marked now, and remember the peak from which drawdown is measured; return its equity."""
        self.now = ts
        unrealized = self.account.unrealized()
        equity = self.account.cash + unrealized
        self.account.peak = max(self.account.peak, equity)
        self.rows.mark(self.account, equity, unrealized)
        return equity

    def _end(self, ts: int) -> bool:
        # What arrives at the time of an event meets the market after it.
        self.run_due(ts, False)
        return self._tell()

    def _send(self, order: Order, ts: int) -> None:
        self.now = ts
        refusal = refuse_order(order, self.currency) or refuse_side(order)
        if refusal:
            order.status = REJECTED
            order.said = refusal
            self.rows.refused.append(order)
            return
        position = order.owner.position
        if order.purpose != ENTRY and position is not None:
            order.quantity = min(order.quantity, position.quantity)
        self.register(order)

    def _tell(self) -> bool:
        self.open_position_count = len(self.account.positions)
        return self.rows.write(self.account)
