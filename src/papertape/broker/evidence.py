"""Why a fill has its price: the rule, the market it met, and what it cost against the touch."""

from __future__ import annotations

from papertape.broker.market import Market
from papertape.broker.matching import Take
from papertape.broker.money import ZERO
from papertape.model.events import Evidence


def evidence_of(market: Market, take: Take, *, is_buy: bool, is_maker: bool, ts: int) -> Evidence:
    """Return the evidence of one execution.

    `slippage` is the price paid beyond the opposite touch (the last trade where there is no touch), per unit in quote
    units, negative when better; 0 for a maker. `book_age_us` is the age of what showed the touch.
    """
    rules = market.instrument
    state = market.state()
    reference = state.ask if is_buy else state.bid
    if reference is None:
        reference = state.last
    price = rules.price_decimal(take.price)
    slippage = ZERO
    if reference is not None and not is_maker:
        slippage = price - reference if is_buy else reference - price
    shown_ts = state.quote_ts if state.quote_ts is not None else state.trade_ts
    return Evidence(
        rule=take.rule,
        detail=take.detail,
        best_bid=state.bid,
        best_ask=state.ask,
        book_age_us=None if shown_ts is None else ts - shown_ts,
        slippage=slippage,
    )
