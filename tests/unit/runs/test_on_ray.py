"""What goes between a driver and the machines of a cluster, without a cluster."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from fusionbench.cells.done import find_done
from fusionbench.cells.planned import Job
from fusionbench.cells.store import Cell
from fusionbench.errors import OutputError, PlanError, RequestError
from fusionbench.metrics import own_files
from fusionbench.runs import on_ray
from fusionbench.runs.ray_node import Errand, absolute, pack_results, run_errand, take_in
from fusionbench.runs.run import RunOptions, make_jobs, plan_all
from fusionbench.weights.methods import Weights

METRIC = """
from fusionbench.metrics import metric
from fusionbench.metrics.image_cache import Outcome


@metric(name="Highest_level", title="Highest level", better="higher", unit="level", range=(0, 255), convention="", doi="")
def highest_level(triple):
    return Outcome(triple.fused.levels.double().amax((-2, -1)))
"""
RUN = "demo-test/average/0123456789"


def job_in(out: Path) -> Job:
    asked = [RunOptions(("average",), ("demo",), metrics="EN", limit=2, baselines=False, out=out)]
    return make_jobs(plan_all(asked))[0]


def line(image: str, value: float) -> bytes:
    known = {"run": "0123456789", "metric": "EN", "version": 1, "profile": "canonical", "status": "ok"}
    return json.dumps({**known, "image": image, "value": value, "detail": ""}).encode() + b"\n"


@pytest.mark.slow
def test_a_machine_apart_sends_back_all_that_the_driver_lacks(tmp_path: Path) -> None:
    job = job_in(tmp_path / "runs")
    errand = Errand(absolute(job), tmp_path / "runs" / ".driver-token")
    assert run_errand(errand) == ("apart",)
    what, result, parcel = run_errand(replace(errand, parcel={}))
    assert (what, result.status, find_done(job)) == ("result", "ok", None)
    stored = on_ray._result(job, (what, result, parcel))
    assert stored.path == find_done(job).path
    assert Cell(stored.path).stored() == {"000", "001"}
    assert len(Cell(stored.path).scores()) == 2


def test_weights_that_a_machine_does_not_find_make_the_cell_unavailable(tmp_path: Path) -> None:
    job, token = job_in(tmp_path / "runs"), tmp_path / "token"
    token.touch()
    job = replace(job, weights=Weights("file", Path("w.safetensors"), "a" * 64))
    answer = run_errand(Errand(absolute(job), token))
    assert answer[0] == "unavailable"
    result = on_ray._result(job, answer)
    assert result.status == Cell(result.path).read_record()["status"] == "unavailable"
    assert "--weights" in result.detail


def test_a_machine_without_the_drivers_file_of_metrics_makes_the_cell_unavailable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(own_files.VARIABLE, "")
    job, file = absolute(job_in(tmp_path / "runs")), tmp_path / "mine.py"
    file.write_text("# as on the driver\n", encoding="utf-8")
    (tmp_path / "token").touch()
    errand = Errand(job, tmp_path / "token", metrics=(own_files.add_file(file),))
    file.write_text("# another text\n", encoding="utf-8")
    what, reason = run_errand(errand)
    assert what == "unavailable"
    assert "differs between the machines" in reason
    file.unlink()
    assert "does not exist" in run_errand(errand)[1]


@pytest.mark.slow
def test_a_machine_scores_by_the_drivers_file_of_metrics(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(own_files.VARIABLE, "")
    file = tmp_path / "levels_here.py"
    file.write_text(METRIC, encoding="utf-8")
    asked = RunOptions(
        ("average",), ("demo",), metrics=str(file), limit=1, baselines=False, out=tmp_path / "runs"
    )
    job, files = make_jobs(plan_all([asked]))[0], own_files.file_providers()
    monkeypatch.setenv(own_files.VARIABLE, "")  # as on a machine that did not read the command line
    (tmp_path / "token").touch()
    what, result, _ = run_errand(Errand(absolute(job), tmp_path / "token", metrics=files))
    assert (what, result.status) == ("result", "ok")
    ((_, score),) = Cell(find_done(job).path).scores().items()
    assert (score["metric"], score["status"]) == ("Highest_level", "ok")


def test_a_job_whose_machines_are_lost_fails_with_the_reason(tmp_path: Path) -> None:
    result = on_ray._result(job_in(tmp_path), ("lost", "NodeDiedError: gone"))
    assert result.status == Cell(result.path).read_record()["status"] == "failed"
    assert "3 times tried again: NodeDiedError: gone" in result.detail


@pytest.mark.parametrize(("what", "error"), [("problems", PlanError), ("unwritable", OutputError)])
def test_what_stops_a_local_run_stops_one_on_a_cluster(
    what: str, error: type[Exception], tmp_path: Path
) -> None:
    with pytest.raises(error, match="the reason"):
        on_ray._result(job_in(tmp_path), (what, "the reason"))


def test_paths_are_absolute_on_a_machine_with_another_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    job = job_in(Path("runs"))
    pair = replace(job.planned.split.pairs[0], a=Path("a.png"), b=Path("b.png"))
    split = replace(job.planned.split, root=Path("data"), pairs=(pair,))
    options = replace(job.options, weights="w.safetensors", data_root=None)
    moved = absolute(replace(job, planned=replace(job.planned, split=split), options=options))
    split, options = moved.planned.split, moved.options
    paths = [split.root, split.pairs[0].a, split.pairs[0].b, options.out]
    names = ["data", "a.png", "b.png", "runs"]
    assert paths == [tmp_path / name for name in names]
    assert (options.weights, options.data_root) == (str(tmp_path / "w.safetensors"), str(tmp_path / "data"))


@pytest.fixture
def apart(tmp_path: Path) -> Path:
    """The runs folder of a machine apart: a cell and its training."""
    files = {
        f"{RUN}/images/000.png": b"new", f"{RUN}/scores.jsonl": line("000", 2.0) + line("001", 3.0),
        f"{RUN}/run.json": b"{}", f"{RUN}/.lock": b"",
        "training/demo/average/ab/weights.safetensors": b"w", "training/demo/average/ab/weights.json": b"{}",
        "training/demo/average/ab/fuse/last.ckpt": b"large",
    }  # fmt: skip
    for name, content in files.items():
        (tmp_path / "apart" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "apart" / name).write_bytes(content)
    return tmp_path / "apart"


def test_weights_trained_apart_come_along_and_checkpoints_do_not(tmp_path: Path, apart: Path) -> None:
    take_in(tmp_path / "runs", Path(RUN), pack_results(apart, apart / RUN), fresh=False)
    files = {p.relative_to(tmp_path / "runs").as_posix() for p in tmp_path.glob("runs/**/*") if p.is_file()}
    training = {f"training/demo/average/ab/weights.{end}" for end in ("safetensors", "json")}
    assert files == training | {
        f"{RUN}/{name}" for name in ("images/000.png", "scores.jsonl", "run.json", ".lock")
    }


@pytest.mark.parametrize(("fresh", "kept"), [(False, [1.0, 2.0, 3.0]), (True, [2.0, 3.0])])
def test_scores_in_the_store_stay_unless_they_are_to_be_forgotten(
    fresh: bool, kept: list[float], tmp_path: Path, apart: Path
) -> None:
    cell = Cell(tmp_path / "runs" / RUN)
    cell.path.mkdir(parents=True)
    cell.scores_file.write_bytes(line("zzz", 1.0) + line("001", 3.0) + b'{"torn')
    take_in(tmp_path / "runs", Path(RUN), pack_results(apart, apart / RUN), fresh)
    values = [json.loads(text)["value"] for text in cell.scores_file.read_text().splitlines()]
    assert sorted(values) == kept


def test_a_missing_package_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(on_ray, "find_spec", lambda name: None)
    with pytest.raises(RequestError, match=r'pip install "fusionbench-imaging\[ray\]"'):
        plan_all([RunOptions(("average",), ("demo",), executor="ray")])


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"executor": "rey"}, "use local or ray"),
        ({"executor": "ray", "device": "cuda:1"}, "Ray chooses the GPU"),
    ],
)
def test_options_that_do_not_go_together(
    options: dict[str, str], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(on_ray, "find_spec", lambda name: object())
    with pytest.raises(RequestError, match=words):
        plan_all([RunOptions(("average",), ("demo",), **options)])


@pytest.mark.parametrize("address", ["127.0.0.1:1", "nowhere", "ray://127.0.0.1:10001"])
def test_an_address_at_which_no_cluster_answers(address: str) -> None:
    with pytest.raises(RequestError, match="RAY_ADDRESS"):
        on_ray._check_address(address)
