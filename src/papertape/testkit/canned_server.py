"""A server on 127.0.0.1 that gives every request the same answer, or hangs up, or keeps silent."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_END = b"\r\n\r\n"


def http_answer(status: int, body: str = "", *, server: str = "questDB/1.0", content: str = "text/plain") -> bytes:
    """Return the bytes of an HTTP answer that ends its connection."""
    head = (
        f"HTTP/1.1 {status} Answer\r\nServer: {server}\r\nContent-Type: {content}\r\n"
        f"Content-Length: {len(body.encode())}\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + body.encode()


@contextmanager
def canned_server(answer: bytes | None) -> Iterator[int]:
    """Run a server and yield its port: it sends `answer` to each request, `b""` hangs up, None keeps silent."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=_serve, args=(listener, answer), name="canned-server", daemon=True)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join(5)


def _serve(listener: socket.socket, answer: bytes | None) -> None:
    kept: list[socket.socket] = []
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:  # the block has ended
            break
        if answer is None:
            kept.append(connection)
            continue
        with connection:
            connection.settimeout(5)
            _read_request(connection)
            connection.sendall(answer)
    for each in kept:
        each.close()


def _read_request(connection: socket.socket) -> None:
    received = b""
    while _END not in received:
        piece = connection.recv(65_536)
        if not piece:
            return
        received += piece
        if not received.startswith((b"GET ", b"POST ")):  # no HTTP: it waits for an answer to its first bytes
            return
    head, _, body = received.partition(_END)
    length = next((int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0)
    while len(body) < length:
        body += connection.recv(65_536)
