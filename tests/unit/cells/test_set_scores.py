"""Set-level metrics in the store: written once all images are there, redone when they must be, missed with a reason."""

from __future__ import annotations

from pathlib import Path

import pytest

from fusionbench.cells.cell import run_cell
from fusionbench.cells.done import find_done, missing_metrics
from fusionbench.cells.intact import image_hashes
from fusionbench.cells.planned import CellResult, Job
from fusionbench.cells.progress import Reporter
from fusionbench.cells.score_lines import read_lines
from fusionbench.cells.store import Cell, read_records, read_runs, score_rows
from fusionbench.errors import ConfigError
from fusionbench.folders.scores import score, write_scores
from fusionbench.runs.run import RunOptions, RunResult, make_jobs, plan_all, plan_run
from fusionbench.tables.board import build_boards

METRICS = "EN,CMMDF"


def job_in(out: Path, metrics: str = METRICS, limit: int = 3, **options: object) -> Job:
    asked = [
        RunOptions(
            ("average",),
            ("demo",),
            metrics=metrics,
            limit=limit,
            baselines=False,
            out=out,
            device="cpu",
            **options,
        )
    ]
    return make_jobs(plan_all(asked))[0]


def do(job: Job) -> CellResult:
    return run_cell(job, Reporter())


def stored_result(job: Job) -> CellResult | None:
    return find_done(job)


def lines(result: CellResult, metric: str) -> list[dict]:
    return [line for line in read_lines(result.path / "scores.jsonl") if line["metric"] == metric]


def rewrite(cell: Cell, kept: list[dict]) -> None:
    """Replace the scores of a cell, with the checksums that belong to the lines."""
    cell.scores_file.unlink()
    cell.append(kept)


def table_of(out: Path):
    records = read_records(out)
    (board,) = build_boards(records, score_rows(records))
    return board


def test_one_line_for_all_images(small_towers: Path, tmp_path: Path) -> None:
    job = job_in(tmp_path / "runs")
    result = do(job)
    (line,) = lines(result, "CMMDF")
    assert (result.status, result.unavailable) == ("ok", {})
    assert (line["image"], line["status"], line["images"], line["version"]) == ("", "ok", 3, 1)
    assert line["low"] < line["value"] < line["high"]
    assert line["detail"] == line["setting"]
    assert len(lines(result, "EN")) == 3
    assert len(list((tmp_path / "runs/.cache/embeddings").rglob("*.npy"))) == 12
    assert stored_result(job).status == "ok"


def test_what_is_done_is_not_done_again(small_towers: Path, tmp_path: Path) -> None:
    job = job_in(tmp_path / "runs")
    before = (do(job).path / "scores.jsonl").read_bytes()
    again = do(job)
    assert (again.fused, again.scored) == (0, 0)
    assert (again.path / "scores.jsonl").read_bytes() == before


def test_a_lost_line_comes_back_the_same(small_towers: Path, tmp_path: Path) -> None:
    job = job_in(tmp_path / "runs")
    file = do(job).path / "scores.jsonl"
    before = file.read_bytes()
    file.write_bytes(b"".join(line for line in before.splitlines(True) if b"CMMDF" not in line))
    assert stored_result(job) is None
    do(job)
    assert file.read_bytes() == before


@pytest.mark.parametrize("key", ["set", "setting", "version"])
def test_other_images_towers_or_versions_are_scored_anew(
    key: str, small_towers: Path, tmp_path: Path
) -> None:
    job = job_in(tmp_path / "runs")
    result = do(job)
    cell, (line,) = Cell(result.path), lines(result, "CMMDF")
    other = line | {key: 0 if key == "version" else "another"}
    rewrite(cell, [other if kept == line else kept for kept in read_lines(cell.scores_file)])
    assert stored_result(job) is None
    do(job)
    assert lines(result, "CMMDF") == [other, line]


def test_another_tower_in_the_same_file_is_seen(small_towers: Path, tmp_path: Path) -> None:
    job = job_in(tmp_path / "runs")
    first = lines(do(job), "CMMDF")[0]
    (small_towers / "SARCLIP-RN50.pt").write_bytes((small_towers / "RemoteCLIP-RN50.pt").read_bytes())
    assert stored_result(job) is None
    second = lines(do(job), "CMMDF")[-1]
    assert first["setting"] != second["setting"]
    assert first["value"] != second["value"]


def test_without_its_files_exactly_that_column_is_unavailable_and_comes_with_them(
    small_towers: Path, tmp_path: Path
) -> None:
    file, job = small_towers / "SARCLIP-RN50.pt", job_in(tmp_path / "runs")
    content = file.read_bytes()
    file.unlink()
    result = do(job)
    assert result.status == Cell(result.path).read_record()["status"] == "ok"
    assert list(result.unavailable) == ["CMMDF"]
    assert not RunResult([result]).ok  # exit code 1: a column that was asked for is missing
    (line,) = lines(result, "CMMDF")
    assert (line["value"], line["status"]) == (None, "unavailable")
    assert all(line["status"] == "ok" for line in lines(result, "EN"))
    column, cell = (
        table_of(tmp_path / "runs").table.columns[1],
        table_of(tmp_path / "runs").table.rows[0].cells[1],
    )
    assert (column.metric, cell.value, cell.status) == ("CMMDF", None, "unavailable")
    assert "fusionbench weights import" in cell.note
    assert (
        stored_result(job).unavailable == result.unavailable
    )  # nothing to do, and nothing is computed to find that out
    file.write_bytes(content)
    assert stored_result(job) is None
    again = do(job)
    assert again.unavailable == {}
    assert RunResult([again]).ok
    assert [line["status"] for line in lines(result, "CMMDF")] == ["unavailable", "ok"]


def test_metrics_of_single_images_wait_for_their_files_as_well(small_towers: Path, tmp_path: Path) -> None:
    job = job_in(tmp_path / "runs", "EN,CLIP-IQA")
    result = do(job)
    assert list(result.unavailable) == ["CLIP-IQA"]
    assert [line["status"] for line in lines(result, "CLIP-IQA")] == ["unavailable"] * 3
    assert stored_result(job).unavailable == result.unavailable
    before = (result.path / "scores.jsonl").read_bytes()
    assert do(job).scored == 0
    assert (result.path / "scores.jsonl").read_bytes() == before


def test_a_value_outlives_the_files_it_was_computed_with(small_towers: Path, tmp_path: Path) -> None:
    job = job_in(tmp_path / "runs")
    do(job)
    (small_towers / "SARCLIP-RN50.pt").unlink()
    assert (stored_result(job).status, stored_result(job).unavailable) == ("ok", {})


def test_a_set_of_one_is_undefined_for_good(small_towers: Path, tmp_path: Path) -> None:
    job = job_in(tmp_path / "runs", limit=1)
    (line,) = lines(do(job), "CMMDF")
    assert (line["value"], line["status"], line["images"]) == (None, "undefined", 1)
    assert stored_result(job).status == "ok"


def test_an_image_that_failed_takes_the_set_with_it(small_towers: Path, tmp_path: Path) -> None:
    job = job_in(tmp_path / "runs")
    result = do(job)
    cell = Cell(result.path)
    cell.image("001").write_bytes(b"no image")
    record = cell.read_record()
    cell.write_record(record | {"hashes": image_hashes(cell, record["hashes"])})  # stored so, not edited
    rewrite(cell, [line for line in read_lines(cell.scores_file) if line["metric"] != "CMMDF"])
    again = do(job)
    (line,) = lines(again, "CMMDF")
    assert again.failures.keys() == {"001"}
    assert (line["value"], line["status"]) == (None, "failed")
    assert line["detail"].startswith("1 of 3 images:")
    pairs = job.planned.split.pairs
    assert missing_metrics(Cell(result.path), pairs, ("EN", "CMMDF"), "canonical") == {"": ["CMMDF"]}


def test_wrong_options_stop_a_run_before_any_work(small_towers: Path, tmp_path: Path) -> None:
    (small_towers / "cmmd.yaml").write_text("CMMDF: {sigmoid: 1}\n")
    with pytest.raises(ConfigError, match="did you mean 'sigma'"):
        plan_run(RunOptions(("average",), ("demo",), metrics="CMMDF"))
    plan_run(RunOptions(("average",), ("demo",), metrics="EN"))


def test_tables_print_the_value_and_the_number_of_images(small_towers: Path, tmp_path: Path) -> None:
    (line,) = lines(do(job_in(tmp_path / "runs")), "CMMDF")
    board = table_of(tmp_path / "runs")
    cell = board.table.rows[0].cells[1]
    assert (cell.value, cell.ok, cell.pairs, cell.text) == (line["value"], 3, 3, f"{line['value']:.4f}")
    (sentence,) = [text for text in board.table.caption if text.startswith("CMMDF")]
    assert "the set of 3 images" in sentence
    assert line["setting"] in sentence
    assert [column.metric for column in board.columns] == ["EN"]
    assert not (board.values("CMMDF") == board.values("CMMDF")).any()
    frame = read_runs(tmp_path / "runs")
    assert frame[frame.metric == "CMMDF"].image.tolist() == [""]


def test_folders_of_images_are_scored_as_sets(small_towers: Path, tmp_path: Path) -> None:
    (line,) = lines(do(job_in(tmp_path / "runs")), "CMMDF")
    images = next((tmp_path / "runs").rglob("images"))
    result = score(images, "demo", limit=3, metrics=METRICS)
    assert result.ok
    assert result.means["CMMDF"] == line["value"]
    document = result.document()
    assert all(list(scores) == ["EN"] for scores in document["images"].values())
    assert document["sets"]["CMMDF"]["images"] == 3
    assert document["status"] == {}
    write_scores([result], tmp_path / "s.csv")
    assert (tmp_path / "s.csv").read_text().splitlines()[-1].startswith(",CMMDF,1,canonical,")
    assert score(images, "demo", limit=3, metrics="CMMDF").means == {"CMMDF": line["value"]}


def test_folders_miss_what_the_files_lack(small_towers: Path, tmp_path: Path) -> None:
    do(job_in(tmp_path / "runs", "EN"))
    (small_towers / "RemoteCLIP-RN50.pt").unlink()
    result = score(next((tmp_path / "runs").rglob("images")), "demo", limit=3, metrics=METRICS)
    assert not result.ok
    assert result.means["CMMDF"] is None
    assert result.means["EN"] is not None
    assert result.document()["status"][""]["CMMDF"].startswith("unavailable: RemoteCLIP-RN50.pt")
