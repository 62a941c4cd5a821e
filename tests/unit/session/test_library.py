import pytest

from papertape.errors import Invalid
from papertape.session.library import Library
from papertape.strategy.parse import parse_definition, version_of
from papertape.testkit.session_bench import SIMPLE_STRATEGY, MemoryFiles


def test_a_version_is_what_a_session_records() -> None:
    library = Library(MemoryFiles(buy_the_tick=SIMPLE_STRATEGY))
    assert library.version("buy-the-tick") == version_of(parse_definition(SIMPLE_STRATEGY), 1)


def test_a_file_with_another_name_inside_is_listed_with_the_error_and_cannot_be_started() -> None:
    library = Library(MemoryFiles(renamed=SIMPLE_STRATEGY))
    sentence = "The file of 'renamed' is named 'buy-the-tick' inside; make both the same."
    listed = library.get("renamed")
    assert (listed.error, listed.sha256, listed.sides) == (sentence, None, ())
    with pytest.raises(Invalid) as refused:
        library.version("renamed")
    assert (refused.value.message, refused.value.path) == (sentence, "name")


def test_every_builtin_bears_the_name_of_its_file() -> None:
    assert [listing.error for listing in Library(MemoryFiles()).list() if listing.is_builtin and listing.error] == []
