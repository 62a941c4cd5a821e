"""Derives the stored shape of every record from `model.tables`: columns, and the coding of rows.

The shape is neutral to the engine: `sqlite_sql` turns it into SQLite's words, another driver into its own.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any, Literal

import msgspec
from msgspec import UNSET, UnsetType, inspect

from papertape.errors import Broken
from papertape.model.tables import MARKET_TABLES, TABLES, Table

Logical = Literal["integer", "real", "text", "boolean", "bytes", "decimal", "json"]
"""How a column is meant; each engine chooses how it stores it. `json` holds nested structs, tuples and dicts."""

Scalar = int | float | str | bytes | None
"""What a column holds once encoded."""


class Column(msgspec.Struct, frozen=True, kw_only=True):
    """One column of a table.

    `choices` are the allowed texts of a closed set. `neutral` is what old rows get when the column is added later, in
    encoded form: the field's default, None, or the empty value of its type; unset when there is no honest one.
    """

    name: str
    logical: Logical
    is_nullable: bool
    choices: tuple[str, ...] = ()
    neutral: Scalar | UnsetType = UNSET


_SCALARS: tuple[tuple[type[inspect.Type], Logical, Scalar], ...] = (
    (inspect.BoolType, "boolean", 0),
    (inspect.IntType, "integer", 0),
    (inspect.FloatType, "real", 0.0),
    (inspect.StrType, "text", ""),
    (inspect.BytesType, "bytes", b""),
    (inspect.DecimalType, "decimal", "0"),
)
_EMPTY_JSON: tuple[tuple[type[inspect.Type], str], ...] = (
    (inspect.VarTupleType, "[]"),
    (inspect.ListType, "[]"),
    (inspect.DictType, "{}"),
)


def _encode_json(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _encode_decimal(value: Decimal) -> str:
    return str(value)


_ENCODERS: dict[Logical, Callable[[Any], Scalar]] = {  # Any: each takes the Python type its logical type stands for
    "boolean": int,
    "decimal": _encode_decimal,
    "json": _encode_json,
}
_DECODERS: dict[Logical, Callable[[Any], object]] = {  # Any: each takes the scalar its logical type is stored as
    "boolean": {0: False, 1: True}.__getitem__,
    "json": msgspec.json.decode,
}


def _without_none(kind: inspect.Type) -> tuple[inspect.Type, bool]:
    if not isinstance(kind, inspect.UnionType):
        return kind, False
    others = tuple(each for each in kind.types if not isinstance(each, inspect.NoneType))
    inner = others[0] if len(others) == 1 else inspect.UnionType(others)
    return inner, kind.includes_none


def _classify(kind: inspect.Type) -> tuple[Logical, Scalar | UnsetType, tuple[str, ...]]:
    if isinstance(kind, inspect.LiteralType) and all(isinstance(value, str) for value in kind.values):
        return "text", UNSET, tuple(str(value) for value in kind.values)
    for scalar, logical, neutral in _SCALARS:
        if isinstance(kind, scalar):
            return logical, neutral, ()
    for container, empty in _EMPTY_JSON:
        if isinstance(kind, container):
            return "json", empty, ()
    return "json", UNSET, ()


def _encode_value(logical: Logical, value: object) -> Scalar:
    encoder = _ENCODERS.get(logical)
    if value is None or encoder is None:
        return value  # type: ignore[return-value]  # the declaration says it is already the scalar
    return encoder(value)


def _column(field: inspect.Field) -> Column:
    inner, is_nullable = _without_none(field.type)
    logical, neutral, choices = _classify(inner)
    if field.default is not msgspec.NODEFAULT:
        neutral = _encode_value(logical, field.default)
    elif field.default_factory is not msgspec.NODEFAULT:
        neutral = _encode_value(logical, field.default_factory())
    elif is_nullable:
        neutral = None
    return Column(name=field.name, logical=logical, is_nullable=is_nullable, choices=choices, neutral=neutral)


_SESSION_COLUMN = (Column(name="session_id", logical="text", is_nullable=False),)


@functools.cache
def columns_of(table: Table) -> tuple[Column, ...]:
    """Return the columns of a table in stored order; `session_id` is the first where the table has it."""
    kind = inspect.type_info(table.record)
    fields = kind.fields if isinstance(kind, inspect.StructType) else ()
    columns = tuple(_column(field) for field in fields if field.name != "session_id")
    return (*_SESSION_COLUMN, *columns) if table.is_per_session else columns


class RowCodec:
    """Turns the records of one table into rows and back. A row has one scalar per column, in column order."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self.columns = columns_of(table)
        self._has_session_field = "session_id" in table.record.__struct_fields__
        self._prefix = 1 if table.is_per_session else 0
        fields = self.columns[self._prefix :]
        self._encoders = tuple((column.name, _ENCODERS.get(column.logical)) for column in fields)
        self._decoders = tuple((column.name, _DECODERS.get(column.logical)) for column in fields)

    def encode(self, session_id: str, record: msgspec.Struct) -> tuple[Scalar, ...]:
        """Return the row of a record of `session_id`, which a table that is not per session leaves out."""
        row: list[Scalar] = []
        if self.table.is_per_session:
            row.append(session_id)
        for name, encoder in self._encoders:
            value = getattr(record, name)
            row.append(value if encoder is None or value is None else encoder(value))
        return tuple(row)

    def decode(self, row: Sequence[Scalar]) -> Any:  # Any: the table's record type, known only at run time
        """Return the record of a row.

        Raises:
            Broken: a value is not one the record's type allows.
        """
        try:
            fields = {
                name: value if decoder is None or value is None else decoder(value)
                for (name, decoder), value in zip(self._decoders, row[self._prefix :], strict=True)
            }
            if self._has_session_field:
                fields["session_id"] = row[0]
            return msgspec.convert(fields, self.table.record)
        except (ValueError, KeyError, TypeError) as error:
            raise Broken(self._undecodable(row, error), code="store.undecodable_row") from error

    def _undecodable(self, row: Sequence[Scalar], error: Exception) -> str:
        values = dict(zip((column.name for column in self.columns), row, strict=False))
        key = ", ".join(f"{name} {values.get(name)!r}" for name in self.table.key)
        return (
            f"The row of table {self.table.name} with {key} cannot be read as {self.table.record.__name__}: {error}. "
            "It was expected as papertape wrote it; restore the database from a copy, or open it with the papertape "
            "version that wrote it."
        )


CODECS: dict[str, RowCodec] = {table.name: RowCodec(table) for table in (*TABLES, *MARKET_TABLES)}
