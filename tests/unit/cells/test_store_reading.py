"""What reads of the store give, and what of it a kill leaves."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fusionbench.cells.score_lines import ScoreKey
from fusionbench.cells.store import SCHEMA, Cell, find_cells, read_records, read_runs
from fusionbench.errors import OutputError
from fusionbench.files import write_json, write_text, write_through

COLUMNS = [
    "dataset",
    "split",
    "family",
    "method",
    "title",
    "kind",
    "run",
    "image",
    "metric",
    "version",
    "profile",
    "value",
    "status",
    "detail",
]
ABOUT = {
    "schema": SCHEMA,
    "dataset": {"name": "msrs", "split": "test", "family": "ir-vis"},
    "method": {"name": "average", "title": "Average", "kind": "trivial"},
}


def line(image: str, value: float | None, status: str = "ok", **changed: object) -> dict[str, Any]:
    about = {"run": "r1", "image": image, "metric": "EN", "version": 1, "profile": "canonical"}
    return {**about, "value": value, "status": status, "detail": "", **changed}


@pytest.fixture
def cell(tmp_path: Path) -> Cell:
    finished = Cell(tmp_path / "msrs-test" / "average" / "r1")
    finished.write_record(ABOUT)
    return finished


def test_a_frame_has_one_row_per_key_and_nan_where_there_is_no_value(cell: Cell, tmp_path: Path) -> None:
    cell.append([line("1", 5.0), line("2", None, "undefined", detail="flat image"), line("1", 6.0)])
    frame = read_runs(tmp_path)
    assert list(frame.columns) == COLUMNS
    assert frame["value"].dtype == "float64"
    rows = frame.set_index("image")
    assert rows.loc["1", "value"] == 6.0
    assert pd.isna(rows.loc["2", "value"])
    assert rows.loc["2", ["status", "detail", "method", "kind"]].tolist() == [
        "undefined",
        "flat image",
        "average",
        "trivial",
    ]


def test_runs_without_scores_give_an_empty_frame(cell: Cell, tmp_path: Path) -> None:
    frame = read_runs(tmp_path)
    assert list(frame.columns) == COLUMNS
    assert frame.empty


def test_version_and_profile_make_scores_of_their_own(cell: Cell) -> None:
    cell.append([line("1", 1.0), line("1", 2.0, version=2), line("1", 3.0, profile="vifb")])
    values = {(key.version, key.profile): stored["value"] for key, stored in cell.scores().items()}
    assert values == {(1, "canonical"): 1.0, (2, "canonical"): 2.0, (1, "vifb"): 3.0}


def test_records_come_with_their_folder(cell: Cell, tmp_path: Path) -> None:
    assert read_records(tmp_path) == [{**ABOUT, "path": str(cell.path)}]
    assert find_cells(cell.path, tmp_path) == [cell]
    assert Cell(tmp_path / "nothing").read_record() is None


def test_a_damaged_line_inside_the_file_is_named_by_its_number(cell: Cell) -> None:
    cell.append([line("1", 1.0)])
    with cell.scores_file.open("a") as stream:
        stream.write('{"image": \n')
    cell.append([line("2", 2.0)])
    with pytest.raises(OutputError, match=r"scores\.jsonl line 2 is not a score"):
        cell.scores()


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_whatever_byte_a_kill_stops_at_whole_lines_stay(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    cell = Cell(tmp_path_factory.mktemp("cell"))
    cell.append([line("nächtlich", 1.0), line("雨", 2.0), line("3", 3.0)])
    whole = cell.scores_file.read_bytes()
    cut = data.draw(st.integers(0, len(whole)))
    cell.scores_file.write_bytes(whole[:cut])
    complete = whole[:cut].count(b"\n")
    assert [key.image for key in cell.scores()] == ["nächtlich", "雨", "3"][:complete]
    cell.drop_torn_line()
    assert cell.scores_file.read_bytes() == b"".join(whole.splitlines(keepends=True)[:complete])


def test_a_torn_score_is_missing_until_it_is_computed_again(cell: Cell) -> None:
    cell.append([line("1", 1.0), line("2", 2.0)])
    with cell.scores_file.open("r+b") as stream:
        stream.truncate(cell.scores_file.stat().st_size - 1)
    assert ScoreKey("2", "EN", 1, "canonical") not in cell.scores()
    cell.drop_torn_line()
    cell.append([line("2", 2.0)])
    assert [key.image for key in cell.scores()] == ["1", "2"]


def test_dropping_a_torn_line_needs_no_file(tmp_path: Path) -> None:
    Cell(tmp_path).drop_torn_line()
    assert Cell(tmp_path).scores() == {}


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_documents_are_strict_json(tmp_path: Path, value: float) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(tmp_path / "a.json", {"value": value})
    assert list(tmp_path.iterdir()) == []
    write_json(tmp_path / "a.json", {"title": "nächtlich"})
    assert json.loads((tmp_path / "a.json").read_text(encoding="utf-8")) == {"title": "nächtlich"}


def test_an_interrupt_while_writing_keeps_the_old_file(tmp_path: Path) -> None:
    target = tmp_path / "a.txt"
    write_text(target, "old")

    def interrupted(partial: Path) -> None:
        partial.write_text("half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_through(target, interrupted)
    assert [(p.name, p.read_text()) for p in tmp_path.iterdir()] == [("a.txt", "old")]


def test_the_file_has_its_name_only_once_it_is_whole(tmp_path: Path) -> None:
    target = tmp_path / "new" / "a.txt"
    seen = []

    def slowly(partial: Path) -> None:
        partial.write_text("half")
        seen.append(target.exists())
        partial.write_text("whole")

    write_through(target, slowly)
    assert (seen, target.read_text(), os.listdir(target.parent)) == ([False], "whole", ["a.txt"])


def test_a_place_that_cannot_be_written_to_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputError, match=r"Cannot write .*file"):
        write_text(tmp_path / "file" / "a.txt", "text")
    with pytest.raises(OutputError, match=r"Cannot write .*scores\.jsonl"):
        Cell(tmp_path / "nowhere").append([line("1", 1.0)])


def test_a_record_of_other_bytes_is_damaged(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_bytes(b"\xff\xfe{")
    with pytest.raises(OutputError, match="damaged"):
        Cell(tmp_path).read_record()


def test_a_line_without_a_key_is_named_by_its_number(cell: Cell) -> None:
    cell.scores_file.write_text('{"image": "1"}\n')
    with pytest.raises(OutputError, match="line 1"):
        cell.scores()


def test_a_folder_or_record_that_may_not_be_read_is_told(cell: Cell, monkeypatch: pytest.MonkeyPatch) -> None:
    refused = PermissionError(13, "Permission denied", str(cell.path))
    scandir = os.scandir

    def closed(path: Any) -> Any:
        if Path(path) == cell.path:
            raise refused
        return scandir(path)

    monkeypatch.setattr(os, "scandir", closed)
    with pytest.raises(PermissionError):  # and not tables without its row
        find_cells(cell.path.parents[2])
    monkeypatch.setattr(Path, "read_text", lambda *_, **__: (_ for _ in ()).throw(refused))
    with pytest.raises(PermissionError):  # and not the advice to delete it
        cell.read_record()
