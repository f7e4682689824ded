"""Choosing printed numbers, and printing them as the tables they stand in."""

import csv
import io
import json
import subprocess
import sys

import pytest

from fusionbench.errors import RequestError, UnknownNameError
from fusionbench.papers.conventions import convention, departure_in_words
from fusionbench.papers.printed import papers, select_numbers
from fusionbench.papers.tables import by_table, render, to_json


def test_no_name_asks_for_all():
    assert len(select_numbers()) == sum(len(paper.numbers) for paper in papers().values())


def test_names_narrow_each_other_and_spelling_is_free():
    numbers = select_numbers(
        papers=["CSP-MCIN"], datasets=["SEN12"], metrics=["clip_iqa"], methods=["csp mcin"]
    )
    assert {n.value for n in numbers if n.kind == "fusion"} == {"0.519"}
    assert {n.paper for n in numbers} == {"csp_mcin"}


def test_a_method_is_found_as_printed_and_as_it_is_called_here():
    assert select_numbers(methods=["LP"]) == select_numbers(methods=["laplacian_pyramid"])
    assert {n.method for n in select_numbers(methods=["lsnf"])} == {"LSNF"}
    assert {n.paper for n in select_numbers(methods=["u2fusion"])} == {"csp_mcin", "refinefuse", "sspfusion"}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"papers": ["refinefus"]}, "paper.*'refinefuse'"),
        ({"datasets": ["mrss"]}, "data set.*'msrs'"),
        ({"methods": ["SwinFuson"]}, "method.*'SwinFusion'"),
        ({"metrics": ["Qab"]}, "metric.*'Qabf'"),
        ({"kinds": ["fussion"]}, "kind.*'fusion'"),
    ],
)
def test_a_wrong_name_gets_the_nearest_one(given, said):
    with pytest.raises(UnknownNameError, match=said):
        select_numbers(**given)


def test_names_that_no_number_has_together_are_told():
    with pytest.raises(RequestError, match="together"):
        select_numbers(papers=["refinefuse"], datasets=["sen12"])


def test_markdown_has_a_table_for_each_printed_one_with_citation_and_convention():
    text = render(select_numbers(papers=["refinefuse"], kinds=["fusion"]), "md")
    assert text.count("\n### ") + text.startswith("### ") == 6
    assert "| RefineFuse | 1.0554 | 3.8135 | 1.6328 | 0.7193 | 11.4509 | 6.6006 | 0.9377 |" in text
    assert text.count("doi 10.1007/s44267-025-00087-w") == 6
    assert text.count("profile refinefuse, settled") == 6


def test_rows_that_differ_in_data_or_setting_say_so():
    text = render(select_numbers(papers=["csp_mcin"], kinds=["transfer"]), "md")
    assert "| Method | Data set | Trained on | SD ↑ |" in text
    assert "| CSP-MCIN | sen12 | whu-opt-sar | 0.203 |" in text
    assert "CMMDF ↓" in text


def test_gaps_stay_empty():
    text = render(select_numbers(papers=["sspfusion"], kinds=["complexity"]), "md")
    assert "| GTF | 640x480 | msrs |  | 0.639 | 0.052 | 0.016 |  |  |" in text


@pytest.mark.parametrize("format", ["tex", "html"])
def test_other_formats_hold_the_same_numbers(format):
    text = render(select_numbers(papers=["yan2025"]), format)
    assert all(n.value in text for n in select_numbers(papers=["yan2025"]))


def test_csv_is_what_is_shipped():
    numbers = select_numbers(papers=["dsifuse"])
    rows = list(csv.DictReader(io.StringIO(render(numbers, "csv"))))
    assert [row["value"] for row in rows] == [n.value for n in numbers]
    assert {row["own_method"] for row in rows} == {"0", "1"}


def test_an_unknown_format_is_refused():
    with pytest.raises(RequestError, match="pdf"):
        render(select_numbers(papers=["dsifuse"]), "pdf")


def test_json_states_the_convention_of_each_metric():
    tables = to_json(select_numbers(papers=["csp_mcin"], kinds=["fusion"]))
    json.dumps(tables, allow_nan=False)
    assert [table["table"] for table in tables] == [1, 2]
    assert tables[0]["metrics"]["SD"] == {"profile": "csp-mcin", "definition": "unit-range", "undecided": ""}
    assert tables[0]["metrics"]["VIFF"]["undecided"]
    assert tables[0]["bibtex"].startswith("@article")


def test_tables_stay_apart():
    assert len(by_table(select_numbers())) == 33


@pytest.mark.parametrize(
    ("metric", "scored", "said"),
    [
        ("SSIM", "refinefuse", ""),
        ("SSIM", "canonical", "canonical computes canonical, the paper skimage-l2"),
        ("EN", "tang2023", ""),  # another profile that computes it alike, from the same gray levels
        ("EN", "canonical", "the luma"),  # computed alike from other gray levels
        ("EN", "elsewhere", "does not know"),
    ],
)
def test_a_difference_of_conventions_is_put_into_words(metric, scored, said):
    words = departure_in_words(convention(papers()["refinefuse"], metric), metric, scored)
    assert (said in words) if said else words == ""


def test_sizes_and_times_have_no_convention_to_decide():
    assert convention(papers()["yan2025"], "params").text == ""
    assert convention(papers()["csp_mcin"], "CMMDF").undecided
    assert convention(papers()["yan2025"], "Qabf").undecided


def test_reading_loads_nothing_heavy():
    code = (
        "import sys; from fusionbench.papers.printed import select_numbers; select_numbers(papers=['refinefuse']);"
        "print([m for m in ('torch', 'pandas', 'lightning', 'kornia') if m in sys.modules])"
    )
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
        == "[]\n"
    )
