"""Every paper's numbers: complete, well formed, and in agreement with what the papers say of them in words."""

import pytest

from fusionbench.data.registry import datasets
from fusionbench.errors import ConfigError
from fusionbench.metrics.profiles import profiles
from fusionbench.papers.printed import papers, read_paper
from fusionbench.providers import share
from fusionbench.registry.methods import spec

KINDS = {"fusion", "ablation", "sensitivity", "transfer", "detection", "segmentation", "complexity"}
# paper -> how many numbers each table holds, counted in the papers' text
NUMBERS = {
    "csp_mcin": {1: 70, 2: 70, 3: 32, 4: 63, 5: 77, 6: 16, 7: 49, 8: 42},
    "dsifuse": {1: 60, 2: 60, 3: 60, 4: 96, 5: 36},
    "refinefuse": {1: 77, 2: 77, 3: 77, 4: 104, 5: 77, 6: 77, 7: 77, 8: 28, 9: 42, 10: 24, 11: 72},
    "sspfusion": {1: 216, 2: 140, 3: 42, 4: 36, 5: 111, 6: 48},
    "yan2025": {1: 84, 2: 84, 3: 48},
}
OWN = {
    "csp_mcin": "CSP-MCIN", "dsifuse": "DSIFuse", "refinefuse": "RefineFuse", "sspfusion": "SSPFusion",
    "yan2025": "LSNF",
}  # fmt: skip
ALL = [number for paper in papers().values() for number in paper.numbers]


def column(paper, table, metric, dataset=None):
    """The numbers of a column by method, for tables whose rows are methods."""
    chosen = [n for n in papers()[paper].numbers if (n.table, n.metric) == (table, metric)]
    return {n.method: n.number for n in chosen if dataset in (None, n.dataset)}


def own(paper, table, metric, setting="", dataset=None):
    """The printed text of the paper's own row."""
    values = [
        n.value
        for n in papers()[paper].numbers
        if (n.table, n.metric, n.setting, n.own_method) == (table, metric, setting, True)
        and dataset in (None, n.dataset)
    ]
    assert len(values) == 1, values
    return values[0]


def test_every_table_is_complete():
    counts = {
        name: {table: sum(n.table == table for n in paper.numbers) for table in NUMBERS[name]}
        for name, paper in papers().items()
    }
    assert counts == NUMBERS
    assert len(ALL) == sum(sum(tables.values()) for tables in NUMBERS.values())


def test_no_number_stands_twice():
    keys = {(n.paper, n.table, n.dataset, n.train_dataset, n.method, n.setting, n.metric) for n in ALL}
    assert len(keys) == len(ALL)


@pytest.mark.parametrize("name", NUMBERS)
def test_every_row_is_well_formed(name):
    for n in papers()[name].numbers:
        assert n.paper == name
        assert n.number >= 0
        assert n.kind in KINDS
        assert n.direction in ("higher", "lower")
        assert {n.dataset, n.train_dataset} <= {"", *datasets()}
        assert n.own_method == (n.method == OWN[name])
        assert "−" not in n.value + n.note


@pytest.mark.parametrize("name", NUMBERS)
def test_a_metric_has_one_direction_and_the_one_of_its_kind(name):
    lower = {n.metric for n in papers()[name].numbers if n.direction == "lower"}
    higher = {n.metric for n in papers()[name].numbers if n.direction == "higher"}
    assert not lower & higher
    cost = (
        "params",
        "FLOPs",
        "GFLOPs",
        "time",
        "load",
        "size",
        "speed",
        "peak",
        "mem",
        "CMMDF",
        "MSRS",
        "M3FD",
    )
    assert all(metric.startswith(cost) for metric in lower)


@pytest.mark.parametrize("name", NUMBERS)
def test_what_is_said_of_a_paper_names_what_is_there(name):
    paper = papers()[name]
    methods, settings = {n.method for n in paper.numbers}, {n.setting for n in paper.numbers}
    used = {n.dataset for n in paper.numbers}
    assert paper.profile in profiles()
    assert f"doi     = {{{paper.doi}}}" in paper.bibtex or f"doi           = {{{paper.doi}}}" in paper.bibtex
    assert set(paper.undecided) <= {n.metric for n in paper.numbers}
    assert set(paper.pairs) <= used
    assert set(paper.other_pairs) <= set(paper.pairs)
    assert set(paper.aliases) <= methods
    assert set(paper.differs) <= methods
    assert set(paper.settings) <= settings
    method = {"yan2025": "lsnf"}.get(name, name)
    assert set(paper.settings.values()) | set(paper.recipes.values()) <= set(spec(method).known_variants())
    assert set(paper.recipes) <= used
    for other in paper.aliases.values():
        assert spec(other).name == other


@pytest.mark.parametrize("name", papers())
def test_the_profile_of_a_paper_has_every_column_of_its_tables_of_results(name):
    paper = papers()[name]
    printed = {n.metric for n in paper.numbers if n.kind == "fusion"}
    assert printed <= profiles()[paper.profile].metrics.keys()


@pytest.mark.parametrize(
    ("paper", "table", "metric", "better", "lead"),
    [
        ("csp_mcin", 1, "CC", "higher", 0.049),
        ("csp_mcin", 1, "EN", "higher", 0.086),
        ("csp_mcin", 1, "LIQE", "higher", 0.139),
        ("csp_mcin", 1, "CLIP-IQA", "higher", 0.017),
        ("csp_mcin", 1, "CMMDF", "lower", 0.196),
        ("csp_mcin", 3, "GFLOPs@256", "lower", 3.8),
    ],
)
def test_leads_that_the_text_states(paper, table, metric, better, lead):
    values = column(paper, table, metric)
    mine = values.pop(OWN[paper])
    gap = mine - max(values.values()) if better == "higher" else min(values.values()) - mine
    assert gap == pytest.approx(lead, abs=1e-9)


def test_costs_that_the_text_of_csp_mcin_compares():
    gflops, time = column("csp_mcin", 3, "GFLOPs@256"), column("csp_mcin", 3, "time_ms")
    assert gflops["U2Fusion"] - gflops["CSP-MCIN"] == pytest.approx(19.1)
    assert gflops["FusionGAN"] - gflops["CSP-MCIN"] == pytest.approx(27.3)
    assert time["U2Fusion"] - time["CSP-MCIN"] == pytest.approx(4.3)
    assert time["FusionGAN"] - time["CSP-MCIN"] == pytest.approx(4.6)


@pytest.mark.parametrize(
    ("paper", "table", "metric", "setting", "dataset", "text"),
    [
        ("refinefuse", 1, "VIF", "", "msrs", "1.0554"),
        ("refinefuse", 11, "GFLOPs@512", "", "", "48.11"),
        ("csp_mcin", 1, "SD", "", "whu-opt-sar", "0.184"),
        ("csp_mcin", 3, "params_M", "", "", "37.7"),
        ("dsifuse", 1, "VIF", "", "msrs", "1.050"),
        ("dsifuse", 4, "mAP50:95", "", "m3fd", "54.8"),
        ("dsifuse", 5, "SSIM", "w/o CFC", "msrs", "0.741"),
        ("sspfusion", 1, "MI", "", "m3fd", "6.064"),
        ("sspfusion", 2, "mIoU", "", "msrs", "72.2"),  # the text: a mIoU of 72.2 %
        ("sspfusion", 5, "time_ms", "640x480", "msrs", "149.704"),  # the text: 149.704 ms
        ("sspfusion", 5, "FLOPs_G", "640x480", "msrs", "1332"),  # printed as 1.332k
        ("yan2025", 3, "params", "", "", "27939441"),
        ("yan2025", 2, "VIF", "", "", "0.744"),
    ],
)
def test_own_rows_hold_what_is_printed(paper, table, metric, setting, dataset, text):
    assert own(paper, table, metric, setting, dataset) == text


def test_ranks_that_the_texts_claim():
    def order(paper, table, metric, dataset=None):
        values = column(paper, table, metric, dataset)
        return sorted(values, key=values.get, reverse=True)

    assert order("csp_mcin", 2, "CLIP-IQA")[:2] == ["DDcGAN", "CSP-MCIN"]
    assert order("csp_mcin", 1, "SD")[:2] == ["FreeFusion", "CSP-MCIN"]
    assert order("dsifuse", 4, "mAP50")[:2] == ["CDDFuse", "DSIFuse"]
    assert order("dsifuse", 4, "AP50:bus")[:3] == ["CDDFuse", "DenseFuse", "DSIFuse"]
    assert order("sspfusion", 3, "SF")[:2] == ["IFCNN", "SSPFusion"]
    assert order("sspfusion", 1, "SF", "m3fd")[:2] == ["AUIF", "SSPFusion"]
    assert order("refinefuse", 1, "SCD")[2] == "RefineFuse"  # the text says second; Table 1 has it third
    for dataset, table in (("msrs", 1), ("m3fd", 2), ("tno", 3)):
        assert order("dsifuse", table, "EN", dataset)[0] == "MFIFusion"


def test_tables_that_repeat_a_row_repeat_its_numbers():
    for metric in ("MI", "SF", "AG", "VIF", "Qabf", "SSIM"):
        main = own("sspfusion", 1, metric, dataset="msrs")
        assert own("sspfusion", 4, metric, "F=yes, P=yes", "msrs") == main
        assert own("sspfusion", 6, metric, "alpha=1.0, beta=1.0", "msrs") == main
        assert own("dsifuse", 5, "MI") == own("dsifuse", 1, "MI")
    for metric in ("SD", "CC", "EN", "VIFF", "LIQE", "CLIP-IQA", "CMMDF"):
        main = own("csp_mcin", 1, metric)
        assert own("csp_mcin", 4, metric) == main
        assert own("csp_mcin", 5, metric, "lambda_sar=0.3, lambda_cor=0.7") == main
        assert own("csp_mcin", 7, metric, "PCGrad, lambda_sar=0.3, lambda_opt=0.7") == main
    for metric in ("EN", "AG", "SF", "SD", "VIF"):
        assert own("yan2025", 3, metric) == own("yan2025", 1, metric)


def copy_of(paper, folder):
    for ending in ("yaml", "csv"):
        file = share("leaderboards/reported") / f"{paper}.{ending}"
        (folder / file.name).write_bytes(file.read_bytes())
    return folder / f"{paper}.yaml"


@pytest.mark.parametrize(
    ("ending", "old", "new", "said"),
    [
        ("yaml", "profile: dsifuse", "profle: dsifuse", "profle"),
        ("yaml", "profile: dsifuse", "", "lacks profile"),
        ("csv", "5.937", "5,937", "line 2"),
        ("csv", "5.937", "much", "line 2"),
        ("csv", "kind", "sort", "columns"),
    ],
)
def test_a_file_that_is_not_as_it_must_be_is_named(tmp_path, ending, old, new, said):
    file = copy_of("dsifuse", tmp_path)
    wrong = file.with_suffix(f".{ending}")
    wrong.write_text(wrong.read_text(encoding="utf-8").replace(old, new, 1), encoding="utf-8")
    with pytest.raises(ConfigError, match=said) as error:
        read_paper(file)
    assert wrong.name in str(error.value)
