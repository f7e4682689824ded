"""The list of every table and figure of the papers names what there is: printed tables, sweeps, kinds of figures, methods."""

from __future__ import annotations

import itertools
import re
import shlex
from collections import Counter
from typing import NamedTuple

import pytest

from fusionbench.cli.verbs import built
from fusionbench.data.registry import dataset
from fusionbench.figures import KINDS
from fusionbench.papers.printed import papers
from fusionbench.providers import share
from fusionbench.registry.methods import spec
from fusionbench.runs.sweep import find_sweep, read_sweep

PAGE = share("benchmarks").parent / "docs" / "reproduce.md"
SECTIONS = {
    "SSPFusion": "sspfusion", "RefineFuse": "refinefuse", "DSIFuse": "dsifuse", "CSP-MCIN": "csp_mcin",
    "LSNF (Yan 2025)": "yan2025",
}  # fmt: skip
# of LSNF only the outline and the tables were at hand
FIGURES = {"sspfusion": 18, "refinefuse": 11, "dsifuse": 11, "csp_mcin": 11, "yan2025": 0}


class Entry(NamedTuple):
    paper: str
    printed: str
    command: str
    missing: str


def entries() -> list[Entry]:
    listed, paper = [], ""
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        if line.startswith("## "):
            paper = SECTIONS.get(line[3:], "")
        elif paper and (row := re.fullmatch(r"\| ((?:Table|Figure) \S+) \| (.+) \| (.+) \|", line)):
            listed.append(Entry(paper, *row.groups()))
    return listed


def commands() -> list[list[str]]:
    """Return the words of every command in the list."""
    texts = [
        text
        for entry in entries()
        for text in re.findall(r"`(fusionbench [^`]+)`", entry.command + entry.missing)
    ]
    return [shlex.split(text)[1:] for text in texts]


def test_every_printed_table_and_every_figure_has_one_row() -> None:
    rows = Counter((entry.paper, entry.printed) for entry in entries())
    tables = {(name, f"Table {number.table}") for name, paper in papers().items() for number in paper.numbers}
    figures = {(name, f"Figure {i}") for name, count in FIGURES.items() for i in range(1, count + 1)}
    assert set(rows) == tables | figures | {("csp_mcin", "Table A1")}
    assert set(rows.values()) == {1}
    assert len(rows) >= 60


def test_a_row_without_a_command_says_why() -> None:
    silent = [entry for entry in entries() if "`fusionbench" not in entry.command and len(entry.missing) < 10]
    assert silent == []


def test_the_list_names_every_sweep_of_a_paper_and_no_other() -> None:
    named = {words[1] for words in commands() if words[0] == "sweep"}
    here = {path.stem for path in share("benchmarks").glob("*.yaml")}
    of_papers = {
        name for name in here if name.startswith(("sspfusion", "refinefuse", "dsifuse", "csp_mcin", "lsnf"))
    }
    assert of_papers <= named
    assert named <= here


def test_a_comparison_s_sweep_has_the_data_sets_and_columns_that_the_paper_prints() -> None:
    for entry in entries():
        match = re.fullmatch(r"`fusionbench sweep (\w+)`", entry.command)
        numbers = [
            n
            for n in papers()[entry.paper].numbers
            if entry.printed == f"Table {n.table}" and n.kind == "fusion"
        ]
        if match and numbers and numbers[0].dataset:
            sweep = read_sweep(find_sweep(match[1]))
            assert {n.dataset for n in numbers} <= {dataset(name).name for name in sweep.datasets}, entry
            assert {n.metric for n in numbers} == set(sweep.table.metrics or ()), entry


@pytest.mark.parametrize("words", commands(), ids=" ".join)
def test_commands_have_verbs_options_and_names_that_exist(words: list[str]) -> None:
    verb = built(words[0])
    if words[0] == "downstream":
        verb = verb.commands[words[1]]
    options = {option for parameter in verb.params for option in (*parameter.opts, *parameter.secondary_opts)}
    assert {word for word in words if word.startswith("-")} <= options
    if words[0] == "figure":
        assert words[1] in KINDS
    value = dict(itertools.pairwise(words))
    for name in (value.get("--dataset") or value.get("-d") or "").split(","):
        if name:
            dataset(name)
    for reference in (value.get("--method") or "").split(","):
        if reference:
            spec(reference).config()
