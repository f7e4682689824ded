"""Which sections the statistics of a board have."""

from dataclasses import replace

import pytest
from statistics_samples import board

from fusionbench.statistics.sections import sections
from fusionbench.statistics.summary import summarize


@pytest.mark.parametrize(
    ("metrics", "compared"), [(("EN",), True), (("mIoU",), False), (("mIoU", "CMMD"), True)]
)
def test_downstream_metrics_alone_are_not_said_to_be_paired_over_images(metrics, compared):
    made = board({"net": {"EN": [1.0, 2.0]}, "visible": {"EN": [2.0, 1.0]}})
    (column,) = made.table.columns
    columns = tuple(replace(column, metric=name, per="image" if name == "EN" else "set") for name in metrics)
    summary = summarize(replace(made, table=replace(made.table, columns=columns)))
    assert ("Compared" in [section.title for section in sections(summary)]) is compared
