"""Fusing on a GPU: the images of the CPU, whatever the batch, while finished cells are scored beside it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from fusionbench.cells.store import Cell
from fusionbench.data.images import read_image
from fusionbench.runs.run import run

pytestmark = pytest.mark.gpu
METHODS = "refinefuse,dsifuse"


def cells(out: Path, device: str, batch_size: int | str) -> dict[str, Cell]:
    result = run(
        METHODS, "demo", device=device, batch_size=batch_size, out=out, baselines=False, metrics="EN,VIF,Qabf"
    )
    assert result.ok
    return {cell.label: Cell(cell.path) for cell in result.cells}


@pytest.fixture(scope="module")
def on_cpu(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Cell]:
    return cells(tmp_path_factory.mktemp("cpu"), "cpu", 1)


@pytest.mark.parametrize("batch_size", [1, 4, "auto"])
def test_images_and_scores_are_those_of_the_cpu(
    batch_size: int | str, on_cpu: dict[str, Cell], tmp_path: Path
) -> None:
    for label, cell in cells(tmp_path, "cuda", batch_size).items():
        expected, record = on_cpu[label], cell.read_record()
        assert cell.stored() == expected.stored()
        for name in cell.stored():
            one, other = (read_image(where.image(name)).astype(int) for where in (cell, expected))
            # float32 sums in another order can move a value over a rounding boundary, nothing more
            assert np.abs(one - other).max() <= 1
            assert (one != other).mean() < 1e-3
        assert record["identity"]["protocol"]["arithmetic"] == "float32"
        assert ("batch_size" in record) == (batch_size == "auto")
        values = [
            {(line["image"], line["metric"]): line["value"] for line in map(json.loads, lines)}
            for lines in (
                (where.path / "scores.jsonl").read_text().splitlines() for where in (cell, expected)
            )
        ]
        assert values[0] == pytest.approx(values[1], rel=2e-3)


def test_a_second_run_writes_the_same_bytes(tmp_path: Path) -> None:
    first, second = (cells(tmp_path / name, "cuda", 4) for name in ("first", "second"))
    for label, cell in first.items():
        for name in cell.stored():
            assert cell.image(name).read_bytes() == second[label].image(name).read_bytes()
