"""Which scores of metrics with files of weights are left as they are, and which are computed again."""

from __future__ import annotations

from pathlib import Path

import pytest

from fusionbench.cells.done import lacking, missing_metrics
from fusionbench.cells.store import Cell
from fusionbench.metrics.learned.weight_files import made_with
from fusionbench.types import Pair

PAIRS = [Pair("1", Path("a.png"), Path("b.png"))]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FUSIONBENCH_WEIGHTS", str(tmp_path / "weights"))
    (tmp_path / "weights" / "metrics").mkdir(parents=True)
    return tmp_path / "weights" / "metrics" / "liqe_koniq.pt"


def left(folder: Path, status: str, detail: str, value: float | None = None) -> list[str]:
    """Return what is left to score in a cell whose only line of LIQE is this."""
    line = {"run": folder.name, "image": "1", "metric": "LIQE", "version": 1, "profile": "canonical"}
    folder.mkdir(exist_ok=True)
    Cell(folder).append([line | {"value": value, "status": status, "detail": detail}])
    return missing_metrics(Cell(folder), PAIRS, ["LIQE"], "canonical").get("1", [])


def test_a_value_stays_with_its_weights_and_without_any(place: Path, tmp_path: Path) -> None:
    place.write_bytes(b"one")
    made = made_with(["liqe-koniq"])
    assert made.startswith("liqe_koniq.pt ")
    assert left(tmp_path / "cell", "ok", made, 3.0) == []
    place.write_bytes(b"another")
    assert left(tmp_path / "cell", "ok", made, 3.0) == ["LIQE"]
    place.unlink()
    assert left(tmp_path / "cell", "ok", made, 3.0) == []


def test_unavailable_is_tried_again_once_the_file_is_there(place: Path, tmp_path: Path) -> None:
    reason = lacking("LIQE")
    assert left(tmp_path / "cell", "unavailable", reason) == []
    place.write_bytes(b"one")
    assert left(tmp_path / "cell", "unavailable", reason) == ["LIQE"]
    assert left(tmp_path / "cell", "undefined", "the image is smaller than 224x224 pixels") == []
