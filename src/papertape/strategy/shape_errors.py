"""Turns a msgspec complaint about a definition's shape into a sentence: path, what was expected and found, remedy."""

from __future__ import annotations

import difflib
import re

import msgspec
from msgspec import inspect

from papertape.errors import Invalid
from papertape.strategy.definition import StrategyDefinition

Path = tuple[str | int, ...]

_STEP = re.compile(r"\.([A-Za-z0-9_]+)|\[([0-9]+)\]|(\[\.\.\.\])")
_COMPLAINT = re.compile(r"^(?P<what>.*?)(?: - at (?P<key>`key` in )?`\$(?P<path>.*)`)?$", re.DOTALL)
_WORDS = {
    "float": "a number",
    "int": "a whole number",
    "str": "text",
    "array": "a list",
    "object": "a mapping",
    "bool": "true or false",
}


def invalid_at(path: str, problem: str, code: str = "strategy.invalid") -> Invalid:
    """Return the refusal `path: problem.` with its path."""
    return Invalid(f"{path}: {problem}" if path else problem, code=code, path=path or None)


def explain_shape(plain: object, error: msgspec.ValidationError) -> Invalid:
    """Return the refusal for a value that does not have the shape of a definition."""
    match = _COMPLAINT.match(str(error))
    what, raw = (match["what"], match["path"] or "") if match else (str(error), "")
    path = _resolve(plain, raw)
    if match and match["key"]:
        return _wrong_key(plain, path)
    if what.startswith("Object contains unknown field"):
        path = (*path, what.split("`")[1])
    found = value_at(plain, path)
    return invalid_at(path_text(path), _problem(what, path, found))


def path_text(path: Path) -> str:
    """Return a path as text: `sections.S1.conditions[0].threshold`."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else (f".{step}" if text else step)
    return text


def value_at(plain: object, path: Path) -> object:
    """Return the value at a path of plain values, or None when there is none."""
    for step in path:
        if isinstance(plain, dict):
            plain = plain.get(step)
        elif isinstance(plain, list) and isinstance(step, int) and step < len(plain):
            plain = plain[step]
        else:
            return None
    return plain


def did_you_mean(word: str, known: list[str]) -> str:
    """Return `; did you mean "…"?` for a close word, else the list of what is known."""
    close = difflib.get_close_matches(word, known, n=1)
    if close:
        return f'did you mean "{close[0]}"?'
    return f"known are {', '.join(sorted(known))}" if known else "none is declared"


def _resolve(plain: object, raw: str) -> Path:
    # msgspec hides the keys of a mapping as [...]: the offending key is the first whose value fails on its own
    path: Path = ()
    for name, index, hidden in _STEP.findall(raw):
        path = (*path, _failing_key(plain, path) if hidden else (name or int(index)))
    return path


def _failing_key(plain: object, path: Path) -> str:
    expected = _type_at(path)
    mapping = value_at(plain, path)
    if isinstance(mapping, dict) and isinstance(expected, inspect.DictType):
        wanted = _python_type(expected.value_type)
        for key, value in mapping.items():
            try:
                msgspec.convert(value, wanted)
            except msgspec.ValidationError:
                return str(key)
    return "..."


def _python_type(expected: inspect.Type) -> type:
    if isinstance(expected, inspect.StructType):
        return expected.cls
    return float


def _type_at(path: Path) -> inspect.Type | None:
    here: inspect.Type | None = inspect.type_info(StrategyDefinition)
    for step in path:
        here = _child(here, step)
    return here


def _child(parent: inspect.Type | None, step: str | int) -> inspect.Type | None:
    for option in _options(parent):
        if isinstance(option, inspect.StructType):
            for field in option.fields:
                if field.encode_name == step:
                    return _unwrapped(field.type)
        if isinstance(option, inspect.DictType):
            return _unwrapped(option.value_type)
        if isinstance(option, inspect.VarTupleType) and isinstance(step, int):
            return _unwrapped(option.item_type)
    return None


def _options(parent: inspect.Type | None) -> tuple[inspect.Type, ...]:
    if isinstance(parent, inspect.UnionType):
        return tuple(_unwrapped(option) for option in parent.types)
    return () if parent is None else (parent,)


def _unwrapped(wrapped: inspect.Type) -> inspect.Type:
    return wrapped.type if isinstance(wrapped, inspect.Metadata) else wrapped


def _field_names(path: Path) -> list[str]:
    for option in _options(_type_at(path)):
        if isinstance(option, inspect.StructType):
            return [field.encode_name for field in option.fields]
    return []


def _enum_values(path: Path) -> list[str]:
    for option in _options(_type_at(path)):
        if isinstance(option, inspect.LiteralType):
            return [str(value) for value in option.values]
    return []


def _wrong_key(plain: object, path: Path) -> Invalid:
    mapping = value_at(plain, path)
    keys = list(mapping) if isinstance(mapping, dict) else []
    wrong = next((key for key in keys if not re.fullmatch("[a-z][a-z0-9_]{0,39}", str(key)) or key != str(key)), "?")
    return invalid_at(
        path_text((*path, str(wrong))),
        f'expected a name of lower-case letters, digits and _ that starts with a letter, found "{wrong}"; '
        "rename it, e.g. price_rise",
    )


def _problem(what: str, path: Path, found: object) -> str:
    if what.startswith("Object contains unknown field"):
        return f'unknown field "{path[-1]}"; {did_you_mean(str(path[-1]), _field_names(path[:-1]))}'
    if what.startswith("Object missing required field"):
        return f'the required field "{what.split("`")[1]}" is missing; add it'
    if what.startswith("Invalid enum value"):
        known = _enum_values(path)
        close = difflib.get_close_matches(str(found), known, n=1)
        remedy = f'did you mean "{close[0]}"?' if close else "choose one of them"
        return f"expected one of {', '.join(known)}, found {shown(found)}; {remedy}"
    if "matching regex" in what:
        return f"expected {_pattern_words(path)}, found {shown(found)}; {_pattern_remedy(path)}"
    expected = what.split(", got")[0].removeprefix("Expected ")
    return _wrong_type(expected, found)


def _pattern_words(path: Path) -> str:
    return "a name of lower-case letters, digits and -" if path == ("name",) else "a duration"


def _pattern_remedy(path: Path) -> str:
    return "write e.g. my-strategy" if path == ("name",) else "write a number and a unit, e.g. 30s"


def _wrong_type(expected: str, found: object) -> str:
    limit = re.match(r"`(?:float|int)` (>=|<=|>|<) (.+)$", expected)
    if limit:
        words = {">=": "at least", "<=": "at most", ">": "more than", "<": "less than"}[limit[1]]
        return f"expected a number of {words} {limit[2]}, found {shown(found)}; choose a value within the limit"
    if "of length" in expected:
        return f"expected two numbers [low, high], found {shown(found)}; write e.g. [30, 70]"
    kinds = [kind for kind in re.findall(r"[a-z]+", expected) if kind in _WORDS]
    is_number = bool(kinds) and kinds[0] in ("float", "int")
    words = _WORDS[kinds[0]] if kinds else expected
    if is_number and isinstance(found, str):
        return f"expected {words}, found {shown(found)}; write it without quotes, e.g. 2.5"
    if kinds == ["str"] and isinstance(found, int | float):
        return f"expected {words}, found {shown(found)}; a duration needs a unit, e.g. {found}s"
    return f"expected {words}, found {shown(found)}; correct its kind"


def shown(value: object) -> str:
    """Return a plain value as shown in a message, short."""
    if value is None:
        return "nothing"
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return f"a list of {len(value)}"
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return f'"{text[:60]}"' if isinstance(value, str) else text
