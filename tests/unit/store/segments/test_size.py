"""Sealed market data is small: measured on recorded frames of a venue."""

from __future__ import annotations

from itertools import count, islice

import msgspec
import pytest

from papertape.feeds.recorded.recording import FrameRecording, Tally
from papertape.journal.tape import Tape
from papertape.model.entries import Batch
from papertape.model.tables import TAPE
from papertape.store.rows import rows_of
from papertape.store.segments.format import PlacedBatch, read_batches, write_batches
from papertape.testkit.shared_data import shared_data
from papertape.testkit.store_contract import SESSION, facts

_MOMENTS = 30_000


@pytest.fixture(scope="module")
def recorded() -> list[Batch]:
    recording = FrameRecording(shared_data("binance-raw-ws-2024-08") / "raw" / "usdm_btcusdt_20240808.gz")
    tape = Tape()
    moments = islice(recording.play(recording.instruments(), Tally()), _MOMENTS)
    return [tape.append(moment.events) for moment in moments]


def test_recorded_market_data_is_read_back_equal_from_a_fifth_of_the_room(recorded: list[Batch]) -> None:
    placed = [PlacedBatch(batch, place) for place, batch in zip(count(1), recorded, strict=False)]
    content = write_batches(placed)
    on_tape = sum(_stored_size(batch) for batch in recorded)
    assert list(read_batches(content, "a")) == placed
    assert len(content) < on_tape / 5


def _stored_size(batch: Batch) -> int:
    ((table, row),) = rows_of(msgspec.structs.replace(facts(SESSION), batch=batch))
    assert table is TAPE
    return sum(len(value) if isinstance(value, str | bytes) else 4 for value in row)
