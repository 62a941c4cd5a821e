"""The rules of `text/event-stream`, however the network cuts the bytes."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from papertape.client.event_source import EventParser

STREAM = (
    b"\xef\xbb\xbfdata: one\n\n"
    b": a comment\r\nid: 7\r\nretry: 10\r\ndata:two\r\ndata:  lines\r\n\r\n"
    b"data: \xe2\x82\xac\r\revent: other\ndata: not for us\n\n"
    b"event: message\ndata\ndata:\n\nevent: alone\n\ndata: end\n\ndata: unfinished"
)
EVENTS = [b"one", b"two\n lines", "€".encode(), b"\n", b"end"]


def test_events_are_read_by_the_whatwg_rules() -> None:
    assert EventParser().feed(STREAM) == EVENTS


@given(st.lists(st.integers(0, len(STREAM)), max_size=12))
def test_it_does_not_matter_where_the_network_cuts(cuts: list[int]) -> None:
    edges = [0, *sorted(cuts), len(STREAM)]
    parser = EventParser()
    chunks = [STREAM[start:stop] for start, stop in pairwise(edges)]
    assert [event for chunk in chunks for event in parser.feed(chunk)] == EVENTS


def test_byte_by_byte_is_the_same() -> None:
    parser = EventParser()
    assert [event for byte in STREAM for event in parser.feed(bytes([byte]))] == EVENTS


@pytest.mark.parametrize("chunk", [b"data: xxxxxxxxx", b"data: 12345\ndata: 67890\n"])
def test_an_event_without_end_does_not_fill_the_memory(chunk: bytes) -> None:
    with pytest.raises(ValueError, match="more than 8 bytes"):
        EventParser(limit=8).feed(chunk)
