"""Scores in columns: the same numbers as from scores.jsonl, whatever is in it and whatever became of the copy."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fusionbench.cells import columns as module
from fusionbench.cells.columns import ScoreColumns, StoredScores, columns_of, keep_columns, read_columns
from fusionbench.cells.score_lines import read_lines
from fusionbench.cells.store import COPY, Cell, score_rows
from fusionbench.errors import OutputError
from fusionbench.tables.cells import index_scores

PROFILES = ("canonical", "vifb", "downstream")


def line(draw: random.Random, run: str = "a") -> dict[str, Any]:
    status = draw.choice(["ok", "ok", "ok", "undefined", "failed"])
    return {
        "run": run,
        "image": draw.choice(["", *(f"{number:03d}" for number in range(6))]),
        "metric": draw.choice(["EN", "SD", "MI"]),
        "version": draw.choice([1, 2]),
        "profile": draw.choice(PROFILES),
        "value": draw.choice([0, 3, -1.5, draw.random()]) if status == "ok" else None,
        "status": status,
        "detail": draw.choice(["", "SD", "flat"]),  # a detail may read like a metric
    }


def lines(seed: int) -> list[dict[str, Any]]:
    draw = random.Random(seed)
    return [line(draw) for _ in range(50)]


def cell_with(path: Path, content: list[dict[str, Any]]) -> Cell:
    path.mkdir(parents=True)
    cell = Cell(path)
    cell.append(content)
    return cell


def records(*cells: Cell) -> list[dict[str, Any]]:
    return [
        {"dataset": {"name": "msrs", "split": "test"}, "id": "a", "path": str(cell.path)} for cell in cells
    ]


def plain(index: Any) -> Any:
    return {
        (*where, metric, version): dict(images)
        for where, metrics in index.items()
        for metric, versions in metrics.items()
        for version, images in versions.items()
    }


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep copies of scores of any size."""
    monkeypatch.setattr(module, "LEAST", 1)


@pytest.mark.parametrize("seed", range(5))
def test_columns_give_the_index_that_rows_give(seed: int, tmp_path: Path) -> None:
    draw = random.Random(seed)
    # parts of one run in two folders, and a file with lines of another run
    cells = [
        cell_with(tmp_path / name, [line(draw, draw.choice(runs)) for _ in range(200)])
        for name, runs in (("a", "a"), ("b", "ab"), ("c", "a"))
    ]
    stored = StoredScores(records(*cells))
    assert [tuple(row) for row in stored] == [tuple(row) for row in score_rows(records(*cells))]
    assert stored.profiles == set(PROFILES)
    for profile in (*PROFILES, "unknown"):
        assert plain(index_scores(stored, profile)) == plain(
            index_scores(score_rows(records(*cells)), profile)
        )


def test_values_of_images_are_in_the_order_asked_and_nan_where_there_is_no_ok_score(tmp_path: Path) -> None:
    facts = {"run": "a", "metric": "EN", "version": 1, "profile": "canonical"}
    of_images = [
        facts | {"image": "2", "value": 2.0, "status": "ok", "detail": ""},
        facts | {"image": "1", "value": None, "status": "undefined", "detail": "flat"},
        facts | {"image": "0", "value": 5, "status": "ok", "detail": ""},
        facts | {"image": "2", "value": 7.0, "status": "ok", "detail": ""},
    ]
    index = index_scores(StoredScores(records(cell_with(tmp_path / "a", of_images))), "canonical")
    scores = index["msrs", "test", "a"]["EN"]["1"]
    np.testing.assert_array_equal(
        scores.values_of(["0", "9", "2", "1", "EN"]), [5.0, np.nan, 7.0, np.nan, np.nan]
    )
    assert len(scores) == 3
    assert "9" not in scores
    assert scores["1"].detail == "flat"


@pytest.mark.usefixtures("kept")
def test_the_copy_spares_parsing_and_holds_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cell = cell_with(tmp_path / "a", lines(0))
    parsed = read_columns(cell)
    keep_columns(cell)
    monkeypatch.setattr(module, "parse_lines", None)
    assert_same(read_columns(cell), parsed)
    written = (cell.path / COPY).stat().st_mtime_ns
    keep_columns(cell)
    assert (cell.path / COPY).stat().st_mtime_ns == written


def assert_same(first: ScoreColumns, second: ScoreColumns) -> None:
    np.testing.assert_array_equal(first.codes, second.codes)
    np.testing.assert_array_equal(first.values, second.values)
    assert first.texts == second.texts


def append(cell: Cell) -> None:
    cell.append([line(random.Random(9))])


def edit_a_byte(cell: Cell) -> None:
    data = cell.scores_file.read_bytes()
    cell.scores_file.write_bytes(
        data.replace(b'"image": "001"', b'"image": "01x"').replace(b', "check"', b', "chekc"')
    )


def truncate(cell: Cell) -> None:
    cell.scores_file.write_bytes(cell.scores_file.read_bytes()[:-40])


def remove(cell: Cell) -> None:
    cell.scores_file.unlink()


def damage_the_copy(cell: Cell) -> None:
    data = bytearray((cell.path / COPY).read_bytes())
    data[len(data) // 2] ^= 1
    (cell.path / COPY).write_bytes(bytes(data))


def cut_the_copy(cell: Cell) -> None:
    (cell.path / COPY).write_bytes((cell.path / COPY).read_bytes()[:100])


def copy_of_another_cell(cell: Cell) -> None:
    other = cell_with(cell.path.parent / "other", lines(5))
    keep_columns(other)
    (other.path / COPY).replace(cell.path / COPY)


@pytest.mark.usefixtures("kept")
@pytest.mark.parametrize(
    "change", [append, edit_a_byte, truncate, remove, damage_the_copy, cut_the_copy, copy_of_another_cell]
)
def test_after_any_change_scores_jsonl_is_the_truth(change: Any, tmp_path: Path) -> None:
    cell = cell_with(tmp_path / "a", lines(0))
    keep_columns(cell)
    change(cell)
    assert_same(read_columns(cell), columns_of(read_lines(cell.scores_file)))
    keep_columns(cell)
    assert_same(read_columns(cell), columns_of(read_lines(cell.scores_file)))


@pytest.mark.usefixtures("kept")
def test_an_edited_line_is_named_beside_a_copy(tmp_path: Path) -> None:
    cell = cell_with(tmp_path / "a", lines(0))
    keep_columns(cell)
    cell.scores_file.write_bytes(cell.scores_file.read_bytes().replace(b'"image": "001"', b'"image": "002"'))
    with pytest.raises(OutputError, match="was edited"):
        read_columns(cell)


def test_small_files_have_no_copy_and_a_folder_that_cannot_be_written_costs_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cell = cell_with(tmp_path / "a", [line(random.Random(0))])
    keep_columns(cell)
    assert not (cell.path / COPY).exists()
    monkeypatch.setattr(module, "LEAST", 1)

    def refuse(*_: object) -> None:
        raise OutputError("read-only")

    monkeypatch.setattr(module, "write_through", refuse)
    keep_columns(cell)
    assert not (cell.path / COPY).exists()
    assert len(read_columns(cell).values) == 1
