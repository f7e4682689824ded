"""Which convention gives a printed number: the real command on images whose conventions are known."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from command import fusionbench as real_fusionbench
from command import in_process as fusionbench
from PIL import Image

from fusionbench.data.images import read_image
from fusionbench.metrics import definitions, profiles, score, score_definitions, sources

TRIPLE = "ivif_tno37_u2fusion"


@pytest.fixture(scope="module")
def triple(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, ...]:
    """Write a small textured triple and return the options that name it."""
    folder, random = tmp_path_factory.mktemp("triple"), np.random.default_rng(0)
    options = []
    for name in ("a", "b", "fused"):
        levels = random.integers(0, 256, (8, 9)).repeat(8, 0).repeat(8, 1).astype(np.uint8)
        Image.fromarray(levels).save(folder / f"{name}.png")
        options += [f"--{name}", str(folder / f"{name}.png")]
    return tuple(options)


def conventions(*arguments: object, cwd: Path) -> list[dict]:
    done = fusionbench("explain", *arguments, "--json", cwd=cwd)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)["conventions"]


def test_ranks_all_definitions_by_distance(triple: tuple[str, ...], tmp_path: Path) -> None:
    rows = conventions("ssim", "0.5", *triple, cwd=tmp_path)
    assert {row["definition"] for row in rows} == set(definitions("SSIM"))
    distances = [row["distance"] for row in rows]
    assert distances == sorted(distances)
    assert all(row["distance"] == pytest.approx(abs(row["value"] - 0.5)) and row["text"] for row in rows)


@pytest.mark.parametrize("profile", ["tang2022", "cddfuse", "vifb"])
def test_names_the_profile_a_number_comes_from(profile: str, triple: tuple[str, ...], tmp_path: Path) -> None:
    images = [read_image(path) for path in triple[1::2]]
    number = f"{score(*images, metrics='SF', profile=profile)['SF'].value:.6f}"
    first = conventions("SF", number, *triple, cwd=tmp_path)[0]
    assert first["prints_alike"]
    assert profile in first["profiles"]
    assert first["definition"] == profiles()[profile].metrics["SF"]
    only = conventions("SF", number, *triple, "--profile", profile, cwd=tmp_path)
    assert [row["definition"] for row in only] == [first["definition"]]


def test_says_so_in_words(triple: tuple[str, ...], tmp_path: Path) -> None:
    done = real_fusionbench("explain", "EN", "-3.25", *triple, cwd=tmp_path)
    assert done.returncode == 0
    assert "No known convention gives EN -3.25 to its digits" in done.stdout
    assert "levels 0 and 1 share a bin" in done.stdout


def test_recognizes_a_published_number(shared_golden: Path, tmp_path: Path) -> None:
    """RefineFuse's SSIM of this image: not what any single toolbox is thought to give."""
    images = shared_golden / "real/images"
    options = [f"--{n}={images / f'{TRIPLE}_{c}.png'}" for n, c in (("a", "A"), ("b", "B"), ("fused", "F"))]
    first = conventions("SSIM", "0.7267", *options, cwd=tmp_path)[0]
    assert first["definition"] == "skimage-l2"
    assert "refinefuse" in first["profiles"]


def test_a_negative_number_is_no_option_and_a_mistyped_option_is_named(
    triple: tuple[str, ...], tmp_path: Path
) -> None:
    row = conventions("CC", "-0.5", *triple, cwd=tmp_path)[0]
    assert row["distance"] == pytest.approx(abs(row["value"] + 0.5))
    done = fusionbench("explain", "CC", "0.5", "--profil", "canonical", *triple, cwd=tmp_path)
    assert done.returncode == 2
    assert "No such option: --profil" in done.stderr


def test_undefined_conventions_come_last_with_the_reason(tmp_path: Path) -> None:
    for name in ("a", "b", "fused"):
        Image.fromarray(np.full((20, 20), 7, np.uint8)).save(tmp_path / f"{name}.png")
    options = ("--a", "a.png", "--b", "b.png", "--fused", "fused.png")
    rows = conventions("VIF", "1", *options, cwd=tmp_path)
    assert {row["status"] for row in rows} == {"undefined"}
    assert all("the image is smaller than" in row["detail"] and row["value"] is None for row in rows)
    done = fusionbench("explain", "VIF", "1", *options, cwd=tmp_path)
    assert "undefined for these images by every known convention" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("SIMM", "0.5"), "did you mean 'SSIM'"),
        (("SSIM", "about half"), "'about half' is not a number"),
        (("SSIM", "nan"), "'nan' is not a number"),
        (("SSIM", "0.5", "--profile", "tang2024"), "did you mean 'tang202"),
        (("VIF", "0.5", "--profile", "vifb"), "Profile 'vifb' defines no VIF"),
    ],
)
def test_a_wrong_request_is_one_sentence(
    arguments: tuple[str, ...], words: str, triple: tuple[str, ...], tmp_path: Path
) -> None:
    done = fusionbench("explain", *arguments, *triple, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert words in done.stderr
    assert done.stderr.count("\n") == 1


def test_images_of_different_size_are_named(triple: tuple[str, ...], tmp_path: Path) -> None:
    Image.fromarray(np.zeros((5, 6), np.uint8)).save(tmp_path / "small.png")
    done = fusionbench("explain", "EN", "1", *triple[:4], "--fused", tmp_path / "small.png", cwd=tmp_path)
    assert done.returncode == 2
    assert "must have one size" in done.stderr
    assert "6x5" in done.stderr


def test_names_the_library_that_a_number_comes_from(triple: tuple[str, ...], tmp_path: Path) -> None:
    a, _b, fused = (read_image(path) for path in triple[1::2])
    definition = definitions("PSNR")["peak-4095"]
    (number,) = score_definitions(sources(a, a), fused, [definition])
    first = conventions("PSNR", f"{number.value:.6f}", *triple, cwd=tmp_path)[0]
    assert first["libraries"] == {"image-similarity-measures": "0.3.6"}
    assert first["sources"] == "a"
    done = fusionbench("explain", "PSNR", f"{number.value:.6f}", *triple, cwd=tmp_path)
    assert "is given by: peak-4095 (a alone, image-similarity-measures 0.3.6)" in done.stdout


def test_explains_a_cost(tmp_path: Path) -> None:
    asked = ("explain", "cost", "1", "-m", "guided-filter", "--size", "32x32")
    done = fusionbench(*asked, "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    rows = json.loads(done.stdout)["counts"]
    assert {"ptflops 0.7.5", "fvcore 0.1.5", "fusionbench"} <= {row["tool"] for row in rows}
    assert fusionbench("explain", "cost", "few", "-m", "dsifuse", cwd=tmp_path).returncode == 2


def test_explains_the_luma_of_a_file(tmp_path: Path) -> None:
    Image.fromarray(np.arange(48, dtype=np.uint8).reshape(4, 4, 3) * 5).save(tmp_path / "color.png")
    done = fusionbench("explain", "luma", "color.png", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "its routes to one channel differ by" in done.stdout or "every route gives" in done.stdout
    rows = json.loads(fusionbench("explain", "luma", "color.png", "--json", cwd=tmp_path).stdout)["routes"]
    assert rows[0]["used_by"] == "fusionbench"
    assert fusionbench("explain", "luma", "none.png", cwd=tmp_path).returncode == 2
