"""Frames of the market over sealed files and the tail: the same rows wherever they are."""

from __future__ import annotations

from pathlib import Path

import pytest

from papertape.errors import NotFound
from papertape.store.folder import open_folder
from papertape.store.market_frames import quote_frame, trade_frame
from papertape.store.segments.sealer import Sealer, SealPolicy
from papertape.store.segments.work import carry_out
from papertape.store.sqlite import open_store
from papertape.testkit.research_contract import SECOND, START, ended, quote, tape, trade
from papertape.testkit.store_contract import SESSION, write
from papertape.testkit.venue import PERPETUAL, SPOT

DAY_US = 86_400 * SECOND


def test_sealing_changes_no_frame_and_what_was_removed_is_said(tmp_path: Path) -> None:
    folder = open_folder(tmp_path / "data")
    store = open_store(folder, lambda: START)
    write(store, ended())
    for at_s in range(10):
        entries = (trade(at_s, 100 + at_s), quote(at_s, 7 + at_s), trade(at_s, 5, instrument=SPOT))
        write(store, tape(*entries, first_seq=3 * at_s + 1, is_warmup=at_s < 2))

    def frames() -> list[object]:
        middle = START + 5 * SECOND
        trades = [trade_frame(store, SESSION, PERPETUAL.id, start_ts).rows() for start_ts in (0, middle)]
        return [*trades, quote_frame(store, SESSION, [PERPETUAL.id, SPOT.id]).rows()]

    before = frames()
    policy = SealPolicy(segment_entries=6, keep_days=1)
    sealer = Sealer(store, lambda: START, SealPolicy(segment_entries=6), work=carry_out)
    sealed = sealer.seal_now().sealed
    assert len(sealed) == 5
    assert frames() == before
    sealer.close()

    write(store, tape(trade(0, 1), session_id="exec_other"))
    sealer = Sealer(store, lambda: START + 3 * DAY_US, policy, work=carry_out)
    sealer.seal_now()
    sealer.close()
    with pytest.raises(NotFound, match="was removed on"):
        trade_frame(store, SESSION, PERPETUAL.id, 0)
    assert trade_frame(store, SESSION, PERPETUAL.id, START + 60 * SECOND).rows() == []
    store.close()
    folder.close()
