"""The strategies shipped with papertape."""

from __future__ import annotations

from importlib import resources

from papertape.errors import NotFound

_SUFFIX = ".yaml"


def builtin_names() -> tuple[str, ...]:
    """Return the names of the built-in strategies, sorted."""
    folder = resources.files("papertape.strategy").joinpath("builtins")
    return tuple(sorted(file.name.removesuffix(_SUFFIX) for file in folder.iterdir() if file.name.endswith(_SUFFIX)))


def builtin_text(name: str) -> str:
    """Return the YAML text of a built-in strategy.

    Raises:
        NotFound: there is none of this name; the message lists those that exist.
    """
    if name not in builtin_names():
        raise NotFound(
            f'There is no built-in strategy "{name}"; the built-ins are {", ".join(builtin_names())}.',
            code="strategy.not_found",
        )
    file = resources.files("papertape.strategy").joinpath("builtins", name + _SUFFIX)
    return file.read_text(encoding="utf-8")
