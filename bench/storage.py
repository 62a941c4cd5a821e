"""Measures both stores and plain alternatives in one run and prints JSON.

`python bench/storage.py [--seconds 3] [--ticks 1000000] [--times 9] [--folder DIR]`; needs `make questdb-setup`.

`durable`: facts a second, one by one and in groups. `copy`: 3,000 ticks/s for the given time with a QuestDB that gets
a copy, then the rest of the session at full speed. `bytes_per_million_ticks` and `question_ms` (median of `--times`,
after a first one that is not counted): the session at rest, asked in the journal, in its sealed files, in QuestDB, and
in plain files.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

from papertape.store.folder import open_folder
from papertape.store.journal_research import JournalResearch
from papertape.store.questdb.address import QuestAddress
from papertape.store.questdb.mirror import open_mirror
from papertape.store.questdb.research import QuestResearch
from papertape.store.segments.sealer import Sealer
from papertape.store.sqlite import SqliteStore, open_store
from papertape.testkit.questdb_server import quest_server_at
from papertape.testkit.store_contract import write
from storing.durable import measure_durable
from storing.market import Market
from storing.mirrored import fill, measure_steady
from storing.reading import copy_bytes, tape_bytes, time_plain, time_research, write_plain


def _clock() -> int:
    return time.time_ns() // 1000


def measure_copy(store: SqliteStore, address: QuestAddress, seconds: float, ticks: int) -> dict[str, object]:
    """Write the session through the journal into QuestDB."""
    market = Market()
    mirror = open_mirror(address, store, _clock)
    with closing(mirror):
        mirror.start()
        write(store, market.row(1, "running"))
        return {
            "steady": measure_steady(store, mirror, address, market, seconds),
            "full speed": fill(store, mirror, address, market, ticks),
        }


async def ask(store: SqliteStore, address: QuestAddress, folder: Path, times: int) -> dict[str, object]:
    """Return the sizes and the times of the session at rest; seals the journal's tape in between."""
    figures: dict[str, object] = {"plain": await time_plain(folder, store, times)}
    quest = QuestResearch(address)
    figures["questdb"] = await time_research(quest, times)
    await quest.close()
    journal = JournalResearch(store)
    figures["journal, not sealed"] = await time_research(journal, times)
    with closing(Sealer(store, _clock)) as sealer:
        failures = (await asyncio.to_thread(sealer.seal_now)).failures
    if failures:
        raise SystemExit(f"sealing failed: {failures}")
    figures["journal, sealed"] = await time_research(journal, times)
    await journal.close()
    return figures


def measure(path: Path, seconds: float, ticks: int, times: int) -> dict[str, object]:
    """Return all figures."""
    durable = measure_durable(path, seconds)
    folder = open_folder(path / "data")
    store = open_store(folder, _clock)
    with quest_server_at(path / "questdb") as server:
        copied = measure_copy(store, server.address, seconds, ticks)
        sizes: dict[str, int] = {"journal's tape, payloads": tape_bytes(store), "questdb": copy_bytes(server.address)}
        sizes.update({f"plain {kind}": size for kind, size in write_plain(path, ticks).items()})
        questions = asyncio.run(ask(store, server.address, path, times))
        sizes["sealed"] = sum(file.stat().st_size for file in folder.segments.rglob("*.parquet"))
        version = server.runtime.version
    store.close()
    folder.close()
    return {
        "durable": durable,
        "copy": {"server": f"QuestDB {version}", **copied},
        "bytes_per_million_ticks": {name: round(size * 1e6 / ticks) for name, size in sizes.items()},
        "question_ms": questions,
    }


def main() -> None:
    """Run the measurement."""
    parser = argparse.ArgumentParser(description="Measure both stores; prints JSON.")
    parser.add_argument("--seconds", type=float, default=3.0, help="how long each timed part runs (default 3)")
    parser.add_argument("--ticks", type=int, default=1_000_000, help="ticks of the session (default a million)")
    parser.add_argument("--times", type=int, default=9, help="how often each question is asked (default 9)")
    parser.add_argument("--folder", type=Path, help="a folder on the disk to measure (default: a temporary one)")
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=wanted.folder) as temporary:
        figures = measure(Path(temporary), wanted.seconds, wanted.ticks, wanted.times)
    sys.stdout.write(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
