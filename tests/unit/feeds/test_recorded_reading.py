"""Recordings are read from every form they stand in, whole or broken."""

from __future__ import annotations

import gzip
import json
from itertools import islice
from pathlib import Path

import pytest
import zstandard

from papertape.errors import Invalid, NotFound
from papertape.feeds.recorded.discover import discover_instruments
from papertape.feeds.recorded.reading import RecordedFrame, find_frame_files, read_frames
from papertape.feeds.recorded.source import open_recording
from papertape.testkit.exchange_server_sample import write_sample
from papertape.testkit.shared_data import shared_data

LINE = b'1700000000000000000 {"stream":"btcusdt@trade","data":{"s":"BTCUSDT","t":1}}\n'
LATER = b'1700000000000000005 {"stream":"btcusdt@trade","data":{"s":"BTCUSDT","t":2}}\n'


def frames_in(path: Path) -> list[RecordedFrame]:
    return list(read_frames(find_frame_files(path)))


@pytest.mark.parametrize("suffix", [".gz", ".zst", ".jsonl"])
def test_frames_are_read_plain_and_compressed(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"spot_btcusdt{suffix}"
    data = LINE + LATER
    packed = {".gz": gzip.compress(data), ".zst": zstandard.ZstdCompressor().compress(data), ".jsonl": data}
    path.write_bytes(packed[suffix])
    assert frames_in(path) == [
        RecordedFrame(1_700_000_000_000_000_000, "spot", "BTCUSDT", LINE.partition(b" ")[2].strip()),
        RecordedFrame(1_700_000_000_000_000_005, "spot", "BTCUSDT", LATER.partition(b" ")[2].strip()),
    ]


def test_several_files_are_merged_by_receive_time_and_know_their_market(tmp_path: Path) -> None:
    (tmp_path / "spot_btcusdt.jsonl").write_bytes(LATER)
    (tmp_path / "usdm_btcusdt.jsonl").write_bytes(LINE)
    assert [(frame.recv_ns % 10, frame.market) for frame in frames_in(tmp_path)] == [(0, "usdm"), (5, "spot")]


def test_a_file_without_a_telling_name_is_known_by_its_book_updates(tmp_path: Path) -> None:
    depth = b'17 {"stream":"btcusdt@depth@0ms","data":{"e":"depthUpdate","s":"BTCUSDT","u":2,"pu":1}}\n'
    (tmp_path / "mine.jsonl").write_bytes(b"17000000" + depth)
    assert [file.market for file in find_frame_files(tmp_path)] == ["usdm"]


def test_a_recording_cut_off_in_the_middle_gives_what_was_written(tmp_path: Path) -> None:
    path = tmp_path / "spot_btcusdt.gz"
    packed = gzip.compress(LINE * 2_000)
    path.write_bytes(packed[: len(packed) // 2])
    assert 0 < len(frames_in(path)) < 2_000


def test_lines_that_are_no_frames_are_passed_over(tmp_path: Path) -> None:
    (tmp_path / "spot.jsonl").write_bytes(b"# comment\n\n" + LINE + b"nonsense here\n{broken\n" + LATER)
    assert [frame.recv_ns % 10 for frame in frames_in(tmp_path)] == [0, 5]


def test_a_recorded_session_gives_frames_and_the_snapshots_of_its_rest_answers(tmp_path: Path) -> None:
    entries = [
        {"t": "http", "conn": "x", "ts": 1.0, "url": "https://venue/api/v3/depth?symbol=ABC&limit=5", "data": "{}"},
        {"t": "send", "conn": "x", "ts": 1.5, "data": "hello"},
        {"t": "recv", "conn": "x", "ts": 2.0, "data": '{"stream":"abc@trade","data":{}}'},
    ]
    (tmp_path / "BINANCE.jsonl").write_text("\n".join(json.dumps(entry) for entry in entries))
    assert frames_in(tmp_path) == [
        RecordedFrame(1_000_000_000, "spot", "ABC", b"{}"),
        RecordedFrame(2_000_000_000, "spot", "", b'{"stream":"abc@trade","data":{}}'),
    ]


def test_instruments_have_the_precision_of_the_numbers_observed(tmp_path: Path) -> None:
    found = discover_instruments(find_frame_files(write_sample(tmp_path, steps=50, markets=("spot", "usdm")).path))
    assert [(i.id, i.base, i.quote, i.price_decimals, i.size_decimals) for i in found] == [
        ("BTCUSDT-PERP.BINANCE", "BTC", "USDT", 2, 3),
        ("BTCUSDT.BINANCE", "BTC", "USDT", 2, 3),
    ]


def test_coin_margined_recordings_are_left_out() -> None:
    files = find_frame_files(shared_data("binance-raw-ws-2024-08/raw"))
    assert {(file.market, file.symbol) for file in files} == {
        ("spot", "BTCUSDT"),
        ("spot", "ETHUSDT"),
        ("usdm", "BTCUSDT"),
        ("usdm", "ETHUSDT"),
    }


def test_the_real_recording_is_merged_in_receive_order() -> None:
    files = find_frame_files(shared_data("binance-raw-ws-2024-08/raw"))
    received = [frame.recv_ns for frame in islice(read_frames(files), 5_000)]
    assert received == sorted(received)


def test_a_folder_without_frames_is_refused_with_what_is_expected(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("nothing of the kind")
    with pytest.raises(Invalid, match="holds no recorded Binance frames; expected"):
        open_recording(tmp_path)


def test_a_recording_that_is_not_there_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="There is no recording at"):
        open_recording(tmp_path / "absent")
