"""However much is taken at once: control first, facts in order, nothing lost, and no frame above its room but alone."""

from __future__ import annotations

from typing import Literal

from hypothesis import given
from hypothesis import strategies as st

from papertape.server.fact_lane import Published
from papertape.server.outbox import SEPARATOR, Outbox
from papertape.server.settings import StreamLimits

Step = tuple[Literal["control", "fact", "reply", "take"], int]
steps = st.lists(st.tuples(st.sampled_from(["control", "fact", "fact", "reply", "take"]), st.integers(1, 60)))


def put(outbox: Outbox, lane: str, frame: bytes) -> None:
    if lane == "control":
        outbox.put_control(frame)
    elif lane == "fact":
        assert outbox.put_fact(Published("a", 1, frame, 0.0))
    else:
        assert outbox.put_reply(frame, "b")


@given(steps)
def test_what_is_taken_is_whole_in_order_and_fits(story: list[Step]) -> None:
    outbox = Outbox(StreamLimits())
    control: list[bytes] = []
    ordered: list[bytes] = []
    for number, (what, size) in enumerate([*story, ("take", 1_000_000)]):
        if what != "take":
            frame = str(number).encode().ljust(size, b".")
            put(outbox, what, frame)
            (control if what == "control" else ordered).append(frame)
            continue
        taken = outbox.take(size)
        expected = control + ordered
        assert taken == expected[: len(taken)]
        assert len(taken) == 1 or sum(len(frame) + SEPARATOR for frame in taken) <= size
        assert len(taken) == len(expected) or sum(len(each) + SEPARATOR for each in expected[: len(taken) + 1]) > size
        assert taken or not expected
        from_control = min(len(taken), len(control))
        control, ordered = control[from_control:], ordered[len(taken) - from_control :]
        assert outbox.queued_messages == len(control) + len(ordered)
        assert outbox.queued_bytes == sum(map(len, ordered))
