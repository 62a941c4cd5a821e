"""The shipped strategies, and their copies for readers of the repository."""

from __future__ import annotations

from pathlib import Path

import pytest

from papertape.errors import NotFound
from papertape.strategy.library import builtin_names, builtin_text

EXAMPLES = Path(__file__).resolve().parents[3] / "examples" / "strategies"


def test_the_builtins_are_those_of_the_specification() -> None:
    assert {"pump-peak-short", "flash-pump-long", "ema-cross"} <= set(builtin_names())


def test_the_examples_are_equal_to_the_builtins() -> None:
    examples = {path.stem: path.read_text(encoding="utf-8") for path in EXAMPLES.glob("*.yaml")}
    assert examples == {name: builtin_text(name) for name in builtin_names()}


def test_an_unknown_builtin_is_refused_with_those_that_exist() -> None:
    with pytest.raises(NotFound, match="the built-ins are ema-cross, flash-pump-long, pump-peak-short"):
        builtin_text("../secrets")
