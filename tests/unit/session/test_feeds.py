import pytest

from papertape.errors import Invalid
from papertape.model.instrument import Instrument
from papertape.session.feeds import Feeds
from papertape.testkit.fake_source import FakeSource, make_instrument

BTC_SPOT = make_instrument("BTCUSDT", is_perpetual=False)
BTC_PERP = make_instrument("BTCUSDT")
ETH_PERP = make_instrument("ETHUSDT")


class GrowingSource(FakeSource):
    """Lists what the test lists by now."""

    def __init__(self, listed: list[Instrument]) -> None:
        super().__init__([])
        self._listed = listed

    async def instruments(self) -> list[Instrument]:
        return list(self._listed)


def feeds() -> Feeds:
    return Feeds({"fake": FakeSource([BTC_SPOT, BTC_PERP, ETH_PERP])}, "fake")


async def test_an_instrument_id_and_an_unambiguous_symbol_resolve_in_the_order_given() -> None:
    assert await feeds().resolve(None, ["ethusdt", "BTCUSDT.FAKE"]) == (ETH_PERP, BTC_SPOT)


async def test_an_ambiguous_symbol_is_refused_with_the_choices_and_its_path() -> None:
    with pytest.raises(Invalid) as refused:
        await feeds().resolve(None, ["ETHUSDT", "BTCUSDT-"])
    assert (refused.value.path, refused.value.code) == ("symbols[1]", "symbol.unknown")


async def test_a_symbol_of_two_markets_names_both() -> None:
    two = Feeds({"fake": FakeSource([BTC_PERP, make_instrument("BTCUSDT", venue="OTHER")])}, "fake")
    with pytest.raises(Invalid, match=r"ambiguous; choose one of BTCUSDT-PERP\.FAKE, BTCUSDT-PERP\.OTHER"):
        await two.resolve(None, ["BTCUSDT"])


async def test_an_unknown_symbol_is_refused_with_what_was_perhaps_meant() -> None:
    with pytest.raises(Invalid, match=r"'BTCUSD' does not exist at this venue; did you mean BTCUSDT"):
        await feeds().resolve(None, ["BTCUSD"])


async def test_a_search_finds_ids_that_contain_the_text_best_first() -> None:
    found = await feeds().search(None, "btc", 10)
    assert found == [BTC_SPOT, BTC_PERP]


def test_an_unknown_feed_is_refused_with_the_feeds_on_offer() -> None:
    with pytest.raises(Invalid, match="no feed named 'kraken'; this desk offers fake"):
        feeds().source("kraken")


async def test_an_instrument_listed_later_is_found() -> None:
    listed = [BTC_PERP]
    growing = Feeds({"fake": GrowingSource(listed)}, "fake")
    assert await growing.search(None, "ETH", 10) == []
    listed.append(ETH_PERP)
    assert await growing.search(None, "ETH", 10) == [ETH_PERP]
