"""The exception tree, named by what the reader must do.

    PapertapeError
    ├── Refused          answer the caller and go on: the request cannot be carried out as asked
    │   ├── Invalid      the input is wrong; `path` says where
    │   ├── NotFound     the named thing does not exist
    │   └── Conflict     the lifecycle forbids it now
    ├── Unavailable      retry later: something outside papertape does not answer
    └── Broken           stop the session and keep the journal: an invariant does not hold

In: nothing. Out: exceptions with a stable `code` for machines and a sentence for people.
Never: domain outcomes (a rejected order is an event, not an exception).

A message is a sentence: what it was, what was expected, what to do next.
"""

from __future__ import annotations


class PapertapeError(Exception):
    """Any error raised on purpose by papertape."""

    def __init__(self, message: str, *, code: str, path: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.path = path


class Refused(PapertapeError):
    """The request cannot be carried out as asked; nothing was changed."""


class Invalid(Refused):
    """The input is wrong; `path` names the place, for example `sections.S1.conditions[0].threshold`."""


class NotFound(Refused):
    """The named thing does not exist."""


class Conflict(Refused):
    """The lifecycle forbids the request in the present state."""


class Unavailable(PapertapeError):
    """Something outside papertape does not answer; the same request may succeed later."""


class Broken(PapertapeError):
    """An invariant does not hold; the session must stop and its journal must be kept."""
