"""The shipped weights fuse real test pairs better than an average does, and RefineFuse's better than a maximum in three ways."""

from __future__ import annotations

from pathlib import Path

import pytest
from pandas import DataFrame

import fusionbench
from fusionbench.data.prepare import prepare
from fusionbench.data.registry import dataset as load_dataset

METRICS = ["VIF", "Qabf", "AG", "SF", "SCD", "MI"]
LIMIT = 20  # pairs of each set for the methods that take seconds a pair; the leaderboards have them all


def means(
    method: str, dataset: str, root: Path, out: Path, metrics: list[str] = METRICS, limit: int | None = None
) -> DataFrame:
    """Return the mean of each metric (rows) by method (columns), trivial baselines among them."""
    asked = [method, "average", "maximum"]
    result = fusionbench.run(
        asked, dataset, metrics=metrics, baselines=False, data_root=str(root), out=out, limit=limit
    )
    assert result.ok
    return fusionbench.read_runs(out).pivot_table(values="value", index="metric", columns="method")


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("dataset", ["msrs", "tno"])
def test_refinefuse_beats_the_average_everywhere_and_the_maximum_in_three_metrics(
    dataset: str, shared_data: Path, tmp_path: Path
) -> None:
    scores = means("refinefuse", dataset, shared_data, tmp_path)
    assert (scores["refinefuse"] > scores["average"]).all(), scores
    assert (scores["refinefuse"] >= scores["maximum"]).sum() >= 3, scores


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("dataset", ["msrs", "tno", "roadscene"])
def test_dsifuse_beats_the_average_in_its_five_metrics(
    dataset: str, shared_data: Path, tmp_path: Path
) -> None:
    scores = means("dsifuse", dataset, shared_data, tmp_path).drop("MI")
    assert (scores["dsifuse"] > scores["average"]).all(), scores


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("dataset", ["msrs", "roadscene", "harvard-mri-ct"])
def test_sspfusion_beats_the_average_in_its_four_metrics(
    dataset: str, shared_data: Path, tmp_path: Path
) -> None:
    scores = means("sspfusion", dataset, shared_data, tmp_path, limit=LIMIT).loc[["VIF", "Qabf", "AG", "SF"]]
    assert (scores["sspfusion"] > scores["average"]).all(), scores


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("method", ["csp_mcin", "lsnf"])
@pytest.mark.parametrize("dataset", ["sen12-gray", "optical-sar"])
def test_sar_optical_methods_beat_the_average_in_four_of_six_metrics(
    method: str, dataset: str, shared_data: Path, tmp_path: Path
) -> None:
    root = shared_data
    if dataset == "optical-sar":
        prepare(load_dataset(dataset), shared_data, tmp_path / "data")
        root = tmp_path / "data"
    scores = means(method, dataset, root, tmp_path / "runs", ["SD", "EN", "VIFF", "MI", "Qabf", "AG"], LIMIT)
    assert (scores[method] > scores["average"]).sum() >= 4, scores
