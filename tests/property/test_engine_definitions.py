"""Whatever is written, a definition is either taken or refused with a place; never anything else."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from papertape.errors import Invalid
from papertape.strategy.definition import StrategyDefinition
from papertape.strategy.library import builtin_names, builtin_text
from papertape.strategy.parse import check_definition, parse_definition, to_plain
from papertape.strategy.program import compile_definition

PLAINS = [to_plain(parse_definition(builtin_text(name))) for name in builtin_names()]

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-10, 10_000),
    st.floats(),
    st.sampled_from(["", "abc", "30s", "rise", "fast", ">=", "between", "all", "0.5h", "long", "rsi", "é"]),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(["kind", "op", "any", "size", "threshold", "x", "for", "S1"]), inner, max_size=3
        ),
    ),
    max_leaves=6,
)


def _places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:  # plain values of any kind
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, child in inner for place in _places(child, (*path, key)))]


@st.composite
def _damaged(draw: st.DrawFn) -> object:
    plain = copy.deepcopy(draw(st.sampled_from(PLAINS)))
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.sampled_from(_places(plain)[1:]))
        target: Any = plain
        for step in place[:-1]:
            target = target[step]
        if draw(st.booleans()) and isinstance(target, dict):
            target[draw(st.sampled_from(["extra", "for", "any", "other", "name"]))] = draw(VALUES)
        else:
            target[place[-1]] = draw(VALUES)
    return plain


def _read(plain: object) -> StrategyDefinition | Invalid:
    try:
        return check_definition(plain)
    except Invalid as refusal:
        return refusal


@settings(max_examples=200, deadline=None)
@given(_damaged())
def test_a_damaged_definition_is_taken_or_refused_in_a_sentence(plain: object) -> None:
    read = _read(plain)
    if isinstance(read, Invalid):
        assert read.message.startswith(read.path or "A definition")
    else:
        compile_definition(read)
        assert check_definition(to_plain(read)) == read


@settings(max_examples=100, deadline=None)
@given(st.one_of(st.text(max_size=60), st.binary(max_size=60), VALUES.map(lambda value: yaml.safe_dump(value))))
def test_text_of_anything_else_is_refused_in_a_sentence(text: str | bytes) -> None:
    with pytest.raises(Invalid):
        parse_definition(text)
