"""What a desk is started with, checked before anything is opened."""

from __future__ import annotations

import math
import re
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from papertape.errors import Invalid
from papertape.store.questdb.address import QuestAddress, parse_address


class PublicUrl(msgspec.Struct, frozen=True, kw_only=True):
    """An address of the desk behind a proxy, as a browser names it: in the header Host, and as the origin of a page."""

    host: str
    origin: str


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Everything `papertape run` can be told. `venue_urls` maps a feed to its WebSocket and REST address.

    The journal is always kept in `data_dir`; `mirror` is the QuestDB that gets a copy, None for none. Market data older
    than `keep_days` or beyond `keep_gb` (10**9 bytes) is removed; None keeps it. `public_urls` are the addresses under
    which a reverse proxy shows the desk. Near `memory_limit_mb` (1,048,576 bytes) the desk takes no more connections;
    None takes the limit of its control group or the machine.
    """

    host: str = "127.0.0.1"
    port: int = 8420
    public_urls: tuple[PublicUrl, ...] = ()
    data_dir: Path = Path.home() / ".papertape"
    feed: str = "auto"
    venue_urls: dict[str, str] = {}
    mirror: QuestAddress | None = None
    keep_days: float | None = None
    keep_gb: float | None = None
    memory_limit_mb: float | None = None
    demo: bool = True
    recorded_speed: float = 1.0
    recorded_warmup_s: float = 60.0


_STORE_FORM = "questdb://USER:PASSWORD@HOST:9000?pg=8812"
_LEAST_MEMORY_MB = 256
_NAME = re.compile(r"[\w.-]+|[0-9a-f:.]+")  # a host, or an address of IP version 6 without its brackets
FEED_NAMES = ("auto", "simulated", "binance", "recorded:PATH")


def check_settings(settings: Settings) -> Settings:
    """Return the settings when they can be served.

    Raises:
        Invalid: a value is impossible; the path names the option.
    """
    if not 0 <= settings.port <= 65535:
        raise Invalid(f"Port {settings.port} does not exist; choose 1 to 65535.", code="run.port", path="port")
    for name, limit in (("keep-days", settings.keep_days), ("keep-gb", settings.keep_gb)):
        if limit is not None and not 0 < limit < math.inf:
            raise Invalid(
                f"--{name} is {limit:g}; give a number above 0, or leave it out to keep everything.",
                code="run.keep",
                path=name,
            )
    limit_mb = settings.memory_limit_mb
    if limit_mb is not None and not _LEAST_MEMORY_MB <= limit_mb < math.inf:
        raise Invalid(
            f"--memory-limit is {limit_mb:g} MB; give at least {_LEAST_MEMORY_MB}, for a desk alone takes half of "
            "that, or leave it out to use what the machine or its control group allows.",
            code="run.memory_limit",
            path="memory-limit",
        )
    if settings.feed not in FEED_NAMES and not settings.feed.startswith("recorded:"):
        raise Invalid(
            f"There is no feed {settings.feed!r}; choose one of {', '.join(FEED_NAMES)}.", code="run.feed", path="feed"
        )
    return settings


def parse_store(text: str) -> QuestAddress | None:
    """Return where the copy for research goes: None for `sqlite`, an address for `questdb://…`.

    Raises:
        Invalid: the text is neither; the sentence shows the right form and no password.
    """
    if text == "sqlite":
        return None
    if "://" in text:
        return parse_address(text)
    if text == "questdb":
        raise Invalid(
            f"The store `questdb` does not say where it is and who papertape is there; expected {_STORE_FORM}. "
            "`make questdb` starts one on this machine and prints its address.",
            code="run.store",
            path="store",
        )
    shown = text if "@" not in text else "…"  # it may hold a password
    raise Invalid(
        f"There is no store {shown!r}; choose sqlite, or a QuestDB that gets a copy: {_STORE_FORM}.",
        code="run.store",
        path="store",
    )


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


def parse_public_urls(texts: list[str]) -> tuple[PublicUrl, ...]:
    """Return `https://NAME[:PORT]` texts as what a browser sends for them.

    Raises:
        Invalid: a text is no such address.
    """
    return tuple(_parse_public_url(text) for text in texts)


def _parse_public_url(text: str) -> PublicUrl:
    try:
        url = urlsplit(text)
        port = url.port
    except ValueError:
        url, port = urlsplit(""), None
    name = url.hostname or ""
    is_bare = url.path in ("", "/") and not url.query and not url.fragment and "@" not in url.netloc
    is_bare = is_bare and _NAME.fullmatch(name) is not None
    if url.scheme not in ("http", "https") or not is_bare:
        shown = text if "@" not in text else "…"  # it may hold a password
        raise Invalid(
            f"{shown!r} is not an address the desk can be shown under; expected https://NAME or https://NAME:PORT, "
            "without a path: the dashboard needs a host name of its own.",
            code="run.public_url",
            path="public-url",
        )
    name = f"[{name}]" if ":" in name else name
    default = 443 if url.scheme == "https" else 80
    host = name if port in (None, default) else f"{name}:{port}"
    return PublicUrl(host=host, origin=f"{url.scheme}://{host}")
