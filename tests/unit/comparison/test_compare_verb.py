"""``fusionbench compare`` on stores on disk."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from report_samples import of, record
from typer.testing import CliRunner

from fusionbench.cli.app import app

LINE = ("run", "image", "metric", "version", "profile", "status", "value", "detail")


def store(folder: Path, value: float, seed: int = 0) -> Path:
    run = record(run=f"run{seed}", pairs=3)
    run["identity"]["seed"] = seed
    place = folder / "msrs-test/refinefuse" / run["id"]
    place.mkdir(parents=True)
    (place / "run.json").write_text(json.dumps(run))
    rows = of(run, {"VIF": [value, value, value + 0.1], "EN": 7.0})
    lines = [json.dumps({name: row[name] for name in LINE}) for row in rows]
    (place / "scores.jsonl").write_text("\n".join(lines) + "\n")
    return folder


def test_prints_markdown_or_json(tmp_path: Path) -> None:
    a, b = store(tmp_path / "A", 0.5), store(tmp_path / "B", 0.7, seed=1)
    shown = CliRunner().invoke(app, ["compare", str(a), str(b)])
    assert shown.exit_code == 0
    assert "Identity differs (run0 → run1): seed 0 → 1." in shown.stdout
    assert "identical over 3 images" in shown.stdout
    told = CliRunner().invoke(app, ["compare", str(a), str(b), "--metrics", "vif", "--json"])
    metric = json.loads(told.stdout)["cells"][0]["metrics"]
    assert [m["metric"] for m in metric] == ["VIF"]
    assert metric[0]["mean"] == pytest.approx(0.2)


def test_a_missing_folder_is_exit_code_2(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["compare", str(store(tmp_path / "A", 0.5)), str(tmp_path / "nowhere")])
    assert done.exit_code == 2
    assert "nowhere" in done.stderr


def test_needs_neither_torch_nor_pandas(tmp_path: Path) -> None:
    runs = store(tmp_path / "A", 0.5)
    code = (
        "import sys; from fusionbench.cli.app import app\n"
        f"try: app(['compare', {str(runs)!r}, {str(runs)!r}])\n"
        "except SystemExit: pass\n"
        "print([m for m in ('torch', 'pandas', 'scipy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "Identical in all 2 metrics" in done.stdout
    assert done.stdout.splitlines()[-1] == "[]"
