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


def test_where_no_test_can_reach_the_level_nothing_is_marked_and_a_sentence_says_so():
    few = {"a": {"EN": [1.0, 2.0, 3.0, 4.0]}, "b": {"EN": [2.0, 3.0, 4.0, 5.0]}}
    many = {name: {"EN": scores["EN"] * 3} for name, scores in few.items()}
    for methods, marked in ((few, False), (many, True)):
        means = next(part for part in sections(summarize(board(methods))) if part.title == "Means")
        assert any("†" in cell for row in means.rows for cell in row) is marked
        assert ("No †: on so few images no test" in means.caption) is not marked
