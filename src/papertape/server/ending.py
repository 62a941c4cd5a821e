"""How a connection ends: who decided, with what code, why; and what the client is told."""

from __future__ import annotations

import msgspec

from papertape.server.connections import Closer
from papertape.server.frames import encode
from papertape.wire.close import reaction_to
from papertape.wire.stream import Bye

_RETRY_MS = {"stop": 0, "back_off": 1_000, "at_once": 100}


class Ending(msgspec.Struct, frozen=True, kw_only=True):
    """How a connection ends: who decided, the close code, and why. `is_gone`: nobody is left to say goodbye to."""

    by: Closer
    code: int
    reason: str
    is_gone: bool

    def goodbye(self) -> bytes:
        """Return the last message to the client."""
        return encode(Bye(code=self.code, reason=self.reason[:500], retry_ms=_RETRY_MS[reaction_to(self.code)]))
