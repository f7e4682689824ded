"""Noise as an axis of a sweep: on the sources that are fused, in the identity, and not in what scores compare with."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from fusionbench.cells.cell import run_cell
from fusionbench.cells.planned import CellResult
from fusionbench.cells.progress import Reporter
from fusionbench.cells.store import read_runs
from fusionbench.data.images import load_pair, read_image
from fusionbench.data.noise.adding import load_noisy_pair
from fusionbench.data.noise.setting import read_noise
from fusionbench.data.pairs import find_split
from fusionbench.data.registry import dataset
from fusionbench.errors import ConfigError, FusionbenchError
from fusionbench.runs.run import RunOptions, make_jobs, plan_all
from fusionbench.runs.sweep import expand, read_sweep, row_order

NOISE = "a.stripe=25,b.gaussian=100"


def write(folder: Path, **document: object) -> Path:
    path = folder / "sweep.yaml"
    path.write_text(json.dumps({"methods": ["visible"], "datasets": ["demo"], **document}))
    return path


def run(path: Path, out: Path) -> list[CellResult]:
    """Run the cells of a sweep in this process, which has torch loaded once."""
    asked = expand(read_sweep(path), RunOptions((), (), out=out))
    jobs = make_jobs(plan_all(asked))
    return [run_cell(job, Reporter()) for job in jobs]


def test_sources_get_noise_before_they_are_fused_and_are_scored_without(tmp_path: Path) -> None:
    path = write(tmp_path, noise=["none", NOISE], limit=1, metrics=["EN", "PSNR"])
    clean, noisy = run(path, tmp_path / "runs")
    assert clean.status == noisy.status == "ok"
    assert [clean.planned.name, noisy.planned.name] == ["visible", "visible@a.stripe=25+b.gaussian=100"]
    stored = json.loads((noisy.path / "run.json").read_text())["identity"]
    assert stored["noise"] == {
        "a": {"kind": "stripe", "variance": 25.0},
        "b": {"kind": "gaussian", "variance": 100.0},
    }
    assert "noise" not in json.loads((clean.path / "run.json").read_text())["identity"]
    pair = find_split(dataset("demo"), "test").pairs[0]
    expected = load_noisy_pair(pair, read_noise(NOISE), seed=0).b
    image = read_image(noisy.path / "images" / f"{pair.id}.png")
    assert np.abs(image / 255 - expected).max() <= 0.5 / 255 + 1e-6
    assert np.abs(image / 255 - load_pair(pair).b).mean() > 5 / 255
    scores = read_runs(tmp_path / "runs").set_index(["method", "metric"])["value"]
    # of a noisy copy of one source the error against that source is no longer none
    assert scores["visible", "PSNR"] > scores[noisy.planned.name, "PSNR"]
    assert [cell.fused for cell in run(path, tmp_path / "runs")] == [0, 0]


def test_every_kind_is_taken_at_every_strength_with_the_baselines_once_each(tmp_path: Path) -> None:
    sweep = read_sweep(
        write(tmp_path, noise=["none", "stripe", "gaussian"], strengths=[5, 50], baselines=True)
    )
    names = [cell.name for plan in plan_all(expand(sweep, RunOptions((), ()))) for cell in plan.cells]
    points = ["", "@stripe=5", "@stripe=50", "@gaussian=5", "@gaussian=50"]
    assert [name for name in names if name.startswith("average")] == [f"average{point}" for point in points]
    assert len(names) == len(set(names))
    assert row_order(sweep)[:5] == [f"visible{point}" for point in points]


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({"noise": ["stripes"]}, "did you mean 'stripe'"),
        ({"noise": ["gaussian=25"], "strengths": [5]}, "add noise"),
        ({"strengths": [5]}, "add noise"),
        ({"noise": ["gaussian"], "strengths": [0]}, "above 0"),
    ],
)
def test_noise_that_cannot_be_is_an_error_of_the_file(tmp_path: Path, document: dict, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        read_sweep(write(tmp_path, **document))


def test_images_that_were_fused_already_get_no_noise(tmp_path: Path) -> None:
    (tmp_path / "theirs").mkdir()
    path = write(tmp_path, methods=[f"images:{tmp_path / 'theirs'}"], noise=["gaussian"])
    with pytest.raises(FusionbenchError, match="fused already"):
        plan_all(expand(read_sweep(path), RunOptions((), ())))
