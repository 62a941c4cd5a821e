"""Where the venue is: the only module that names its hosts.

Since 2026-04-23 USD-M streams are split by kind: `/public` carries trades, best bid and ask, and depth; `/market`
carries tickers and aggregated trades. A stream asked for on the wrong path is acknowledged and never sent.
(Binance, "Important WebSocket Change Notice".)
"""

from __future__ import annotations

import msgspec

from papertape.errors import Invalid


class Endpoints(msgspec.Struct, frozen=True, kw_only=True):
    """The stream and REST addresses of both markets. Stream addresses are those of combined streams."""

    spot_stream: str
    spot_rest: str
    usdm_public_stream: str
    usdm_market_stream: str
    usdm_rest: str


LIVE = Endpoints(
    spot_stream="wss://data-stream.binance.vision/stream",
    spot_rest="https://data-api.binance.vision",
    usdm_public_stream="wss://fstream.binance.com/public/stream",
    usdm_market_stream="wss://fstream.binance.com/market/stream",
    usdm_rest="https://fapi.binance.com",
)


def parse_venue_url(text: str) -> Endpoints:
    """Return the endpoints of another server that speaks this dialect, from `ws://host:port,http://host:port`.

    Raises:
        Invalid: not one WebSocket and one HTTP address.
    """
    stream, _, rest = (part.strip().rstrip("/") for part in text.partition(","))
    if not stream.startswith(("ws://", "wss://")) or not rest.startswith(("http://", "https://")):
        raise Invalid(
            f"{text!r} is not a venue address; expected a WebSocket and an HTTP address joined by a comma, "
            "such as ws://127.0.0.1:9000,http://127.0.0.1:9000.",
            code="binance.venue_url",
        )
    return Endpoints(
        spot_stream=f"{stream}/stream",
        spot_rest=rest,
        usdm_public_stream=f"{stream}/public/stream",
        usdm_market_stream=f"{stream}/market/stream",
        usdm_rest=rest,
    )
