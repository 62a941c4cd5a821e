from papertape.journal.tape import Tape
from papertape.model.entries import Batch, ClockTick


def tick(ts: int) -> ClockTick:
    return ClockTick(ts=ts, recv_ts=ts + 5)


def test_entries_get_consecutive_seqs_across_batches() -> None:
    tape = Tape()
    first = tape.append([tick(10), tick(20)])
    second = tape.append([tick(30)], is_warmup=True)
    assert (first, second) == (
        Batch(first_seq=1, entries=(tick(10), tick(20))),
        Batch(first_seq=3, entries=(tick(30),), is_warmup=True),
    )
    assert (first.last_seq, tape.last_seq, tape.last_ts) == (2, 3, 30)


def test_an_entry_older_than_the_one_before_takes_its_time_and_keeps_its_receive_time() -> None:
    batch = Tape().append([tick(100), tick(40), tick(101)])
    assert batch.entries == (tick(100), ClockTick(ts=100, recv_ts=45), tick(101))


def test_a_tape_goes_on_after_the_batches_it_followed() -> None:
    tape = Tape()
    tape.follow(Batch(first_seq=1, entries=(tick(10), tick(20))))
    assert tape.append([tick(5)]) == Batch(first_seq=3, entries=(ClockTick(ts=20, recv_ts=10),))
