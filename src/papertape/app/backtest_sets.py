"""Parameter sets: values tried at places of the definitions, every one with every other."""

from __future__ import annotations

import copy
import re
from collections.abc import Sequence
from itertools import product
from typing import Any

import msgspec
import yaml

from papertape.errors import Invalid
from papertape.model.session import StrategyVersion
from papertape.strategy.parse import check_definition, version_of

MOST_SETS = 10_000

_STEP = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)|\[(\d+)\]")
_PATH = re.compile(r"^[A-Za-z_][A-Za-z0-9_]*(\[\d+\]|\.[A-Za-z_][A-Za-z0-9_]*)*$")


class ParameterSet(msgspec.Struct, frozen=True, kw_only=True):
    """The strategies with one choice of values. `values` by path as it was given; `name` says them in a line."""

    name: str
    values: dict[str, Any]  # what YAML reads: numbers, texts, lists
    strategies: tuple[StrategyVersion, ...]


def make_sets(strategies: Sequence[StrategyVersion], texts: Sequence[str]) -> list[ParameterSet]:
    """Return one set for each combination of the values of `PATH=VALUE[,VALUE…]`, the last path changing fastest.

    A path such as `indicators.fast.params.period` is one of every strategy; `NAME:PATH` is one of the strategy NAME.

    Raises:
        Invalid: a text is no `PATH=VALUE`, the path leads nowhere, or a definition with the value is wrong.
    """
    choices = [_parse(text, strategies) for text in texts]
    paths = [path for path, _ in choices]
    for path in paths:
        if paths.count(path) > 1:
            raise _wrong(f"--set {path} is given twice", f"give its values once: --set {path}=VALUE,VALUE")
    count = 1
    for _, values in choices:
        count *= len(values)
    if count > MOST_SETS:
        raise _wrong(f"These are {count:,} parameter sets", f"at most {MOST_SETS:,} run at once; give fewer values")
    return [
        _make(dict(zip(paths, chosen, strict=True)), strategies)
        for chosen in product(*(values for _, values in choices))
    ]


def _parse(text: str, strategies: Sequence[StrategyVersion]) -> tuple[str, list[Any]]:
    path, equals, values = text.partition("=")
    owner, colon, inner = path.rpartition(":")
    if not equals or not values.strip() or not _PATH.match(inner):
        raise _wrong(
            f"{text!r} sets nothing",
            "expected PATH=VALUE or PATH=VALUE,VALUE, for example --set indicators.fast.params.period=10,20",
        )
    names = [version.name for version in strategies]
    if colon and owner not in names:
        raise _wrong(f"--set {path} is of no strategy that runs", f"those are {', '.join(names)}")
    try:
        chosen = yaml.safe_load(f"[{values}]")
    except yaml.YAMLError as error:
        raise _wrong(f"The values of --set {text!r} cannot be read", "write them as in a definition") from error
    if len({repr(value) for value in chosen}) != len(chosen):
        raise _wrong(f"--set {path} has the same value twice", "give each value once")
    return path, chosen


def _make(values: dict[str, Any], strategies: Sequence[StrategyVersion]) -> ParameterSet:
    changed: list[StrategyVersion] = []
    for version in strategies:
        plain = copy.deepcopy(version.definition)
        own = {path: value for path, value in values.items() if _owner(path) in ("", version.name)}
        for path, value in own.items():
            _put(plain, path.rpartition(":")[2], value, version.name)
        changed.append(_checked(plain, own, version) if own else version)
    name = ", ".join(f"{path}={_said(value)}" for path, value in values.items())
    return ParameterSet(name=name, values=values, strategies=tuple(changed))


def _owner(path: str) -> str:
    return path.rpartition(":")[0]


def _checked(plain: dict[str, Any], values: dict[str, Any], version: StrategyVersion) -> StrategyVersion:
    try:
        return version_of(check_definition(plain), version.version)
    except Invalid as error:
        said = ", ".join(f"{path}={_said(value)}" for path, value in values.items())
        raise Invalid(
            f"With {said} the strategy {version.name!r} is wrong. {error.message} Where only another strategy has "
            "this place, write --set NAME:PATH=VALUE.",
            code=error.code,
            path=error.path,
        ) from error


def _put(plain: dict[str, Any], path: str, value: object, strategy: str) -> None:
    steps: list[str | int] = [int(at) if at else word for word, at in _STEP.findall(path)]
    here: Any = plain
    for step in steps[:-1]:
        inner = _inside(here, step)
        if inner is None and isinstance(here, dict) and isinstance(step, str):
            inner = here[step] = {}  # what a definition leaves out has its default value
        here = inner
    last = steps[-1]
    is_there = isinstance(here, dict) and isinstance(last, str)
    if not is_there and not (isinstance(here, list) and isinstance(last, int) and last < len(here)):
        raise _wrong(
            f"--set {path} leads nowhere in the strategy {strategy!r}",
            "see its definition; a place is written like sections.S1.conditions[0].threshold, and of one strategy "
            "alone NAME:PATH",
        )
    here[last] = value


def _inside(here: Any, step: str | int) -> Any:
    if isinstance(here, dict) and isinstance(step, str):
        return here.get(step)
    if isinstance(here, list) and isinstance(step, int) and step < len(here):
        return here[step]
    return None


def _said(value: object) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _wrong(what: str, expected: str) -> Invalid:
    return Invalid(f"{what}; {expected}.", code="backtest.set", path="set")
