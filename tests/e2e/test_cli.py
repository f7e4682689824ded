"""The other verbs, and how fast the light ones answer."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from command import fusionbench, in_process
from PIL import Image

from fusionbench.data.demo import ensure
from fusionbench.data.images import read_image


def test_help_names_every_verb(tmp_path: Path) -> None:
    text = fusionbench("--help", cwd=tmp_path).stdout
    for verb in (
        "run",
        "sweep",
        "compare",
        "doctor",
        "weights",
        "train",
        "fuse",
        "score",
        "table",
        "list",
        "info",
        "data",
        "check",
        "profile",
        "explain",
    ):
        assert verb in text


@pytest.mark.parametrize("kind", ["methods", "datasets", "metrics", "profiles"])
def test_lists_are_json_documents(kind: str, tmp_path: Path) -> None:
    rows = json.loads(fusionbench("list", kind, "--json", cwd=tmp_path).stdout)
    known = {"methods": "refinefuse", "datasets": "msrs", "metrics": "Qabf", "profiles": "tang2023"}
    assert known[kind] in {row["name"] for row in rows}
    assert fusionbench("list", kind, cwd=tmp_path).returncode == 0


@pytest.mark.parametrize("name", ["refinefuse", "MSRS", "vif", "average"])
def test_info_shows_a_card(name: str, tmp_path: Path) -> None:
    document = json.loads(fusionbench("info", name, "--json", cwd=tmp_path).stdout)
    assert document["entry"] in ("method", "data set", "metric")
    assert document["title"]


def test_info_suggests_the_nearest_name(tmp_path: Path) -> None:
    done = fusionbench("info", "msr", cwd=tmp_path)
    assert done.returncode == 2
    assert "did you mean 'msrs'" in done.stderr


def test_a_broken_plug_in_file_does_not_break_a_list(tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("this is not Python")
    assert fusionbench("list", "methods", cwd=tmp_path).returncode == 0
    done = fusionbench("check", "./broken.py", cwd=tmp_path)
    assert done.returncode == 2
    assert "broken.py" in done.stderr


def test_fuses_two_images_and_two_folders(tmp_path: Path) -> None:
    demo = ensure("demo", "test") / "test"
    single = in_process(
        "fuse",
        demo / "ir" / "002.png",
        demo / "vi" / "002.png",
        "-m",
        "refinefuse",
        "-o",
        "f.png",
        cwd=tmp_path,
    )
    assert single.returncode == 0, single.stderr
    assert read_image(tmp_path / "f.png").shape == (239, 317, 3)
    many = in_process("fuse", demo / "ir", demo / "vi", "-m", "average", "-o", "out", cwd=tmp_path)
    assert len(many.stdout.splitlines()) == len(list((tmp_path / "out").glob("*.png"))) == 8


def test_fuse_refuses_what_it_cannot_pair(tmp_path: Path) -> None:
    done = in_process("fuse", "a.png", "b.png", "-m", "average", "-o", "f.png", cwd=tmp_path)
    assert done.returncode == 2
    assert "a.png" in done.stderr


@pytest.mark.slow
def test_profile_gives_the_papers_figures(tmp_path: Path) -> None:
    done = in_process(
        "profile", "-m", "refinefuse", "--size", "256x256", "--seconds", "0.1", "--json", cwd=tmp_path
    )
    document = json.loads(done.stdout)["refinefuse"]
    assert document["params"] == pytest.approx(2.21e6, rel=0.01)
    assert document["macs"]["256x256"] == pytest.approx(12.73e9, rel=0.02)
    assert document["latency_ms"]["256x256"]["median"] > 0


def test_data_verify_finds_swapped_folders(tmp_path: Path) -> None:
    for folder, gray in (("ir", False), ("vi", True)):
        for number in range(3):
            path = tmp_path / "root/MSRS/test" / folder / f"{number}D.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            image = np.random.default_rng(number).integers(
                0, 256, (24, 32) if gray else (24, 32, 3), dtype=np.uint8
            )
            Image.fromarray(image).save(path)
    done = fusionbench("data", "verify", "msrs", "--data-root", "root", cwd=tmp_path)
    assert "swapped" in done.stdout


def test_data_list_counts_what_is_here(shared_data: Path, tmp_path: Path) -> None:
    rows = json.loads(fusionbench("data", "list", "--data-root", shared_data, "--json", cwd=tmp_path).stdout)
    here = len(list((shared_data / "MSRS" / "test" / "ir").glob("*.png")))
    assert {"name": "msrs", "split": "test", "pairs": here, "expected": 361} in rows


@pytest.mark.slow
def test_train_then_run_uses_the_new_weights(tmp_path: Path) -> None:
    quick = ("stages.fuse.epochs=1", "stages.fuse.crop=32", "args.levels=1")
    done = fusionbench("train", "-m", "refinefuse@cpu", "-d", "demo-medical", *quick, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert Path(tmp_path, done.stdout.strip()).is_file()
    run = (
        "run",
        "-m",
        "refinefuse@cpu",
        "-d",
        "demo-medical",
        *quick,
        "--limit",
        1,
        "--metrics",
        "EN",
        "--no-baselines",
    )
    assert fusionbench(*run, "--no-train", cwd=tmp_path).returncode == 0
    record = json.loads(next(tmp_path.glob("runs/demo-medical-test/*/*/run.json")).read_text())
    assert record["weights"]["source"] == "trained"
    again = fusionbench("train", "-m", "refinefuse@cpu", "-d", "demo-medical", *quick, cwd=tmp_path)
    assert "Nothing to train" in again.stderr
