"""The result store: whole lines, strict JSON, nothing lost."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fusionbench.cells.store import Cell, find_cells
from fusionbench.errors import DataNotFoundError, OutputError
from fusionbench.files import write_json, write_through


def line(image: str, value: float | None, status: str = "ok") -> dict[str, object]:
    about = {"run": "r", "image": image, "metric": "EN", "version": 1, "profile": "canonical"}
    return {**about, "value": value, "status": status, "detail": ""}


def test_the_last_line_of_a_key_counts(tmp_path: Path) -> None:
    cell = Cell(tmp_path)
    cell.append([line("1", None, "failed"), line("2", 5.0)])
    cell.append([line("1", 4.0)])
    assert sorted(x["value"] for x in cell.scores().values()) == [4.0, 5.0]


def test_a_torn_last_line_is_passed_over_and_cut_off(tmp_path: Path) -> None:
    cell = Cell(tmp_path)
    cell.append([line("1", 1.0), line("2", 2.0)])
    whole = cell.scores_file.read_bytes()
    cell.scores_file.write_bytes(whole[:-7])
    assert [x["image"] for x in cell.scores().values()] == ["1"]
    cell.drop_torn_line()
    cell.append([line("2", 2.0)])
    assert cell.scores_file.read_bytes() == whole


def test_a_value_that_is_no_number_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        Cell(tmp_path).append([line("1", float("nan"))])


@pytest.mark.parametrize(
    ("text", "word"), [("{", "damaged"), ("[]", "damaged"), ('{"schema": 99}', "schema 99")]
)
def test_a_record_that_cannot_be_read_is_named(text: str, word: str, tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text(text)
    with pytest.raises(OutputError, match=word):
        Cell(tmp_path).read_record()


def test_missing_and_empty_runs_folders_are_named(tmp_path: Path) -> None:
    for folder in (tmp_path / "nowhere", tmp_path):
        with pytest.raises(DataNotFoundError, match=str(folder)):
            find_cells(folder)


def test_a_failed_write_keeps_the_old_file_and_leaves_nothing(tmp_path: Path) -> None:
    target = tmp_path / "a.json"
    write_json(target, {"old": 1})

    def half(partial: Path) -> None:
        partial.write_text("half")
        raise OSError(28, "No space left on device")

    with pytest.raises(OutputError, match="No space left"):
        write_through(target, half)
    assert json.loads(target.read_text()) == {"old": 1}
    assert [p.name for p in tmp_path.iterdir()] == ["a.json"]
