"""What a user can get wrong: one clear sentence, the right exit code, and nothing else harmed."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from command import fusionbench
from PIL import Image

from fusionbench.cli.app import app
from fusionbench.data.pairs import find_split
from fusionbench.data.registry import dataset

MEMORY = Path("/proc/self/mem")
RUN = ("run", "--metrics", "EN,SF", "--no-baselines")


@pytest.fixture
def msrs(tmp_path: Path) -> Path:
    """A small copy in MSRS's layout: three sound pairs; tests spoil one."""
    rng = np.random.default_rng(0)
    for number in range(3):
        for folder, shape in (("ir", (40, 56)), ("vi", (40, 56, 3))):
            path = tmp_path / "root" / "MSRS" / "test" / folder / f"0000{number}D.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(rng.integers(0, 256, shape, dtype=np.uint8)).save(path)
    return tmp_path / "root"


def one_sentence(text: str, *words: str) -> None:
    lines = [line for line in text.splitlines() if line.startswith("Error: ")]
    assert len(lines) == 1, text
    assert "Traceback" not in text
    for word in words:
        assert word in lines[0], lines[0]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("-m", "refinefus", "-d", "demo"), ("refinefus", "did you mean 'refinefuse'")),
        (("-m", "average", "-d", "dem"), ("dem", "did you mean 'demo'")),
        (("-m", "average", "-d", "demo", "--metrics", "Qabff"), ("Qabff", "did you mean 'Qabf'")),
        (("-m", "average", "-d", "demo", "--profile", "canonicl"), ("canonicl",)),
        (("-m", "average", "-d", "demo", "--split", "tset"), ("tset", "did you mean 'test'")),
        (("-m", "average", "-d", "demo", "--device", "cuda:99"), ("cuda:99", "--device cpu")),
        (("-m", "average", "-d", "demo", "--limit", "0"), ("limit",)),
        (("-m", "average", "-d", "demo", "--batch-size", "0"), ("--batch-size",)),
        pytest.param(
            ("-m", "refinefuse", "-d", "demo", "args.level=3"),
            ("args.level", "did you mean 'args.levels'"),
            marks=pytest.mark.slow,  # what a class takes is known once it is imported
        ),
        (("-m", "refinefuse", "-d", "demo", "stages.fuse.epoch=3"), ("stages.fuse.epochs",)),
        (("-m", "refinefuse@wo_fimm", "-d", "demo"), ("wo_fimm", "did you mean 'wo_fim'")),
        (("-m", "refinefuse", "-d", "demo-sar-opt"), ("refinefuse", "sar-opt")),
        (("-m", "refinefuse", "-d", "demo", "--weights", "nowhere.safetensors"), ("nowhere.safetensors",)),
        (("-m", "./nowhere.py", "-d", "demo"), ("nowhere.py",)),
        (("-m", "images:nowhere", "-d", "demo"), ("nowhere",)),
        (("-m", "average", "-d", "tno", "--data-root", "nowhere"), ("TNO", "--data-root")),
    ],
)
def test_a_wrong_request_is_one_sentence_and_code_2(
    arguments: tuple[str, ...],
    words: tuple[str, ...],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    # in this process: a subprocess for each would import torch each time
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as stopped:
        app([*RUN, *arguments])
    assert stopped.value.code == 2
    one_sentence(capsys.readouterr().err, *words)
    assert not list(tmp_path.glob("runs/*/*"))


def test_all_problems_of_a_request_are_named_at_once(tmp_path: Path) -> None:
    done = fusionbench(*RUN, "-m", "nix,average", "-d", "nada,tno", cwd=tmp_path)
    assert done.returncode == 2
    assert len([line for line in done.stderr.splitlines() if line.startswith("Error: ")]) == 3


def test_two_folders_of_one_name_are_not_mixed_up(tmp_path: Path) -> None:
    for folder in ("one/out", "two/out"):
        (tmp_path / folder).mkdir(parents=True)
        for pair in find_split(dataset("demo"), "test").pairs:
            Image.new("L", (8, 8)).save(tmp_path / folder / f"{pair.id}.png")
    done = fusionbench(*RUN, "-m", "images:one/out,images:two/out", "-d", "demo", cwd=tmp_path)
    assert done.returncode == 2
    one_sentence(done.stderr, "images:one/out", "images:two/out", "rename one")


def spoil_size(ir: Path, vi: Path) -> None:
    Image.new("L", (30, 20), 7).save(ir)


def spoil_truncated(ir: Path, vi: Path) -> None:
    vi.write_bytes(vi.read_bytes()[:-2000])


def spoil_text(ir: Path, vi: Path) -> None:
    ir.write_text("this is no image")


def spoil_empty(ir: Path, vi: Path) -> None:
    ir.write_bytes(b"")


def spoil_reading(ir: Path, vi: Path) -> None:
    # root may read every file, but nobody the beginning of a process's memory
    ir.unlink()
    ir.symlink_to(MEMORY)


@pytest.mark.parametrize(
    "spoil",
    [
        spoil_size,
        pytest.param(
            spoil_reading, marks=pytest.mark.skipif(not MEMORY.exists(), reason=f"the system has no {MEMORY}")
        ),
        *(pytest.param(f, marks=pytest.mark.slow) for f in (spoil_truncated, spoil_text, spoil_empty)),
    ],
)
def test_a_bad_pair_fails_its_image_only(spoil, msrs: Path, tmp_path: Path) -> None:
    test = msrs / "MSRS" / "test"
    spoil(test / "ir" / "00001D.png", test / "vi" / "00001D.png")
    done = fusionbench(
        *RUN, "-m", "average,maximum", "-d", "msrs,demo-medical", "--data-root", msrs, cwd=tmp_path
    )
    assert done.returncode == 1, done.stderr
    assert "00001D.png" in done.stderr
    assert "Traceback" not in done.stderr
    assert "– (2/3)" in done.stdout
    for cell in tmp_path.glob("runs/msrs-test/*/*"):
        assert sorted(p.name for p in (cell / "images").iterdir()) == ["00000D.png", "00002D.png"]
        record = json.loads((cell / "run.json").read_text())
        assert record["status"] == "failed"
        assert list(record["images"]) == ["00001D"]
    for record in tmp_path.glob("runs/demo-medical-test/*/*/run.json"):
        assert json.loads(record.read_text())["status"] == "ok"


@pytest.mark.slow
def test_a_mended_pair_completes_the_cell(msrs: Path, tmp_path: Path) -> None:
    broken = msrs / "MSRS" / "test" / "ir" / "00001D.png"
    sound = broken.read_bytes()
    broken.write_bytes(b"")
    command = (*RUN, "-m", "average", "-d", "msrs", "--data-root", msrs)
    assert fusionbench(*command, cwd=tmp_path).returncode == 1
    broken.write_bytes(sound)
    done = fusionbench(*command, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "– (" not in done.stdout


@pytest.mark.slow
def test_a_pair_of_one_pixel_is_fused_and_its_metrics_are_undefined_or_numbers(
    msrs: Path, tmp_path: Path
) -> None:
    shutil.rmtree(msrs / "MSRS" / "test")
    for folder, mode in (("ir", "L"), ("vi", "RGB")):
        path = msrs / "MSRS" / "test" / folder / "00001D.png"
        path.parent.mkdir(parents=True)
        Image.new(mode, (1, 1)).save(path)
    done = fusionbench("run", "-m", "refinefuse", "-d", "msrs", "--data-root", msrs, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    for path in tmp_path.glob("runs/msrs-test/*/*/scores.jsonl"):
        for line in map(json.loads, path.read_text().splitlines()):
            assert line["status"] in ("ok", "undefined")
            assert line["detail"] or line["status"] == "ok"


def test_an_empty_split_is_named(msrs: Path, tmp_path: Path) -> None:
    for path in msrs.glob("MSRS/test/ir/*"):
        path.unlink()
    done = fusionbench(*RUN, "-m", "average", "-d", "msrs", "--data-root", msrs, cwd=tmp_path)
    assert done.returncode == 2
    one_sentence(done.stderr, "MSRS")


def test_an_output_that_cannot_be_written_stops_before_any_work(tmp_path: Path) -> None:
    # a file where the folder should be: refused for root as well, whom permissions do not stop
    (tmp_path / "runs").write_text("in the way")
    done = fusionbench(*RUN, "-m", "average", "-d", "demo", cwd=tmp_path)
    assert done.returncode == 2
    one_sentence(done.stderr, "runs", "another folder")


PLUGIN = """
from typing import ClassVar
from fusionbench.method import FusionMethod

class Mine(FusionMethod):
    families: ClassVar = frozenset({"ir-vis", "medical", "sar-opt"})
    def fuse(self, a, b):
        %s
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    "body", ["raise ValueError('broken on purpose')", "return a * float('nan')", "return a[..., :-1]"]
)
def test_a_broken_method_fails_its_cell_only(body: str, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(PLUGIN % body)
    done = fusionbench(*RUN, "-m", "./mine.py,average", "-d", "demo", "--limit", 2, cwd=tmp_path)
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    statuses = {
        p.parts[-3]: json.loads(p.read_text())["status"] for p in tmp_path.glob("runs/demo-test/*/*/run.json")
    }
    assert statuses == {"mine-Mine": "failed", "average": "ok"}


@pytest.mark.slow
def test_a_method_that_cannot_be_imported_fails_its_cell_only(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("import no_such_package\n" + PLUGIN % "return a")
    done = fusionbench(*RUN, "-m", "./mine.py,average", "-d", "demo", "--limit", 2, "--json", cwd=tmp_path)
    assert done.returncode == 1
    statuses = {c["method"]: c["status"] for c in json.loads(done.stdout)["cells"]}
    assert statuses == {"mine-Mine": "failed", "average": "ok"}
    assert "no_such_package" in done.stderr


def test_a_method_without_weights_is_unavailable_with_the_command(tmp_path: Path) -> None:
    command = (*RUN, "-m", "refinefuse@three_levels", "-d", "demo", "--no-train", "--limit", 2)
    done = fusionbench(*command, cwd=tmp_path)
    assert done.returncode == 1
    assert "fusionbench train --method refinefuse@three_levels --dataset demo" in done.stderr
    assert "Nothing was computed: 0 of 1 cells were done already." in done.stderr
    assert json.loads(next(tmp_path.glob("runs/*/*/*/run.json")).read_text())["status"] == "unavailable"


CONV = "    def __init__(self):\n        super().__init__()\n        self.c = torch.nn.Conv2d(1, 1, 1)\n"
NO_LOSS = "    def losses(self, batch):\n        raise RuntimeError('no loss today')\n"


@pytest.mark.slow
def test_a_training_that_fails_ends_with_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("import torch\n" + PLUGIN % "return a" + CONV + NO_LOSS)
    done = fusionbench("train", "-m", "./mine.py", "-d", "demo", "--limit", 2, cwd=tmp_path)
    assert done.returncode == 2
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("Error: Training of 'mine-")
    assert last.endswith("failed: RuntimeError: no loss today")


@pytest.mark.slow
def test_a_training_that_fails_costs_its_cell_only(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("import torch\n" + PLUGIN % "return a" + CONV + NO_LOSS)
    done = fusionbench(*RUN, "-m", "./mine.py,average", "-d", "demo", "--limit", 2, cwd=tmp_path)
    assert done.returncode == 1
    assert "no loss today" in done.stderr
    assert "Traceback" not in done.stderr
    assert len(list(tmp_path.glob("runs/demo-test/average/*/images/*.png"))) == 2
