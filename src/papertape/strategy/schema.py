"""The published JSON Schema of a strategy definition, generated from the structs."""

from __future__ import annotations

from typing import Any

import msgspec

from papertape.indicators.catalogue import CATALOGUE
from papertape.strategy.definition import StrategyDefinition


def definition_schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of a definition, indicator kinds included, deterministic."""
    schema = msgspec.json.schema(StrategyDefinition)
    kind = schema["$defs"]["IndicatorUse"]["properties"]["kind"]
    kind["enum"] = sorted(CATALOGUE)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "papertape strategy definition",
        **schema,
    }
