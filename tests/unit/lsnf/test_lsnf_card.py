"""What LSNF's card says of itself reaches the records that captions are made from."""

from __future__ import annotations

from pathlib import Path

from fusionbench.cells.record import CellOptions, cell_of, new_record
from fusionbench.cells.weights import WeightsPolicy
from fusionbench.registry.methods import card
from fusionbench.runs.plan import Request, make_plan
from fusionbench.weights.methods import Weights


def test_the_record_says_that_the_losses_are_not_the_authors(tmp_path: Path) -> None:
    reading = card("lsnf").reading
    assert "losses, critics and recipe are our reading, not the authors'" in reading
    policy = WeightsPolicy("random", tmp_path, None, seed=0, device="cpu", may_train=False)
    options = CellOptions(tmp_path, "cpu", (), "canonical", 1, 0, fresh=False, policy=policy)
    methods = ("lsnf@wo_gwpl", "average")
    for planned in make_plan(Request(methods, ("demo-sar-opt",), baselines=False)).cells:
        cell = cell_of(planned, {}, tmp_path)
        record = new_record(planned, {}, cell, options, Weights("none"))
        assert record["method"]["reading"] == (reading if planned.name.startswith("lsnf") else None)
