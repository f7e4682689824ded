"""Scoring several cells in one process: the same lines as one by one, each cell's troubles its own."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from dataclasses import replace
from multiprocessing.connection import Pipe
from pathlib import Path

import pytest
import torch
from filelock import FileLock

from fusionbench.cells import score, score_cells
from fusionbench.cells.cell import run_cell
from fusionbench.cells.planned import CellResult, Job, Unscored
from fusionbench.cells.progress import Reporter
from fusionbench.cells.score_cells import score_together
from fusionbench.cells.store import Cell
from fusionbench.errors import PluginError
from fusionbench.runs.pool import Pool
from fusionbench.runs.queue import Work
from fusionbench.runs.run import RunOptions, make_jobs, plan_all

METHODS = ("average", "infrared", "maximum")


@pytest.fixture(autouse=True)
def on_one_thread() -> Iterator[None]:
    """Keep torch on one thread in this process, from which a pool forks here.

    A process forked after torch's own threads have run waits for them for ever; the real pool runs no tensor.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def jobs_in(out: Path, metrics: str = "EN,SF,MI", **options: object) -> list[Job]:
    asked = RunOptions(
        METHODS, ("demo",), metrics=metrics, limit=2, baselines=False, out=out, device="cpu", **options
    )
    return make_jobs(plan_all([asked]))


def alone(jobs: list[Job]) -> list[CellResult]:
    return [run_cell(job, Reporter()) for job in jobs]


def fuse(jobs: list[Job]) -> list[Unscored]:
    results = [run_cell(job, Reporter(), scoring=False) for job in jobs]
    return [
        Unscored(job, replace(result, planned=None), None, None, Path("log"))
        for job, result in zip(jobs, results, strict=True)
    ]


def together(unscored: list[Unscored]) -> dict[int, CellResult]:
    return dict(score_together(unscored, "cpu", Reporter()))


def lines(out: Path) -> dict[str, list[str]]:
    return {
        path.parent.parent.name: sorted(path.read_text().splitlines())
        for path in out.glob("demo-test/*/*/scores.jsonl")
    }


def test_the_lines_and_results_are_those_of_one_by_one(small_towers: Path, tmp_path: Path) -> None:
    metrics = "EN,SF,MI,CMMDF"
    expected = alone(jobs_in(tmp_path / "alone", metrics))
    unscored = fuse(jobs_in(tmp_path / "together", metrics))
    assert {cell.result.status for cell in unscored} == {"fused"}
    assert lines(tmp_path / "together") == {}
    results = together(unscored)
    assert lines(tmp_path / "together") == lines(tmp_path / "alone")
    assert [(r.status, r.fused, r.scored) for r in results.values()] == [("ok", 2, 3)] * 3
    assert [(r.status, r.fused, r.scored) for r in expected] == [("ok", 2, 3)] * 3
    for result in results.values():
        record = Cell(result.path).read_record()
        assert record["status"] == "ok"
        assert record["provenance"]["seconds"]["score"] > 0


def test_sources_are_read_once_a_pair(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    unscored, read = fuse(jobs_in(tmp_path)), []
    real = score.read_pair
    monkeypatch.setattr(score, "read_pair", lambda pair: read.append(pair.id) or real(pair))
    together(unscored)
    assert read == [pair.id for pair in unscored[0].job.planned.split.pairs]


def test_only_what_lacks_is_scored(tmp_path: Path) -> None:
    jobs = jobs_in(tmp_path, "EN")
    alone(jobs[:2])
    before = {name: set(stored) for name, stored in lines(tmp_path).items()}
    together(fuse(jobs_in(tmp_path, "EN,SF")))
    after = lines(tmp_path)
    assert [len(stored) for stored in after.values()] == [4, 4, 4]
    assert all(before[name] < set(after[name]) for name in before)


def test_an_image_that_cannot_be_read_costs_its_own_cell(tmp_path: Path) -> None:
    unscored = fuse(jobs_in(tmp_path))
    image = next((unscored[1].result.path / "images").glob("*.png"))
    image.write_bytes(b"no image")
    results = together(unscored)
    assert [results[number].status for number in range(3)] == ["ok", "failed", "ok"]
    record = Cell(results[1].path).read_record()
    assert (record["status"], list(record["images"])) == ("failed", [image.stem])


def test_a_cell_that_somebody_else_holds_is_left_out(tmp_path: Path) -> None:
    unscored = fuse(jobs_in(tmp_path))
    with FileLock(unscored[0].result.path / ".lock"):
        results = together(unscored)
    assert [results[number].status for number in range(3)] == ["busy", "ok", "ok"]
    assert len(lines(tmp_path)) == 2


def test_cells_that_are_all_held_by_others_are_all_left_busy(tmp_path: Path) -> None:
    unscored = fuse(jobs_in(tmp_path))[:1]
    with FileLock(unscored[0].result.path / ".lock"):
        assert [result.status for result in together(unscored).values()] == ["busy"]
    assert lines(tmp_path) == {}


def test_a_cell_begun_anew_since_it_was_fused_is_left_out(tmp_path: Path) -> None:
    unscored = fuse(jobs_in(tmp_path))
    next((unscored[2].result.path / "images").glob("*.png")).unlink()
    results = together(unscored)
    assert [results[number].status for number in range(3)] == ["ok", "ok", "busy"]


def test_a_broken_set_metric_is_the_failure_of_a_cell_on_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise PluginError("no such luck")

    unscored = fuse(jobs_in(tmp_path))
    monkeypatch.setattr(score_cells, "score_missing", broken)
    with pytest.raises(PluginError):
        together(unscored)
    assert together(unscored[:1])[0].detail == "no such luck"
    assert Cell(unscored[0].result.path).read_record()["status"] == "failed"


def pool_of(jobs: list[Job], timeout: float | None = None, scorers: int = 0) -> list[tuple]:
    """Run the pool in this process and return what it told."""
    ours, theirs = Pipe()
    with ours, theirs:
        Pool(theirs, Work(tuple(jobs), ("cpu",), timeout, scorers=scorers)).run()
        messages = []
        while (message := ours.recv()) != ("end",):
            messages.append(message)
    return messages


@pytest.mark.parametrize(
    ("died", "status", "words"),
    [
        (lambda: os.kill(os.getpid(), signal.SIGKILL), "oom", "SIGKILL"),
        (lambda: os._exit(5), "failed", "exit code 5"),
        (signal.pause, "timeout", "--timeout"),
    ],
    ids=["killed", "exits", "hangs"],
)
def test_only_the_culprit_fails_where_the_process_dies(
    died: object, status: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = score._lines

    def lines_or_death(missing: score.Missing, *rest: object) -> list[dict]:
        if missing.cell.path.parent.name == "infrared" and missing.cell.scores():
            died()
        return real(missing, *rest)

    alone(jobs_in(tmp_path / "calm"))
    monkeypatch.setattr(score, "_lines", lines_or_death)
    told = pool_of(jobs_in(tmp_path / "storm"), timeout=5)
    (said,) = [content[0] for _, what, *content in told if what == "say"]
    assert said.startswith("Scoring 3 cells of demo together was not finished (")
    results = {index: content[0] for index, what, *content in told if what == "result"}
    assert [results[number].status for number in range(3)] == ["ok", status, "ok"]
    assert words in results[1].detail
    calm, storm = lines(tmp_path / "calm"), lines(tmp_path / "storm")
    assert (storm["average"], storm["maximum"]) == (calm["average"], calm["maximum"])
    assert len(storm["infrared"]) == 3  # of the image before the one that it died over
    assert not list(tmp_path.glob("storm/.logs"))


def test_what_fusing_and_scoring_printed_is_one_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = score._lines

    def talking(*arguments: object) -> list[dict]:
        print("scoring", flush=True)
        return real(*arguments)

    monkeypatch.setattr(score, "_lines", talking)
    told = pool_of(jobs_in(tmp_path))
    assert [content[0].status for _, what, *content in told if what == "result"] == ["ok"] * 3
    for log in tmp_path.glob("demo-test/*/*/log.txt"):
        assert log.read_text().count("scoring") == 6
    assert json.dumps([what for _, what, *_ in told]).count("start") == 4


def test_processes_beside_the_slots_score_the_same(tmp_path: Path) -> None:
    expected = alone(jobs_in(tmp_path / "alone"))
    told = pool_of(jobs_in(tmp_path / "beside"), scorers=2)
    results = {message[0]: message[2] for message in told if message[1] == "result"}
    assert [results[number].status for number in range(3)] == [cell.status for cell in expected] == ["ok"] * 3
    assert lines(tmp_path / "beside") == lines(tmp_path / "alone")
