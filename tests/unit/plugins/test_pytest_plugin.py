"""The pytest plug-in is registered under a name, costs nothing until used, and leaves other suites alone."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

CHECKOUT = Path(__file__).parents[3]
PLUG_IN = ["-p", "no:fusionbench", "-p", "fusionbench.checks.pytest_plugin", "-p", "no:cacheprovider"]


def test_it_is_registered() -> None:
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]
    assert project["entry-points"]["pytest11"] == {"fusionbench": "fusionbench.checks.pytest_plugin"}


def test_another_suite_runs_as_before_and_loads_nothing(tmp_path: Path) -> None:
    (tmp_path / "test_other.py").write_text(
        "import sys\n\ndef test_light():\n"
        "    heavy = {'torch', 'pytorch_lightning', 'yaml', 'fusionbench.checks.methods', 'fusionbench.registry.methods'}\n"
        "    assert 'fusionbench.checks.pytest_plugin' in sys.modules\n"
        "    assert not heavy & set(sys.modules)\n"
    )
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        *PLUG_IN,
        "-W",
        "error",
        "--strict-markers",
        "--strict-config",
    ]
    done = subprocess.run(
        [*command, "test_other.py"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
    assert "1 passed" in done.stdout


def test_an_installed_copy_of_it_is_loaded_once(tmp_path: Path) -> None:
    """As pip installs it: pytest marks all modules of the package for rewriting, which must warn of nothing."""
    about = tmp_path / "site/theirs-1.0.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: theirs\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text("[pytest11]\nfusionbench = fusionbench.checks.pytest_plugin\n")
    (about / "RECORD").write_text("fusionbench/__init__.py,,\nfusionbench/checks/pytest_plugin.py,,\n")
    (tmp_path / "test_any.py").write_text("def test_any():\n    pass\n")
    command = [sys.executable, "-m", "pytest", "-W", "error", "-p", "no:cacheprovider", "--markers"]
    done = subprocess.run(
        command,
        cwd=tmp_path,
        env={"PYTHONPATH": str(tmp_path / "site"), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("@pytest.mark.contract(") == 1


def test_a_failing_rule_is_told_in_three_lines(tmp_path: Path) -> None:
    (tmp_path / "test_data.py").write_text(
        "from fusionbench.checks import contract_tests\ntest_contract = contract_tests('dataset:yard')\n"
    )
    site = tmp_path / "site"
    about = site / "theirs-1.0.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: theirs\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text("[fusionbench.datasets]\nyard = theirs\n")
    (site / "theirs").mkdir()
    (site / "theirs/yard.yaml").write_text(
        "{title: T, family: ir-vis, a: infrared, b: visible, folder: T, splits: {test: {a: x/*, b: x/*}}, "
        "licence: CC0, citation: '@misc{t, title={T}}', url: 'https://example.org', quirks: none}\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *PLUG_IN, "test_data.py"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(site), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "In each split, a and b are different files." in done.stdout
    assert "found:  a and b of test are both 'x/*'" in done.stdout
    assert "remedy: give each its own glob" in done.stdout
    assert "1 failed, 1 passed, 3 skipped" in done.stdout
