"""How a connection through the fault proxy begins: passed on, turned away, or left hanging."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from http import HTTPStatus

from papertape.testkit.fault_link import End, FaultLink, small_socket
from papertape.testkit.faults import (
    AcceptThenCut,
    CutUpgrade,
    Fault,
    HangUpgrade,
    NewFault,
    RefuseUpgrade,
    UpgradeFault,
)

_MAX_HEAD = 65_536


async def open_link(
    client: End, faults: Sequence[Fault], target_port: int, seed: str
) -> tuple[FaultLink, bytes] | None:
    """Return a link to the target and what the client has said already; None for a client that was turned away.

    `faults` may grow while this waits.
    """
    try:
        for fault in faults:
            if isinstance(fault, AcceptThenCut):
                await _cut(client, fault)
                return None
        upgrades = [fault for fault in faults if isinstance(fault, UpgradeFault)]
        head = await _read_head(client) if upgrades else b""
        upgrade = upgrades[0] if upgrades and _asks_for_upgrade(head) else None
        if isinstance(upgrade, RefuseUpgrade):
            await _answer(client, upgrade.status)
            return None
        if isinstance(upgrade, HangUpgrade):
            await _swallow(client)
            return None
        server = await _connected(target_port)
    except OSError:
        return None
    link = FaultLink(client, server, seed)
    if isinstance(upgrade, CutUpgrade):
        link.cut_upgrade(upgrade.after_s, upgrade.how)
    for fault in faults:
        if not isinstance(fault, NewFault):
            link.apply(fault)
    return link, head


async def _connected(port: int) -> End:
    raw = small_socket()
    try:
        await asyncio.get_running_loop().sock_connect(raw, ("127.0.0.1", port))
        return End(*await asyncio.open_connection(sock=raw))
    except BaseException:
        raw.close()
        raise


async def _read_head(client: End) -> bytes:
    head = b""
    while b"\r\n\r\n" not in head and len(head) < _MAX_HEAD and (chunk := await client.reader.read(_MAX_HEAD)):
        head += chunk
    return head


def _asks_for_upgrade(head: bytes) -> bool:
    lines = head.partition(b"\r\n\r\n")[0].lower().split(b"\r\n")
    headers = {name.strip(): value.strip() for name, _, value in (line.partition(b":") for line in lines[1:])}
    return headers.get(b"upgrade") == b"websocket"


async def _answer(client: End, status: int) -> None:
    head = f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    client.writer.write(head.encode())
    client.close()
    await client.writer.wait_closed()


async def _cut(client: End, fault: AcceptThenCut) -> None:
    if fault.how in ("black_hole", "half_open"):
        await _swallow(client)
    elif fault.how == "fin":
        client.close()
        await client.writer.wait_closed()


async def _swallow(client: End) -> None:
    while await client.reader.read(_MAX_HEAD):
        pass
