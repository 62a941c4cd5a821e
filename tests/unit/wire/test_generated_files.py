from __future__ import annotations

from pathlib import Path

import pytest

from papertape.wire.export import generated_files, json_schema
from papertape.wire.topics import Topic, parse_topic

ROOT = Path(__file__).resolve().parents[3]
SESSION = "exec_20251227_165822_fe61be26"


@pytest.mark.parametrize("name", sorted(generated_files()))
def test_a_generated_file_is_what_the_declared_structs_say(name: str) -> None:
    path = ROOT / name
    current = path.read_text(encoding="utf-8") if path.exists() else ""
    assert current == generated_files()[name], f"{name} is out of date; run: python -m papertape.wire.export"


def test_the_schema_refers_only_to_what_it_defines() -> None:
    schema = json_schema()
    text = str(schema)
    referred = {part.split("'")[0] for part in text.split("#/$defs/")[1:]}
    assert referred <= set(schema["$defs"])


def test_a_topic_is_parsed_into_session_and_name() -> None:
    topic = parse_topic(f"session/{SESSION}/signals")
    assert topic == Topic(text=f"session/{SESSION}/signals", session_id=SESSION, name="signals", is_fact=True)


@pytest.mark.parametrize(
    "text",
    ["", "signals", "desk/signals", "session/x/signals", f"session/{SESSION}/nope", f"session/{SESSION}/signals/1"],
)
def test_what_is_no_topic_is_not_parsed(text: str) -> None:
    assert parse_topic(text) is None
