"""The whole state of a kernel as bytes, and back.

Every object of the kernel lists its state in `__slots__`; the walk follows them, keeps what is shared shared, and puts
names in the place of what the plan gives anyway (instruments, programs, the profile). The bytes are the same compiled
and interpreted, and say which slots they hold: a build whose objects differ refuses them.
"""

from __future__ import annotations

import sys
from array import array
from collections import deque
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import msgspec

from papertape.errors import Invalid

_FORMAT = 1


def freeze(root: object, statics: Mapping[str, object]) -> bytes:
    """Return the state of everything reachable from `root`, but for `statics`, which are named instead."""
    return _Writer(statics).write(root)


def thaw(frozen: bytes, statics: Mapping[str, object]) -> Any:
    """Return the root that was frozen, made anew.

    Raises:
        Invalid: the bytes are of another format or build, or damaged.
    """
    try:
        return _Reader(frozen, statics).root()
    except (msgspec.MsgspecError, KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
        raise Invalid(
            f"The snapshot cannot be read ({error}); the session is restored from its tape instead.",
            code="engine.snapshot_unreadable",
        ) from error


class _Writer:
    def __init__(self, statics: Mapping[str, object]) -> None:
        self._statics = {id(value): key for key, value in statics.items()}
        self._places: dict[int, int] = {}
        self._nodes: list[object] = []
        self._classes: dict[str, tuple[int, tuple[str, ...]]] = {}
        self._kept: list[object] = []
        self._queue: list[tuple[int, object]] = []

    def write(self, root: object) -> bytes:
        place = self._value(root)
        while self._queue:  # a queue, not recursion: chains of objects are long
            at, value = self._queue.pop()
            self._nodes[at] = self._node(value)
        classes = [[name, list(slots)] for name, (_, slots) in self._classes.items()]
        return msgspec.msgpack.encode([_FORMAT, classes, self._nodes, place])

    def _value(self, value: object) -> object:
        if value is None or isinstance(value, bool | float | str):
            return value
        if isinstance(value, int):
            return value if -(1 << 63) <= value < 1 << 63 else ["i", str(value)]
        if id(value) in self._statics:
            return ["x", self._statics[id(value)]]
        key = id(getattr(value, "base", value))  # a compiled buffer is shown through a new view each time
        if key not in self._places:
            self._places[key] = len(self._nodes)
            self._nodes.append(None)
            self._kept.append(value)  # alive until the end, so that no id is given twice
            self._queue.append((self._places[key], value))
        return ["r", self._places[key]]

    def _node(self, value: object) -> object:
        if isinstance(value, array):
            return [value.typecode, value.tobytes()]
        if isinstance(value, list | tuple):
            return ["l" if isinstance(value, list) else "t", [self._value(item) for item in value]]
        if isinstance(value, dict):
            return ["m", [[self._value(key), self._value(item)] for key, item in value.items()]]
        if isinstance(value, deque):
            return ["e", value.maxlen, [self._value(item) for item in value]]
        if isinstance(value, set | frozenset):
            return ["s", sorted(self._value(item) for item in value)]  # type: ignore[type-var]  # of scalars only
        if isinstance(value, Decimal):
            return ["n", str(value)]
        if isinstance(value, bytes):
            return ["b", value]
        if isinstance(value, msgspec.Struct):
            fields = [getattr(value, name) for name in type(value).__struct_fields__]
            return ["c", _name_of(type(value)), [self._value(item) for item in fields]]
        view = _buffer(value)
        return view if view is not None else self._object(value)

    def _object(self, value: object) -> object:
        name = _name_of(type(value))
        if name not in self._classes:
            self._classes[name] = (len(self._classes), _slots_of(type(value)))
        index, slots = self._classes[name]
        state = [self._value(getattr(value, slot)) for slot in slots]
        own = getattr(value, "__dict__", None)
        return ["o", index, state, [[key, self._value(item)] for key, item in own.items()] if own else []]


class _Reader:
    def __init__(self, frozen: bytes, statics: Mapping[str, object]) -> None:
        form, classes, self._nodes, self._place = msgspec.msgpack.decode(frozen)
        if form != _FORMAT:
            raise ValueError(f"its format is {form}, this build reads {_FORMAT}")
        self._statics = statics
        self._classes = [(_class_of(name), slots) for name, slots in classes]
        for kind, slots in self._classes:
            if list(_slots_of(kind)) != slots:
                raise ValueError(f"{kind.__name__} has other slots in this build")
        self._made: dict[int, Any] = {}
        self._unfilled: list[tuple[Any, Any]] = []

    def root(self) -> Any:
        root = self._value(self._place)
        while self._unfilled:
            self._fill(*self._unfilled.pop())
        return root

    def _value(self, value: Any) -> Any:
        if not isinstance(value, list):
            return value
        tag, content = value
        if tag == "i":
            return int(content)
        return self._statics[content] if tag == "x" else self._object_at(content)

    def _object_at(self, place: int) -> Any:
        if place not in self._made:
            self._made[place] = self._make(self._nodes[place])
        return self._made[place]

    def _make(self, node: Any) -> Any:
        tag = node[0]
        if tag in ("q", "d"):
            return array(tag, node[1])
        if tag in ("t", "s"):
            return (tuple if tag == "t" else set)(self._value(item) for item in node[1])
        if tag == "n":
            return Decimal(node[1])
        if tag == "b":
            return node[1]
        if tag == "c":
            return _class_of(node[1])(*[self._value(item) for item in node[2]])
        if tag == "o":
            kind = self._classes[node[1]][0]
            made = kind.__new__(kind)
        else:
            made = {"l": list, "m": dict}[tag]() if tag != "e" else deque(maxlen=node[1])
        self._unfilled.append((made, node))
        return made

    def _fill(self, made: Any, node: Any) -> None:
        tag = node[0]
        if tag == "o":
            for slot, item in zip(self._classes[node[1]][1], node[2], strict=True):
                setattr(made, slot, self._value(item))
            for key, item in node[3]:
                setattr(made, key, self._value(item))
        elif tag == "m":
            made.update({self._value(key): self._value(item) for key, item in node[1]})
        else:
            made.extend(self._value(item) for item in node[-1])


def _slots_of(kind: type) -> tuple[str, ...]:
    return tuple(slot for one in reversed(kind.__mro__) for slot in one.__dict__.get("__slots__", ()))


def _buffer(value: object) -> list[object] | None:
    try:
        view = memoryview(value)  # type: ignore[arg-type]  # whatever has a buffer
    except TypeError:
        return None
    return [view.format, view.tobytes()]


def _name_of(kind: type) -> str:
    return f"{kind.__module__}:{kind.__qualname__}"


def _class_of(name: str) -> Any:
    module, _, qualname = name.partition(":")
    if module not in sys.modules:
        raise ValueError(f"{module} is not loaded")
    kind = getattr(sys.modules[module], qualname)
    if not isinstance(kind, type):
        raise TypeError(f"{name} is no class")
    return kind
