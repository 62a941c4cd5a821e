"""Measure the stream: `stream.py R5` prints the figure R5 as JSON, without a number every figure in its short form.

`--long` measures as the specification says. The exit code is 1 when a target was missed.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib
import json
import pkgutil
import re
import sys

import structlog

import streaming
from streaming.figure import Figure, Options, machine

_MODULE = re.compile(r"r\d\d_\w+")


def main() -> None:
    """Print the figures that were asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("figures", nargs="*", metavar="R5", help="which figures; all when none is named")
    parser.add_argument("--list", action="store_true", help="print what can be measured and the targets")
    parser.add_argument("--long", action="store_true", help="measure as long as the specification says")
    parser.add_argument("--seconds", type=float)
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    known = {figure.number: figure for figure in _figures()}
    if arguments.list:
        _print({number: {"what": figure.what, "target": figure.target} for number, figure in known.items()})
        return
    wanted = arguments.figures or [*known]
    unknown = [number for number in wanted if number not in known]
    if unknown:
        parser.error(f"there is no figure {', '.join(unknown)}; there are {', '.join(known)}")
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))  # only the figures are printed
    options = Options(seed=arguments.seed, is_long=arguments.long, seconds=arguments.seconds, rounds=arguments.rounds)
    reached = [_measure(known[number], options) for number in wanted]
    sys.exit(0 if all(reached) else 1)


def _measure(figure: Figure, options: Options) -> bool:
    on = machine()
    outcome = asyncio.run(figure.measure(options))
    _print(
        {
            "figure": figure.number,
            "what": figure.what,
            "target": figure.target,
            "reached": outcome.is_reached,
            "shortfall": outcome.shortfall,
            "figures": outcome.figures,
            "method": outcome.method,
            "seed": options.seed,
            "machine": on,
        }
    )
    return outcome.is_reached


def _figures() -> list[Figure]:
    names = sorted(module.name for module in pkgutil.iter_modules(streaming.__path__) if _MODULE.fullmatch(module.name))
    found: list[Figure] = [importlib.import_module(f"streaming.{name}").FIGURE for name in names]
    return found


def _print(document: object) -> None:
    json.dump(document, sys.stdout, indent=2)
    sys.stdout.write("\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
