"""Measure the live path: bytes of real recorded messages to the facts they cause, stage by stage. Prints JSON.

The path is the desk's own: a connection's read → decoder → subscription → tape → engine → the commit for the store.
Sockets and the disk are left out. `--interpreted` measures the same in a second process without the compiled kernel.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import NamedTuple

from papertape import kernel
from papertape.feeds.binance.connection import Timing, VenueConnection
from papertape.feeds.binance.decoder import MarketDecoder
from papertape.feeds.binance.frames import BookTickerFrame, DepthFrame, Received, SnapshotFrame, TradeFrame
from papertape.feeds.binance.hub import MarketHub
from papertape.feeds.binance.protocol import parse_frame
from papertape.feeds.binance.subscription import BinanceSubscription
from papertape.feeds.binance.venue_rest import VenueRest
from papertape.feeds.recorded.discover import discover_instruments
from papertape.feeds.recorded.reading import find_frame_files, read_file
from papertape.journal.ports import Commit, StoreStatus
from papertape.journal.tape import Tape
from papertape.model.entries import LifecycleChange, MarketEvent
from papertape.model.feed import FeedStatus
from papertape.model.instrument import Instrument
from papertape.model.session import PROFILES, SessionPlan, SessionRow, StrategyVersion
from papertape.session.core import SessionCore
from papertape.session.scribe import Scribe
from papertape.strategy.library import builtin_text
from papertape.strategy.parse import parse_definition, to_plain

RECORDING = Path(__file__).resolve().parents[1] / "../shared/data/binance-raw-ws-2024-08/raw/usdm_btcusdt_20240808.gz"
BURSTS = (1, 8, 64)
LOADS: dict[str, tuple[str, ...]] = {
    "none": (),
    "one builtin": ("pump-peak-short",),
    "rich": ("pump-peak-short", "pump-peak-short", "flash-pump-long", "ema-cross"),
}
KINDS = {TradeFrame: "trade", BookTickerFrame: "bookTicker", DepthFrame: "depth"}


class Load(NamedTuple):
    """A recording: its instrument, the books it begins with, and its messages with their receive times."""

    instrument: Instrument
    snapshots: list[tuple[int, SnapshotFrame]]
    messages: list[tuple[int, bytes]]


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--recording", type=Path, default=RECORDING)
    parser.add_argument("--messages", type=int, default=30_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--interpreted", action="store_true", help="measure the interpreted kernel too, and the ratio")
    arguments = parser.parse_args()
    load = read(arguments.recording, arguments.messages)
    figures = {
        "what": "ns a message, by stage and in bursts; bytes to the commit handed to the store",
        "recording": arguments.recording.name,
        "messages": len(load.messages),
        "rounds": arguments.rounds,
        "kernel": kernel.told(),
        "machine": f"{platform.machine()}, Python {platform.python_version()}, load {os.getloadavg()[0]:.1f}",
        "stages_ns": stages(load, arguments.rounds),
        "bursts": {name: asyncio.run(bursts(load, names, arguments.rounds)) for name, names in LOADS.items()},
    }
    if arguments.interpreted:
        figures |= interpreted(arguments, figures)
    json.dump(figures, sys.stdout, indent=2)
    sys.stdout.write("\n")


def read(path: Path, count: int) -> Load:
    """Return the first messages of a recording, with the stream names this desk asks for."""
    files = find_frame_files(path)
    (instrument,) = discover_instruments(files)
    snapshots: list[tuple[int, SnapshotFrame]] = []
    messages: list[tuple[int, bytes]] = []
    for recorded in read_file(files[0]):
        if recorded.raw.startswith(b'{"stream"'):
            messages.append((recorded.recv_ns // 1000, recorded.raw.replace(b"@depth@0ms", b"@depth@100ms", 1)))
        else:
            frame = parse_frame(recorded.raw)
            if isinstance(frame, SnapshotFrame):
                snapshots.append((len(messages), frame))
        if len(messages) == count:
            break
    return Load(instrument, snapshots, messages)


def stages(load: Load, rounds: int) -> dict[str, dict[str, float]]:
    """Return what each stage takes a message, one message at a time."""
    spent: dict[str, list[int]] = {}
    for _ in range(rounds):
        short, long = new_decoder(load.instrument), new_decoder(load.instrument)
        core = new_core(load.instrument, ())
        tape = Tape()
        waiting = dict(load.snapshots)
        for index, (recv_ts, raw) in enumerate(load.messages):
            if index in waiting:
                for decoder in (short, long):
                    decoder.on_snapshot(load.instrument.symbol, waiting[index], recv_ts, [])
            frame = parse_frame(raw)
            kind = KINDS.get(type(frame), "other")
            events: list[MarketEvent] = []
            passed = [time.perf_counter_ns()]
            parse_frame(raw)
            passed.append(time.perf_counter_ns())
            long.take(frame, recv_ts, [])
            passed.append(time.perf_counter_ns())
            short.take_burst([raw], recv_ts, events)
            passed.append(time.perf_counter_ns())
            tape.append(events)
            passed.append(time.perf_counter_ns())
            core.feed(events)
            passed.append(time.perf_counter_ns())
            told = (f"msgspec parse {kind}", f"msgspec decode {kind}", f"hot decode {kind}", "tape", f"feed {kind}")
            for stage, start, end in zip(told, passed[:-1], passed[1:], strict=True):
                spent.setdefault(stage, []).append(end - start)
    return {stage: spread(times) for stage, times in sorted(spent.items())}


async def bursts(load: Load, strategies: Sequence[str], rounds: int) -> dict[str, dict[str, float]]:
    """Return what a burst takes, in microseconds, by how many messages it has.

    From its bytes to the commit, and until the connection is free for the next burst.
    """
    figures: dict[str, dict[str, float]] = {}
    for size in BURSTS:
        handed: list[int] = []
        free: list[int] = []
        for _ in range(rounds):
            desk = Desk(load, strategies)
            desk.play(load, size, handed, free)
            await desk.close()
        found = spread(handed)
        figures[str(size)] = {
            "median_us": round(found["median"] / 1000, 1),
            "p99_us": round(found["p99"] / 1000, 1),
            "ns_a_message": round(found["median"] / size),
            "free_after_us": round(spread(free)["median"] / 1000, 1),
        }
    return figures


class Desk:
    """One session on one connection, without socket and disk; the clock is the recorder's."""

    def __init__(self, load: Load, strategies: Sequence[str]) -> None:
        self._now = load.messages[0][0]
        timing = Timing()
        rest = VenueRest("usdm", "http://127.0.0.1:9", self._clock, timing.rest)
        self._hub = MarketHub("usdm", (), rest, timing, self._clock, Random(1))
        self._hub.want([load.instrument])
        self._connection = VenueConnection("ws://127.0.0.1:9", timing, self._burst, _nothing)
        core = new_core(load.instrument, strategies)
        row = SessionRow(
            session_id="exec_20240808_235415_00000001", revision=1, epoch="bench", created_ts=0, updated_ts=0,
            feed="recorded", state="running", reason="", is_degraded=False, entries_paused=False,
            idempotency_key=None, plan=core.plan, instances=(),
        )  # fmt: skip
        self._store = _Store()
        self._scribe = Scribe(
            row, core, appender=self._store, clock=self._clock, outlets=(), on_broken=_raise, on_ended=_nothing
        )
        self._hub.join(BinanceSubscription([load.instrument], self, [self._hub]))

    def play(self, load: Load, size: int, handed: list[int], free: list[int]) -> None:
        """Append after how many nanoseconds each burst of `size` messages was handed over, and let the next one in."""
        waiting = dict(load.snapshots)
        gc.disable()
        for start in range(0, len(load.messages) - size + 1, size):
            for index in range(start, start + size):
                if index in waiting:
                    events: list[MarketEvent] = []
                    self._hub.decoder.on_snapshot(load.instrument.symbol, waiting[index], self._now, events)
                    self._hub.publish(events)
            self._now = load.messages[start + size - 1][0]
            messages = [raw for _, raw in load.messages[start : start + size]]
            began = time.perf_counter_ns()
            self._store.handed_ns = 0
            self._connection.take(messages)
            ended = time.perf_counter_ns()
            handed.append((self._store.handed_ns or ended) - began)  # without an event there is no commit
            free.append(ended - began)
            self._store.commits.clear()
        gc.enable()

    def on_events(self, events: Sequence[MarketEvent]) -> None:
        """Take a burst as a session's runner does."""
        self._scribe.pipeline.note_events(events, self._now)
        self._scribe.take(events)

    def on_status(self, status: FeedStatus) -> None:
        """Take a change of the connection; there is none."""

    async def close(self) -> None:
        """Let go of what was begun."""
        await self._hub.close()

    def _burst(self, burst: list[Received]) -> None:
        self._hub.take(burst)

    def _clock(self) -> int:
        return self._now


class _Store:
    """Notes when a commit was handed over; it is let go after the measurement, as by the writer's thread."""

    def __init__(self) -> None:
        self.handed_ns = 0
        self.commits: list[tuple[Commit, Callable[[BaseException | None], None]]] = []

    def submit(self, commit: Commit, on_durable: Callable[[BaseException | None], None]) -> None:
        self.commits.append((commit, on_durable))
        self.handed_ns = time.perf_counter_ns()

    def probe(self) -> None:
        return

    def status(self) -> StoreStatus:
        return StoreStatus(
            driver="none", location="", is_healthy=True, last_error=None, last_durable_ts=None, rows_total=0,
            queue_length=0, lag_ms=0.0, detail="Nothing is written while the burst is measured.",
        )  # fmt: skip


def new_decoder(instrument: Instrument) -> MarketDecoder:
    """Return a decoder of one instrument that passes over holes."""
    decoder = MarketDecoder("usdm", can_fetch=False)
    decoder.add(instrument)
    return decoder


def new_core(instrument: Instrument, strategies: Sequence[str]) -> SessionCore:
    """Return a running session with built-in strategies; one that is named twice is taken twice, under two names."""
    versions: list[StrategyVersion] = []
    for index, name in enumerate(strategies):
        plain = to_plain(parse_definition(builtin_text(name))) | {"name": f"{name}-{index}"}
        versions.append(StrategyVersion(name=f"{name}-{index}", version=1, sha256="0" * 64, definition=plain))
    core = SessionCore(
        SessionPlan(
            mode="PAPER", strategies=tuple(versions), instruments=(instrument,), capital=Decimal(10_000),
            currency="USDT", profile=PROFILES["standard"],
        )
    )  # fmt: skip
    core.feed(
        [
            LifecycleChange(
                ts=0, recv_ts=0, state="running", trigger="start", reason="The measurement started.",
                is_degraded=False, entries_paused=False,
            )
        ]
    )  # fmt: skip
    return core


def spread(times: list[int]) -> dict[str, float]:
    """Return the median, the mean and the 99th percentile."""
    ordered = sorted(times)
    return {
        "median": statistics.median(ordered),
        "mean": round(statistics.fmean(ordered)),
        "p99": ordered[len(ordered) * 99 // 100],
    }


def interpreted(arguments: argparse.Namespace, compiled: dict[str, object]) -> dict[str, object]:
    """Measure the interpreted kernel in a process of its own, and say how many times slower it is."""
    command = [sys.executable, __file__, "--recording", str(arguments.recording), "--rounds", "1"]
    command += ["--messages", str(arguments.messages)]
    environment = os.environ | {kernel.SETTING: kernel.INTERPRETED}
    said = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
    slow = json.loads(said)
    fast = json.loads(json.dumps(compiled))
    ratios = {
        load: {
            size: round(found["median_us"] / fast["bursts"][load][size]["median_us"], 1) for size, found in by.items()
        }
        for load, by in slow["bursts"].items()
    }
    return {"interpreted": {"stages_ns": slow["stages_ns"], "bursts": slow["bursts"]}, "interpreted_ratio": ratios}


def _nothing() -> None:
    return


def _raise(error: BaseException) -> None:
    raise error


if __name__ == "__main__":
    main()
