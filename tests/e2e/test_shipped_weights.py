"""The shipped weights fuse real pairs better than an average does."""

from __future__ import annotations

from pathlib import Path

import pytest

import fusionbench

METRICS = ["VIF", "Qabf", "AG", "SF", "SCD", "MI"]


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("dataset", ["msrs", "tno"])
def test_refinefuse_beats_the_average_in_five_of_six_metrics(
    dataset: str, shared_data: Path, tmp_path: Path
) -> None:
    result = fusionbench.run(
        "refinefuse,average",
        dataset,
        metrics=METRICS,
        baselines=False,
        data_root=str(shared_data),
        out=tmp_path,
    )
    assert result.ok
    means = fusionbench.read_runs(tmp_path).pivot_table(values="value", index="metric", columns="method")
    better = means.index[means["refinefuse"] > means["average"]]
    assert len(better) >= 5, means
