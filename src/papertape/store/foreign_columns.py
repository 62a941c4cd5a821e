"""Names of columns in files from elsewhere, and what each kind of market data needs.

Known without being told: our own exports, the exchange's public dumps (with and without a header), and files as ccxt's
users write them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from papertape.errors import Invalid
from papertape.model.market_file import MarketKind

OURS: dict[MarketKind, tuple[str, ...]] = {
    "trades": ("ts", "price", "size", "side", "trade_id"),
    "quotes": ("ts", "bid", "bid_size", "ask", "ask_size"),
    "bars": ("ts", "open", "high", "low", "close", "volume"),
}
"""The columns of each kind, by our names; `ts` of a bar is its open."""

OPTIONAL: dict[MarketKind, tuple[str, ...]] = {"trades": ("trade_id",), "quotes": (), "bars": ()}

_SYNONYMS: dict[str, tuple[str, ...]] = {
    "ts": (
        "ts", "timestamp", "time", "trade_time", "transact_time", "transaction_time", "open_time", "event_time", "date",
        "datetime", "trade_ts_ms", "event_ts_ms",
    ),
    "price": ("price", "p"),
    "size": ("size", "qty", "quantity", "amount", "q", "volume"),
    "side": ("side", "aggressor", "taker_side", "is_buyer_maker", "isbuyermaker", "buyer_maker", "m"),
    "trade_id": ("trade_id", "id", "agg_trade_id", "tradeid", "aggtradeid", "a", "t"),
    "bid": ("bid", "bid_price", "best_bid_price", "best_bid", "b"),
    "bid_size": ("bid_size", "bid_qty", "best_bid_qty", "bid_amount"),
    "ask": ("ask", "ask_price", "best_ask_price", "best_ask"),
    "ask_size": ("ask_size", "ask_qty", "best_ask_qty", "ask_amount"),
    "open": ("open", "o"),
    "high": ("high", "h"),
    "low": ("low", "l"),
    "close": ("close", "c"),
    "volume": ("volume", "v", "qty", "amount"),
}  # fmt: skip

MAKER_COLUMNS = frozenset({"is_buyer_maker", "isbuyermaker", "buyer_maker", "m"})
"""Columns that say whether the buyer was the maker, which is to say that the seller was the aggressor."""

_KLINE = ("ts", "open", "high", "low", "close", "volume", "", "", "", "", "", "")
# By kind and number of columns; an empty name is a column that is not needed.
_HEADERLESS: dict[tuple[MarketKind, int], tuple[str, ...]] = {
    ("trades", 6): ("trade_id", "price", "size", "", "ts", "is_buyer_maker"),
    ("trades", 7): ("trade_id", "price", "size", "", "ts", "is_buyer_maker", ""),
    ("trades", 8): ("trade_id", "price", "size", "", "", "ts", "is_buyer_maker", ""),
    ("bars", 12): _KLINE,
    ("bars", 6): _KLINE[:6],
}
_FUTURES_AGGREGATES = ("trade_id", "price", "size", "", "", "ts", "is_buyer_maker")
_ANSWERS = frozenset({"true", "false"})


def headerless_names(kind: MarketKind, first: Sequence[str]) -> list[str]:
    """Return names for the columns of a file that begins with a row of values.

    Raises:
        Invalid: no known dump has that many columns.
    """
    names = _HEADERLESS.get((kind, len(first)))
    if names is not None and kind == "trades" and len(first) == 7 and first[5].lower() not in _ANSWERS:
        names = _FUTURES_AGGREGATES
    if names is None:
        raise Invalid(
            f"The file has no header and {len(first)} columns, which is none of the known dumps of {kind}; put a "
            f"first line with the names {','.join(OURS[kind])} above it.",
            code="import.no_header",
        )
    return [name or f"unused_{position}" for position, name in enumerate(names)]


def find_columns(kind: MarketKind, names: Sequence[str], given: Mapping[str, str]) -> dict[str, str]:
    """Return the file's column for each of ours; `given` says so where a name is not known.

    Raises:
        Invalid: a column is missing, or `given` names one that does not exist.
    """
    known = {name.strip().lower(): name for name in names}
    found: dict[str, str] = {}
    for ours, theirs in given.items():
        if ours not in OURS[kind] or theirs not in names:
            raise Invalid(
                f"--column {ours}={theirs} fits nothing: {kind} have the columns {', '.join(OURS[kind])}, the file "
                f"has {', '.join(names)}.",
                code="import.column",
                path="column",
            )
        found[ours] = theirs
    for ours in OURS[kind]:
        match = next((known[name] for name in _SYNONYMS[ours] if name in known), None)
        if ours not in found and match is not None:
            found[ours] = match
    missing = [ours for ours in OURS[kind] if ours not in found and ours not in OPTIONAL[kind]]
    if missing:
        raise Invalid(
            f"The file has no column for {', '.join(missing)} of {kind}; it has "
            f"{', '.join(names) or 'none at all'}. Say which it is with --column {missing[0]}=NAME.",
            code="import.missing_column",
            path="column",
        )
    return found
