"""A broken package breaks its own use and nothing else: lists, doctor, runs of other methods."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from packages import DATASET, install, method, metric
from PIL import Image

from fusionbench.cells.cell import run_cell
from fusionbench.cells.planned import CellResult
from fusionbench.cells.progress import Reporter
from fusionbench.errors import FusionbenchError
from fusionbench.runs.plan import group_members, make_plan
from fusionbench.runs.run import RunOptions, execute, make_jobs, plan_all

BROKEN = ("torn", "lacking", "odd_card", "average", "missing")


@pytest.fixture
def broken(site: Path) -> Path:
    """Install one sound package and one with everything that can be wrong."""
    install(site, "sound", {"methods": {"sound": "sound_method"}}, {"sound_method.py": method()})
    install(
        site,
        "broken",
        {
            "methods": {
                "torn": "broken.torn",
                "lacking": "broken.lacking",
                "odd_card": "broken.odd",
                "wrong_size": "broken.size",
                "average": "broken.rival",
                "missing": "nowhere_at_all",
            },
            "metrics": {"one": "broken.torn", "two": "broken.rival_metric"},
            "datasets": {"yard": "broken", "tno": "broken"},
        },
        {
            "broken/__init__.py": "",
            "broken/torn.py": "def (:\n",
            "broken/lacking.py": "import no_such_package_of_anyone\n" + method("Lacking"),
            "broken/odd.py": method("Odd").replace('["ir-vis"]', "5"),
            "broken/size.py": method("Size", "a[..., 1:]"),
            "broken/rival.py": method("Average"),
            "broken/rival_metric.py": metric("EN"),
            "broken/yard.yaml": DATASET.format(folder="/Yard"),
            "broken/tno.yaml": DATASET.format(folder="Yard"),
        },
    )
    install(site, "damaged", {}, {"damaged-1.0.dist-info/entry_points.txt": ""})
    (site / "damaged-1.0.dist-info/entry_points.txt").write_bytes(b"[fusionbench.methods]\nd\xff = d\n")
    return site


def fusionbench(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "fusionbench", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.parametrize(("kind", "known"), [("methods", "sound"), ("metrics", "EN"), ("datasets", "tno")])
def test_lists_go_on(kind: str, known: str, broken: Path) -> None:
    done = fusionbench("list", kind, "--json")
    assert done.returncode == 0
    rows = {row["name"]: row for row in json.loads(done.stdout)}
    assert known in rows
    if kind == "methods":
        assert {name for name, row in rows.items() if row["problem"]} == {
            "torn",
            "odd_card",
            "average",
            "missing",
        }
    else:
        assert "two providers" in done.stderr
        assert "of broken" in done.stderr


def test_what_needs_torch_goes_on(broken: Path, tmp_path: Path) -> None:
    for name, level in (("a", 10), ("b", 20)):
        Image.fromarray(np.full((8, 9), level, np.uint8)).save(tmp_path / f"{name}.png")
    a, b, fused = (str(tmp_path / f"{name}.png") for name in ("a", "b", "fused"))
    assert fusionbench("fuse", "-m", "sound", a, b, "-o", fused).returncode == 0
    done = fusionbench("explain", "SD", "0", "--a", a, "--b", b, "--fused", fused)
    assert (done.returncode, done.stderr) == (0, "")


def test_doctor_names_every_fault(broken: Path) -> None:
    done = fusionbench("doctor", "--json")
    assert done.returncode == 1
    document = json.loads(done.stdout)["findings"]
    faults = {(f["section"], f["name"]) for f in document if f["state"] == "broken"}
    assert faults >= {("methods", name) for name in BROKEN}
    assert faults >= {("data sets", "yard"), ("data sets", "tno"), ("metrics", "not usable")}
    assert not any("Error" in f["name"] for f in document)
    assert any(
        "Entry points of damaged cannot be read" in f["text"] for f in document if f["state"] == "broken"
    )
    said = " ".join(f["text"] for f in document if f["section"] == "metrics" and f["state"] == "broken")
    assert "fusionbench itself and broken.rival_metric of broken" in said
    assert "broken.torn of broken" in said


def test_groups_leave_out_what_is_broken_and_say_so(broken: Path) -> None:
    assert "sound" in group_members("baselines")
    assert not {"torn", "odd_card", "missing"} & set(group_members("all"))
    plan = make_plan(RunOptions(("baselines", "sound"), ("demo",), limit=1))
    assert "sound" in {cell.method.name for cell in plan.cells}
    said = " ".join(plan.broken)
    assert "'average' has two providers" in said
    assert "nowhere_at_all" in said
    with pytest.raises(FusionbenchError, match="two providers"):
        make_plan(RunOptions(("average",), ("demo",), limit=1))


def asked(out: Path) -> RunOptions:
    chosen = ("sound", "wrong_size", "lacking")
    return RunOptions(chosen, ("demo",), limit=1, out=out, metrics="SD", device="cpu", baselines=False)


def in_this_process(options: RunOptions) -> list[CellResult]:
    jobs = make_jobs(plan_all([options]))
    return [run_cell(job, Reporter()) for job in jobs]


def in_processes_of_their_own(options: RunOptions) -> list[CellResult]:
    return execute([options], Reporter()).cells


@pytest.mark.parametrize(
    "do", [in_this_process, pytest.param(in_processes_of_their_own, marks=pytest.mark.slow)]
)
def test_runs_of_other_methods_go_on(
    do: Callable[[RunOptions], list[CellResult]], broken: Path, tmp_path: Path
) -> None:
    cells = do(asked(tmp_path / "runs"))
    status = {cell.planned.method.name: (cell.status, cell.detail) for cell in cells}
    assert status["sound"] == ("ok", "")
    assert status["wrong_size"][0] == "failed"
    assert "return one of" in status["wrong_size"][1]
    assert "no_such_package_of_anyone" in status["lacking"][1]
