"""Cases about positions: what is resumed, what is not, and how a client is told."""

from __future__ import annotations

from papertape.testkit.conformance.server.case import CaseBook
from papertape.testkit.conformance.server.target import CARRIERS, Target, hello
from papertape.testkit.conformance.verdict import NotShown, require
from papertape.wire.stream import Pub, SubRequest, Subscribed

RESUME = CaseBook()
_FAR = 10**12


async def position(target: Target, topic: str) -> tuple[str, int, list[int]]:
    """Return the epoch, the position and the record seqs of a topic's snapshot."""
    async with target.greeted(topic) as talk:
        sub, pages = await talk.answer(topic)
    is_fact = topic in target.facts
    return sub.epoch, sub.to_seq, [row["seq"] for page in pages for row in page.data] if is_fact else []


async def busiest(target: Target) -> tuple[str, str, list[int]]:
    """Return the must-not-lose topic with most records, its epoch and the seqs; raises `NotShown` without any."""
    found = {topic: await position(target, topic) for topic in target.facts}
    topic = max(found, key=lambda name: len(found[name][2]))
    epoch, _, seqs = found[topic]
    if len(seqs) < 2:
        raise NotShown("no topic has two records yet")
    return topic, epoch, seqs


async def resumed_at(target: Target, topic: str, epoch: str | None, seq: int | None) -> Subscribed:
    """Return the answer to a subscription at a position, after its snapshot unless it was resumed."""
    async with target.greeted(subs=(SubRequest(topic=topic, epoch=epoch, seq=seq),)) as talk:
        sub, _ = await talk.answer(topic)
    return sub


@RESUME.case("A position that is known is resumed: `resumed: true`, and `from` is the client's seq.", "#resuming")
async def a_known_position_is_resumed(target: Target) -> None:
    for topic in target.facts:
        epoch, seq, _ = await position(target, topic)
        sub = await resumed_at(target, topic, epoch, seq)
        require((sub.resumed, sub.from_seq) == (True, seq), f"{topic} at {seq} was answered {sub}")


@RESUME.case("A resume brings every record after the position, each once and in order.", "#resuming")
async def a_resume_brings_what_was_missed(target: Target) -> None:
    topic, epoch, seqs = await busiest(target)
    start = seqs[(len(seqs) - 1) // 2]
    missed = [seq for seq in seqs if seq > start]
    async with target.greeted(subs=(SubRequest(topic=topic, epoch=epoch, seq=start),)) as talk:
        sub, _ = await talk.answer(topic)
        require((sub.resumed, sub.from_seq) == (True, start), f"{topic} at {start} was answered {sub}")
        pubs = [await talk.next_of(Pub, topic) for _ in missed]
    require([pub.seq for pub in pubs] == missed, f"{topic} after {start}: {[pub.seq for pub in pubs]}, not {missed}")
    chain = [(pub.prev, pub.seq) for pub in pubs]
    fits = all((prev or 0) <= before for (prev, _), before in zip(chain, [start, *missed], strict=False))
    require(fits, f"{topic}: `prev` does not continue the position {start}: {chain}")


@RESUME.case("Nothing follows a resume twice: the first new publication continues the caught-up position.", "#resuming")
async def a_resume_and_what_follows_do_not_overlap(target: Target) -> None:
    topic, epoch, seqs = await busiest(target)
    async with target.greeted(subs=(SubRequest(topic=topic, epoch=epoch, seq=seqs[-2]),)) as talk:
        pubs = await target.publications(talk, 2, [topic])
    require(pubs[0].seq == seqs[-1], f"{topic} resumed at {seqs[-2]} began with {pubs[0].seq}, not {seqs[-1]}")
    require(pubs[1].prev == pubs[0].seq, f"{topic}: {pubs[1].prev} → {pubs[1].seq} after {pubs[0].seq}")


@RESUME.case("A position in the future is not resumed: `resumed: false` and a snapshot.", "#resuming")
async def a_position_in_the_future_gets_a_snapshot(target: Target) -> None:
    for topic in (target.facts[0], target.latest[0]):
        epoch, seq, _ = await position(target, topic)
        sub = await resumed_at(target, topic, epoch, seq + _FAR)
        require(not sub.resumed, f"{topic} was resumed from the future: {sub}")


@RESUME.case("A position of another epoch is not resumed: `resumed: false` and a snapshot.", "#resuming")
async def another_epoch_gets_a_snapshot(target: Target) -> None:
    for topic in (target.facts[0], target.latest[0]):
        _, seq, _ = await position(target, topic)
        sub = await resumed_at(target, topic, "another-epoch", seq)
        require(not sub.resumed and sub.epoch != "another-epoch", f"{topic} was resumed in another epoch: {sub}")


@RESUME.case(
    "Half a position is none: a seq without its epoch, or an epoch without a seq, gets a snapshot.", "#resuming"
)
async def half_a_position_gets_a_snapshot(target: Target) -> None:
    topic = target.facts[0]
    epoch, seq, _ = await position(target, topic)
    for half in ((None, seq), (epoch, None)):
        sub = await resumed_at(target, topic, *half)
        require(not sub.resumed, f"{topic} was resumed at {half}: {sub}")


@RESUME.case("The epoch of a must-not-lose topic does not depend on the connection.", "#topics-and-positions")
async def the_epoch_is_the_tapes(target: Target) -> None:
    epochs = {(await position(target, topic))[0] for topic in target.facts}
    require(len(epochs) == 1, f"the topics of one session have the epochs {sorted(epochs)}")


@RESUME.case("A position goes on over any carrier.", "#carriers")
async def a_position_goes_on_over_every_carrier(target: Target) -> None:
    topic, epoch, seqs = await busiest(target)
    request = SubRequest(topic=topic, epoch=epoch, seq=seqs[-2])
    for carrier in CARRIERS:
        async with target.open(carrier, hello(subs=(request,))) as talk:
            sub, _ = await talk.answer(topic)
            require((sub.resumed, sub.from_seq) == (True, seqs[-2]), f"over {carrier}: {sub}")
            pub = await talk.next_of(Pub, topic)
            require(pub.seq == seqs[-1], f"over {carrier} came {pub.seq}, not {seqs[-1]}")
