"""A whole desk, as `papertape run` serves it, whose own process samples its event loop every 5 ms.

`python -m streaming.sampled_desk DATA_DIR SAMPLES`: says its address; when it is ended, every sample stands in the file
SAMPLES as JSON: when (seconds of the machine's monotonic clock), by how much the loop was late, and how much CPU its
thread had since the sample before (milliseconds). The last tells its own work from that of others on the machine.
"""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path
from typing import NamedTuple

import msgspec

from papertape.app.serve import Started, serve_desk
from papertape.app.settings import Settings

_EVERY_S = 0.005


class Sample(NamedTuple):
    """One look at the loop: when, how late, and the CPU of its thread since the look before."""

    at: float
    late_ms: float
    cpu_ms: float


async def _sample(samples: list[Sample]) -> None:
    used = time.thread_time()
    while True:
        asked = time.monotonic()
        await asyncio.sleep(_EVERY_S)
        now, before, used = time.monotonic(), used, time.thread_time()
        late_ms, cpu_ms = max(0.0, now - asked - _EVERY_S) * 1_000, (used - before) * 1_000
        samples.append(Sample(round(now, 4), round(late_ms, 2), round(cpu_ms, 2)))


async def _serve(data_dir: Path, samples: list[Sample]) -> None:
    sampling = asyncio.create_task(_sample(samples), name="loop samples")

    def say(started: Started) -> None:
        sys.stdout.write(f"running at {started.url}\n")
        sys.stdout.flush()

    try:
        await serve_desk(Settings(port=0, data_dir=data_dir, feed="simulated"), say)
    finally:
        sampling.cancel()


def main() -> None:
    """Serve until the process is asked to end, then write the samples."""
    samples: list[Sample] = []
    asyncio.run(_serve(Path(sys.argv[1]), samples))
    Path(sys.argv[2]).write_bytes(msgspec.json.encode(samples))


if __name__ == "__main__":
    main()
