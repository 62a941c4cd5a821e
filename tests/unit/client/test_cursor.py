"""A position on one topic: what is new, what came before, what is missing."""

from __future__ import annotations

from papertape.client.cursor import Cursor
from papertape.testkit.client_bench import BARS, EPOCH, FILLS, pub, snap, subscribed
from papertape.wire.stream import SubRequest


def at(seq: int, *, topic: str = FILLS) -> Cursor:
    cursor = Cursor(topic, is_fact=topic == FILLS)
    cursor.request()
    cursor.on_subscribed(subscribed(topic))
    cursor.on_snap(snap(topic, seq))
    return cursor


def test_facts_go_on_by_what_came_before_them() -> None:
    cursor = at(4)
    verdicts = [cursor.on_pub(pub(FILLS, seq, prev)) for seq, prev in ((4, 2), (6, 4), (6, 4), (9, 6), (12, 11))]
    assert (verdicts, cursor.seq) == (["duplicate", "new", "duplicate", "new", "hole"], 9)


def test_latest_values_are_new_unless_they_are_older() -> None:
    cursor = at(4, topic=BARS)
    assert [cursor.on_pub(pub(BARS, seq)) for seq in (4, 9, 9, 8)] == ["new", "new", "new", "duplicate"]


def test_another_epoch_is_a_hole_whatever_the_seq() -> None:
    assert [at(4, topic=topic).on_pub(pub(topic, 5, 4, epoch="e-2")) for topic in (FILLS, BARS)] == ["hole"] * 2


def test_what_comes_between_the_question_and_its_answer_is_not_heard() -> None:
    cursor = at(4)
    request = cursor.request()
    heard = [cursor.on_pub(pub(FILLS, 5, 4)), cursor.on_snap(snap(FILLS, 9))]
    answer = cursor.on_subscribed(subscribed(FILLS, 4))
    after = cursor.on_pub(pub(FILLS, 5, 4))
    assert request == SubRequest(topic=FILLS, epoch=EPOCH, seq=4)
    assert (heard, answer, after) == (["duplicate", ()], "new", "new")


def test_an_answer_behind_the_position_leaves_it_where_it_is() -> None:
    cursor = at(9)
    cursor.on_subscribed(subscribed(FILLS, 4))
    assert [cursor.on_pub(pub(FILLS, seq, seq - 1)) for seq in (5, 9, 10)] == ["duplicate", "duplicate", "new"]


def test_an_answer_ahead_of_the_position_or_of_another_epoch_is_a_hole() -> None:
    ahead = at(4).on_subscribed(subscribed(FILLS, 5))
    other = at(4).on_subscribed(subscribed(FILLS, 4, epoch="e-2"))
    nowhere = Cursor(FILLS, is_fact=True).on_subscribed(subscribed(FILLS, 0))
    assert (ahead, other, nowhere) == ("hole", "hole", "hole")


def test_pages_are_given_out_together_and_the_position_moves_with_the_last() -> None:
    cursor = at(4)
    cursor.request()
    cursor.on_subscribed(subscribed(FILLS))
    torn = cursor.on_snap(snap(FILLS, 8, page=1, of=2))
    first = cursor.on_snap(snap(FILLS, 9, page=1, of=2))
    before = (cursor.seq, cursor.position())
    pages = cursor.on_snap(snap(FILLS, 9, page=2, of=2))
    assert (torn, first, before) == ((), (), (None, SubRequest(topic=FILLS)))
    assert ([page.page for page in pages], cursor.seq) == ([1, 2], 9)


def test_a_head_is_missed_only_when_it_has_not_come_by_the_next_heartbeat() -> None:
    cursor = at(4)
    overtaking = cursor.on_head(5)
    cursor.on_pub(pub(FILLS, 5, 4))
    assert (overtaking, cursor.on_head(7), cursor.on_head(7), cursor.on_head(7)) == (False, False, True, False)


def test_heads_say_nothing_while_an_answer_is_due_and_nothing_on_latest_values() -> None:
    asking, latest = at(4), at(4, topic=BARS)
    asking.request()
    assert [cursor.on_head(9) for cursor in (asking, asking, latest, latest)] == [False] * 4


def test_when_asking_from_the_position_does_not_fill_the_hole_a_snapshot_is_asked_for() -> None:
    cursor = at(4)
    requests = []
    for _ in range(2):
        cursor.on_pub(pub(FILLS, 9, 8))
        requests.append(cursor.request())
        cursor.on_subscribed(subscribed(FILLS, 4))
    assert requests == [SubRequest(topic=FILLS, epoch=EPOCH, seq=4), SubRequest(topic=FILLS)]
