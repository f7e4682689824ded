"""The part ``downstream:`` of a sweep: it is checked, and said, before anything is fused."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

pytest.importorskip("segmentation_models_pytorch", reason="downstream tasks need the extra downstream")
pytest.importorskip("faster_coco_eval", reason="downstream tasks need the extra downstream")

from fusionbench.cli.app import app
from fusionbench.downstream import run


def dry_run(scenes, folder: Path, step: str):
    file = folder / "sweep.yaml"
    file.write_text(f"methods: [visible, infrared]\ndatasets: [msrs]\nmetrics: [EN]\ndownstream: {step}\n")
    call = [
        "sweep",
        str(file),
        "--data-root",
        str(scenes().data),
        "--out",
        str(folder / "runs"),
        "--device",
        "cpu",
    ]
    return CliRunner().invoke(app, [*call, "--dry-run"])


def test_a_dry_run_tells_what_would_be_trained(scenes, tmp_path: Path) -> None:
    step = "{task: segment, network: deeplabv3plus@cpu, seeds: [0, 1, 2], set: {epochs: 7}}"
    done = dry_run(scenes, tmp_path, step)
    assert done.exit_code == 0, done.stderr
    last = done.stdout.splitlines()[-1]
    assert last.startswith("Then msrs: 2 rows, 3 seeds, retrain to segment with DeepLabV3Plus")
    assert "7 epochs; 4 pairs to train and 2 to test (drawn, roles of split.csv)." in last


@pytest.mark.parametrize("absent", ["ultralytics", "faster_coco_eval"])
def test_a_library_that_is_not_installed_is_told_before_anything_is_fused(
    absent: str, scenes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "find_spec", lambda name: None if name in (absent, "pycocotools") else object())
    done = dry_run(scenes, tmp_path, "{task: detect, network: yolov8n@cpu}")
    assert done.exit_code == 2
    assert absent.replace("_", "-") in done.stderr
    assert "pip install" in done.stderr
