"""The stream's reference page and its AsyncAPI document say what is declared."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest

from papertape.model.views import VIEW_OF
from papertape.wire.asyncapi import asyncapi
from papertape.wire.close import CLOSE_CODES
from papertape.wire.examples import EXAMPLES, examples_of
from papertape.wire.export import json_schema
from papertape.wire.reference import REFERENCE_FILE, with_close_codes
from papertape.wire.stream import ClientMessage, PreviousClose, ServerMessage, SubRequest
from papertape.wire.topics import DESK_RECORDS, FACT_TABLES

PAGE = (Path(__file__).resolve().parents[3] / REFERENCE_FILE).read_text(encoding="utf-8")
MESSAGES: tuple[type[msgspec.Struct], ...] = (*get_args(ClientMessage), *get_args(ServerMessage))


def tag(record: type[msgspec.Struct]) -> str:
    return str(record.__struct_config__.tag)


def section(heading: str) -> str:
    _, _, rest = PAGE.partition(f"\n### {heading}\n")
    return rest.partition("\n## ")[0].partition("\n### ")[0]


def test_the_table_of_close_codes_is_what_is_declared() -> None:
    assert with_close_codes(PAGE) == PAGE, f"{REFERENCE_FILE} is out of date; run: python -m papertape.wire.reference"
    assert all(f"| {code} | `{declared.name}` |" in PAGE for code, declared in CLOSE_CODES.items())


@pytest.mark.parametrize("record", [*get_args(ServerMessage), MESSAGES[0], PreviousClose], ids=lambda one: one.__name__)
def test_every_field_of_a_message_stands_in_its_table(record: type[msgspec.Struct]) -> None:
    headings = {"pong": "ping and pong", "None": "hello"}
    text = section(headings.get(tag(record), tag(record)))
    named = {field.encode_name for field in msgspec.structs.fields(record)}
    assert {name for name in named if f"`{name}`" not in text and f'"{name}"' not in text} == set()


def test_every_topic_and_every_request_field_stands_on_the_page() -> None:
    names = [*FACT_TABLES, *VIEW_OF, *(f"desk/{name}" for name in DESK_RECORDS)]
    assert [name for name in names if f"`{name}`" not in PAGE] == []
    assert "`{topic, epoch?, seq?}`" in PAGE
    assert [field.name for field in msgspec.structs.fields(SubRequest)] == ["topic", "epoch", "seq"]


def test_every_message_has_an_example() -> None:
    assert set(EXAMPLES) == {record.__name__ for record in MESSAGES}


@pytest.mark.parametrize("record", MESSAGES, ids=lambda one: one.__name__)
def test_every_example_decodes_to_what_it_was_made_from(record: type[msgspec.Struct]) -> None:
    union: Any = ClientMessage if record in get_args(ClientMessage) else ServerMessage
    for example, message in zip(examples_of(record.__name__), EXAMPLES[record.__name__], strict=True):
        assert msgspec.json.decode(json.dumps(example), type=union) == message


@pytest.mark.parametrize("name", sorted(EXAMPLES))
def test_every_example_fits_the_json_schema(name: str) -> None:
    schema = json_schema()
    for example in examples_of(name):
        assert misfits(example, {"$ref": f"#/$defs/{name}"}, schema) == []


def misfits(value: Any, node: dict[str, Any], schema: dict[str, Any]) -> list[str]:
    """Check with the few words of JSON Schema that the messages use."""
    if "$ref" in node:
        return misfits(value, schema["$defs"][node["$ref"].rpartition("/")[2]], schema)
    if "anyOf" in node:
        return [] if any(not misfits(value, choice, schema) for choice in node["anyOf"]) else [f"{value!r}: no choice"]
    if "enum" in node and value not in node["enum"]:
        return [f"{value!r} is none of {node['enum']}"]
    kinds = {"object": dict, "array": list, "string": str, "integer": int, "boolean": bool, "null": type(None)}
    kind = node.get("type")
    if kind is not None and not isinstance(value, (int, float) if kind == "number" else kinds[kind]):
        return [f"{value!r} is no {kind}"]
    found = [f"{name} is missing" for name in node.get("required", ()) if name not in value]
    for name, child in node.get("properties", {}).items():
        found += misfits(value[name], child, schema) if name in value else []
    for item in value if isinstance(value, list) else ():
        found += misfits(item, node.get("items", {}), schema)
    return found


def test_the_check_of_examples_notices_what_does_not_fit() -> None:
    schema = json_schema()
    (example,) = examples_of("Bye")
    for broken in ({**example, "code": "4101"}, {**example, "t": "by"}, {"t": "bye", "code": 1, "reason": ""}):
        assert misfits(broken, {"$ref": "#/$defs/Bye"}, schema) != []


def test_the_document_describes_three_carriers_and_refers_only_to_what_exists() -> None:
    document = asyncapi()
    assert [channel["address"] for channel in document["channels"].values()] == [
        "/api/stream",
        "/api/stream/sse",
        "/api/stream/poll",
    ]
    assert set(document["channels"]["stream"]["x-close-codes"]) == {str(code) for code in CLOSE_CODES}
    defined = json_schema()["$defs"]
    for reference in references(document):
        file, _, path = reference.partition("#/")
        node: Any = {"$defs": defined} if file else document
        for step in path.split("/"):
            assert step in node, reference
            node = node[step]


def references(node: Any) -> list[str]:
    if isinstance(node, dict):
        own = [node["$ref"]] if "$ref" in node else []
        return own + [found for child in node.values() for found in references(child)]
    return [found for child in node for found in references(child)] if isinstance(node, list) else []
