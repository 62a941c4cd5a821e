"""A side of the book is what its snapshot and its changes say."""

from __future__ import annotations

from papertape.broker.book import NO_LEVEL, BookSide


def test_changes_add_replace_and_remove_levels_and_the_best_follows() -> None:
    bids, asks = BookSide(-1), BookSide(1)
    bests = []
    for side, worse, better in ((bids, 98, 100), (asks, 102, 100)):
        side.replace([(99, 1) if side is bids else (101, 1), (worse, 2), (worse * 2, 0)])
        bests.append(side.best())
        side.change([(better, 5)])
        bests.append(side.best())
        side.change([(better, 0), (worse, 7)])
        bests.append(side.best())

    assert bests == [99, 100, 99, 101, 100, 101]
    assert bids.levels == {99: 1, 98: 7}
    assert (bids.prices(), asks.prices()) == ([99, 98], [101, 102])


def test_an_empty_side_has_no_best() -> None:
    side = BookSide(1)
    side.replace([(1, 1)])
    side.change([(1, 0), (2, 0)])

    assert side.best() == NO_LEVEL
