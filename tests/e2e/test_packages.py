"""The wheel and the sdist hold everything that a run needs, and nothing that is only lying about."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build as a release does: the sdist from the checkout, then the wheel from the unpacked sdist."""
    out = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", out, REPOSITORY]
    subprocess.run([*map(str, command)], check=True, capture_output=True)
    return out


def test_nothing_private_or_generated_is_packed(packages: Path) -> None:
    with tarfile.open(next(packages.glob("*.tar.gz"))) as archive:
        names = [name.partition("/")[2] for name in archive.getnames()]
    assert {"README.md", "LICENSE", "mkdocs.yml"} <= set(names)
    assert any(name.startswith("tests/") for name in names)
    assert not [name for name in names if name.split("/")[0] in ("runs", "data", "build", "dist", ".git")]


def test_the_wheel_holds_methods_sweeps_reported_values_and_templates(packages: Path) -> None:
    names = set(zipfile.ZipFile(next(packages.glob("*.whl"))).namelist())
    share = "fusionbench/_share"
    for path in ("methods/refinefuse/card.yaml", "benchmarks/demo.yaml", "leaderboards/reported/dsifuse.csv"):
        assert f"{share}/{path}" in names
    packed = {path.relative_to(REPOSITORY).as_posix() for path in (REPOSITORY / "fusionbench").rglob("*.*")}
    # what Python and numba compiled on this machine stays here
    assert {path for path in packed if "__pycache__" not in path} <= names
    assert not [name for name in names if "__pycache__" in name]


def test_the_wheel_runs_without_the_checkout(packages: Path, tmp_path: Path) -> None:
    target, work = tmp_path / "site", tmp_path / "work"
    work.mkdir()
    wheel = next(packages.glob("*.whl"))
    install = [sys.executable, "-m", "pip", "install", "--no-deps", "--no-index", "--target", target, wheel]
    subprocess.run([*map(str, install)], check=True, capture_output=True)
    environment = os.environ | {"PYTHONPATH": str(target)}
    where = "import fusionbench.providers as s; print(s.__file__, s.share('methods'))"

    def run(*arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, *arguments],
            env=environment,
            cwd=work,
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout

    assert run("-c", where).count(str(target)) == 2
    text = run("-m", "fusionbench", "run", "--method", "refinefuse", "--dataset", "demo", "--limit", "2")
    assert "RefineFuse" in text
