"""The command line of the conformance suite."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import msgspec

from papertape.errors import PapertapeError, Refused
from papertape.testkit.conformance.client.starting import command_client
from papertape.testkit.conformance.client.suite import SCRIPTS, check_client
from papertape.testkit.conformance.server.suite import CASES, check_server
from papertape.testkit.conformance.verdict import Verdict

_PAGE = "docs/reference/stream.md"


def main(arguments: Sequence[str] | None = None) -> None:
    """Run what the command line asks for; the exit code is 1 when a rule was broken, 2 when nothing could be run."""
    options = _parser().parse_args(arguments)
    if options.list:
        rules = CASES if options.role == "server" else SCRIPTS
        _write("".join(f"{rule.name}\n    {rule.rule} {_PAGE}{rule.where}\n" for rule in rules))
        return
    try:
        verdicts = asyncio.run(_check_server(options) if options.role == "server" else _check_client(options))
    except PapertapeError as error:
        sys.stderr.write(f"{error.message}\n")
        sys.exit(2)
    _write(_as_json(verdicts) if options.json else _as_text(verdicts))
    sys.exit(1 if any(verdict.result == "failed" for verdict in verdicts) else 0)


async def _check_server(options: argparse.Namespace) -> list[Verdict]:
    return await check_server(options.url, session_id=options.session, only=options.only, patience_s=options.patience)


async def _check_client(options: argparse.Namespace) -> list[Verdict]:
    command = [word for word in options.command if word != "--"]
    if not command:
        raise Refused("Name the command that starts the client, after --.", code="conformance.no_command")
    return await check_client(
        command_client(command, page="/client.html" if options.bundle else ""),
        scale=options.scale,
        only=options.only,
        at_once=options.at_once,
        bundle=options.bundle,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m papertape.testkit.conformance", description=__doc__)
    roles = parser.add_subparsers(required=True, dest="role")
    server = roles.add_parser("server", help="check a server of the stream")
    server.add_argument("url", nargs="?", default="http://127.0.0.1:8420")
    server.add_argument("--session", help="the session whose publications are looked at (default: the newest running)")
    server.add_argument("--patience", type=float, default=20.0, help="seconds to wait for a publication (default 20)")
    client = roles.add_parser("client", help="check a client of the stream")
    client.add_argument("command", nargs=argparse.REMAINDER, help="what starts the client: -- COMMAND [ARGUMENT …]")
    client.add_argument("--scale", type=float, default=1.0, help="what the client multiplies its times by (default 1)")
    client.add_argument("--bundle", type=Path, help="the script that /client.js is; the client is a page then")
    client.add_argument("--at-once", type=int, default=8, help="how many clients run beside each other (default 8)")
    for role in (server, client):
        role.add_argument("--only", metavar="NAME", help="run one case")
        role.add_argument("--list", action="store_true", help="print the cases and their rules")
        role.add_argument("--json", action="store_true", help="print the verdicts as JSON")
    return parser


def _as_text(verdicts: Sequence[Verdict]) -> str:
    lines = []
    for verdict in verdicts:
        lines.append(f"{verdict.result:8}{verdict.name} ({verdict.seconds:.1f} s)")
        if verdict.result != "passed":
            lines.append(f"        {verdict.detail}\n        rule: {verdict.rule} {_PAGE}{verdict.where}")
    counts = Counter(verdict.result for verdict in verdicts)
    lines.append(", ".join(f"{counts[result]} {result}" for result in ("passed", "failed", "skipped")))
    return "\n".join(lines) + "\n"


def _as_json(verdicts: Sequence[Verdict]) -> str:
    counts = Counter(verdict.result for verdict in verdicts)
    document = {"counts": dict(counts), "verdicts": verdicts}
    return msgspec.json.format(msgspec.json.encode(document), indent=2).decode() + "\n"


def _write(text: str) -> None:
    sys.stdout.write(text)
