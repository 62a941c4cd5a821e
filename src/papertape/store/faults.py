"""Says what an error of SQLite means for the one who meets it."""

from __future__ import annotations

from typing import Literal

import apsw

from papertape.errors import Broken, PapertapeError, Unavailable

Fault = Literal["transient", "commit", "permanent"]
"""`transient`: the same write may succeed later; `commit`: these rows never can be written; else the store failed."""

_TRANSIENT = (apsw.BusyError, apsw.LockedError, apsw.FullError, apsw.NoMemError)
_COMMIT = (
    apsw.ConstraintError,
    apsw.MismatchError,
    apsw.TooBigError,
    apsw.RangeError,
    apsw.BindingsError,
    OverflowError,
    TypeError,
    UnicodeError,
)


def fault_of(error: Exception) -> Fault:
    """Return what a failed write means."""
    if isinstance(error, _TRANSIENT):
        return "transient"
    if isinstance(error, apsw.IOError) and _extended_result(error) == apsw.SQLITE_IOERR_WRITE:
        return "transient"  # a file size limit or a quota: SQLite knows only ENOSPC as "full"
    return "commit" if isinstance(error, _COMMIT) else "permanent"


def failure_of(location: str, error: apsw.Error | OSError) -> PapertapeError:
    """Return what a failure to open or read means to the caller."""
    if isinstance(error, apsw.CorruptError | apsw.NotADBError):
        return Broken(
            f"The database {location} is damaged ({error}); expected a database written by papertape. Keep the file, "
            "restore a copy, and start papertape again.",
            code="store.damaged",
        )
    if isinstance(error, apsw.SQLError):
        return Unavailable(
            f"The database {location} differs from what this version of papertape declares ({error}). Start the desk "
            "on it with this version, which migrates it or says what to run, then try again.",
            code="store.schema_differs",
        )
    return Unavailable(
        f"The database {location} cannot be used now ({error}). Check the file, its permissions and its disk, then try "
        "again.",
        code="store.unavailable",
    )


def _extended_result(error: apsw.Error) -> int:
    return int(getattr(error, "extendedresult", 0))  # set by apsw on every error of SQLite, absent from its stubs
