"""Text or plain values to a checked definition and back; its canonical form and hash."""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec

from papertape.model.session import StrategyVersion
from papertape.strategy.check import check_meaning
from papertape.strategy.definition import StrategyDefinition
from papertape.strategy.plain_text import load_plain
from papertape.strategy.shape_errors import explain_shape, invalid_at

_CANONICAL = msgspec.json.Encoder(order="deterministic")


def parse_definition(text: str | bytes) -> StrategyDefinition:
    """Return the definition written in a YAML or JSON text.

    Raises:
        Invalid: the text or what it says is wrong; `path` names the place, e.g.
            `sections.S1.conditions[0].threshold`, and the message says what to write instead.
    """
    return check_definition(load_plain(text))


def check_definition(plain: object) -> StrategyDefinition:
    """Return the definition given as plain values (mappings, lists, text, numbers).

    Raises:
        Invalid: as `parse_definition`.
    """
    if not isinstance(plain, dict):
        raise invalid_at("", "A definition is a mapping with at least `name` and `sections`; start from a built-in.")
    try:
        definition = msgspec.convert(plain, StrategyDefinition)
    except msgspec.ValidationError as error:
        raise explain_shape(plain, error) from error
    check_meaning(definition)
    return definition


def to_plain(definition: StrategyDefinition) -> dict[str, Any]:
    """Return the plain values of a definition: defaults left out, lists for tuples, the order as written."""
    plain: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(definition))
    return plain


def definition_sha256(definition: StrategyDefinition) -> str:
    """Return the SHA-256, in hex, of the canonical JSON of a definition; comments and key order do not matter."""
    return hashlib.sha256(_CANONICAL.encode(definition)).hexdigest()


def version_of(definition: StrategyDefinition, number: int = 1) -> StrategyVersion:
    """Return the exact version that a session records, by the definition's own name."""
    return StrategyVersion(
        name=definition.name, version=number, sha256=definition_sha256(definition), definition=to_plain(definition)
    )
