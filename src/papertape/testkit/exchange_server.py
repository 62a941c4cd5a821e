"""A real local server that speaks Binance's dialect and plays recorded frames to any client.

Spot streams at `/stream`, USD-M at `/public/stream` and `/market/stream`, REST at `/api/v3` and `/fapi/v1`; on loopback
only.
The market runs whoever listens: what is played while a client is away is missed by it, and found again by REST.
Run it with `python -m papertape.testkit.exchange_server --frames DIR --speed 10`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from http import HTTPStatus
from pathlib import Path
from typing import NamedTuple, Self
from urllib.parse import parse_qs, urlsplit

import msgspec
from websockets.asyncio.server import Server, ServerConnection, broadcast, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from papertape.feeds.binance.frames import Market
from papertape.feeds.recorded.discover import discover_instruments
from papertape.testkit.exchange_server_client import PATHS, Client, Command
from papertape.testkit.exchange_server_market import PlayedMarket
from papertape.testkit.exchange_server_rest import answer, is_rest_path
from papertape.testkit.frames import PlayedFrame, Playlist

_SHORTEST_WAIT_S = 0.002
_FRAMES_AT_ONCE = 500


class _Skip(NamedTuple):
    market: Market
    symbol: str
    kind: str


class ExchangeServer:
    """Plays a recording as an exchange. Use as an async context manager.

    Args:
        frames: a file or folder of recorded frames.
        speed: recorded seconds a second, from the first subscription on; 0 plays only what `advance` asks for.
        warmup_s: recorded seconds played before the start, so that REST has a history.
        loops: begin again at the end.
        shift_ms: added to every time in the frames.
        port: 0 takes any free one.
    """

    def __init__(
        self,
        frames: Path | str,
        *,
        speed: float = 1.0,
        warmup_s: float = 0.0,
        loops: bool = False,
        shift_ms: int = 0,
        port: int = 0,
    ) -> None:
        self._playlist = Playlist(frames, loops=loops, shift_ms=shift_ms)
        self._speed = speed
        self._warmup_ns = int(warmup_s * 1e9)
        self._port = port
        self._markets: dict[tuple[Market, str], PlayedMarket] = {}
        self._frames: Iterator[PlayedFrame] = iter(())
        self._next: PlayedFrame | None = None
        self._server: Server | None = None
        self._player: asyncio.Task[None] | None = None
        self._running = asyncio.Event()
        self._changed = asyncio.Condition()
        self._skips: dict[_Skip, int] = {}
        self._refuses = False
        self._answers = True
        self._refused_subscription: str | None = None
        self._ticker_s: dict[tuple[Market, str], int] = {}
        self.clients: list[Client] = []
        self.connections = 0
        self.played = 0
        self.commands: list[tuple[str, list[str]]] = []
        self.is_at_end = False

    @property
    def port(self) -> int:
        """The port in use, once started."""
        return self._port

    @property
    def venue_url(self) -> str:
        """What `--venue-url binance=` takes: the WebSocket and the HTTP address."""
        return f"ws://127.0.0.1:{self._port},http://127.0.0.1:{self._port}"

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> None:
        """Listen; play begins with the first subscription."""
        await asyncio.to_thread(self._prepare)
        self._server = await serve(
            self._serve,
            "127.0.0.1",
            self._port,
            process_request=self._process_request,
            compression=None,
            ping_interval=20,
            close_timeout=1,
        )
        self._port = next(iter(self._server.sockets)).getsockname()[1]
        if self._speed > 0:
            self._player = asyncio.create_task(self._play(), name="exchange server")

    async def stop(self) -> None:
        """Close every connection and stop listening."""
        if self._player is not None:
            self._player.cancel()
            await asyncio.gather(self._player, return_exceptions=True)
        self.cut()
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()

    async def advance(self, *, frames: int | None = None, seconds: float | None = None) -> None:
        """Play the next frames, or the next recorded seconds, at once."""
        first = self._next
        if first is None:
            return
        until_ns = None if seconds is None else first.at_ns + int(seconds * 1e9)
        count = 0
        while self._next is not None:
            if frames is not None and count >= frames:
                break
            if until_ns is not None and self._next.at_ns >= until_ns:
                break
            self._play_one()
            count += 1
            if count % _FRAMES_AT_ONCE == 0:
                await asyncio.sleep(0)

    async def wait_for(self, condition: Callable[[ExchangeServer], bool], timeout_s: float = 10.0) -> None:
        """Wait until `condition` holds; it is looked at whenever a client comes, goes or asks for something."""
        async with asyncio.timeout(timeout_s), self._changed:
            await self._changed.wait_for(lambda: condition(self))

    def cut(self) -> None:
        """Cut every connection without a closing handshake."""
        for client in tuple(self.clients):
            client.connection.transport.abort()

    def hang(self) -> None:
        """Stop sending to and reading from the clients connected now, keeping the connections open."""
        for client in self.clients:
            client.is_hanging = True
            client.connection.transport.pause_reading()

    def pause(self) -> None:
        """Stop the market."""
        self._running.clear()

    def resume(self) -> None:
        """Let the market run on."""
        self._running.set()

    def skip(self, symbol: str, kind: str, count: int = 1, market: Market = "spot") -> None:
        """Leave out the next `count` frames of one kind for every client; REST still knows them."""
        self._skips[_Skip(market, symbol, kind)] = count

    def forget_trades(self) -> None:
        """Make REST forget every print so far."""
        for played in self._markets.values():
            played.trades.clear()

    def send_raw(self, message: str | bytes) -> None:
        """Send a message as it is to every client: garbage, or anything else."""
        broadcast([client.connection for client in self.clients], message)

    def refuse(self, *, refuses: bool = True) -> None:
        """Answer every new connection and REST call with 503, or stop doing so."""
        self._refuses = refuses

    def answer_commands(self, *, answers: bool) -> None:
        """Stop, or begin again, to acknowledge subscriptions."""
        self._answers = answers

    def refuse_subscriptions(self, message: str | None) -> None:
        """Answer subscriptions with an error, or accept them again with None."""
        self._refused_subscription = message

    def announce_shutdown(self) -> None:
        """Tell every client that its connection will end soon, as the venue does."""
        self.send_raw(msgspec.json.encode({"e": "serverShutdown", "E": self._now_ms()}).decode())

    def market(self, market: Market, symbol: str) -> PlayedMarket:
        """Return the state of one symbol."""
        return self._markets[market, symbol]

    def _prepare(self) -> None:
        for instrument in discover_instruments(self._playlist.files):
            market: Market = "spot" if instrument.kind == "spot" else "usdm"
            self._markets[market, instrument.symbol] = PlayedMarket(market, instrument)
        for played in self._playlist.first_snapshots():
            self._markets[played.market, played.symbol].take(played)
        self._frames = iter(self._playlist)
        self._next = next(self._frames, None)
        while self._next is not None and self._next.at_ns < self._warmup_ns:
            self._play_one()

    async def _play(self) -> None:
        await self._running.wait()
        loop = asyncio.get_running_loop()
        origin_ns, started = self._next.at_ns if self._next else 0, loop.time()
        count = 0
        while self._next is not None:
            if not self._running.is_set():
                paused = loop.time()
                await self._running.wait()
                started += loop.time() - paused
            wait = (self._next.at_ns - origin_ns) / 1e9 / self._speed - (loop.time() - started)
            if wait > 0 or count >= _FRAMES_AT_ONCE:
                count = 0
                await asyncio.sleep(max(wait, _SHORTEST_WAIT_S) if wait > 0 else 0)
                continue
            self._play_one()
            count += 1

    def _play_one(self) -> None:
        played = self._next
        if played is None:
            return
        self._next = next(self._frames, None)
        self.is_at_end = self._next is None
        self.played += 1
        market = self._markets.get((played.market, played.symbol))
        if market is None:
            return
        market.take(played)
        if played.kind != "snapshot" and not self._is_skipped(played):
            self._send(played.market, played.symbol, played.kind, played.payload)
        if played.kind == "trade":
            self._send_ticker(market)

    def _is_skipped(self, played: PlayedFrame) -> bool:
        key = _Skip(played.market, played.symbol, played.kind)
        left = self._skips.get(key, 0)
        if left > 0:
            self._skips[key] = left - 1
        return left > 0

    def _send(self, market: Market, symbol: str, kind: str, payload: bytes) -> None:
        for client in self.clients:
            if client.market != market or client.is_hanging:
                continue
            name = client.name_of(symbol, kind)
            if name is not None:
                text = payload.decode()
                broadcast([client.connection], f'{{"stream":"{name}","data":{text}}}' if client.wraps else text)

    def _send_ticker(self, played: PlayedMarket) -> None:
        key = (played.market, played.instrument.symbol)
        second = played.event_ms // 1000
        if self._ticker_s.get(key) == second:
            return
        self._ticker_s[key] = second
        ticker = {
            "e": "24hrTicker",
            "E": played.event_ms,
            "s": played.instrument.symbol,
            "P": f"{played.change_pct:.3f}",
            "c": played.trades[-1].price,
            "q": f"{played.quote_volume:f}",
        }
        self._send(played.market, played.instrument.symbol, "ticker", msgspec.json.encode(ticker))

    async def _process_request(self, connection: ServerConnection, request: Request) -> Response | None:
        _ = connection
        if self._refuses:
            return _response(503, b'{"code":-1000,"msg":"The service is not available."}')
        if is_rest_path(request.path):
            found = answer(request.path, self._markets, self._now_ms())
            return _response(found.status, found.body)
        if urlsplit(request.path).path not in PATHS:
            return _response(404, b'{"code":-5000,"msg":"Path not found."}')
        return None

    async def _serve(self, connection: ServerConnection) -> None:
        request = connection.request
        if request is None:
            return
        address = urlsplit(request.path)
        client = Client(connection, address.path)
        client.subscribe([name for part in parse_qs(address.query).get("streams", []) for name in part.split("/")])
        self.clients.append(client)
        self.connections += 1
        await self._notify()
        if client.streams:
            self._running.set()
        try:
            async for message in connection:
                await self._on_message(client, message)
        except ConnectionClosed:
            pass
        finally:
            self.clients.remove(client)
            await self._notify()

    async def _on_message(self, client: Client, message: str | bytes) -> None:
        try:
            command = msgspec.json.decode(message, type=Command)
        except msgspec.DecodeError:
            await client.connection.send('{"error":{"code":3,"msg":"Invalid JSON: expected value"}}')
            return
        self.commands.append((command.method, command.params))
        if self._answers:
            await client.connection.send(self._reply(client, command))
        await self._notify()

    def _reply(self, client: Client, command: Command) -> str:
        if self._refused_subscription is not None:
            error: dict[str, object] = {"code": 2, "msg": self._refused_subscription}
            return msgspec.json.encode({"error": error, "id": command.id}).decode()
        result: object = None
        if command.method == "SUBSCRIBE":
            client.subscribe(command.params)
            self._running.set()
        elif command.method == "UNSUBSCRIBE":
            client.unsubscribe(command.params)
        elif command.method == "LIST_SUBSCRIPTIONS":
            result = list(client.streams.values())
        else:
            error = {"code": 2, "msg": f"Invalid request: unknown variant `{command.method}`"}
            return msgspec.json.encode({"error": error, "id": command.id}).decode()
        return msgspec.json.encode({"result": result, "id": command.id}).decode()

    async def _notify(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    def _now_ms(self) -> int:
        return max((played.event_ms for played in self._markets.values()), default=0)


def _response(status: int, body: bytes) -> Response:
    headers = Headers({"Content-Type": "application/json", "Content-Length": str(len(body)), "Connection": "close"})
    return Response(status, HTTPStatus(status).phrase, headers, body)


if __name__ == "__main__":
    from papertape.testkit.exchange_server_command import main

    main()
