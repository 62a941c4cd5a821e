"""Run the tests marked `questdb` on each supported pair of QuestDB server and Java, and print one line for each pair.

A pair is `SERVER:JAVA`, for example `9.3.4:25`; name pairs as arguments to run others than the usual ones.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from run_suites import Count, count_report, count_suite, report_path

ROOT = Path(__file__).resolve().parent.parent
PAIRS = ("9.3.4:25", "9.3.4:17", "9.3.2:17")


@dataclass(frozen=True)
class Pair:
    """A version of the server and one of Java."""

    server: str
    java: str

    def __str__(self) -> str:
        return f"QuestDB {self.server} on Java {self.java}"


def parse_pair(text: str) -> Pair:
    """Read `SERVER:JAVA`; `argparse.ArgumentTypeError` when it is something else."""
    if not re.fullmatch(r"\d+(\.\d+)+:\d+", text):
        raise argparse.ArgumentTypeError(f"{text!r} is no pair of server and Java; expected for example 9.3.4:25")
    server, _, java = text.partition(":")
    return Pair(server, java)


def table(counts: dict[Pair, Count]) -> str:
    """Return one line for each pair."""
    width = max(len(str(pair)) for pair in counts)
    return "\n".join(
        f"{'ok    ' if not count.failed else 'FAILED'}  {pair!s:<{width}}  {count}" for pair, count in counts.items()
    )


def _run(pair: Pair) -> Count:
    sys.stdout.write(f"\n── {pair}\n")
    sys.stdout.flush()
    environment = {**os.environ, "PAPERTAPE_QUESTDB_VERSION": pair.server, "PAPERTAPE_QUESTDB_JAVA": pair.java}
    if subprocess.run(("scripts/setup_questdb.sh", pair.server, pair.java), cwd=ROOT, check=False).returncode:
        return Count(failed=1)
    report = report_path(f"questdb {pair.server} java {pair.java}")
    report.parent.mkdir(exist_ok=True)
    report.unlink(missing_ok=True)
    command = (sys.executable, "-m", "pytest", "-q", "-m", "questdb", f"--junit-xml={report}")
    started = time.monotonic()
    process = subprocess.run(command, cwd=ROOT, env=environment, check=False)
    sys.stdout.write(f"{time.monotonic() - started:.0f} s\n")
    return count_suite(True, process.returncode, count_report(report))


def main() -> int:
    """Run every pair, go on after a failing one, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("pairs", nargs="*", type=parse_pair, default=[parse_pair(text) for text in PAIRS])
    counts = {pair: _run(pair) for pair in parser.parse_args().pairs}
    sys.stdout.write(f"\n{table(counts)}\n")
    return 1 if any(count.failed for count in counts.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
