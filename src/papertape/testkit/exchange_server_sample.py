"""A small recording made by arithmetic, for tests of the exchange server that need no real data."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import NamedTuple

import msgspec

from papertape.feeds.binance.frames import Market

START_MS = 1_700_000_000_000
_STEP_MS = 10
_STEPS_PER_DEPTH = 10
_FIRST_TRADE = 1_001
_FIRST_UPDATE = 50_001


class Sample(NamedTuple):
    """A written recording: its folder, and the trade ids in it."""

    path: Path
    trade_ids: range


def write_sample(folder: Path, *, steps: int = 1_000, markets: tuple[Market, ...] = ("spot",)) -> Sample:
    """Write `<market>_btcusdt.gz` of one trade, one quote a step of 10 ms and one book update every ten steps.

    The third line is the book snapshot; the book agrees with the quote of the same update id.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for market in markets:
        with gzip.open(folder / f"{market}_btcusdt.gz", "wb") as stream:
            for step in range(steps):
                for line in _lines(market, step):
                    stream.write(line)
    return Sample(folder, range(_FIRST_TRADE, _FIRST_TRADE + steps))


def _lines(market: Market, step: int) -> list[bytes]:
    at_ms = START_MS + step * _STEP_MS
    lines = [
        _line(at_ms, "trade", _trade(market, step, at_ms)),
        _line(at_ms, "bookTicker", _quote(market, step, at_ms)),
    ]
    if step % _STEPS_PER_DEPTH == _STEPS_PER_DEPTH - 1:
        lines.append(_line(at_ms, "depth@100ms", _depth(market, step, at_ms)))
    if step == 0:
        lines.append(b"%d000000 %s\n" % (at_ms, msgspec.json.encode(_snapshot())))
    return lines


def _line(at_ms: int, kind: str, data: dict[str, object]) -> bytes:
    return b"%d000000 %s\n" % (at_ms, msgspec.json.encode({"stream": f"btcusdt@{kind}", "data": data}))


def _trade(market: Market, step: int, at_ms: int) -> dict[str, object]:
    trade: dict[str, object] = {
        "e": "trade",
        "E": at_ms,
        "s": "BTCUSDT",
        "t": _FIRST_TRADE + step,
        "p": f"{_price(step):.2f}",
        "q": f"{0.001 * (step % 7 + 1):.3f}",
        "T": at_ms,
        "m": step % 3 == 0,
    }
    return trade if market == "spot" else trade | {"X": "MARKET"}


def _quote(market: Market, step: int, at_ms: int) -> dict[str, object]:
    quote: dict[str, object] = {
        "u": _FIRST_UPDATE + step,
        "s": "BTCUSDT",
        "b": f"{_price(step) - 0.01:.2f}",
        "B": _size(step),
        "a": f"{_price(step) + 0.01:.2f}",
        "A": _size(step + 1),
    }
    return quote if market == "spot" else quote | {"e": "bookTicker", "E": at_ms, "T": at_ms}


def _depth(market: Market, step: int, at_ms: int) -> dict[str, object]:
    before, first = step - _STEPS_PER_DEPTH, _FIRST_UPDATE + step - _STEPS_PER_DEPTH + 1
    gone = {f"{_price(before) - 0.01:.2f}": "0.000"} if before >= 0 else {"29999.99": "0.000"}
    gone_ask = {f"{_price(before) + 0.01:.2f}": "0.000"} if before >= 0 else {"30000.01": "0.000"}
    bids = gone | {f"{_price(step) - 0.01:.2f}": _size(step)}
    asks = gone_ask | {f"{_price(step) + 0.01:.2f}": _size(step + 1)}
    depth: dict[str, object] = {
        "e": "depthUpdate",
        "E": at_ms,
        "s": "BTCUSDT",
        "U": first,
        "u": _FIRST_UPDATE + step,
        "b": list(bids.items()),
        "a": list(asks.items()),
    }
    return depth if market == "spot" else depth | {"T": at_ms, "pu": first - 1}


def _snapshot() -> dict[str, object]:
    return {
        "lastUpdateId": _FIRST_UPDATE - 1,
        "bids": [("29999.99", "1.000"), ("29000.00", "5.000")],
        "asks": [("30000.01", "1.000"), ("31000.00", "5.000")],
    }


def _price(step: int) -> float:
    return 30_000 + (step * 37 % 200 - 100) / 10


def _size(step: int) -> str:
    return f"{1 + step % 13 * 0.25:.3f}"
