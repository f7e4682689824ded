"""Every sweep that README and docs/ show is one: it is read and planned on data that are generated."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from fusionbench.runs.run import RunOptions, plan_all
from fusionbench.runs.sweep import expand, read_sweep, row_order

ROOT = Path(__file__).parents[3]
BLOCK = re.compile(r"```yaml\n(.*?)```", re.DOTALL)
SHOWN = [
    (page, text)
    for page in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
    for text in BLOCK.findall(page.read_text(encoding="utf-8"))
]
SWEEPS = [(page, text) for page, text in SHOWN if text.startswith("methods:")]


@pytest.mark.parametrize("text", [text for _, text in SHOWN], ids=[page.stem for page, _ in SHOWN])
def test_every_yaml_that_is_shown_is_yaml(text: str) -> None:
    assert isinstance(yaml.safe_load(text), dict)


@pytest.mark.parametrize(("page", "text"), SWEEPS, ids=[page.stem for page, _ in SWEEPS])
def test_every_sweep_that_is_shown_can_be_planned(page: Path, text: str, tmp_path: Path) -> None:
    document = yaml.safe_load(text)
    sar = "csp_mcin" in document["methods"]
    document["datasets"] = ["demo-sar-opt" if sar else "demo"]
    if "train_datasets" in document:
        document["train_datasets"] = document["datasets"]
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump(document))
    sweep = read_sweep(path)
    plans = plan_all(expand(sweep, RunOptions((), ())))
    names = {cell.name for plan in plans for cell in plan.cells}
    assert names
    assert names <= set(row_order(sweep))
