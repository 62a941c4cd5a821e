from __future__ import annotations

import json
import os
from pathlib import Path

import httpx
import pytest
import structlog

from papertape.model.views import PreflightView
from papertape.server.app import create_app
from papertape.server.hub import StreamHub
from papertape.server.memory import MEGABYTE, MemoryLimit, MemoryWatch, find_limit, resident_bytes, watch_memory
from papertape.server.settings import ServerSettings
from papertape.testkit.fake_desk import FakeDesk
from papertape.testkit.stream_probe import HubBench, session_topic
from papertape.wire.stream import Bye, Pub

CONDITIONS = session_topic("conditions")


class Reading:
    """A memory of 1,000 MB of which a test says how much is taken."""

    def __init__(self) -> None:
        self.used_mb = 500.0

    def __call__(self) -> int:
        return int(self.used_mb * MEGABYTE)


def watch(reading: Reading) -> MemoryWatch:
    return MemoryWatch(MemoryLimit(size=1_000 * MEGABYTE, source="the configured limit"), reading)


def bench_on(reading: Reading) -> HubBench:
    bench = HubBench(memory=watch(reading))
    bench.pass_time(1.1)
    return bench


def test_each_watermark_has_its_state_and_is_left_two_percent_below_it() -> None:
    reading = Reading()
    memory = watch(reading)
    said = []
    with structlog.testing.capture_logs() as logs:
        for reading.used_mb in (799, 800, 900, 950, 940, 929, 890, 879, 800, 781, 779):
            said.append(memory.measure())
    assert said == ["normal", "refuse", "slow", "shed", "shed", "slow", "slow", "refuse", "refuse", "refuse", "normal"]
    assert [entry["state"] for entry in logs] == ["refuse", "slow", "shed", "slow", "refuse", "normal"]
    assert logs[0]["limit_source"] == "the configured limit"


def test_a_desk_short_of_memory_takes_no_new_connection_and_says_why() -> None:
    reading = Reading()
    bench = bench_on(reading)
    assert bench.hub.refusal() is None
    reading.used_mb = 850
    bench.pass_time(1.1)
    refusal = bench.hub.refusal()
    assert refusal is not None
    assert refusal.error.message == (
        "The desk is short of memory, so it takes no new connections: 850 of 1,000 MB are taken (the configured limit)."
    )
    assert (refusal.error.code, refusal.error.retry, refusal.retry_after_s) == ("stream.memory", True, 10)
    health = bench.hub.health()
    assert (health.memory_state, health.memory_mb, health.memory_limit_mb, health.refused) == ("refuse", 850, 1_000, 1)


def test_latest_values_come_once_a_second_while_memory_is_short() -> None:
    reading = Reading()
    bench = bench_on(reading)
    probe = bench.greeted("desk/system", CONDITIONS)
    reading.used_mb = 910
    bench.pass_time(1.1)
    probe.read()
    assert bench.hub.connections().live[0].flush_ms == 1_000
    pubs = []
    for number in range(30):
        bench.desk.show("conditions", PreflightView(key="a", status="ok", checks=(), ts=number))
        bench.pass_time(0.1)
        pubs += [pub for pub in probe.read_only(Pub) if pub.topic == CONDITIONS]
    assert len(pubs) in (2, 3)


def test_the_newest_connections_are_closed_one_a_second_until_memory_suffices() -> None:
    reading = Reading()
    bench = bench_on(reading)
    probes = [bench.greeted() for _ in range(4)]
    reading.used_mb = 960
    while bench.hub.memory.state != "shed":
        bench.pass_time(0.1)
    bench.pass_time(1.0)
    reading.used_mb = 920
    bench.pass_time(2.0)
    codes = [[bye.code for bye in probe.read_only(Bye)] for probe in probes]
    assert codes == [[], [], [4104], [4104]]
    assert probes[3].subscriber.ending is not None
    assert probes[3].subscriber.ending.reason.startswith("The desk is short of memory: 960 of 1,000 MB are taken")


@pytest.mark.parametrize("path", ["/api/stream/sse?hello=%7B%7D", "/api/stream/poll"])
async def test_a_refused_client_is_answered_503_with_the_reason_and_when_to_ask_again(path: str) -> None:
    reading = Reading()
    desk = FakeDesk()
    hub = StreamHub(desk, memory=watch(reading))
    reading.used_mb = 990
    hub.tick()
    transport = httpx.ASGITransport(create_app(desk, ServerSettings(port=8420), hub), client=("127.0.0.1", 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8420") as http:
        answer = await (http.post(path, content=b"{}") if path.endswith("poll") else http.get(path))
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "10")
    assert json.loads(answer.content)["code"] == "stream.memory"


def test_the_configured_limit_goes_before_what_the_system_says() -> None:
    assert watch_memory(123.5).limit == MemoryLimit(size=int(123.5 * MEGABYTE), source="the configured limit")
    assert watch_memory(None).limit.size > resident_bytes() > 10 * MEGABYTE


@pytest.mark.parametrize(
    ("group", "files", "expected"),
    [
        ("0::/desk/inner", {"desk/memory.max": "268435456", "desk/inner/memory.max": "max"}, 256),
        ("0::/desk", {"desk/memory.max": "268435456", "memory.max": "134217728"}, 128),
        ("4:memory:/desk", {"memory/desk/memory.limit_in_bytes": "104857600"}, 100),
    ],
)
def test_the_limit_of_the_control_group_is_found(
    tmp_path: Path, group: str, files: dict[str, str], expected: int
) -> None:
    (tmp_path / "proc/self").mkdir(parents=True)
    (tmp_path / "proc/self/cgroup").write_text(f"9:cpu:/elsewhere\n{group}\n")
    for name, text in files.items():
        path = tmp_path / "sys/fs/cgroup" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{text}\n")
    assert find_limit(tmp_path) == MemoryLimit(size=expected * MEGABYTE, source="the limit of its control group")


@pytest.mark.parametrize("text", ["", "4:memory:/\n", "0::/\n"])
def test_without_a_limit_of_a_control_group_the_machines_memory_counts(tmp_path: Path, text: str) -> None:
    (tmp_path / "proc/self").mkdir(parents=True)
    (tmp_path / "proc/self/cgroup").write_text(text)
    (tmp_path / "sys/fs/cgroup/memory").mkdir(parents=True)
    (tmp_path / "sys/fs/cgroup/memory/memory.limit_in_bytes").write_text("9223372036854771712\n")
    machine = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    assert find_limit(tmp_path) == MemoryLimit(size=machine, source="the machine's memory")
