"""A process that may not write large files until its third attempt, and prints what became of its commits as JSON.

Started by `test_kill.py` as `python full_disk_child.py FOLDER`; a limit of file size is kept by the kernel, so the
database meets a write that truly fails.
"""

from __future__ import annotations

import json
import resource
import sys
from pathlib import Path

from papertape.store.connections import open_writing
from papertape.store.writer import Job, Writer
from papertape.testkit.store_contract import Acknowledgements


def main() -> None:
    connection = open_writing(Path(sys.argv[1]) / "limited.sqlite3")
    connection.execute("CREATE TABLE lines (number INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT")
    hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    faults: list[str | None] = []

    def pause(_: float) -> None:
        faults.append(writer.state().last_error)
        if len(faults) == 3:
            resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))

    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    writer = Writer(connection, lambda: 0, pause=pause)
    answers = Acknowledgements(50)
    for number in range(50):
        statement = ("INSERT INTO lines (number, text) VALUES (?, ?)", (number, "x" * 5_000))
        writer.submit(Job(session_id="s", statements=(statement,), size=5_000, submitted_ts=0, done=answers.of(number)))
    writer.start()
    acknowledged = [number for number, error in answers.wait() if error is None]
    rows = connection.execute("SELECT number FROM lines ORDER BY number").fetchall()
    writer.close()
    sys.stdout.write(json.dumps({"faults": faults, "acknowledged": acknowledged, "rows": [row[0] for row in rows]}))


main()
