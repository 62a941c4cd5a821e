import pytest

from papertape.app.settings import (
    PublicUrl,
    Settings,
    check_settings,
    parse_public_urls,
    parse_store,
    parse_venue_urls,
)
from papertape.errors import Invalid
from papertape.store.questdb.address import QuestAddress

SAID = "The address of the QuestDB store is not understood: "
FORM = (
    ". Expected questdb://user:password@host, or with its ports questdb://user:password@host:9000?pg=8812, where 9000 "
    "is the port of HTTP and 8812 that of PostgreSQL's protocol."
)


@pytest.mark.parametrize(
    ("settings", "path", "sentence"),
    [
        (Settings(port=70_000), "port", "Port 70000 does not exist; choose 1 to 65535."),
        (Settings(feed="kraken"), "feed", "choose one of auto, simulated, binance, recorded:PATH"),
        (Settings(keep_days=0), "keep-days", "--keep-days is 0; give a number above 0, or leave it out"),
        (Settings(memory_limit_mb=50), "memory-limit", "--memory-limit is 50 MB; give at least 256"),
        (Settings(keep_gb=float("nan")), "keep-gb", "--keep-gb is nan; give a number above 0"),
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


def test_a_store_is_the_journal_alone_or_with_a_copy_in_a_questdb() -> None:
    assert parse_store("sqlite") is None
    assert parse_store("questdb://ada:s%40cret@db.local:9009?pg=8813") == QuestAddress(
        host="db.local", http_port=9009, pg_port=8813, user="ada", password="s@cret"
    )


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            "questdb",
            "The store `questdb` does not say where it is and who papertape is there; expected "
            "questdb://USER:PASSWORD@HOST:9000?pg=8812. `make questdb` starts one on this machine and prints its "
            "address.",
        ),
        ("questdb://localhost:9000", f"{SAID}it names no user and password before the host{FORM}"),
        (
            "questdb://ada:s3cret@localhost:port",
            f"{SAID}the port behind the host is no number from 1 to 65535{FORM}",
        ),
        (
            "questdb://ada:s3cret@localhost:9000/qdb",
            f"{SAID}something stands behind the host and the port, where only ?pg=PORT may follow{FORM}",
        ),
        (
            "http://ada:s3cret@localhost:9000",
            f"{SAID}it begins with http://, not with questdb://; papertape uses HTTP to write and PostgreSQL's "
            f"protocol to read by itself, both without TLS{FORM}",
        ),
        (
            "ada:s3cret@localhost",
            "There is no store '…'; choose sqlite, or a QuestDB that gets a copy: "
            "questdb://USER:PASSWORD@HOST:9000?pg=8812.",
        ),
        (
            "postgres",
            "There is no store 'postgres'; choose sqlite, or a QuestDB that gets a copy: "
            "questdb://USER:PASSWORD@HOST:9000?pg=8812.",
        ),
    ],
)
def test_a_store_typed_wrongly_is_answered_with_the_right_form_and_without_its_password(
    text: str, sentence: str
) -> None:
    with pytest.raises(Invalid) as refused:
        parse_store(text)
    assert (refused.value.message, refused.value.path) == (sentence, "store")
    assert "s3cret" not in str(refused.value)


def test_the_password_is_in_no_text_made_of_the_settings() -> None:
    settings = Settings(mirror=parse_store("questdb://ada:s3cret@localhost"))
    assert "s3cret" not in f"{settings} {settings!r}"


def test_venue_urls_are_read_by_name() -> None:
    assert parse_venue_urls(["binance=ws://a:1,http://a:2"]) == {"binance": "ws://a:1,http://a:2"}


@pytest.mark.parametrize("text", ["binance", "binance=ws://a:1", "=", "binance=a,b,c"])
def test_a_malformed_venue_url_is_refused_with_the_form(text: str) -> None:
    with pytest.raises(Invalid, match="expected NAME=ws://HOST:PORT,http://HOST:PORT"):
        parse_venue_urls([text])


def test_a_public_address_is_read_as_the_host_and_origin_a_browser_names() -> None:
    texts = ["https://desk.example", "https://desk.example:8443/", "http://[::1]:80"]
    assert parse_public_urls(texts) == (
        PublicUrl(host="desk.example", origin="https://desk.example"),
        PublicUrl(host="desk.example:8443", origin="https://desk.example:8443"),
        PublicUrl(host="[::1]", origin="http://[::1]"),
    )


@pytest.mark.parametrize(
    "text",
    ["desk.example", "ftp://desk.example", "https://", "https://desk.example/papertape", "https://desk.example:70000",
     "https://desk.example?a=1", "https://me:secret@desk.example", "https://[::1",
     "https://desk example", "https://a.example,https://b.example"],
)  # fmt: skip
def test_what_is_no_public_address_is_refused_with_the_form_and_without_a_password(text: str) -> None:
    with pytest.raises(Invalid, match="expected https://NAME") as refused:
        parse_public_urls([text])
    assert (refused.value.path, "secret" in str(refused.value)) == ("public-url", False)
