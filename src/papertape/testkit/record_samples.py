"""Builds valid instances of any declared struct from its field types, seeded: extremes come up often."""

from __future__ import annotations

import random
from collections.abc import Callable
from decimal import Decimal
from typing import Any, TypeVar

import msgspec
from msgspec import inspect

_T = TypeVar("_T", bound=msgspec.Struct)
_TEXTS = ("", "BTCUSDT.BINANCE", 'it\'s "quoted"', "zażółć 🟢\n\ttabs", "a\x00b", "null", "1.0", "ł" * 300)
_INTS = (0, 1, -1, 2**31, 2**53 - 1, 1_735_318_702_123_456)
_FLOATS = (0.0, -0.0, 0.1 + 0.2, 5e-324, 1.7976931348623157e308, -61800.2, 1.0)
_DECIMALS = ("0", "0E-8", "-1.50", "61800.20", "1E+3", "0.00000001", "123456789012345678901234567890.123456789")


def sample(record: type[_T], chance: random.Random) -> _T:
    """Return a valid instance of `record`; the same state of `chance` gives the same instance."""
    kind = inspect.type_info(record)
    return _sample(kind, chance)  # type: ignore[no-any-return]  # the type it describes is `record`


def _sample(kind: inspect.Type, chance: random.Random) -> Any:  # Any: whatever the described type is
    if isinstance(kind, inspect.UnionType):
        return _sample(chance.choice(kind.types), chance)
    if isinstance(kind, inspect.LiteralType):
        return chance.choice(list(kind.values))
    if isinstance(kind, inspect.StructType):
        return kind.cls(**{field.name: _sample(field.type, chance) for field in kind.fields})
    if isinstance(kind, inspect.VarTupleType):
        return tuple(_sample(kind.item_type, chance) for _ in range(chance.choice((0, 1, 3))))
    if isinstance(kind, inspect.TupleType):
        return tuple(_sample(item, chance) for item in kind.item_types)
    if isinstance(kind, inspect.DictType):
        return {_sample(kind.key_type, chance): _sample(kind.value_type, chance) for _ in range(chance.choice((0, 2)))}
    return _MAKERS[type(kind)](chance)


def _plain(chance: random.Random) -> object:
    return chance.choice([None, True, 7, 0.5, "text", [1, 2.0, {"side": "buy"}], {"threshold": 1.0, "hold": "30s"}])


def _nothing(_: random.Random) -> None:
    return None


_MAKERS: dict[type[inspect.Type], Callable[[random.Random], object]] = {
    inspect.IntType: lambda chance: chance.choice((*_INTS, chance.randint(0, 10**12))),
    inspect.FloatType: lambda chance: chance.choice((*_FLOATS, chance.uniform(-1e6, 1e6))),
    inspect.StrType: lambda chance: chance.choice((*_TEXTS, f"text-{chance.randint(0, 9999)}")),
    inspect.BoolType: lambda chance: chance.random() < 0.5,
    inspect.BytesType: lambda chance: chance.choice((b"", b"\x00\xff", chance.randbytes(40))),
    inspect.DecimalType: lambda chance: Decimal(chance.choice(_DECIMALS)),
    inspect.NoneType: _nothing,
    inspect.AnyType: _plain,
}
