"""The Python client as a command under test: `python -m …python_command URL SCALE TOPIC…`, a line for each delivery."""

from __future__ import annotations

import asyncio
import sys

import msgspec

from papertape.testkit.conformance.client.starting import reports


async def follow(url: str, scale: float, topics: tuple[str, ...]) -> None:
    """Print what the client delivers."""
    async for report in reports(url, scale, topics):
        sys.stdout.write(msgspec.json.encode(report).decode() + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(follow(sys.argv[1], float(sys.argv[2]), tuple(sys.argv[3:])))
