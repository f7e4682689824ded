"""``fusionbench doctor`` on an installation with broken plug-ins, and on one that is well."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from command import fusionbench

from fusionbench.doctor import findings as doctor

CARD = 'CARD = {"title": "T", "kind": "classical", "families": ["ir-vis"]}\n'
PLUGINS = {
    "good": CARD + "import numpy\n",
    "bare": "import numpy\n",
    "lacking": CARD
    + "import no_such_package_of_anyone\ntry:\n    import nor_this_one\nexcept ImportError:\n    pass\n",
    "torn": CARD + "def fuse(:\n",
}


@pytest.fixture
def plugins(tmp_path: Path) -> Path:
    """A folder for PYTHONPATH that holds a distribution with one good and several broken methods."""
    site = tmp_path / "site"
    about = site / "theirs-1.0.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: theirs\nVersion: 1.0\n")
    points = [f"{name} = theirs_{name}" for name in (*PLUGINS, "gone")]
    (about / "entry_points.txt").write_text("\n".join(["[fusionbench.methods]", *points, ""]))
    for name, text in PLUGINS.items():
        (site / f"theirs_{name}.py").write_text(text)
    return site


def test_broken_plug_ins_are_reported_and_break_nothing(plugins: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "fusionbench", "doctor", "--json"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(plugins), "FUSIONBENCH_WEIGHTS": str(tmp_path / "weights")},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    document = json.loads(done.stdout)
    assert document["ok"] is False
    methods = {f["name"]: f for f in document["findings"] if f["section"] == "methods"}
    assert methods["good"]["state"] == "ok"
    assert "of theirs" in methods["good"]["text"]
    broken = {name: f["text"] for name, f in methods.items() if f["state"] == "broken"}
    assert broken.keys() == {"bare", "lacking", "torn", "gone"}
    assert "CARD" in broken["bare"]
    assert "no_such_package_of_anyone" in broken["lacking"]
    assert "not valid Python" in broken["torn"]
    assert "theirs_gone" in broken["gone"]
    assert "refinefuse" in methods["built in"]["text"]


def test_a_whole_installation_is_well(tmp_path: Path) -> None:
    done = fusionbench("doctor", cwd=tmp_path, timeout=60)
    assert done.returncode == 0, done.stdout
    for word in (
        "python",
        "torch",
        "cpu",
        "memory",
        "demo",
        "refinefuse",
        "verified",
        "cache",
        "Nothing is broken",
    ):
        assert word in done.stdout


def test_looks_without_torch() -> None:
    code = (
        "import sys; from fusionbench.doctor import examine; examine()\n"
        "print([m for m in ('torch', 'pytorch_lightning', 'pandas', 'kornia') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    ("name", "version", "state"),
    [
        ("pytorch-lightning", "2.6.2", "broken"),
        ("pytorch-lightning", "2.6.3", "broken"),
        ("pytorch-lightning", "2.6.6", "ok"),
        ("setuptools", "81.0.0", "warning"),
        ("setuptools", "80.10.2", "ok"),
        ("timm", None, "broken"),
    ],
)
def test_judges_versions(name: str, version: str | None, state: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "package_version", lambda asked: version if asked == name else "1.0")
    assert {f.name: f.state for f in doctor.examine() if f.section == "packages"}[name] == state


def test_counts_partial_data_and_names_unusable_ones(tmp_path: Path) -> None:
    for folder in ("ir", "vi"):
        place = tmp_path / "MSRS/test" / folder
        place.mkdir(parents=True)
        for name in ("1.png", "2.png"):
            (place / name).touch()
    findings = {f.name: f for f in doctor.examine(str(tmp_path)) if f.section == "data sets"}
    assert findings["msrs test"].text == "partial, 2 of 361 pairs"
    assert "tno" in findings["not here"].text
    (tmp_path / "MSRS/test/ir/1.jpg").touch()
    findings = {f.name: f for f in doctor.examine(str(tmp_path)) if f.section == "data sets"}
    assert findings["msrs test"].state == "broken"


def test_a_fault_in_one_section_hides_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise RuntimeError("odd")

    monkeypatch.setattr(doctor, "plugins", fail)
    findings = doctor.examine()
    assert [f.text for f in findings if f.section == "methods"] == ["RuntimeError: odd"]
    assert {f.section for f in findings} == {
        "packages",
        "hardware",
        "data sets",
        "methods",
        "metrics",
        "weights",
        "metric weights",
        "folders",
    }
