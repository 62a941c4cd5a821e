"""A whole desk, as `papertape run` serves it, whose own process samples its event loop every 5 ms.

`python -m streaming.sampled_desk DATA_DIR SAMPLES`: says its address; when it is ended, every sample stands in the file
SAMPLES as JSON: when (seconds of the machine's monotonic clock) and by how much the loop was late (milliseconds).
"""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path

import msgspec

from papertape.app.serve import Started, serve_desk
from papertape.app.settings import Settings

_EVERY_S = 0.005


async def _sample(samples: list[tuple[float, float]]) -> None:
    while True:
        asked = time.monotonic()
        await asyncio.sleep(_EVERY_S)
        now = time.monotonic()
        samples.append((round(now, 4), round(max(0.0, now - asked - _EVERY_S) * 1_000, 2)))


async def _serve(data_dir: Path, samples: list[tuple[float, float]]) -> None:
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
    samples: list[tuple[float, float]] = []
    asyncio.run(_serve(Path(sys.argv[1]), samples))
    Path(sys.argv[2]).write_bytes(msgspec.json.encode(samples))


if __name__ == "__main__":
    main()
