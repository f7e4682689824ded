"""`data prepare` as a user starts it, and runs on SAR-optical data in their published layouts."""

from __future__ import annotations

import json
from pathlib import Path
from subprocess import CompletedProcess

import numpy as np
import pytest
from command import fusionbench
from PIL import Image

from fusionbench.data.images import read_image


def run(dataset: str, cwd: Path) -> CompletedProcess[str]:
    """Average the first two pairs of the test split below ``data``, or ``made`` where there is one."""
    root = "made" if (cwd / "made").is_dir() else "data"
    options = ("--metrics", "EN,SD", "--no-baselines", "--data-root", root, "--limit", 2)
    done = fusionbench("run", "--method", "average", "--dataset", dataset, *options, cwd=cwd)
    assert done.returncode == 0, done.stderr
    return done


def fused(dataset: str, cwd: Path) -> dict[str, tuple[int, ...]]:
    """Return the shapes of the fused images by id."""
    return {
        path.stem: read_image(path).shape for path in cwd.glob(f"runs/{dataset}-test/average/*/images/*.png")
    }


def publish(path: Path, shape: tuple[int, ...]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)).save(path)


def test_whu_opt_sar_from_scenes_to_table(tmp_path: Path) -> None:
    pytest.importorskip("rasterio", reason="preparing GeoTIFFs needs the extra geo")
    for number in range(3):
        for folder, shape in (("sar", (520, 600)), ("optical", (520, 600, 4))):
            publish(tmp_path / "data" / "WHU-OPT-SAR" / folder / f"NH49E00101{number}.tif", shape)
    early = fusionbench("run", "-m", "average", "-d", "whu-opt-sar", "--data-root", "data", cwd=tmp_path)
    assert early.returncode == 2
    assert "fusionbench data prepare whu-opt-sar --data-root data" in early.stderr
    assert "not prepared" in fusionbench("data", "list", "--data-root", "data", cwd=tmp_path).stdout
    done = fusionbench("data", "prepare", "whu-opt-sar", "--data-root", "data", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "prepare whu-opt-sar" in done.stderr
    assert json.loads(done.stdout) == {
        "dataset": "whu-opt-sar",
        "folder": str(Path("data", "WHU-OPT-SAR")),
        "scenes": 3,
        "pairs": 12,
        "written": 12,
        "kept": 0,
        "stretched": 0,
    }
    run("whu-opt-sar", tmp_path)
    assert list(fused("whu-opt-sar", tmp_path).values()) == [(256, 256, 3)] * 2


@pytest.mark.slow
def test_sen12_runs_as_published(tmp_path: Path) -> None:
    from fusionbench.data.pairs import position

    wanted = [n for n in range(400) if 0.06 <= position("sen12", f"ROIs1970_fall_7_p{n}") < 0.0755][:2]
    for number in wanted:
        for source, shape in (("s1", (32, 32)), ("s2", (32, 32, 3))):
            name = f"ROIs1970_fall/{source}_7/ROIs1970_fall_{source}_7_p{number}.png"
            publish(tmp_path / "data" / "SEN1-2" / name, shape)
    run("sen12", tmp_path)
    assert fused("sen12", tmp_path) == {f"ROIs1970_fall_7_p{n}": (32, 32, 3) for n in wanted}
    nothing = fusionbench("data", "prepare", "sen12", "--json", cwd=tmp_path)
    assert (nothing.returncode, json.loads(nothing.stdout)["nothing_to_prepare"]) == (0, True)


@pytest.mark.slow
def test_real_pairs_of_the_family_are_prepared_elsewhere_and_run(shared_data: Path, tmp_path: Path) -> None:
    pytest.importorskip("rasterio", reason="preparing GeoTIFFs needs the extra geo")
    command = ("data", "prepare", "terramesh", "--data-root", shared_data, "--out", "made")
    assert "4 pairs in 'made/TerraMesh' (4 written, 0 kept)" in fusionbench(*command, cwd=tmp_path).stdout
    assert "(0 written, 4 kept)" in fusionbench(*command, cwd=tmp_path).stdout
    (tmp_path / "made" / "SAR-Optical").symlink_to((shared_data / "SAR-Optical").resolve())
    done = run("sar-opt", tmp_path)
    assert "a is SAR (VV, -25 to 0 dB), b is optical" in " ".join(done.stdout.split())
    sizes = {dataset: fused(dataset, tmp_path) for dataset in ("sar-optical", "terramesh", "demo-sar-opt")}
    assert sizes["terramesh"] == {"282D_485L_3_3": (224, 224, 3), "38D_378R_2_3": (224, 224, 3)}
    assert sizes["sar-optical"] == {f"bashvs_y0512_x0{x}": (256, 256, 3) for x in ("000", "256")}
    assert len(sizes["demo-sar-opt"]) == 2


def test_prepare_says_what_is_wrong_in_one_sentence(tmp_path: Path) -> None:
    pytest.importorskip("rasterio", reason="preparing GeoTIFFs needs the extra geo")
    done = fusionbench("data", "prepare", "whu-opt-sar", "--data-root", tmp_path, "--json", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    errors = [line for line in done.stderr.splitlines() if line.startswith("Error:")]
    assert len(errors) == 1
    assert "no folder" in errors[0]
