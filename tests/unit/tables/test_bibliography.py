import random
import re
from types import SimpleNamespace

import pytest
from layout_samples import tables
from report_samples import record

from fusionbench.metrics import cards
from fusionbench.metrics.tasks import task_cards
from fusionbench.tables import render
from fusionbench.tables.bibliography import Bibliography, bibliography, cited, split_entries

ENTRY = "@article{key2020,\n  title = {A},\n  doi = {10.1/X}\n}\n"


def keys(text):
    return re.findall(r"^@\w+\{([^,]+),", text, re.MULTILINE)


def test_methods_data_sets_and_metrics_have_entries_each_once():
    made = [
        record("refinefuse"),
        record("refinefuse@wo_fim"),
        record("dsifuse"),
        record("average", kind="trivial"),
    ]
    works = bibliography(made, ["VIF", "EN", "Rank"], cards())
    assert works.methods == {"refinefuse": "refinefuse2025", "dsifuse": "dsifuse2026"}
    assert set(keys(works.text())) == {
        "refinefuse2025", "dsifuse2026", "Tang2022PIAFusion", "sheikh2006vif", "roberts2008entropy",
    }  # fmt: skip
    assert works.missing == []
    assert works.text().count("{") == works.text().count("}")


def test_every_metric_has_author_title_year_and_doi():
    known = {**cards(), **task_cards(["mIoU", "mAP50"])}
    for name in known:
        works = bibliography([], [name], known)
        assert works.missing == []
        (entry,) = works.entries.values()
        assert all(
            re.search(rf"^ *{field} *= *\{{.+\}}", entry, re.MULTILINE) for field in ("title", "year", "doi")
        )
        assert "author" in entry or "cspmcin" in entry  # the card's own entry
        assert known[name].doi.lower() in entry.lower()


def test_neither_the_order_nor_copies_of_records_change_the_text():
    made = [
        record("refinefuse"),
        record("dsifuse"),
        record("refinefuse", name="tno"),
        record("lsnf", name="tno"),
    ]
    expected = bibliography(made, ["VIF", "EN"], cards()).text()
    random.Random(0).shuffle(made)
    assert bibliography([*made, *made], ["EN", "VIF"], cards()).text() == expected


def test_a_method_with_only_a_doi_gets_an_entry_and_one_without_is_named():
    made = [record("gone", title="Gone & lost") | {}, record("mine-Mine", title="Mine")]
    made[0]["method"]["doi"] = "10.1000/a_b(1)"
    works = bibliography(made, [], cards())
    assert "@misc{doi:10.1000/a-b-1-," in works.text()
    assert r"title = {{Gone \& lost}}" in works.text()
    assert works.methods == {"gone": "doi:10.1000/a-b-1-"}
    assert works.missing == ["method Mine"]


def test_a_data_set_and_a_metric_without_source_are_named():
    facts = {"X": SimpleNamespace(name="X", title="x", doi="")}
    works = bibliography([record("average", kind="trivial", name="my-pairs")], ["X"], facts)
    assert works.missing == ["data set my-pairs", "metric X"]


def test_metrics_of_one_work_share_its_entry():
    facts = {name: SimpleNamespace(name=name, title=name, doi="10.1/x") for name in "BA"}
    works = bibliography([], ["B", "A"], facts)
    assert "Definition of A, B" in works.text()
    assert len(works.entries) == 1


def test_one_work_is_one_entry_whatever_its_key():
    works = Bibliography()
    assert works.add(ENTRY, "first") == "key2020"
    assert works.add(ENTRY.replace("key2020", "other").replace("10.1/X", "10.1/x"), "second") == "key2020"
    assert len(works.entries) == 1


def test_two_works_under_one_key_are_told_apart():
    works = Bibliography()
    works.add(ENTRY, "first")
    assert works.add(ENTRY.replace("10.1/X", "10.2/y"), "second") == "key2020-second"
    assert set(keys(works.text())) == {"key2020", "key2020-second"}


def test_a_text_may_hold_several_entries():
    assert len(list(split_entries(f"some words\n{ENTRY}\n  {ENTRY}"))) == 2
    assert list(split_entries("no entry")) == list(split_entries("")) == []


@pytest.mark.parametrize("layout", ["single", "ablation"])
def test_rows_cite_their_method_in_latex_only(layout):
    works = Bibliography(methods={"csp_mcin": "hou2026", "refinefuse": "refinefuse2025"})
    (table, *_) = [cited(table, works) for table in tables(layout)]
    key = "hou2026" if layout == "ablation" else "refinefuse2025"
    assert rf" \cite{{{key}}}" in render([table], "tex")
    assert key not in render([table], "md") + render([table], "csv")
