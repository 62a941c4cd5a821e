"""What the core of the client wants done; whoever has sockets does it."""

from __future__ import annotations

import msgspec

from papertape.wire.http import Transport
from papertape.wire.stream import ClientMessage, Hello


class Open(msgspec.Struct, frozen=True, kw_only=True):
    """Open a carrier for this link and say `hello`; for long polling one request, asked for again for each poll."""

    link: int
    carrier: Transport
    hello: Hello


class Send(msgspec.Struct, frozen=True, kw_only=True):
    """Send a message; asked of WebSockets only."""

    link: int
    message: ClientMessage


class Close(msgspec.Struct, frozen=True, kw_only=True):
    """End a link's carrier. `is_abrupt`: nobody is there to answer a closing handshake."""

    link: int
    code: int
    reason: str
    is_abrupt: bool = False


Action = Open | Send | Close
