"""A store whose process is killed, or whose disk is full, keeps every commit it acknowledged."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from papertape.model.tables import SIGNALS
from papertape.store.folder import open_folder
from papertape.store.sqlite import open_store
from papertape.testkit.store_contract import SESSION

HERE = Path(__file__).parent
ROUNDS = 3
ACKNOWLEDGED_A_ROUND = 200


def _kill_while_writing(folder: Path) -> list[str]:
    command = [sys.executable, str(HERE / "writing_child.py"), str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        lines = [child.stdout.readline() for _ in range(ACKNOWLEDGED_A_ROUND)]
        child.kill()
        return lines + child.stdout.readlines()


def test_every_acknowledged_commit_survives_kill_9_and_leaves_no_hole(tmp_path: Path) -> None:
    for _ in range(ROUNDS):
        lines = _kill_while_writing(tmp_path)
        last_entry, last_fact = (int(text) for text in lines[-1].split())
        folder = open_folder(tmp_path)
        store = open_store(folder, lambda: 0)
        entries = [entry.ts for batch in store.batches(SESSION) for entry in batch.entries]
        facts = store.events(SIGNALS, SESSION, limit=1_000_000)
        store.close()
        folder.close()
        assert len(lines) >= ACKNOWLEDGED_A_ROUND
        assert entries == list(range(1, len(entries) + 1))
        assert [fact.seq for fact in facts] == list(range(1, len(facts) + 1))
        assert len(entries) >= last_entry
        assert len(facts) >= last_fact
        assert facts[-1].entry_seq == len(entries)


def test_a_disk_that_takes_no_more_is_tried_until_it_does(tmp_path: Path) -> None:
    command = [sys.executable, str(HERE / "full_disk_child.py"), str(tmp_path)]
    outcome = json.loads(subprocess.run(command, check=True, capture_output=True, timeout=60).stdout)
    assert outcome == {
        "faults": ["the database cannot be written now (disk I/O error); it is tried again"] * 3,
        "acknowledged": list(range(50)),
        "rows": list(range(50)),
    }
