"""The shipped weights fuse real test pairs better than an average does, and RefineFuse's better than a maximum in three ways."""

from __future__ import annotations

from pathlib import Path

import pytest
from pandas import DataFrame

import fusionbench

METRICS = ["VIF", "Qabf", "AG", "SF", "SCD", "MI"]
LIMIT = 20  # pairs of each set; the leaderboards have them all


def means(method: str, dataset: str, shared_data: Path, out: Path) -> DataFrame:
    """Return the mean of each metric (rows) by method (columns), trivial baselines among them."""
    asked = [method, "average", "maximum"]
    result = fusionbench.run(
        asked, dataset, metrics=METRICS, baselines=False, data_root=str(shared_data), out=out, limit=LIMIT
    )
    assert result.ok
    return fusionbench.read_runs(out).pivot_table(values="value", index="metric", columns="method")


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("dataset", ["msrs", "tno"])
def test_refinefuse_beats_the_average_everywhere_and_the_maximum_in_three_metrics(
    dataset: str, shared_data: Path, tmp_path: Path
) -> None:
    found = means("refinefuse", dataset, shared_data, tmp_path)
    assert (found["refinefuse"] > found["average"]).all(), found
    assert (found["refinefuse"] >= found["maximum"]).sum() >= 3, found


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("dataset", ["msrs", "tno", "roadscene"])
def test_dsifuse_beats_the_average_in_its_five_metrics(
    dataset: str, shared_data: Path, tmp_path: Path
) -> None:
    found = means("dsifuse", dataset, shared_data, tmp_path).drop("MI")
    assert (found["dsifuse"] > found["average"]).all(), found
