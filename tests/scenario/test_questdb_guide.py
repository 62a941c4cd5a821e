"""The questions in the guide are answered by a real QuestDB that has our tables."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from papertape.model.tables import MIRRORED_TABLES
from papertape.store.questdb.address import QuestAddress
from papertape.store.questdb.words import create_table_sql
from papertape.testkit.questdb_server import execute

GUIDE = (Path(__file__).resolve().parents[2] / "docs/guides/questdb.md").read_text()
QUESTIONS = re.findall(r"```sql\n(.+?);\n```", GUIDE, re.DOTALL)


@pytest.mark.parametrize("word", ["SAMPLE BY", "LATEST ON", "ASOF JOIN"])
def test_the_guide_asks_what_questdb_is_good_at(word: str) -> None:
    assert [question for question in QUESTIONS if word in question] != []


def test_every_question_of_the_guide_is_answered(quest: QuestAddress) -> None:
    for table in MIRRORED_TABLES:
        execute(quest, create_table_sql(table))
    assert [execute(quest, question) for question in QUESTIONS] == [[]] * len(QUESTIONS)


def test_the_guide_names_every_table() -> None:
    assert [table.name for table in MIRRORED_TABLES if f"`{table.name}`" not in GUIDE] == []
