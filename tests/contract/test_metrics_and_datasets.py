"""Built-in metrics and data sets keep the contract that plug-ins are held to."""

from __future__ import annotations

import pytest

from fusionbench.checks import find_subject, verdicts
from fusionbench.data.registry import datasets
from fusionbench.metrics import DEFAULT, cards

OTHERS = [pytest.param(name, marks=pytest.mark.slow) for name in cards() if name not in DEFAULT]


@pytest.mark.parametrize("name", [*DEFAULT, *OTHERS])
def test_a_metric_keeps_the_contract(name: str) -> None:
    assert [v for v in verdicts(find_subject(f"metric:{name}")) if v.outcome == "failed"] == []


@pytest.mark.parametrize("name", list(datasets()))
def test_an_entry_of_the_catalog_keeps_the_contract(name: str) -> None:
    by_check = {v.check: v for v in verdicts(find_subject(f"dataset:{name}"))}
    assert [v for v in by_check.values() if v.outcome == "failed"] == []
    assert by_check["entry"].outcome == "passed"
