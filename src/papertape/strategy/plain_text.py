"""Text of a definition, YAML or JSON, to plain values (mappings, lists, text, numbers)."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import msgspec
import yaml

from papertape.errors import Invalid

MAX_BYTES = 256 * 1024


class _StrictLoader(yaml.SafeLoader):
    """YAML without aliases (a small file could expand without end) and without keys that silently replace others."""

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:  # Any: as yaml types it
        if self.check_event(yaml.AliasEvent):
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]  # the stubs leave it untyped
            raise yaml.constructor.ConstructorError(None, None, "anchors and aliases are not supported", mark)
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if key.value in seen:
                raise yaml.constructor.ConstructorError(None, None, f"{key.value!r} is written twice", key.start_mark)
            seen.add(str(key.value))
        return super().construct_mapping(node, deep)


def load_plain(text: str | bytes) -> object:
    """Return the plain values of a YAML or JSON text.

    Raises:
        Invalid: it is neither, is larger than 256 KB, uses YAML aliases, or writes a key twice.
    """
    source = _decoded(text)
    try:
        if source.lstrip().startswith("{"):
            return msgspec.json.decode(source)
        return yaml.load(source, Loader=_StrictLoader)
    except msgspec.DecodeError as error:
        raise _malformed("JSON", str(error)) from error
    except yaml.YAMLError as error:
        raise _malformed("YAML", _yaml_problem(error)) from error
    except RecursionError as error:
        raise _malformed("YAML or JSON", "it is nested too deeply") from error


def _decoded(text: str | bytes) -> str:
    if len(text) > MAX_BYTES:
        raise _malformed("YAML or JSON", f"it has {len(text)} bytes, the limit is {MAX_BYTES}")
    if isinstance(text, str):
        return text
    try:
        return text.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _malformed("UTF-8 text", f"byte {error.start} cannot be read") from error


def _malformed(expected: str, problem: str) -> Invalid:
    return Invalid(
        f"The definition cannot be read as {expected}: {problem}. Correct the text and save it again.",
        code="strategy.malformed_text",
    )


def _yaml_problem(error: yaml.YAMLError) -> str:
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        mark = error.problem_mark
        hint = (
            '; an operator such as > must be written in quotes: ">"'
            if "cannot start any token" in (error.problem or "")
            else ""
        )
        return f"line {mark.line + 1}, column {mark.column + 1}: {error.problem}{hint}"
    return str(error)
