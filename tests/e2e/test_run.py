"""The main job as a user starts it: images, records, table, resume, exit codes."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
from command import fusionbench

from fusionbench.data.images import read_image

QUICK = ("--limit", 3, "--metrics", "EN,SF,AG,CC,SCD", "--out", "runs")


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One run of RefineFuse and the baselines on the demo street scenes."""
    folder = tmp_path_factory.mktemp("first")
    done = fusionbench("run", "--method", "refinefuse", "--dataset", "demo", *QUICK, cwd=folder)
    assert done.returncode == 0, done.stderr
    (folder / "stdout").write_text(done.stdout)
    return folder


def cells(folder: Path) -> list[Path]:
    return sorted(path.parent for path in folder.glob("runs/demo-test/*/*/run.json"))


def lines(folder: Path) -> dict[str, list[str]]:
    return {c.parent.name: sorted((c / "scores.jsonl").read_text().splitlines()) for c in cells(folder)}


def test_prints_a_table_with_refinefuse_and_the_trivial_baselines(first: Path) -> None:
    text = (first / "stdout").read_text()
    rows = [line.split("|")[1].strip() for line in text.splitlines() if line.startswith("| ")]
    assert "RefineFuse" in rows
    assert {"Average", "Maximum", "Visible (copy of source b)", "Noisy average (canary)"} <= set(rows)
    assert "first 3 of 8 pairs" in text
    assert "NaN" not in text


def test_images_have_the_visible_size_and_colour(first: Path) -> None:
    for cell in cells(first):
        record = json.loads((cell / "run.json").read_text())
        assert record["status"] == "ok"
        assert sorted(p.stem for p in (cell / "images").iterdir()) == sorted(record["dataset"]["ids"])
    odd = read_image(next(first.glob("runs/demo-test/refinefuse/*/images/002.png")))
    assert odd.shape == (239, 317, 3)


def test_the_visible_baseline_stores_the_source_pixel_by_pixel(first: Path) -> None:
    from fusionbench.data.pairs import find_split
    from fusionbench.data.registry import dataset

    pair = find_split(dataset("demo"), "test").pairs[2]
    stored = next(first.glob("runs/demo-test/visible/*/images/002.png"))
    assert np.array_equal(read_image(stored), read_image(pair.b))


def test_scores_hold_one_strict_line_per_image_and_metric(first: Path) -> None:
    for cell in cells(first):
        lines = [json.loads(line) for line in (cell / "scores.jsonl").read_text().splitlines()]
        assert len(lines) == 3 * 5
        for line in lines:
            assert list(line) == [
                "run", "image", "metric", "version", "profile", "value", "status", "detail", "check",
            ]  # fmt: skip
            assert re.fullmatch("[0-9a-f]{8}", line["check"])
            assert (line["value"] is None) == (line["status"] != "ok")
            assert line["run"] == cell.name


def test_a_second_run_computes_nothing_and_says_so(first: Path) -> None:
    before = {p: p.stat().st_mtime_ns for p in first.glob("runs/**/*") if p.is_file() and p.name != ".lock"}
    done = fusionbench("run", "--method", "refinefuse", "--dataset", "demo", *QUICK, cwd=first)
    assert done.returncode == 0
    assert "Nothing to compute" in done.stderr
    assert {p: p.stat().st_mtime_ns for p in before} == before
    assert done.stdout == (first / "stdout").read_text()


def test_another_metric_is_added_without_fusing_again(first: Path) -> None:
    images = {p: p.stat().st_mtime_ns for p in first.glob("runs/**/*.png")}
    done = fusionbench(
        "run",
        "-m",
        "average",
        "-d",
        "demo",
        "--limit",
        3,
        "--metrics",
        "SD",
        "--no-baselines",
        "--json",
        cwd=first,
    )
    document = json.loads(done.stdout)
    assert [(c["fused"], c["scored"]) for c in document["cells"]] == [(0, 3)]
    assert {p: p.stat().st_mtime_ns for p in images} == images


def test_removed_images_and_torn_lines_come_back_byte_for_byte(first: Path, tmp_path: Path) -> None:
    import shutil

    shutil.copytree(first / "runs", tmp_path / "runs")
    cell = next(tmp_path.glob("runs/demo-test/refinefuse/*"))
    image = cell / "images" / "001.png"
    pixels, scores = image.read_bytes(), (cell / "scores.jsonl").read_bytes()
    image.unlink()
    (cell / "scores.jsonl").write_bytes(scores[:-40])
    done = fusionbench("run", "--method", "refinefuse", "--dataset", "demo", *QUICK, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert image.read_bytes() == pixels
    assert sorted((cell / "scores.jsonl").read_bytes().splitlines()) == sorted(scores.splitlines())


def test_table_from_records_in_every_format(first: Path, tmp_path: Path) -> None:
    for suffix, mark in (("md", "| Method"), ("csv", "dataset,"), ("tex", r"\toprule")):
        target = tmp_path / f"table.{suffix}"
        assert fusionbench("table", "runs", "-o", target, cwd=first).returncode == 0
        assert mark in target.read_text()


def test_python_interface_gives_the_same_records(first: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import fusionbench as package

    monkeypatch.chdir(first)
    result = package.run("refinefuse", "demo", limit=3, metrics="EN,SF,AG,CC,SCD")
    assert result.ok
    assert not result.worked
    frame = package.read_runs("runs")
    assert set(frame.method) == {"refinefuse", "visible", "infrared", "average", "maximum", "noisy_average"}


def test_dry_run_plans_and_writes_nothing(tmp_path: Path) -> None:
    done = fusionbench("run", "-m", "learned", "-d", "demo", "--dry-run", "--json", cwd=tmp_path)
    assert done.returncode == 0
    assert {"demo"} == {c["dataset"] for c in json.loads(done.stdout)["cells"]}
    assert not (tmp_path / "runs").exists()


@pytest.mark.slow
def test_batches_give_the_same_images_after_a_gap(tmp_path: Path) -> None:
    command = (
        "run",
        "-m",
        "refinefuse",
        "-d",
        "demo-medical",
        "--batch-size",
        4,
        "--no-baselines",
        "--metrics",
        "EN",
    )
    assert fusionbench(*command, cwd=tmp_path).returncode == 0
    image = next(tmp_path.glob("runs/demo-medical-test/refinefuse/*/images/002.png"))
    pixels = image.read_bytes()
    image.unlink()
    assert fusionbench(*command, cwd=tmp_path).returncode == 0
    assert image.read_bytes() == pixels


@pytest.mark.slow
def test_someones_images_are_scored_as_an_external_method(first: Path, tmp_path: Path) -> None:
    theirs = next(first.glob("runs/demo-test/maximum/*/images"))
    done = fusionbench(
        "run", "-m", f"images:{theirs}", "-d", "demo", *QUICK, "--no-baselines", "--json", cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    values = {
        c.parent.name: [json.loads(x)["value"] for x in (c / "scores.jsonl").read_text().splitlines()]
        for c in (*cells(tmp_path), *cells(first))
    }
    assert values["images-images"] == values["maximum"]


@pytest.mark.slow
def test_real_pairs_keep_size_and_channels(shared_data: Path, tmp_path: Path) -> None:
    done = fusionbench(
        "run", "-m", "refinefuse", "-d", "msrs,tno,roadscene,harvard-mri-pet", "--data-root", shared_data, "--limit", 2,
        "--metrics", "EN", "--no-baselines", cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    from fusionbench.data.pairs import find_split
    from fusionbench.data.registry import dataset

    for name in ("msrs", "tno", "roadscene", "harvard-mri-pet"):
        for pair in find_split(dataset(name), "test", shared_data, 2).pairs:
            fused = read_image(next(tmp_path.glob(f"runs/{name}-test/refinefuse/*/images/{pair.id}.png")))
            assert fused.shape == read_image(pair.b).shape
    assert "of 361 pairs" in done.stdout
