"""The trader's own strategies as files that can be edited by hand; every saved version is kept. Texts only."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec

from papertape.errors import Invalid, NotFound, PapertapeError, Unavailable
from papertape.store.folder import write_file

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_SUFFIX = ".yaml"


class StrategyFile(msgspec.Struct, frozen=True, kw_only=True):
    """One strategy's text. `version` counts its kept versions; 0 when the file was only ever edited by hand."""

    name: str
    version: int
    text: str


class StrategyFiles:
    """The folder `strategies/`: `NAME.yaml`, and `.versions/NAME/0001.yaml` onwards."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def names(self) -> list[str]:
        """Return the names of all strategies, sorted; files with other names or suffixes are not strategies."""
        try:
            return sorted(path.stem for path in self._folder.glob(f"*{_SUFFIX}") if _NAME.fullmatch(path.stem))
        except OSError as error:
            raise _failed("listed", self._folder, error) from error

    def files(self) -> list[StrategyFile]:
        """Return all strategies by name."""
        return [self.read(name) for name in self.names()]

    def read(self, name: str) -> StrategyFile:
        """Return a strategy as it is in its file now.

        Raises:
            Invalid: the name is not allowed, or the file is not text.
            NotFound: there is no such strategy.
            Unavailable: the file cannot be read.
        """
        path = self._path(name)
        return StrategyFile(name=name, version=self._newest(name), text=_read(path, f"strategy {name!r}"))

    def save(self, name: str, text: str) -> StrategyFile:
        """Save a text as the newest version and return it; a text that is the newest version already adds none.

        A file edited by hand since the last save is first kept as a version of its own.

        Raises:
            Invalid: the name is not allowed.
            Unavailable: the folder cannot be written.
        """
        path = self._path(name)
        try:
            if path.exists():
                self._keep(name, _read(path, f"strategy {name!r}"))
            version = self._keep(name, text)
            write_file(path, text)
        except OSError as error:
            raise _failed("saved", path, error) from error
        return StrategyFile(name=name, version=version, text=text)

    def delete(self, name: str) -> None:
        """Remove a strategy; its versions are kept.

        Raises:
            Invalid: the name is not allowed.
            NotFound: there is no such strategy.
            Unavailable: the folder cannot be written.
        """
        path = self._path(name)
        try:
            self._keep(name, _read(path, f"strategy {name!r}"))
            path.unlink()
        except OSError as error:
            raise _failed("deleted", path, error) from error

    def versions(self, name: str) -> list[int]:
        """Return the numbers of the kept versions, oldest first; also of a deleted strategy."""
        folder = self._versions_folder(name)
        return sorted(int(path.stem) for path in folder.glob(f"*{_SUFFIX}") if path.stem.isdigit())

    def read_version(self, name: str, version: int) -> StrategyFile:
        """Return a kept version; raises as `read` does."""
        path = self._versions_folder(name) / _version_name(version)
        return StrategyFile(name=name, version=version, text=_read(path, f"version {version} of strategy {name!r}"))

    def _path(self, name: str) -> Path:
        return self._folder / f"{_checked(name)}{_SUFFIX}"

    def _versions_folder(self, name: str) -> Path:
        return self._folder / ".versions" / _checked(name)

    def _newest(self, name: str) -> int:
        return max(self.versions(name), default=0)

    def _keep(self, name: str, text: str) -> int:
        newest = self._newest(name)
        if newest and self.read_version(name, newest).text == text:
            return newest
        folder = self._versions_folder(name)
        folder.mkdir(parents=True, exist_ok=True)
        write_file(folder / _version_name(newest + 1), text)
        return newest + 1


def _checked(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise Invalid(
            f"{name!r} cannot name a strategy; expected up to 64 lower-case letters, digits, - and _, starting with a "
            "letter or digit, such as pump-peak-short.",
            code="strategy.malformed_name",
            path="name",
        )
    return name


def _version_name(version: int) -> str:
    return f"{version:04d}{_SUFFIX}"


def _read(path: Path, what: str) -> str:
    try:
        return path.read_bytes().decode()
    except FileNotFoundError as error:
        raise NotFound(
            f"There is no {what}; list the strategies to see their names.", code="strategy.not_found"
        ) from error
    except UnicodeDecodeError as error:
        raise Invalid(
            f"{path} is not UTF-8 text ({error.reason} at byte {error.start}); expected YAML or JSON text. Save the "
            "file again as UTF-8.",
            code="strategy.not_text",
        ) from error
    except OSError as error:
        raise _failed("read", path, error) from error


def _failed(verb: str, path: Path, error: OSError) -> PapertapeError:
    return Unavailable(
        f"{path} cannot be {verb} ({error.strerror}); check the folder's permissions and space, then try again.",
        code="strategy.file_failed",
    )
