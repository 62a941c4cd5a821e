"""The strategies a trader can choose: the built-ins, and the trader's own files with every saved version."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import msgspec

from papertape.errors import Conflict, Invalid, NotFound
from papertape.model.session import StrategyVersion
from papertape.strategy.definition import StrategyDefinition
from papertape.strategy.library import builtin_names, builtin_text
from papertape.strategy.parse import definition_sha256, parse_definition, version_of


class DefinitionFile(Protocol):
    """One saved strategy: its text and the number of its newest version."""

    @property
    def text(self) -> str:
        """The definition as saved."""

    @property
    def version(self) -> int:
        """The number of the newest version."""


class DefinitionFiles(Protocol):
    """The port of the trader's own strategy files: texts by name, every saved version kept."""

    def names(self) -> list[str]:
        """Return the names of the saved strategies."""

    def read(self, name: str) -> DefinitionFile:
        """Return the newest text; raises `NotFound`."""

    def save(self, name: str, text: str) -> DefinitionFile:
        """Save a new version durably and return it; raises `Invalid` for an impossible name."""

    def delete(self, name: str) -> None:
        """Remove the strategy from the list; its versions are kept. Raises `NotFound`."""


class StrategyListing(msgspec.Struct, frozen=True, kw_only=True):
    """A strategy as listed. `error` is set when its file no longer parses; it then cannot be started."""

    name: str
    version: int
    is_builtin: bool
    description: str
    text: str
    sha256: str | None
    error: str | None
    sides: tuple[str, ...] = ()


class Library:
    """All registered strategies. Built-ins cannot be overwritten; a copy under another name can be saved.

    What a text says is remembered, as reading YAML is slow. Listing and reading may be done from several threads.
    """

    def __init__(self, files: DefinitionFiles) -> None:
        self._files = files
        self._read: dict[str, tuple[str, StrategyDefinition]] = {}

    def list(self) -> list[StrategyListing]:
        """Return every strategy, built-ins first, each group by name."""
        names = [*builtin_names(), *sorted(set(self._files.names()) - set(builtin_names()))]
        return [self.get(name) for name in names]

    def get(self, name: str) -> StrategyListing:
        """Return one strategy.

        Raises:
            NotFound: no strategy has this name.
        """
        text, version, is_builtin = self._text(name)
        try:
            definition = self._parse(name, text)
        except Invalid as error:
            return StrategyListing(
                name=name, version=version, is_builtin=is_builtin, description="", text=text, sha256=None,
                error=error.message,
            )  # fmt: skip
        return StrategyListing(
            name=name, version=version, is_builtin=is_builtin, description=definition.description or "", text=text,
            sha256=definition_sha256(definition), error=None, sides=(entry_side(definition),),
        )  # fmt: skip

    def version(self, name: str) -> StrategyVersion:
        """Return the exact version a session would run now.

        Raises:
            NotFound: no strategy has this name.
            Invalid: its file does not parse, or has another name inside; the path in the definition is named.
        """
        text, version, _ = self._text(name)
        return version_of(self._parse(name, text), version)

    def save(self, text: str, name: str | None = None) -> StrategyListing:
        """Validate and save a definition; the name inside the text must agree with `name` when both are given.

        Raises:
            Invalid: the definition is malformed, or the names differ.
            Conflict: the name belongs to a built-in.
        """
        definition = parse_definition(text)
        if name is not None and name != definition.name:
            raise Invalid(
                f"The definition is named {definition.name!r}, but it was to be saved as {name!r}; make both the same.",
                code="strategy.name_differs",
                path="name",
            )
        self._refuse_builtin(definition.name, "saved")
        self._files.save(definition.name, text)
        self._read[definition.name] = (text, definition)
        return self.get(definition.name)

    def delete(self, name: str) -> None:
        """Remove one of the trader's own strategies; its versions are kept.

        Raises:
            NotFound: no strategy has this name.
            Conflict: it is a built-in.
        """
        self._refuse_builtin(name, "deleted")
        self._files.delete(name)
        self._read.pop(name, None)

    def validate(self, text: str) -> StrategyDefinition:
        """Return the parsed definition; raises `Invalid` with the path and the remedy."""
        return parse_definition(text)

    def _parse(self, name: str, text: str) -> StrategyDefinition:
        known = self._read.get(name)
        if known is not None and known[0] == text:
            return known[1]
        definition = _parse(name, text)
        self._read[name] = (text, definition)
        return definition

    def _text(self, name: str) -> tuple[str, int, bool]:
        if name in builtin_names():
            return builtin_text(name), 1, True
        if name not in self._files.names():
            raise NotFound(
                f"There is no strategy named {name!r}; registered are {_listing(self._all_names())}.",
                code="strategy.unknown",
                path="strategies",
            )
        file = self._files.read(name)
        return file.text, file.version, False

    def _all_names(self) -> Sequence[str]:
        return (*builtin_names(), *self._files.names())

    def _refuse_builtin(self, name: str, verb: str) -> None:
        if name in builtin_names():
            raise Conflict(
                f"{name!r} is built in and cannot be {verb}; save your own under another name.",
                code="strategy.builtin",
                path="name",
            )


def entry_side(definition: StrategyDefinition) -> str:
    """Return `long` or `short`: what the entry section opens."""
    return definition.sections.Z1.order.side


def _parse(name: str, text: str) -> StrategyDefinition:
    definition = parse_definition(text)
    if definition.name != name:
        # Edited by hand: two files of one name inside would be taken for one strategy.
        raise Invalid(
            f"The file of {name!r} is named {definition.name!r} inside; make both the same.",
            code="strategy.name_differs",
            path="name",
        )
    return definition


def _listing(names: Sequence[str]) -> str:
    return ", ".join(names)
