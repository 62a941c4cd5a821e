"""Run Autobahn's fuzzing client against the desk's own WebSocket settings and print what it found, as JSON.

It needs a Python 2.7, which its last release runs on; without one this says so and ends with 2. The tool is installed
into .setup/autobahn. The exit code is 1 when a case fails that
is neither refused for its size nor known.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import uvicorn

from papertape.server.asgi import Message, Receive, Send
from papertape.server.serve import bind, uvicorn_config
from papertape.server.settings import ServerSettings

FOLDER = Path(__file__).resolve().parent.parent / ".setup" / "autobahn"
RELEASE = "autobahntestsuite==25.10.1"
CASES = ("1.*", "2.*", "3.*", "4.*", "5.*", "6.*", "7.*", "9.*", "10.*")  # 11 to 13 are compression, which is off
_TOO_LARGE = 1009
KNOWN = {
    "7.1.5": "a close inside an unfinished fragmented message is answered 1002 by the websockets library, not 1000"
}


async def echo(scope: Message, receive: Receive, send: Send) -> None:
    """Send back whatever comes, as the fuzzing client expects."""
    if scope["type"] == "lifespan":
        while (await receive())["type"] != "lifespan.shutdown":
            await send({"type": "lifespan.startup.complete"})
        await send({"type": "lifespan.shutdown.complete"})
        return
    if scope["type"] != "websocket":
        await send({"type": "http.response.start", "status": 404, "headers": []})
        await send({"type": "http.response.body", "body": b""})
        return
    await receive()  # websocket.connect
    await send({"type": "websocket.accept"})
    while (message := await receive())["type"] == "websocket.receive":
        content = {kind: message[kind] for kind in ("text", "bytes") if message.get(kind) is not None}
        with contextlib.suppress(OSError):  # a case that ends while its echo is on its way
            await send({"type": "websocket.send", **content})


def find_python27() -> str | None:
    """Return a Python 2.7 of the PATH or of pyenv, None when there is neither."""
    on_path = shutil.which("python2.7")
    if on_path is not None and _is_python27(on_path):
        return on_path
    root = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    return next((str(path) for path in sorted(root.glob("versions/2.7*/bin/python2.7"))), None)


def _is_python27(path: str) -> bool:
    """Tell a real interpreter from a shim that only says it is not selected."""
    return subprocess.run([path, "-c", "1"], capture_output=True, check=False).returncode == 0


def install(python: str) -> Path:
    """Install the fuzzing client below .setup/autobahn unless it is there, and return its command."""
    command = FOLDER / "bin" / "wstest"
    if not command.exists():
        # its packages share the namespace `zope`, which only a site directory joins: hence --user, not --target
        arguments = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--user", RELEASE]
        subprocess.run(arguments, check=True, env=_environment(), stdout=sys.stderr)
    return command


def _environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return {**kept, "PYTHONUSERBASE": str(FOLDER), "PYTHONNOUSERSITE": "", "PYTHONWARNINGS": "ignore"}


@contextlib.asynccontextmanager
async def echo_server() -> AsyncIterator[int]:
    """Serve the echo under the desk's own uvicorn settings; yield the port."""
    settings = ServerSettings(port=0, shutdown_s=1)
    listener = bind(settings)
    server = uvicorn.Server(uvicorn_config(echo, settings))
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield listener.getsockname()[1]
    finally:
        server.should_exit = True
        await task


def write_plan(port: int, cases: list[str], outdir: Path) -> Path:
    """Write what the fuzzing client is to do, and return the file."""
    plan = {
        "outdir": str(outdir),
        "servers": [{"agent": "papertape", "url": f"ws://127.0.0.1:{port}", "options": {"version": 18}}],
        "cases": cases,
        "exclude-cases": [],
        "exclude-agent-cases": {},
    }
    outdir.mkdir(parents=True, exist_ok=True)
    spec = outdir / "fuzzingclient.json"
    spec.write_text(json.dumps(plan))
    return spec


async def fuzz(python: str, command: Path, cases: list[str], outdir: Path) -> dict[str, Any]:
    """Run the cases and return the tool's own index of them."""
    async with echo_server() as port:
        spec = write_plan(port, cases, outdir)
        client = await asyncio.create_subprocess_exec(
            python, str(command), "-m", "fuzzingclient", "-s", str(spec),
            env=_environment(), stdout=sys.stderr, stderr=sys.stderr,
        )  # fmt: skip
        if await client.wait():
            raise SystemExit(f"The fuzzing client ended with {client.returncode}; its output above says why.")
    return read_index(outdir)


def read_index(outdir: Path) -> dict[str, Any]:
    """Return the tool's own index of the cases."""
    found: dict[str, Any] = json.loads((outdir / "index.json").read_text())["papertape"]
    return found


def report(index: dict[str, Any], seconds: float) -> dict[str, Any]:
    """Return counts by behaviour and what is not OK; a message over 64 KB is closed with 1009 on purpose."""
    refused = {name for name, case in index.items() if _is_refused_for_size(name, case)}
    others = {
        name: {key: case[key] for key in ("behavior", "behaviorClose", "remoteCloseCode")}
        for name, case in index.items()
        if name not in refused and {case["behavior"], case["behaviorClose"]} != {"OK"}
    }
    failed = [name for name, case in others.items() if "FAILED" in (case["behavior"], case["behaviorClose"])]
    return {
        "what": f"Autobahn's fuzzing client ({RELEASE}) against an echo under the desk's uvicorn settings",
        "cases": len(index),
        "counts": dict(Counter(str(case["behavior"]) for case in index.values()).most_common()),
        "failed": sorted((name for name in failed if name not in KNOWN), key=_order),
        "known": {name: KNOWN[name] for name in failed if name in KNOWN},
        "not_ok": {name: others[name] for name in sorted(others, key=_order)},
        "refused_for_size": {
            "why": "messages of more than 65,536 bytes are refused on purpose (ws_max_size), with 1009",
            "closed_1009": sorted((n for n in refused if index[n]["remoteCloseCode"] == _TOO_LARGE), key=_order),
            "reset_before_the_close_frame_was_read": sorted(
                (name for name in refused if index[name]["remoteCloseCode"] is None), key=_order
            ),
        },
        "seconds": round(seconds, 1),
    }


def _is_refused_for_size(name: str, case: dict[str, Any]) -> bool:
    return name.startswith("9.") and case["behavior"] == "FAILED" and case["remoteCloseCode"] in (_TOO_LARGE, None)


def _order(name: str) -> list[int]:
    return [int(part) for part in name.split(".")]


def main() -> None:
    """Run the cases of the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", nargs="*", default=CASES, help="such as 1.* 5.3 (default: all but compression)")
    parser.add_argument("--outdir", type=Path, default=FOLDER / "report", help="where the tool writes its pages")
    options = parser.parse_args()
    python = find_python27()
    if python is None:
        sys.stderr.write(
            "Autobahn's fuzzing client runs on Python 2.7 only, and there is none on the PATH or in pyenv; install one "
            "(`pyenv install 2.7.18`) and run this again.\n"
        )
        sys.exit(2)
    command = install(python)
    started = time.monotonic()
    index = asyncio.run(fuzz(python, command, list(options.cases), options.outdir.resolve()))
    found = report(index, time.monotonic() - started)
    json.dump(found, sys.stdout, indent=2)
    sys.stdout.write("\n")
    sys.exit(1 if found["failed"] else 0)


if __name__ == "__main__":
    main()
