"""What works and what is held: an order, a position, and their owner, one strategy on one instrument.

Prices and sizes are the instrument's integers, money is in the account's smallest unit, times are microseconds UTC.
"""

# kernel: compiled by scripts/kernel_build.py

from __future__ import annotations

from math import nan

from papertape.broker.exact import half_even, half_even_units, product, ratio
from papertape.broker.lifecycle import (
    FILL_ALL,
    FILL_PART,
    IN_FLIGHT,
    PARTIALLY_FILLED,
    STOP_LOSS,
    STOP_MARKET,
    SUBMITTED,
    TAKE_PROFIT,
    next_status,
)
from papertape.broker.market import AVERAGE_UNITS, NEVER, Market
from papertape.model.buffers import Exact
from papertape.model.fact_log import Reason

NO_PRICE = -1
"""A limit or a trigger that an order does not have."""

UNKNOWN = -1
"""A queue of which nothing is known."""

BY_INTENT, BY_BRACKET, BY_TRIGGER = 0, 1, 2
"""Why an order is there, in words made on demand: as its intent says, as a protection, because its trigger fired."""


class Order:
    """An order, while it works and for as long as somebody keeps it.

    `ahead` is the displayed size queued before a resting order. `price_lots` is `Σ price × size` of its fills.
    `reserve` is the cash set aside for what has not filled yet. `trigger_trade` is the price of the trade that
    triggered it, at `trigger_ts`. `said` is the venue's own words on its newest state; empty: what `cause` says, or,
    when the desk withdrew it, what `withdrawn` says. Percentages are NaN where there are none.
    """

    __slots__ = (
        "ahead",
        "arrive_ts",
        "cause",
        "entry_number",
        "expire_ts",
        "filled",
        "has_brackets",
        "intent",
        "is_above",
        "is_buy",
        "is_closing",
        "is_touched",
        "is_triggered",
        "leverage",
        "limit",
        "number",
        "order_type",
        "owner",
        "pct",
        "phase",
        "price_lots",
        "purpose",
        "quantity",
        "reserve",
        "said",
        "status",
        "stop_loss_pct",
        "take_profit_pct",
        "trigger",
        "trigger_trade",
        "trigger_ts",
        "withdrawn",
    )
    number: int
    owner: Owner
    is_buy: bool
    order_type: int
    purpose: int
    quantity: int
    intent: Reason
    cause: int
    said: str
    withdrawn: Reason | None
    is_closing: bool
    limit: int
    trigger: int
    arrive_ts: int
    expire_ts: int
    leverage: int
    stop_loss_pct: float
    take_profit_pct: float
    status: int
    phase: int
    is_triggered: bool
    trigger_ts: int
    trigger_trade: int
    filled: int
    price_lots: Exact
    ahead: int
    reserve: Exact
    has_brackets: bool
    entry_number: int
    pct: float
    is_above: bool
    is_touched: bool

    def __init__(self, number: int, owner: Owner, intent: Reason) -> None:
        self.begin(number, owner, intent)

    def begin(self, number: int, owner: Owner, intent: Reason) -> None:
        """Become a new order at the market that is on its way."""
        self.number = number
        self.owner = owner
        self.intent = intent
        self.is_buy = False
        self.order_type = self.purpose = self.quantity = 0
        self.cause = BY_INTENT
        self.said = ""
        self.withdrawn = None
        self.is_closing = False
        self.limit = self.trigger = NO_PRICE
        self.arrive_ts = 0
        self.expire_ts = NEVER
        self.leverage = 1
        self.stop_loss_pct = self.take_profit_pct = self.pct = nan
        self.status = SUBMITTED
        self.phase = IN_FLIGHT
        self.is_triggered = False
        self.trigger_ts = self.trigger_trade = 0
        self.filled = 0
        self.price_lots = 0
        self.ahead = UNKNOWN
        self.reserve = 0
        self.has_brackets = False
        self.entry_number = 0
        self.is_above = False
        self.is_touched = False

    def remaining(self) -> int:
        """Return what is still to fill."""
        return self.quantity - self.filled

    def is_working(self) -> bool:
        """Return whether the order may still fill."""
        return self.status <= PARTIALLY_FILLED

    def is_protective(self) -> bool:
        """Return whether it is a stop or a target of a position."""
        return self.purpose in (STOP_LOSS, TAKE_PROFIT)

    def fires_upwards(self) -> bool:
        """Return whether the trigger fires at prices from it upwards: a buy stop and a sell target do."""
        return self.is_buy == (self.order_type == STOP_MARKET)

    def due_ts(self) -> int:
        """Return when time alone does something to the order: its arrival or its expiry."""
        if self.phase == IN_FLIGHT and self.arrive_ts < self.expire_ts:
            return self.arrive_ts
        return self.expire_ts

    def move(self, trigger: int, said: str) -> None:
        """Change the status by the lifecycle table."""
        self.status = next_status(self.status, trigger)
        self.said = said

    def fill(self, price: int, size: int) -> None:
        """Count one execution."""
        self.filled += size
        self.price_lots = self.price_lots + product(price, size)
        self.move(FILL_PART if self.filled < self.quantity else FILL_ALL, "")


class Position:
    """A position of one strategy on one instrument.

    Cost is the exact sum of price × size. A partial close takes its share rounded half-even and the close of the rest
    takes all that remains, so that the results of a round trip add up to proceeds − cost to the last unit. The entry
    price is `basis_cost / basis_quantity`: set by entries, untouched by exits; `average` is it with 8 decimals more
    than prices have, `entry` the same in quote units. `because` is the order that
    opened it or made it smaller last. `committed` is the cash it binds.
    """

    __slots__ = (
        "at",
        "average",
        "basis_cost",
        "basis_quantity",
        "because",
        "closed_ts",
        "committed",
        "cost",
        "entry",
        "exit_cost",
        "exit_quantity",
        "fees",
        "gross",
        "is_long",
        "is_touched",
        "leverage",
        "number",
        "opened_ts",
        "owner",
        "quantity",
        "stop",
        "target",
    )
    number: int
    owner: Owner
    is_long: bool
    leverage: int
    opened_ts: int
    closed_ts: int
    because: Order
    quantity: int
    cost: Exact
    basis_cost: Exact
    basis_quantity: int
    average: Exact
    entry: float
    exit_cost: Exact
    exit_quantity: int
    gross: Exact
    fees: Exact
    committed: Exact
    stop: Order | None
    target: Order | None
    at: int
    is_touched: bool

    def __init__(self, number: int, opening: Order, ts: int) -> None:
        self.begin(number, opening, ts)

    def begin(self, number: int, opening: Order, ts: int) -> None:
        """Become a new position of nothing."""
        self.number = number
        self.owner = opening.owner
        self.is_long = opening.is_buy
        self.leverage = opening.leverage
        self.opened_ts = ts
        self.closed_ts = -1
        self.because = opening
        self.quantity = self.basis_quantity = self.exit_quantity = 0
        self.cost = self.basis_cost = self.exit_cost = self.gross = self.fees = self.committed = self.average = 0
        self.entry = 0.0
        self.stop = self.target = None
        self.at = 0
        self.is_touched = False

    def add(self, price_lots: Exact, size: int, fee: Exact) -> None:
        """Make the position larger."""
        self.cost = self.cost + price_lots
        self.quantity += size
        self.basis_cost = self.cost
        self.basis_quantity = self.quantity
        self.average = half_even_units(self.cost, self.quantity, AVERAGE_UNITS)
        self.entry = ratio(self.average, self.owner.market.average_scale)
        self.fees = self.fees + fee

    def reduce(self, price_lots: Exact, size: int, fee: Exact, ts: int) -> Exact:
        """Make the position smaller; return the realised result before fees."""
        share = self.cost
        if size < self.quantity:
            share = half_even(self.basis_cost * size, self.basis_quantity)
        result = price_lots - share if self.is_long else share - price_lots
        result = result * self.owner.market.factor
        self.cost = self.cost - share
        self.quantity -= size
        self.exit_cost = self.exit_cost + price_lots
        self.exit_quantity += size
        self.gross = self.gross + result
        self.fees = self.fees + fee
        if self.quantity == 0:
            self.closed_ts = ts
        return result

    def result(self) -> Exact:
        """Return what it has realised so far, after fees."""
        return self.gross - self.fees

    def mark(self) -> int:
        """Return the price it would close at: bid for long, ask for short, else the last trade; 0 without any."""
        market = self.owner.market
        touch = market.bid_price() if self.is_long else market.ask_price()
        return touch or market.trade_price

    def unrealized(self, mark: int) -> Exact:
        """Return the result of closing everything at `mark`, before fees; 0 without a mark."""
        if mark == 0:
            return 0
        value = product(mark, self.quantity)
        result = value - self.cost if self.is_long else self.cost - value
        return result * self.owner.market.factor


class Owner:
    """One strategy on one instrument: what it holds and its working orders, oldest first.

    `live_entries` counts the entry orders among them. `bound` is what its entry under way is worth, `bound_margin` the
    cash for it. `following` is the next owner on the same instrument. The notes come as the rows of a call are
    written, in their order, when everything has happened; they must not call the venue.
    """

    __slots__ = (
        "bound",
        "bound_margin",
        "following",
        "index",
        "is_coming",
        "live_entries",
        "market",
        "orders",
        "position",
        "strategy",
    )
    strategy: str
    index: int
    market: Market
    position: Position | None
    orders: list[Order]
    live_entries: int
    bound: Exact
    bound_margin: Exact
    is_coming: bool
    following: Owner | None

    def __init__(self, strategy: str, market: Market) -> None:
        self.strategy = strategy
        self.index = -1
        self.market = market
        self.position = None
        self.orders = []
        self.live_entries = 0
        self.bound = self.bound_margin = 0
        self.is_coming = False
        self.following = None

    def think(self) -> None:
        """Judge the market as it is now; called after each event that may matter."""

    def is_watching(self) -> bool:
        """Return whether it has nothing at the venue and looks for no entry."""
        return True

    def note_order(self, order: Order) -> None:
        """Take note that an order has changed."""

    def note_fill(self, order: Order) -> None:
        """Take note of an execution."""

    def note_position(self, position: Position) -> None:
        """Take note that a position has changed; it is closed when its quantity is 0."""


def new_order(number: int, owner: Owner, intent: Reason) -> Order:
    """Return an order as its class makes it, without the arguments as Python's objects."""
    order: Order = Order.__new__(Order)
    order.begin(number, owner, intent)
    return order


def new_position(number: int, opening: Order, ts: int) -> Position:
    """Return a position as its class makes it, without the arguments as Python's objects."""
    position: Position = Position.__new__(Position)
    position.begin(number, opening, ts)
    return position
