"""Runs something once that may take long, and waits for it only for a while."""

from __future__ import annotations

import threading
from collections.abc import Callable

from papertape.errors import PapertapeError


class Attempt:
    """Runs `action` once in a thread of its own."""

    def __init__(self, action: Callable[[], None]) -> None:
        self._action = action
        self._failure: PapertapeError | None = None
        self._thread = threading.Thread(target=self._run, name="papertape-questdb-attempt", daemon=True)

    @property
    def is_running(self) -> bool:
        """Whether it has begun and not ended."""
        return self._thread.is_alive()

    def begin(self, patience_s: float) -> None:
        """Begin, and raise as `action` does when it ends within `patience_s` seconds; else it goes on by itself."""
        self._thread.start()
        self._thread.join(patience_s)
        if self._failure is not None:
            raise self._failure

    def wait(self) -> None:
        """Return once it has ended, at once when it never began."""
        if self._thread.ident is not None:
            self._thread.join()

    def _run(self) -> None:
        try:
            self._action()
        except PapertapeError as error:
            self._failure = error
