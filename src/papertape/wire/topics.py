"""The topics of the stream and the record each one carries. Facts come from the declared tables."""

from __future__ import annotations

import msgspec

from papertape.model import views
from papertape.model.session import SESSION_ID
from papertape.model.tables import EVENT_TABLES, Table

FACT_TABLES: dict[str, Table] = {table.topic: table for table in EVENT_TABLES if table.topic is not None}

DESK_RECORDS: dict[str, type[msgspec.Struct]] = {"sessions": views.SessionView, "system": views.SystemView}


class Topic(msgspec.Struct, frozen=True, kw_only=True):
    """A parsed topic. `session_id` is None for `desk/{name}`; `is_fact`: must not be lost."""

    text: str
    session_id: str | None
    name: str
    is_fact: bool


def parse_topic(text: str) -> Topic | None:
    """Return the parsed topic, or None when no such topic is declared."""
    scope, _, rest = text.partition("/")
    if scope == "desk" and rest in DESK_RECORDS:
        return Topic(text=text, session_id=None, name=rest, is_fact=False)
    session_id, _, name = rest.partition("/")
    is_known = name in FACT_TABLES or name in views.VIEW_OF
    if scope == "session" and is_known and SESSION_ID.match(session_id):
        return Topic(text=text, session_id=session_id, name=name, is_fact=name in FACT_TABLES)
    return None
