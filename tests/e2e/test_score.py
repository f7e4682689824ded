"""``fusionbench score`` as a user starts it: means of images made elsewhere, and what can be wrong with them."""

from __future__ import annotations

import csv
import json
import os
import pty
import shutil
import signal
import subprocess
from pathlib import Path

import numpy as np
import pytest
from command import COMMAND
from command import in_process as fusionbench
from PIL import Image

from fusionbench.cli.app import app
from fusionbench.data.demo import ensure

SCORE = ("score", "--metrics", "EN,SF,CC")
NAMES = ("1", "2", "10")


def save(path: Path, image: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(image).save(path)


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """Three pairs in ``ir`` and ``vi`` and their fused images in ``out``; tests spoil one."""
    rng = np.random.default_rng(0)
    for name in NAMES:
        save(tmp_path / "ir" / f"{name}.png", rng.integers(0, 256, (24, 32), dtype=np.uint8))
        save(tmp_path / "vi" / f"{name}.jpg", rng.integers(0, 256, (24, 32, 3), dtype=np.uint8))
        save(tmp_path / "out" / f"{name}_fused.png", rng.integers(0, 256, (24, 32, 3), dtype=np.uint8))
    return tmp_path


FOLDERS = ("--a", "ir", "--b", "vi")


def strict(text: str) -> dict:
    return json.loads(text, parse_constant=lambda token: pytest.fail(f"{token} is no JSON"))


def problems(text: str) -> list[str]:
    assert "Traceback" not in text
    return [line for line in text.splitlines() if line.startswith("Error: ")]


@pytest.mark.slow
def test_a_data_set_is_scored_as_by_run(tmp_path: Path) -> None:
    """The images of a run, under other names, get the run's numbers."""
    metrics = ("--metrics", "EN,VIF,Qabf,SSIM")
    run = ("run", "-m", "maximum", "-d", "demo", "--limit", 3, "--no-baselines", *metrics)
    assert fusionbench(*run, cwd=tmp_path).returncode == 0
    cell = next(tmp_path.glob("runs/demo-test/maximum/*"))
    (tmp_path / "theirs").mkdir()
    for image in (cell / "images").iterdir():
        shutil.copy(image, tmp_path / "theirs" / f"MAX-{image.stem}_fused.PNG")
    done = fusionbench(
        "score", "-d", "demo", "--limit", 3, "--fused", "theirs", *metrics, "--json", cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    document = strict(done.stdout)
    lines = map(json.loads, (cell / "scores.jsonl").read_text().splitlines())
    expected = {(line["image"], line["metric"]): line["value"] for line in lines}
    values_of = {(i, m): v for i, values in document["images"].items() for m, v in values.items()}
    assert values_of == expected
    for metric, mean in document["means"].items():
        values = [value for (_, name), value in expected.items() if name == metric]
        assert mean == pytest.approx(sum(values) / 3, rel=1e-14)
    assert document["profile"] == "canonical"
    assert document["status"] == {}
    assert (document["dataset"], document["split"], document["pairs"], document["expected"]) == (
        "demo",
        "test",
        3,
        8,
    )
    assert document["files"]["001"] == "MAX-001_fused.PNG"

    external = (
        "run",
        "-m",
        "images:theirs",
        "-d",
        "demo",
        "--limit",
        3,
        "--no-baselines",
        *metrics,
        "--out",
        "r",
    )
    assert fusionbench(*external, cwd=tmp_path).returncode == 0
    stored = next(tmp_path.glob("r/*/*/*/scores.jsonl")).read_text().splitlines()
    assert {(x["image"], x["metric"]): x["value"] for x in map(json.loads, stored)} == expected


def test_two_folders_are_scored_into_a_table_and_a_file(work: Path) -> None:
    done = fusionbench(*SCORE, *FOLDERS, "--fused", "out", "--name", "Mine", "-o", "s.csv", cwd=work)
    assert done.returncode == 0, done.stderr
    assert "### ir and vi, 3 pairs" in done.stdout
    assert "'out/1_fused.png' is taken for pair '1'" in done.stderr
    with (work / "s.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert list(rows[0]) == ["image", "metric", "version", "profile", "value", "status", "detail"]
    assert [row["image"] for row in rows[::3]] == ["1", "2", "10"]
    line = next(line for line in done.stdout.splitlines() if line.startswith("| Mine"))
    shown = [float(cell) for cell in line.split("|")[2:-1]]
    for metric, mean in zip(("EN", "SF", "CC"), shown, strict=True):
        values = [float(row["value"]) for row in rows if row["metric"] == metric]
        assert mean == pytest.approx(sum(values) / 3, abs=6e-5)


def test_several_methods_share_one_call(work: Path) -> None:
    shutil.copytree(work / "vi", work / "other")
    single = strict(fusionbench(*SCORE, *FOLDERS, "--fused", "other", "--json", cwd=work).stdout)
    done = fusionbench(
        *SCORE, *FOLDERS, "--fused", "out", "--fused", "other", "-o", "s.json", "--json", cwd=work
    )
    assert done.returncode == 0, done.stderr
    document = strict(done.stdout)
    assert [run["name"] for run in document["runs"]] == ["out", "other"]
    assert document["runs"][1] == single
    assert strict((work / "s.json").read_text()) == document


def test_a_terminal_gets_a_table_for_people(work: Path) -> None:
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [*COMMAND, *SCORE, *FOLDERS, "--fused", "out"],
        cwd=work,
        stdout=theirs,
        stderr=subprocess.PIPE,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "100"},
    )
    errors = process.communicate(timeout=120)[1]
    os.close(theirs)
    text = os.read(ours, 100_000).decode()
    os.close(ours)
    assert process.returncode == 0, errors
    assert "Method" in text
    assert "|" not in text
    assert "out: 3 of 3 images have every score" in " ".join(text.split())


def spoil_text(work: Path) -> None:
    (work / "out" / "2_fused.png").write_text("this is no image")


def spoil_size(work: Path) -> None:
    save(work / "out" / "2_fused.png", np.zeros((20, 30), np.uint8))


def spoil_source(work: Path) -> None:
    path = work / "vi" / "2.jpg"
    path.write_bytes(path.read_bytes()[:-200])


def spoil_alpha(work: Path) -> None:
    save(work / "out" / "2_fused.png", np.full((24, 32, 4), 9, np.uint8))


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (spoil_text, ("2_fused.png", "not an image")),
        (spoil_size, ("2_fused.png", "30x20", "32x24")),
        (spoil_source, ("2.jpg", "damaged")),
        (spoil_alpha, ("2_fused.png", "transparent")),
    ],
)
def test_a_bad_image_fails_itself_only(spoil, words: tuple[str, ...], work: Path) -> None:
    spoil(work)
    done = fusionbench(*SCORE, *FOLDERS, "--fused", "out", "--json", cwd=work)
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    document = strict(done.stdout)
    assert document["means"] == {"EN": None, "SF": None, "CC": None}
    assert document["images"]["2"] == {"EN": None, "SF": None, "CC": None}
    assert None not in [*document["images"]["1"].values(), *document["images"]["10"].values()]
    assert list(document["status"]) == ["2"]
    for word in words:
        assert word in document["status"]["2"]["EN"]
        assert word in done.stderr


def test_images_of_one_pixel_are_undefined_and_no_failure(work: Path) -> None:
    for path in [*work.glob("*/*.png"), *work.glob("*/*.jpg")]:
        Image.new("L", (1, 1), 7).save(path)
    done = fusionbench("score", *FOLDERS, "--fused", "out", "--json", cwd=work)
    assert done.returncode == 0, done.stderr
    document = strict(done.stdout)
    assert document["means"]["EN"] == 0
    assert document["means"]["SSIM"] is None
    assert document["status"]["10"]["SSIM"].startswith("undefined: ")
    table = fusionbench("score", *FOLDERS, "--fused", "out", cwd=work).stdout
    assert "– (0/3)" in table
    assert "nan" not in table.lower()


def test_16_bit_images_are_scored_as_8_bit(work: Path) -> None:
    for name in NAMES:
        levels = np.asarray(Image.open(work / "ir" / f"{name}.png"))
        save(work / "eight" / f"{name}.png", levels)
        save(work / "sixteen" / f"{name}.tif", levels.astype(np.uint16) * 257)
    done = fusionbench(*SCORE, *FOLDERS, "--fused", "eight", "--fused", "sixteen", "--json", cwd=work)
    eight, sixteen = strict(done.stdout)["runs"]
    assert eight["images"] == sixteen["images"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--fused", "out"), ("--dataset", "--a", "--b")),
        (("-d", "demo", *FOLDERS, "--fused", "out"), ("--dataset", "--a", "--b")),
        (("--a", "ir", "--fused", "out"), ("add --b",)),
        (("--b", "vi", "--fused", "out"), ("add --a",)),
        (("--a", "ir", "--b", "ir", "--fused", "out"), ("one folder", "'ir'")),
        (("--a", "nowhere", "--b", "vi", "--fused", "out"), ("nowhere",)),
        (
            ("--a", "empty", "--b", "empty2", "--fused", "out"),
            ("is empty: give a folder of images", "empty2"),
        ),
        ((*FOLDERS, "--fused", "nowhere"), ("nowhere",)),
        ((*FOLDERS, "--fused", "ir/1.png"), ("ir/1.png", "folder")),
        ((*FOLDERS, "--fused", "empty"), ("3 of 3 pairs", "empty", "'1', '2', '10'")),
        ((*FOLDERS, "--fused", "out", "--split", "test"), ("--split",)),
        ((*FOLDERS, "--fused", "out", "--limit", "0"), ("--limit",)),
        ((*FOLDERS, "--fused", "out", "--fused", "sub/out"), ("out, out", "--name")),
        ((*FOLDERS, "--fused", "out", "--name", "x", "--name", "y"), ("2 --name", "1 --fused")),
        ((*FOLDERS, "--fused", "out", "--metrics", "Qabff"), ("Qabff", "did you mean 'Qabf'")),
        ((*FOLDERS, "--fused", "out", "--profile", "tang2032"), ("tang2032", "did you mean 'tang2023'")),
        ((*FOLDERS, "--fused", "out", "--profile", "refinefuse", "--metrics", "MI"), ("refinefuse", "MI")),
        (("-d", "dem", "--fused", "out"), ("dem", "did you mean 'demo'")),
        (("-d", "demo", "--split", "tset", "--fused", "out"), ("tset", "did you mean 'test'")),
        (("-d", "tno", "--data-root", "nowhere", "--fused", "out"), ("TNO", "--data-root")),
        ((*FOLDERS, "--fused", "out", "-o", "scores.txt"), ("scores.txt", ".csv", ".parquet")),
        ((*FOLDERS, "--fused", "out", "-o", "nowhere/s.csv"), ("nowhere", "-o")),
        ((*FOLDERS, "--fused", "out", "-o", "folder.csv"), ("folder.csv", "is a folder")),
        ((*FOLDERS, "--fused", "out", "-o", "ir/1.png/s.csv"), ("ir/1.png",)),
    ],
)
def test_a_wrong_request_is_one_sentence_and_code_2(
    arguments: tuple[str, ...],
    words: tuple[str, ...],
    work: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    # in this process: a subprocess for each would import torch each time
    monkeypatch.chdir(work)
    shutil.copytree("out", "sub/out")
    for folder in ("empty", "empty2", "folder.csv"):
        Path(folder).mkdir()
    before = sorted(work.rglob("*"))
    with pytest.raises(SystemExit) as stopped:
        app(["score", *arguments])
    assert stopped.value.code == 2
    printed = capsys.readouterr()
    assert len(problems(printed.err)) == 1, printed.err
    for word in words:
        assert word in printed.err
    assert printed.out == ""
    assert sorted(work.rglob("*")) == before


def test_all_problems_of_a_request_are_named_at_once(work: Path) -> None:
    (work / "out" / "10_fused.png").unlink()
    (work / "vi" / "1.jpg").rename(work / "vi" / "11.jpg")
    done = fusionbench(
        *("score", *FOLDERS, "--fused", "out", "--fused", "nowhere", "--metrics", "ENN", "-o", "s.xls"),
        cwd=work,
    )
    assert done.returncode == 2
    lines = problems(done.stderr)
    assert len(lines) == 4, done.stderr
    for word in ("'ENN'", "s.xls", "2 images of 'ir' and 'vi'", "'nowhere'"):
        assert any(word in line for line in lines)


def test_missing_images_are_counted_and_named(work: Path) -> None:
    for name in ("1", "10"):
        (work / "out" / f"{name}_fused.png").unlink()
    done = fusionbench(*SCORE, *FOLDERS, "--fused", "out", cwd=work)
    assert done.returncode == 2
    (line,) = problems(done.stderr)
    assert line.startswith(
        "Error: 2 of 3 pairs have no fused image in 'out': '1', '10' (no other image is there)"
    )
    assert done.stdout == ""


@pytest.mark.parametrize(
    ("files", "words"),
    [
        (("1_a", "1_b", "2_a", "2_b", "10_a", "10_b"), ("'1_a' and '1_b'", "'1'")),
        (("1_2", "10_2", "2_2", "2"), ("'1_2' is not used for '1'", "'2' lacks '_2'")),
        (("1_fused", "2_fused", "10_fused", "mosaic"), ("'mosaic' lacks '_fused'",)),
    ],
)
def test_names_that_are_not_clear_are_refused(
    files: tuple[str, ...], words: tuple[str, ...], work: Path
) -> None:
    shutil.rmtree(work / "out")
    for name in files:
        save(work / "out" / f"{name}.png", np.zeros((24, 32), np.uint8))
    done = fusionbench(*SCORE, *FOLDERS, "--fused", "out", cwd=work)
    assert done.returncode == 2
    for word in words:
        assert word in done.stderr, done.stderr


def test_further_images_are_told_and_no_error(work: Path) -> None:
    save(work / "out" / "77_fused.png", np.zeros((9, 9), np.uint8))
    done = fusionbench(*SCORE, *FOLDERS, "--fused", "out", "--json", cwd=work)
    assert done.returncode == 0
    assert "77_fused.png" in done.stderr
    document = strict(done.stdout)
    assert document["extra"] == ["77_fused.png"]
    assert list(document["images"]) == ["1", "2", "10"]


@pytest.mark.slow
def test_ctrl_c_writes_nothing_and_exits_with_130(tmp_path: Path) -> None:
    demo = ensure("demo", "test") / "test"
    names = []
    for number in range(4):
        (tmp_path / f"f{number}").mkdir()
        names += ["--fused", f"f{number}"]
        for path in (demo / "ir").iterdir():
            shutil.copy(path, tmp_path / f"f{number}" / f"{path.stem}_x.png")
    process = subprocess.Popen(
        [*COMMAND, "score", "-d", "demo", *names, "--metrics", "all", "--json", "-o", "s.csv"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # a test run in the background is started with Ctrl-C ignored, and children inherit that
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    assert "is taken for pair" in process.stderr.readline()  # the checks are over, the work begins
    os.kill(process.pid, signal.SIGINT)
    out, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Interrupted" in errors
    assert "Traceback" not in errors
    assert out == ""
    assert sorted(path.name for path in tmp_path.iterdir()) == ["f0", "f1", "f2", "f3"]


def test_help_says_what_json_holds(tmp_path: Path) -> None:
    text = " ".join(fusionbench("score", "--help", cwd=tmp_path).stdout.split())
    for words in (
        "--fused",
        "--dataset",
        '"means": {METRIC: value}',
        '"status": {ID: {METRIC:',
        "Exit code 0",
    ):
        assert words in text


def test_real_images_of_a_paper_are_scored(shared_data: Path, tmp_path: Path) -> None:
    """Sources stand in for results: the visible images of a partial copy, under a paper's kind of names."""
    (tmp_path / "theirs").mkdir()
    for path in sorted((shared_data / "MSRS" / "test" / "vi").iterdir())[:40]:
        shutil.copy(path, tmp_path / "theirs" / f"Visible-{path.name}")
    arguments = (
        "-d",
        "msrs",
        "--data-root",
        shared_data,
        "--limit",
        2,
        "--fused",
        "theirs",
        "--profile",
        "tang2023",
    )
    done = fusionbench(*SCORE, *arguments, "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    document = strict(done.stdout)
    assert document["expected"] == 361
    assert document["extra"] == []
    assert all(value > 0 for value in document["means"].values())
