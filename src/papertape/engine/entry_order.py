"""From a yes of Z1 to an order at the venue, or to the typed reason why there is none."""

# kernel: compiled by scripts/kernel_build.py

from __future__ import annotations

from papertape.broker.broker import Broker
from papertape.broker.market import NEVER, UNSEEN, Market
from papertape.broker.owner import NO_PRICE, Order, Owner
from papertape.errors import Broken
from papertape.model.fact_log import Reason
from papertape.strategy.risk import Desk, EntryTerms, Refusal, judge, refusal_of

_MOST = 1 << 62


class EntryDesk:
    """Judges entries against the session's limits, and sends those that were allowed."""

    __slots__ = ("broker", "desk", "terms")
    broker: Broker
    desk: Desk
    terms: EntryTerms | None

    def __init__(self, broker: Broker, stale_after_us: int) -> None:
        self.broker = broker
        self.desk = Desk(stale_after_us)
        self.terms = None

    def judge(
        self, owner: Owner, terms: EntryTerms, ts: int, paused: str, trades_today: int, loss_today_pct: float
    ) -> int:
        """Return 0 when an entry may be sent now, else the answer that `refusal` puts in words; changes nothing.

        `paused` is why no entries are sent at all, empty when they are.
        """
        broker, desk = self.broker, self.desk
        account, market = broker.account, owner.market
        self.terms = terms
        desk.paused_because = paused
        desk.trades_today = trades_today
        desk.loss_today_pct = loss_today_pct
        desk.open_positions = len(account.positions) + account.coming_count
        if terms.has_exposure_limit:
            desk.exposure = account.cost + account.coming_bound
        desk.free = account.cash - account.committed - account.coming_margin
        if terms.needs_equity():
            desk.equity = broker.equity_exact()
            desk.drawdown_pct = account.drawdown_pct(desk.equity)
        desk.price = entry_price(terms, market)
        price_ts = market.shown_ts()
        desk.price_age_us = ts - (market.trade_ts if price_ts == UNSEEN else price_ts)
        return judge(terms, desk)

    def refusal(self, answer: int) -> Refusal:
        """Return the newest judgement in words.

        Raises:
            Broken: nothing was judged before.
        """
        if self.terms is None:
            raise Broken("No entry was judged; keep the journal and report it.", code="engine.nothing_judged")
        return refusal_of(answer, self.terms, self.desk)

    def send(self, owner: Owner, terms: EntryTerms, reason: Reason, ts: int) -> Order:
        """Send what was allowed just now."""
        desk = self.desk
        self.broker.account.bind(owner, desk.notional, desk.margin)
        return self.broker.submit_entry(
            owner,
            terms.is_long,
            desk.price if terms.is_limit else NO_PRICE,
            desk.quantity,
            ts + terms.expires_us if terms.is_limit else NEVER,
            terms.stop_loss_pct,
            terms.take_profit_pct,
            terms.leverage,
            reason,
            ts,
        )


def entry_price(terms: EntryTerms, market: Market) -> int:
    """Return what an entry would pay: the opposite touch (else the last trade), or its limit on the increment.

    0 where there is no market.
    """
    bid = market.bid_price()
    if bid == 0:
        bid = market.trade_price
    ask = market.ask_price()
    if ask == 0:
        ask = market.trade_price
    if not terms.is_limit:
        return ask if terms.is_long else bid
    if bid == 0 or ask == 0:
        return 0
    price: int = min(terms.limit_price(bid, ask), _MOST)
    return price
