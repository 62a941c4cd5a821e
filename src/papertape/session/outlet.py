"""The port through which a session shows itself: called on the event loop, only with what is durable."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from papertape.model.events import AnyEvent
from papertape.model.session import SessionId


class Outlet(Protocol):
    """Takes durable facts and lifecycle changes; must return quickly and never raise."""

    def facts_published(self, session_id: SessionId, epoch: str, events: Sequence[AnyEvent]) -> None:
        """Take facts that have just become durable, in the order of the tape."""

    def session_changed(self, session_id: SessionId) -> None:
        """Take note that a session's lifecycle state or flags changed."""
