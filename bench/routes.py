"""Measure by how much each HTTP answer holds up the desk's event loop, on a large ended session. Prints JSON.

A desk in its own process with a session that runs; its loop is sampled every 5 ms in that process. Every route is asked
a few times, one after the other. `lag` is how late the loop was meanwhile, `loop_cpu` how long it worked in one go.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import httpx
import msgspec

from papertape.journal.ports import Commit
from papertape.store.folder import open_folder
from papertape.store.segments.sealer import Sealer
from papertape.store.sqlite import open_store
from papertape.strategy.library import builtin_text
from papertape.strategy.parse import parse_definition, version_of
from papertape.testkit.journal_load import JournalLoad
from papertape.testkit.processes import Process
from papertape.testkit.store_contract import SESSION, write
from papertape.testkit.venue import SPOT
from streaming.figure import machine, quantile
from streaming.sampled_desk import Sample

_START_US = 1_766_854_702_000_000
_TICKS = 6
_AT = f"/api/sessions/{SESSION}"
_SERIES = f"strategy=ema-cross&instrument={SPOT.id}&indicator=fast"
_SPAN = f"start={_START_US}&end={_START_US + 3_600_000_000}"


class Asked(NamedTuple):
    """One request, and where it stands among the figures."""

    name: str
    path: str
    body: dict[str, str] | None = None


_LARGE_TEXT = "name: large\n" + "".join(f"field_{i}: {{a: [1, 2, 3], b: {{c: text}}}}\n" for i in range(18_000))
ROUTES = (
    *(Asked(f"{name}, 10,000", f"{_AT}/{name}?limit=10000") for name in ("signals", "transitions", "fills", "equity")),
    Asked("signals, 200", f"{_AT}/signals?limit=200"),
    Asked("bars of 1 s, 10,000", f"{_AT}/bars?instrument={SPOT.id}&interval=1&limit=10000"),
    Asked("bars of an hour", f"{_AT}/bars?instrument={SPOT.id}&interval=1&limit=10000&{_SPAN}"),
    Asked("indicator values, 10,000", f"{_AT}/indicator-values?{_SERIES}&limit=10000"),
    Asked("latest values", f"{_AT}/latest-values"),
    Asked("signals in context, 1,000", f"{_AT}/signals-in-context?limit=1000"),
    Asked("state", f"{_AT}/state"),
    Asked("summary", f"/api/dashboard/summary?session_id={SESSION}"),
    Asked("sessions", "/api/sessions?limit=10000"),
    Asked("strategies", "/api/strategies"),
    Asked("validation of 1 MB", "/api/strategies/validate", {"text": _LARGE_TEXT}),
    Asked("validation of a strategy", "/api/strategies/validate", {"text": builtin_text("pump-peak-short")}),
    Asked("indicator kinds", "/api/indicators"),
    Asked("instruments", "/api/instruments?limit=10000"),
    Asked("connections", "/api/connections"),
    Asked("health", "/health"),
    Asked("metrics", "/metrics"),
    Asked("OpenAPI", "/schema/openapi.json"),
    Asked("page", "/"),
)


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entries", type=int, default=300_000, help="of the ended session")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default="", help="routes whose name begins so")
    arguments = parser.parse_args()
    on = machine()
    with tempfile.TemporaryDirectory() as folder:
        data_dir = Path(folder) / "data"
        _fill(data_dir, arguments.entries)
        figures = _measure(data_dir, Path(folder) / "samples.json", arguments.rounds, arguments.only)
    json.dump({"what": "event-loop lag by route", **vars(arguments), "routes": figures, "machine": on}, sys.stdout,
              indent=2)  # fmt: skip
    sys.stdout.write("\n")


def _fill(data_dir: Path, entries: int) -> None:
    folder = open_folder(data_dir)
    store = open_store(folder, lambda: _START_US)
    load = JournalLoad(_START_US, ticks=_TICKS)
    left = entries // _TICKS
    while left > 0:
        load.write(store, min(left, 1_000))
        load.expected.clear()
        left -= 1_000
    row = store.session(SESSION)
    assert row is not None
    plan = msgspec.structs.replace(row.plan, strategies=(version_of(parse_definition(builtin_text("ema-cross"))),))
    ended = msgspec.structs.replace(row, revision=2, state="stopped", plan=plan)
    write(store, Commit(session_id=SESSION, batch=None, row=ended))
    sealer = Sealer(store, lambda: _START_US)
    sealer.seal_now()
    sealer.close()
    store.close()
    folder.close()


def _measure(data_dir: Path, samples: Path, rounds: int, only: str) -> dict[str, dict[str, float]]:
    command = (sys.executable, "-m", "streaming.sampled_desk", str(data_dir), str(samples))
    process = Process(*command, cwd=Path(__file__).parent)
    spans: dict[str, list[tuple[float, float]]] = {}
    sizes: dict[str, int] = {}
    statuses: dict[str, int] = {}
    try:
        url = process.wait_for(r"running at (http://\S+)").group(1)
        with httpx.Client(base_url=url, timeout=120) as http:
            time.sleep(3.0)  # the session's own start is not what is asked
            for asked in ROUTES:
                for _ in range(rounds if asked.name.startswith(only) else 0):
                    began = time.monotonic()
                    answer = http.get(asked.path) if asked.body is None else http.post(asked.path, json=asked.body)
                    sizes[asked.name] = len(answer.content)
                    statuses[asked.name] = answer.status_code
                    spans.setdefault(asked.name, []).append((began, time.monotonic()))
                    time.sleep(0.2)
    finally:
        process.end(signal.SIGTERM)
    found = msgspec.json.decode(samples.read_bytes(), type=list[Sample])
    return {name: _figures(found, spans[name], sizes[name], statuses[name]) for name in spans}


def _figures(samples: list[Sample], spans: list[tuple[float, float]], size: int, status: int) -> dict[str, float]:
    after = 0.05  # a sample is taken after the turn that made it late
    during = [one for one in samples if any(began <= one.at <= ended + after for began, ended in spans)]
    late = [one.late_ms for one in during]
    return {
        "status": status,
        "took_ms": round(1_000 * max(ended - began for began, ended in spans)),
        "kb": round(size / 1_000),
        "lag_p50_ms": quantile(late, 0.5),
        "lag_p99_ms": quantile(late, 0.99),
        "lag_max_ms": max(late, default=0.0),
        "loop_cpu_max_ms": max((one.cpu_ms for one in during), default=0.0),
    }


if __name__ == "__main__":
    main()
