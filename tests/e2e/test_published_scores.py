"""From the authors' weights to printed digits: what SeAFusion's authors and RefineFuse's Table 3 print comes out."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import fusionbench
from fusionbench.cells.store import read_records, score_rows
from fusionbench.papers import against
from fusionbench.papers.printed import Number, papers

METRICS = ("VIF", "AG", "SCD", "Qabf", "SF", "EN", "SSIM")
IMAGES = 30
DIGITS = 4  # of RefineFuse's Table 3


@pytest.fixture(scope="module")
def runs(shared_baselines: Path, shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Fuse and score TNO's pairs as the authors' scripts do, with their weights."""
    out = tmp_path_factory.mktemp("runs")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FUSIONBENCH_WEIGHTS", str(shared_baselines))
        result = fusionbench.run(
            "seafusion@official,densefuse@official",
            "tno",
            profile="refinefuse",
            baselines=False,
            data_root=str(shared_data),
            out=out,
        )
    assert result.ok
    return out


def levels(path: Path) -> np.ndarray:
    image = np.asarray(Image.open(path)).astype(int)
    return image if image.ndim == 2 else image[..., 0]


def anchors(shared_golden: Path, method: str) -> dict[str, dict[str, float]]:
    """Return by image what RefineFuse's convention gives on the published images, which its Table 3 prints as means."""
    file = shared_golden / "anchors" / "refinefuse_convention_tno42_per_image.csv"
    with file.open(encoding="utf-8", newline="") as stream:
        rows = [row for row in csv.DictReader(stream) if row["algorithm"] == method]
    return {row["image"].removesuffix(".png"): {m: float(row[m]) for m in METRICS} for row in rows}


def measured(runs: Path, method: str) -> dict[str, dict[str, float]]:
    frame = fusionbench.read_runs(runs)
    frame = frame[(frame["method"] == method) & (frame["profile"] == "refinefuse")]
    return {
        image: dict(zip(part["metric"], part["value"], strict=True)) for image, part in frame.groupby("image")
    }


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_seafusion_gives_the_images_that_its_author_publishes(runs: Path, shared_golden: Path) -> None:
    (folder,) = (runs / "tno-test" / "seafusion@official").glob("*/images")
    files = sorted(folder.glob("*.png"))
    assert len(files) == IMAGES
    for file in files:
        off = np.abs(levels(file) - levels(shared_golden / "published_tno" / "SeAFusion" / file.name))
        assert off.max() <= 1, file.name
        assert np.mean(off > 0) < 1e-3, file.name


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_densefuse_does_not_as_those_are_stretched(runs: Path, shared_golden: Path) -> None:
    """The published images were made with the TensorFlow version and stretched to 0..255, which this script does not."""
    (folder,) = (runs / "tno-test" / "densefuse@official").glob("*/images")
    published = shared_golden / "published_tno" / "DenseFuse"
    pairs = [(levels(file), levels(published / file.name)) for file in sorted(folder.glob("*.png"))]
    assert len(pairs) == IMAGES
    assert min(np.corrcoef(ours.ravel(), theirs.ravel())[0, 1] for ours, theirs in pairs) > 0.999
    assert max(np.abs(ours - theirs).max() for ours, theirs in pairs) > 1
    stretched = [(np.floor((x - x.min()) * 255 / np.ptp(x) + 0.5), y) for x, y in pairs]
    assert np.mean([np.abs(x - y).mean() for x, y in stretched]) < 1


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_scores_of_seafusion_are_those_of_the_published_images(runs: Path, shared_golden: Path) -> None:
    scores, expected = measured(runs, "seafusion@official"), anchors(shared_golden, "SeAFusion")
    assert len(scores) == IMAGES
    for image, values in scores.items():
        for metric in METRICS:
            # a few pixels are a grey level off
            assert values[metric] == pytest.approx(expected[image][metric], rel=2e-5), (image, metric)


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize(
    ("method", "title", "verdicts"),
    [
        ("seafusion@official", "SeAFusion", {against.WITHIN}),
        ("densefuse@official", "DenseFuse", {against.OUTSIDE}),
    ],
)
def test_printed_digits_come_out_of_the_authors_weights(
    method: str,
    title: str,
    verdicts: set[str],
    runs: Path,
    shared_golden: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Table 3 prints means over 42 pairs, of which 30 are here: its convention on these 30, to as many digits."""
    paper = replace(papers()["refinefuse"], pairs={"tno": IMAGES})
    monkeypatch.setattr(against, "papers", lambda: {"refinefuse": paper})
    here = set(measured(runs, method))
    images = [values for image, values in anchors(shared_golden, title).items() if image in here]
    means = {metric: np.mean([values[metric] for values in images]) for metric in METRICS}
    numbers = [printed(number, means) for number in paper.numbers if number.dataset == "tno"]
    records = [record for record in read_records(runs) if record["method"]["name"] == method]
    findings = against.reproductions(
        records, list(score_rows(records)), [n for n in numbers if n.method == title]
    )
    assert len(findings) == len(METRICS)
    assert verdicts <= {finding.verdict for finding in findings} <= {against.WITHIN, *verdicts}
    assert all("authors' weights" in finding.remark for finding in findings)


def printed(number: Number, means: dict[str, float]) -> Number:
    """Return a number of Table 3 with the mean that it would print of the pairs that are here."""
    return replace(number, value=f"{means[number.metric]:.{DIGITS}f}") if number.metric in means else number
