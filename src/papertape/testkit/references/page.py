"""The page of all comparisons: indicator × source × largest difference × definition followed."""

from __future__ import annotations

import math
from collections.abc import Iterable

from papertape.indicators.catalogue import CATALOGUE
from papertape.testkit.references.case import UNTIL_THE_END, Case
from papertape.testkit.references.compare import Comparison
from papertape.testkit.references.sources import CASES, UNCOMPARED, classical_kinds, compared
from papertape.testkit.references.unmapped import UNMAPPED

PAGE_FILE = "docs/reference/indicators-compared.md"
COMMAND = f"python -m papertape.testkit.references > {PAGE_FILE}"

_INTRODUCTION = """\
# Indicators compared

Every classical indicator beside what others compute from the same bars. This page is generated: `{command}`.

The sources stand beside a checkout, in `../shared/data`, and are not part of the product: `talib-on-crypto` is the
output of TA-Lib 0.8.1 on Coinbase candles; `stock-indicators` the baselines of Stock.Indicators;
`ta-stockcharts-reference` the tables of StockCharts as the `ta` library keeps them; `lean-indicators` the test files of
Lean.

*Allowed* is what the file can tell: half a unit of the last digit it prints, or, where it holds doubles or prints
fifteen digits or more, 1e-9 of the value or of the column's median size, whichever is larger. *Largest difference* is
the largest of all compared bars, *allowed* the tolerance at that bar. Where sources part, TA-Lib is followed, and *how
the source differs* says what was done to compare all the same: bars left out until a seed has faded, a bar put before
the file, a wider tolerance. A source that means something else by the name is measured and marked *another definition*.

{compared} columns are compared, {bars} values in all: {equal} equal, {other} of another definition{wrong}.
"""
_HEAD = "| source | column | parameters | bars | largest difference | allowed | how the source differs | verdict |"


def page() -> str:
    """Return the page in Markdown."""
    found = [compared(name) for name in CASES]
    parts = [
        _introduction(found),
        *(_section(kind, [one for one in found if one.case.kind == kind]) for kind in classical_kinds()),
        _without_kind(),
    ]
    return "\n".join(parts)


def verdict(comparison: Comparison) -> str:
    """Return one word or two: equal, another definition, or unequal."""
    if comparison.case.is_contrary:
        return "another definition"
    return "equal" if comparison.is_equal else "**unequal**"


def _introduction(found: list[Comparison]) -> str:
    verdicts = [verdict(one) for one in found]
    wrong = sum(word == "**unequal**" for word in verdicts)
    return _INTRODUCTION.format(
        command=COMMAND,
        compared=len(found),
        bars=f"{sum(one.bars for one in found):,}",
        equal=verdicts.count("equal"),
        other=verdicts.count("another definition"),
        wrong=f", {wrong} unequal" if wrong else "",
    )


def _section(kind: str, found: list[Comparison]) -> str:
    declared = CATALOGUE[kind]
    lines = [f"## {kind}", "", f"{_sentence(declared.formula)} Definition: {_sentence(declared.source)}", ""]
    if found:
        rows = (_row(one) for one in found)
        lines += [_HEAD, _rule(_HEAD), *rows, ""]
    else:
        lines += [f"Not compared: {UNCOMPARED[kind]}.", ""]
    return "\n".join(lines)


def _row(comparison: Comparison) -> str:
    case, largest = comparison.case, comparison.largest
    cells = [
        case.source,
        f"`{_file(case)}` {case.column}",
        ", ".join(f"{name} {value:g}" for name, value in case.params.items()),
        f"{comparison.bars:,}",
        _amount(largest.size),
        "" if case.is_contrary else _amount(largest.allowed),
        "; ".join(_differences(case)),
        verdict(comparison),
    ]
    return _line(cells)


def _differences(case: Case) -> list[str]:
    """Return the definition's words and every row that is left out, counted from 0."""
    said = [case.definition] if case.definition else []
    if case.after or case.before < UNTIL_THE_END:
        end = "" if case.before == UNTIL_THE_END else f" to {case.before - 1}"
        said.append(f"rows {case.after}{end}" if end else f"from row {case.after}")
    if case.without:
        said.append(f"without row {', '.join(map(str, case.without))}")
    return said


def _without_kind() -> str:
    head = "| source | file or column | why |"
    lines = ["## Columns that are compared with nothing", "", head, _rule(head)]
    lines += [_line([source, f"`{name}`", why]) for source, named in UNMAPPED.items() for name, why in named.items()]
    return "\n".join([*lines, ""])


def _file(case: Case) -> str:
    return case.file.removesuffix("_talib.parquet").removesuffix(".standard.json")


def _line(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cell.replace("|", r"\|") for cell in cells) + " |"


def _rule(head: str) -> str:
    return "|" + "---|" * (head.count("|") - 1)


def _sentence(text: str) -> str:
    return text if text.endswith(".") else f"{text}."


def _amount(size: float) -> str:
    """Return one digit, rounded up: the last bits of a sum are nobody's business."""
    if size == 0.0 or not math.isfinite(size):
        return "0" if size == 0.0 else "no value"
    exponent = math.floor(math.log10(size))
    digit = math.ceil(size / 10.0**exponent - 1e-6)
    if digit == 10:
        digit, exponent = 1, exponent + 1
    if exponent >= 0:
        return f"{digit * 10**exponent:,}"
    return f"{digit}e{exponent}" if exponent < -3 else f"{digit / 10**-exponent:g}"
