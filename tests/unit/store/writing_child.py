"""A process that writes commits until it is killed, and prints the seqs that were acknowledged.

Started by `test_kill.py` as `python writing_child.py FOLDER`; goes on from where the journal ends.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from itertools import count
from pathlib import Path

from papertape.journal.ports import Commit
from papertape.store.folder import open_folder
from papertape.store.sqlite import open_store
from papertape.testkit.store_contract import SESSION, signal, ticks

_MOST_WAITING = 64


def main() -> None:
    store = open_store(open_folder(Path(sys.argv[1])), lambda: time.time_ns() // 1000)
    entry, fact = store.last_entry_seq(SESSION), store.last_event_seq(SESSION)
    room = threading.Semaphore(_MOST_WAITING)
    for _ in count():
        entry, fact = entry + 3, fact + 1
        line = f"{entry} {fact}\n".encode()

        def on_durable(error: BaseException | None, line: bytes = line) -> None:
            os.write(1, b"failed\n" if error else line)
            room.release()

        room.acquire()
        batch = ticks(entry - 2, entry)
        store.submit(Commit(session_id=SESSION, batch=batch, events=(signal(fact, entry_seq=entry),)), on_durable)


main()
