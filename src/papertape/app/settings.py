"""What a desk is started with, checked before anything is opened."""

from __future__ import annotations

from pathlib import Path

import msgspec

from papertape.errors import Invalid


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Everything `papertape run` can be told. `venue_urls` maps a feed to its WebSocket and REST address."""

    host: str = "127.0.0.1"
    port: int = 8420
    data_dir: Path = Path.home() / ".papertape"
    feed: str = "auto"
    venue_urls: dict[str, str] = {}
    store: str = "sqlite"
    demo: bool = True
    recorded_speed: float = 1.0
    recorded_warmup_s: float = 60.0


FEED_NAMES = ("auto", "simulated", "binance", "recorded:PATH")


def check_settings(settings: Settings) -> Settings:
    """Return the settings when they can be served.

    Raises:
        Invalid: a value is impossible; the path names the option.
    """
    if not 0 <= settings.port <= 65535:
        raise Invalid(f"Port {settings.port} does not exist; choose 1 to 65535.", code="run.port", path="port")
    if settings.store != "sqlite":
        raise Invalid(
            f"The store {settings.store!r} is not offered yet; this version writes to the embedded `sqlite`.",
            code="run.store",
            path="store",
        )
    if settings.feed not in FEED_NAMES and not settings.feed.startswith("recorded:"):
        raise Invalid(
            f"There is no feed {settings.feed!r}; choose one of {', '.join(FEED_NAMES)}.", code="run.feed", path="feed"
        )
    return settings


def parse_venue_urls(texts: list[str]) -> dict[str, str]:
    """Return `NAME=ws://…,http://…` texts as a map from feed to its two addresses.

    Raises:
        Invalid: a text is not of that form.
    """
    urls: dict[str, str] = {}
    for text in texts:
        name, equals, addresses = text.partition("=")
        if not equals or len(addresses.split(",")) != 2:
            raise Invalid(
                f"{text!r} is not a venue address; expected NAME=ws://HOST:PORT,http://HOST:PORT, "
                "for example binance=ws://127.0.0.1:9001,http://127.0.0.1:9001.",
                code="run.venue_url",
                path="venue-url",
            )
        urls[name] = addresses
    return urls
