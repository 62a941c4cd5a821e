"""The script of the guide runs as it is printed."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest

from papertape.testkit.desk_server import desk_server
from papertape.testkit.fake_desk import SESSION_ID

GUIDE = Path(__file__).resolve().parents[2] / "docs/guides/stream-client.md"


async def test_the_first_script_of_the_guide_prints_what_the_desk_publishes(capsys: pytest.CaptureFixture[str]) -> None:
    (script, *_) = re.findall(r"```python\n(.*?)```", GUIDE.read_text(), re.DOTALL)
    names, call = script.split("asyncio.run(")
    scope: dict[str, object] = {}
    exec(names, scope)
    async with desk_server() as server:
        server.desk.fill(2)
        task = asyncio.create_task(eval(f'follow("{server.url}", "{SESSION_ID}")', scope))
        printed = ""
        async with asyncio.timeout(30):
            while printed.count("Snap(") < 2:
                await asyncio.sleep(0.01)  # what is printed has no event to wait for
                printed += capsys.readouterr().out
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert (call.startswith('follow("http://127.0.0.1:8420", '), task.cancelled()) == (True, True)
    assert printed.count("'fill_id'") == 2
