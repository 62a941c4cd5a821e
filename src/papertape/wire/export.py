"""Writes what derives from the declared structs: JSON Schema and TypeScript types.

Run `python -m papertape.wire.export` after any change of a struct that crosses the process border.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import msgspec

from papertape.model import events, views
from papertape.model.backtest import BacktestView, StartBacktest
from papertape.model.feed import FeedStatus
from papertape.model.instrument import Instrument
from papertape.model.market_rows import IndicatorValueRow, SignalInContext
from papertape.model.session import SessionRow, StartSession
from papertape.wire import http, stream
from papertape.wire.asyncapi import asyncapi
from papertape.wire.close import CloseCode
from papertape.wire.topics import DESK_RECORDS, FACT_TABLES
from papertape.wire.typescript import write_typescript

JsonSchema = dict[str, Any]  # a JSON Schema document: its shape is open by definition

UNIONS: dict[str, Any] = {
    "ClientMessage": stream.ClientMessage,
    "ServerMessage": stream.ServerMessage,
    "AnyEvent": events.AnyEvent,
}

INPUTS: tuple[type[msgspec.Struct], ...] = (
    stream.Hello,
    stream.Sub,
    stream.Unsub,
    stream.Ping,
    stream.Vis,
    StartSession,
    StartBacktest,
    http.StopRequest,
    http.StrategyText,
)

OUTPUTS: tuple[type[msgspec.Struct], ...] = (
    *views.VIEW_OF.values(),
    *DESK_RECORDS.values(),
    events.EquityMarked,
    SessionRow,
    Instrument,
    FeedStatus,
    views.FeedView,
    http.StrategyView,
    views.HealthView,
    http.ErrorBody,
    http.SessionState,
    http.DashboardSummary,
    http.Validation,
    http.IndicatorKindView,
    http.Connections,
    http.Resumed,
    BacktestView,
    IndicatorValueRow,
    SignalInContext,
    CloseCode,
)

ASYNCAPI_FILE = "schema/asyncapi.json"
SCHEMA_FILE = "schema/papertape.v1.schema.json"
TYPESCRIPT_FILE = "web/src/wire/generated.ts"


def json_schema() -> JsonSchema:
    """Return the JSON Schema of every message, fact, view and body, as one document of `$defs`."""
    roots = [*UNIONS.values(), *INPUTS, *OUTPUTS]
    tops, defs = msgspec.json.schema_components(roots, ref_template="#/$defs/{name}")
    for name, top in zip(UNIONS, tops, strict=False):
        defs[name] = top
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "papertape v1",
        "description": "Every message, fact, view and body that crosses the process border. Generated; do not edit.",
        "topics": {
            "fact": {name: table.record.__name__ for name, table in FACT_TABLES.items()},
            "latest": {name: record.__name__ for name, record in views.VIEW_OF.items()},
            "desk": {name: record.__name__ for name, record in DESK_RECORDS.items()},
        },
        "$defs": dict(sorted(defs.items())),
    }


def generated_files() -> dict[str, str]:
    """Return the text of every generated file by its path below the repository's root."""
    schema = json_schema()
    optional = {record.__name__ for record in INPUTS} | {name for name in schema["$defs"] if _omits_defaults(name)}
    return {
        SCHEMA_FILE: json.dumps(schema, indent=2, ensure_ascii=False) + "\n",
        ASYNCAPI_FILE: json.dumps(asyncapi(), indent=2, ensure_ascii=False) + "\n",
        TYPESCRIPT_FILE: write_typescript(schema, optional),
    }


def _omits_defaults(name: str) -> bool:
    for module in (stream, http, events, views):
        record = getattr(module, name, None)
        if record is not None and isinstance(record, type) and issubclass(record, msgspec.Struct):
            return record.__struct_config__.omit_defaults
    return False


def main(root: Path | None = None) -> None:
    """Write every generated file below `root`, by default the repository this module runs from."""
    base = root or Path(__file__).resolve().parents[3]
    for name, text in generated_files().items():
        path = base / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        sys.stdout.write(f"wrote {name}\n")


if __name__ == "__main__":
    main()
