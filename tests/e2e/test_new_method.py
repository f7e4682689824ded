"""``fusionbench new``: what it writes passes, trains and runs; the commands of docs/plugins.md, as they stand there."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from command import in_process
from fresh_environment import FreshEnvironment, commands

from fusionbench.data.images import write_image

PAGE = Path(__file__).parents[2] / "docs/plugins.md"


def test_a_single_file_passes_the_suite(tmp_path: Path) -> None:
    assert in_process("new", "method", "solo", "--single-file", cwd=tmp_path).returncode == 0
    checked = in_process("check", "./solo.py", cwd=tmp_path)
    assert checked.returncode == 0, checked.stdout
    assert "to fix" not in checked.stdout


@pytest.mark.slow
def test_a_single_file_runs(tmp_path: Path) -> None:
    assert in_process("new", "method", "solo", "--single-file", cwd=tmp_path).returncode == 0
    options = ("--dataset", "demo", "--limit", 1, "--no-baselines", "--weights", "random", "--metrics", "EN")
    done = in_process("run", "--method", "./solo.py", *options, "--json", cwd=tmp_path)
    assert [cell["status"] for cell in json.loads(done.stdout)["cells"]] == ["ok"]


@pytest.mark.slow
def test_a_package_s_own_tests_pass_with_the_plug_in_of_pytest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert in_process("new", "method", "my_net", cwd=tmp_path).returncode == 0
    site = tmp_path / "my_net/src"
    about = site / "my_net-0.1.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: my-net\nVersion: 0.1\n")
    (about / "entry_points.txt").write_text("[fusionbench.methods]\nmy_net = my_net\n")
    extra = tmp_path / "my_net/tests/test_marked.py"
    extra.write_text(
        "import pytest\n\n@pytest.mark.contract('my_net')\ndef test_it(contract_check):\n    contract_check()\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(site))
    plug_in = [
        "-p",
        "no:fusionbench",
        "-p",
        "fusionbench.checks.pytest_plugin",
        "--strict-markers",
        "-W",
        "error",
    ]
    ignored = ["-W", "ignore::FutureWarning", "-W", "ignore::DeprecationWarning", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *plug_in, *ignored, "my_net"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    # seven checks and two that do not apply, once by each way and twice for the variant; one test of its own
    assert "25 passed, 3 skipped" in done.stdout


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_the_six_commands_of_the_page_end_in_a_latex_table(tmp_path: Path) -> None:
    fresh = FreshEnvironment(tmp_path / "fresh", tmp_path)
    steps = commands(PAGE, "From nothing to a table in six commands")
    assert len(steps) == 6
    for command in steps:
        done = fresh.run(command)
        assert done.returncode == 0, (command, done.stdout, done.stderr)
    table = (tmp_path / "table.tex").read_text()
    for row in ("Mynet", "RefineFuse", "Laplacian pyramid", "Average", r"\begin{tabular}"):
        assert row in table


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_the_example_package_is_installed_used_and_removed(tmp_path: Path) -> None:
    fresh = FreshEnvironment(tmp_path / "fresh", tmp_path)
    shutil.copytree(PAGE.parent / "examples", tmp_path / "docs/examples")
    noise = np.random.default_rng(0).integers(0, 256, (3, 40, 48), dtype=np.uint8)
    for number, image in enumerate(noise):
        write_image(tmp_path / f"data/NightYard/ir/{number}.png", image)
        write_image(tmp_path / f"data/NightYard/vi/{number}.png", np.stack([image // 2] * 3, axis=-1))
        write_image(tmp_path / f"docs/examples/their_results/{number}.png", image)
    *steps, uninstall = commands(PAGE, "A whole package")
    said = {}
    for command in steps:
        done = fresh.run(command)
        assert done.returncode == 0, (command, done.stdout, done.stderr)
        said[command.split()[1]] = done.stdout
    assert "Their method" in said["run"]
    assert "Night blend" in said["run"]
    assert "DRU" in said["run"]
    (record,) = (tmp_path / "runs/night-yard-test/images-their_results").glob("*/run.json")
    method = json.loads(record.read_text())["method"]
    assert method["citation"].startswith("Someone and Else")
    assert "@article{Someone2026" in method["bibtex"]
    assert method["color"] == "luma"
    for kind, name in (("methods", "night_blend"), ("metrics", "DRU"), ("datasets", "night-yard")):
        assert name in _listed(fresh, kind)
    assert fresh.run(uninstall).returncode == 0
    for kind, name in (("methods", "night_blend"), ("metrics", "DRU"), ("datasets", "night-yard")):
        assert name not in _listed(fresh, kind)


def _listed(fresh: FreshEnvironment, kind: str) -> set[str]:
    return {row["name"] for row in json.loads(fresh.run(f"fusionbench list {kind} --json").stdout)}
