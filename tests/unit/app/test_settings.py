import pytest

from papertape.app.settings import Settings, check_settings, parse_venue_urls
from papertape.errors import Invalid


@pytest.mark.parametrize(
    ("settings", "path", "sentence"),
    [
        (Settings(port=70_000), "port", "Port 70000 does not exist; choose 1 to 65535."),
        (Settings(feed="kraken"), "feed", "choose one of auto, simulated, binance, recorded:PATH"),
        (Settings(store="oracle"), "store", "writes to the embedded `sqlite`"),
    ],
)
def test_impossible_settings_are_refused_with_a_sentence(settings: Settings, path: str, sentence: str) -> None:
    with pytest.raises(Invalid) as refused:
        check_settings(settings)
    assert refused.value.path == path
    assert sentence in refused.value.message


def test_a_recorded_feed_is_accepted_with_its_path() -> None:
    settings = Settings(feed="recorded:/some/where")
    assert check_settings(settings) is settings


def test_venue_urls_are_read_by_name() -> None:
    assert parse_venue_urls(["binance=ws://a:1,http://a:2"]) == {"binance": "ws://a:1,http://a:2"}


@pytest.mark.parametrize("text", ["binance", "binance=ws://a:1", "=", "binance=a,b,c"])
def test_a_malformed_venue_url_is_refused_with_the_form(text: str) -> None:
    with pytest.raises(Invalid, match="expected NAME=ws://HOST:PORT,http://HOST:PORT"):
        parse_venue_urls([text])
