"""Where the marks lie: outside the data folder, or what the log warns of."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from answerby.server.base.config import StoreConfig
from answerby.server.base.logs import make_logger
from answerby.server.base.marks_folder import marks_folder


def ask(settings: StoreConfig) -> tuple[Path | None, list[str]]:
    """The folder, and the warnings of the log."""
    log = io.StringIO()
    folder = marks_folder(settings, make_logger("info", log))
    return folder, [json.loads(line)["warning"] for line in log.getvalue().splitlines()]


def test_it_lies_beside_the_data_folder(tmp_path: Path) -> None:
    folder, warnings = ask(StoreConfig(data_folder=tmp_path / "data"))
    assert (folder, warnings) == (tmp_path / "data-marks", [])
    assert folder.stat().st_mode & 0o777 == 0o700


def test_it_lies_where_the_setting_says(tmp_path: Path) -> None:
    settings = StoreConfig(data_folder=tmp_path / "data", marks_folder=tmp_path / "kept" / "marks")
    assert ask(settings) == (tmp_path / "kept" / "marks", [])


@pytest.mark.parametrize("name", [".", "data/.."])
def test_a_data_folder_without_a_name_has_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    inner = tmp_path / "inner"
    (inner / "data").mkdir(parents=True)
    monkeypatch.chdir(inner)
    assert ask(StoreConfig(data_folder=Path(name))) == (tmp_path / "inner-marks", [])


def test_without_a_place_beside_it_lies_inside_and_the_log_warns(tmp_path: Path) -> None:
    (tmp_path / "data-marks").write_text("a file", "utf-8")
    folder, (warning,) = ask(StoreConfig(data_folder=tmp_path / "data"))
    assert folder == tmp_path / "data" / "marks"
    assert "set store.marks_folder" in warning
    assert "data-marks: File exists" in warning


def test_without_any_place_there_is_none_and_the_log_warns(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", "utf-8")
    folder, (warning,) = ask(StoreConfig(marks_folder=tmp_path / "file" / "marks"))
    assert folder is None
    assert "cannot be found out" in warning
