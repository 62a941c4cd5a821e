"""Runs the carriers that the core asks for, and tells it what they heard."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import httpx

from papertape.client.actions import Action, Close, Open, Send
from papertape.client.address import StreamAddress
from papertape.client.carriers import WebSocketCarrier, http_client, run_event_stream, run_poll
from papertape.client.closes import TransportEnd
from papertape.client.inbox import Inbox

_FRAMES_WAITING = 64

Heard = tuple[int, bytes | TransportEnd | BaseException]


class Shell:
    """A task for each carrier that is open. `inbox` has frames and ends by the link's number."""

    def __init__(self, address: StreamAddress) -> None:
        self._address = address
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._sockets: dict[int, WebSocketCarrier] = {}
        self._leaving: set[asyncio.Task[None]] = set()
        self._http: httpx.AsyncClient | None = None
        self.inbox: Inbox[Heard] = Inbox(_FRAMES_WAITING)

    def perform(self, action: Action) -> None:
        """Do what the core wants; nothing here waits."""
        if isinstance(action, Open):
            self._open(action)
        elif isinstance(action, Send):
            socket = self._sockets.get(action.link)
            if socket is not None:
                socket.send(action.message)
        else:
            self._close(action)

    async def aclose(self) -> None:
        """End every carrier and wait until it is gone."""
        leaving = [*self._tasks.values(), *self._leaving]
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*leaving, return_exceptions=True)
        if self._http is not None:
            await self._http.aclose()

    def _open(self, action: Open) -> None:
        task = asyncio.create_task(self._carry(action), name=f"papertape {action.carrier} {action.link}")
        self._tasks[action.link] = task
        task.add_done_callback(lambda done: self._forget(action.link, done))

    def _close(self, action: Close) -> None:
        socket = self._sockets.pop(action.link, None)
        if socket is not None:
            socket.farewell = action
        task = self._tasks.pop(action.link, None)
        if task is not None:
            self._leaving.add(task)
            task.cancel()

    def _forget(self, link: int, task: asyncio.Task[None]) -> None:
        self._leaving.discard(task)
        if self._tasks.get(link) is task:
            del self._tasks[link]
            self._sockets.pop(link, None)

    async def _carry(self, action: Open) -> None:
        link = action.link
        try:
            end: TransportEnd | BaseException | None = await self._run(action)
        except Exception as error:  # noqa: BLE001 - the border of a task: the one who follows raises it
            end = error
        if end is not None:
            await self.inbox.put((link, end))

    def _run(self, action: Open) -> Coroutine[Any, Any, TransportEnd | None]:
        async def hear(frame: bytes) -> None:
            await self.inbox.put((action.link, frame))

        if action.carrier == "websocket":
            socket = self._sockets[action.link] = WebSocketCarrier(self._address, action.hello)
            return socket.run(hear)
        if self._http is None:
            self._http = http_client(self._address)
        if action.carrier == "sse":
            return run_event_stream(self._http, self._address, action.hello, hear)
        return run_poll(self._http, self._address, action.hello, hear)
