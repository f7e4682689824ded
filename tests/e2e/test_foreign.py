"""Methods that are commands, run as a user runs them: a good one, and ones that break in the ways commands do."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from command import fusionbench

from fusionbench.data.images import read_image
from fusionbench.data.pairs import find_split
from fusionbench.data.registry import dataset
from fusionbench.folders.fuse_files import FileOptions, fuse_files

HEAD = """
import sys, time
from pathlib import Path
import numpy as np
from PIL import Image

a, b, out = (Path(text) for text in sys.argv[1:4])
for path in sorted(a.iterdir()):
    x, y = Image.open(path), Image.open(b / path.name)
    assert x.mode == "L" and x.size == y.size
    fused = np.maximum(np.asarray(x)[..., None], np.asarray(y))
"""
SCRIPTS = {
    "good": '    Image.fromarray(fused).save(out / path.name)\n    print("fused", path.stem)\n',
    "fails": '    print("no licence\\n", flush=True)\n    sys.exit(3)\n',
    "wrong_size": "    Image.fromarray(fused[1:]).save(out / path.name)\n",
    "one_short": '    if path.stem != "001":\n        Image.fromarray(fused).save(out / path.name)\n',
    "hangs": '    print("about to wait", flush=True)\n    time.sleep(3600)\n',
}
BAD = {
    "fails": ("failed", ("exit code 3", "no licence")),
    "wrong_size": ("failed", ("2 of 2 images", "fuse at their size")),
    "one_short": ("failed", ("1 of 2 images", "No image '001'")),
    "hangs": ("timeout", ("--timeout",)),
    "no_such_program": ("failed", ("'no-such-program'", "cannot be started", "install it")),
}
RUN = ("--dataset", "demo", "--limit", 2, "--metrics", "EN,SF", "--no-baselines")


def write_method(folder: Path, name: str, command: list[str]) -> None:
    (folder / name).mkdir()
    (folder / name / "fuse.py").write_text(HEAD + SCRIPTS.get(name, ""))
    card = {"title": name, "kind": "classical", "families": ["ir-vis"], "command": command}
    (folder / name / "card.yaml").write_text(json.dumps(card))


@pytest.fixture(scope="module")
def foreign(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, subprocess.CompletedProcess[str]]:
    folder = tmp_path_factory.mktemp("foreign")
    for name in SCRIPTS:
        write_method(folder, name, ["{python}", "fuse.py", "{a}", "{b}", "{out}"])
    write_method(folder, "no_such_program", ["no-such-program", "{a}", "{b}", "{out}"])
    methods = ",".join(f"./{name}" for name in (*SCRIPTS, "no_such_program"))
    done = fusionbench("run", "--method", methods, *RUN, "--timeout", 20, "--jobs", 2, cwd=folder)
    return folder, done


def cell(folder: Path, name: str) -> Path:
    return next(folder.glob(f"runs/demo-test/{name}/*"))


def record(folder: Path, name: str) -> dict[str, Any]:
    return json.loads((cell(folder, name) / "run.json").read_text())


def test_a_command_is_fused_scored_and_shown_like_any_other(
    foreign: tuple[Path, subprocess.CompletedProcess[str]],
) -> None:
    folder, done = foreign
    assert record(folder, "good")["status"] == "ok"
    assert "| good" in done.stdout
    stored = read_image(cell(folder, "good") / "images" / "000.png")
    assert stored.ndim == 3
    names = {path.name for path in cell(folder, "good").iterdir()}
    assert names == {".lock", "images", "log.txt", "run.json", "scores.jsonl"}
    assert (cell(folder, "good") / "log.txt").read_text() == "fused 000\nfused 001\n"


@pytest.mark.parametrize("name", BAD)
def test_a_command_that_breaks_costs_its_cell_and_says_why(
    name: str, foreign: tuple[Path, subprocess.CompletedProcess[str]]
) -> None:
    folder, done = foreign
    status, words = BAD[name]
    assert done.returncode == 1
    document = record(folder, name)
    assert document["status"] == status, document
    for word in words:
        assert word in document["detail"]
    assert "Traceback" not in done.stderr
    assert {path.name for path in cell(folder, name).glob("command/*")} <= {"out"}


def test_what_a_command_printed_is_in_the_record(
    foreign: tuple[Path, subprocess.CompletedProcess[str]],
) -> None:
    assert "about to wait" in record(foreign[0], "hangs")["log"]
    assert "no licence" in record(foreign[0], "fails")["log"]


def test_a_command_that_hung_is_gone(foreign: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    place = str(foreign[0] / "hangs")
    assert [p.pid for p in psutil.process_iter(["cwd"]) if p.info["cwd"] == place] == []


def test_a_second_run_calls_only_commands_with_work_left(
    foreign: tuple[Path, subprocess.CompletedProcess[str]],
) -> None:
    folder, _ = foreign
    done = fusionbench("run", "--method", "./good", *RUN, "--dry-run", cwd=folder)
    assert "1 cells, 1 done, 0 left" in done.stdout
    script = folder / "good" / "fuse.py"
    script.write_text(script.read_text() + "# changed\n")
    done = fusionbench("run", "--method", "./good", *RUN, "--dry-run", cwd=folder)
    assert "1 cells, 0 done, 1 left" in done.stdout


def test_fuse_takes_a_command_too(
    foreign: tuple[Path, subprocess.CompletedProcess[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pair = find_split(dataset("demo"), "test").pairs[0]
    monkeypatch.chdir(foreign[0])
    out = tmp_path / "fused.png"
    assert list(fuse_files(pair.a, pair.b, out, FileOptions("./good"))) == [out]
    a, b = read_image(pair.a), read_image(pair.b)
    assert np.array_equal(read_image(out), np.maximum(a[..., None], b))
