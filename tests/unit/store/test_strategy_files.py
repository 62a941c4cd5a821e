"""The trader's own strategies as files: saved at once, every version kept, no name leads elsewhere."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from papertape.errors import Invalid, NotFound, Unavailable
from papertape.store.strategy_files import StrategyFile, StrategyFiles


def _file(name: str, version: int, text: str) -> StrategyFile:
    return StrategyFile(name=name, version=version, text=text)


def test_a_saved_strategy_is_read_back_and_listed(tmp_path: Path) -> None:
    files = StrategyFiles(tmp_path)
    assert files.save("ema-cross", "name: ema-cross\r\n# ł\n") == _file("ema-cross", 1, "name: ema-cross\r\n# ł\n")
    files.save("a_1", "name: a")
    assert files.read("ema-cross") == _file("ema-cross", 1, "name: ema-cross\r\n# ł\n")
    assert files.names() == ["a_1", "ema-cross"]
    assert files.files() == [files.read("a_1"), files.read("ema-cross")]


def test_every_saved_version_is_kept(tmp_path: Path) -> None:
    files = StrategyFiles(tmp_path)
    for text in ("one", "two", "two", "three"):
        files.save("mine", text)
    assert files.versions("mine") == [1, 2, 3]
    assert [files.read_version("mine", version).text for version in (1, 2, 3)] == ["one", "two", "three"]
    assert (tmp_path / ".versions" / "mine" / "0002.yaml").read_text() == "two"


def test_an_edit_by_hand_is_kept_before_it_is_replaced(tmp_path: Path) -> None:
    files = StrategyFiles(tmp_path)
    files.save("mine", "one")
    (tmp_path / "mine.yaml").write_text("by hand")
    assert files.save("mine", "two") == _file("mine", 3, "two")
    assert [files.read_version("mine", version).text for version in files.versions("mine")] == ["one", "by hand", "two"]


def test_a_deleted_strategy_keeps_its_versions(tmp_path: Path) -> None:
    files = StrategyFiles(tmp_path)
    files.save("mine", "one")
    files.delete("mine")
    assert files.names() == []
    assert files.read_version("mine", 1) == _file("mine", 1, "one")
    with pytest.raises(NotFound, match="no strategy 'mine'"):
        files.read("mine")
    with pytest.raises(NotFound):
        files.delete("mine")
    assert files.save("mine", "two") == _file("mine", 2, "two")


def test_no_draft_is_left_behind(tmp_path: Path) -> None:
    StrategyFiles(tmp_path).save("mine", "one")
    assert sorted(path.name for path in tmp_path.rglob("*")) == [".versions", "0001.yaml", "mine", "mine.yaml"]


@pytest.mark.parametrize(
    "name", ["", "..", "../mine", "a/b", ".hidden", "Mine", "a b", "mine.yaml", "-x", "a" * 65, "ł", "a\n"]
)
def test_a_name_that_could_lead_elsewhere_is_refused(tmp_path: Path, name: str) -> None:
    files = StrategyFiles(tmp_path / "strategies")
    for refused in (files.read, files.delete, files.versions, lambda name: files.save(name, "x")):
        with pytest.raises(Invalid, match="cannot name a strategy") as refusal:
            refused(name)
        assert refusal.value.code == "strategy.malformed_name"
    assert list(tmp_path.iterdir()) == []


def test_other_files_are_no_strategies(tmp_path: Path) -> None:
    for name in ("notes.txt", "My Strategy.yaml", ".mine.yaml.new"):
        (tmp_path / name).write_text("x")
    assert StrategyFiles(tmp_path).files() == []


def test_a_file_that_is_not_text_is_refused_with_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_bytes(b"name: \xff")
    with pytest.raises(Invalid, match=r"is not UTF-8 text \(invalid start byte at byte 6\)"):
        StrategyFiles(tmp_path).read("mine")


def test_a_folder_that_is_gone_is_reported(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Unavailable, match="cannot be saved"):
        StrategyFiles(tmp_path / "file").save("mine", "one")


@settings(max_examples=25, deadline=None)
@given(text=st.text())
def test_any_text_is_read_back_equal(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    files = StrategyFiles(tmp_path_factory.mktemp("strategies"))
    try:
        files.save("mine", text)
    except Invalid:
        assert any("\ud800" <= character <= "\udfff" for character in text)
        return
    assert files.read("mine").text == text
