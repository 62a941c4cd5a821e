"""The feeds of a desk, and the resolution of what a trader typed to instruments."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence

from papertape.errors import Invalid
from papertape.model.instrument import Instrument
from papertape.model.views import FeedView
from papertape.session.source import MarketSource


class Feeds:
    """The market sources by name. Each source knows how long what it lists may be kept."""

    def __init__(self, sources: Mapping[str, MarketSource], default: str) -> None:
        self._sources = dict(sources)
        self._default = default

    def views(self) -> list[FeedView]:
        """Return every feed, the default first."""
        ordered = sorted(self._sources.items(), key=lambda item: (item[0] != self._default, item[0]))
        return [
            FeedView(
                name=name,
                venue=source.venue,
                is_simulated=source.is_simulated,
                is_default=name == self._default,
                note=source.note,
            )
            for name, source in ordered
        ]

    def source(self, name: str | None) -> MarketSource:
        """Return a feed by name, the default for None.

        Raises:
            Invalid: no feed has this name.
        """
        chosen = name or self._default
        if chosen not in self._sources:
            raise Invalid(
                f"There is no feed named {chosen!r}; this desk offers {', '.join(self._sources)}.",
                code="feed.unknown",
                path="feed",
            )
        return self._sources[chosen]

    def find(self, name: str) -> MarketSource | None:
        """Return a feed by name, None when this desk does not offer it."""
        return self._sources.get(name)

    async def instruments(self, name: str | None) -> list[Instrument]:
        """Return every instrument of a feed; raises `Unavailable` while its venue does not answer."""
        return await self.source(name).instruments()

    async def search(self, name: str | None, query: str, limit: int) -> list[Instrument]:
        """Return instruments whose id contains `query`, best matches first."""
        wanted = query.strip().upper()
        found = [item for item in await self.instruments(name) if wanted in item.id]
        found.sort(key=lambda item: (not item.id.startswith(wanted), len(item.id), item.id))
        return found[:limit]

    async def resolve(self, name: str | None, symbols: Sequence[str]) -> tuple[Instrument, ...]:
        """Return the instruments for ids or unambiguous symbols, in the order given, each once.

        Raises:
            Invalid: a symbol is unknown or ambiguous; the path names it.
        """
        return resolve_symbols(symbols, await self.instruments(name))

    async def close(self) -> None:
        """Close every feed."""
        for source in self._sources.values():
            await source.close()


def resolve_symbols(symbols: Sequence[str], offered: Sequence[Instrument]) -> tuple[Instrument, ...]:
    """Return the instruments for ids or unambiguous symbols, in the order given, each once; raises `Invalid`."""
    chosen: dict[str, Instrument] = {}
    for position, symbol in enumerate(symbols):
        instrument = _resolve(symbol, offered, f"symbols[{position}]")
        chosen[instrument.id] = instrument
    return tuple(chosen.values())


def _resolve(symbol: str, offered: Sequence[Instrument], path: str) -> Instrument:
    wanted = symbol.strip().upper()
    matches = [item for item in offered if item.id == wanted] or [
        item for item in offered if wanted in (item.symbol.upper(), item.id.partition(".")[0])
    ]
    if len(matches) == 1:
        return matches[0]
    if matches:
        choices = ", ".join(item.id for item in matches)
        raise Invalid(f"{symbol!r} is ambiguous; choose one of {choices}.", code="symbol.ambiguous", path=path)
    close = difflib.get_close_matches(wanted, [item.id for item in offered], n=3, cutoff=0.4)
    hint = f"did you mean {', '.join(close)}?" if close else "search for it among the feed's instruments."
    raise Invalid(f"{symbol!r} does not exist at this venue; {hint}", code="symbol.unknown", path=path)
