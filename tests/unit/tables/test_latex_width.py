"""Tables in LaTeX fit the page: measured in the compiled PDF where a TeX engine is, and by the numbers they rest on."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from layout_samples import TRAINED, random_scores
from report_samples import card, record

from fusionbench.metrics.registry import DEFAULT
from fusionbench.tables import render
from fusionbench.tables.formats.fit_width import fitting, floats
from fusionbench.tables.layouts import lay_out
from fusionbench.tables.model import Table
from fusionbench.tables.style import TableStyle

CARDS = {name: card(name) for name in DEFAULT}
METHODS = (
    "refinefuse",
    "dsifuse",
    "sspfusion",
    "csp_mcin@wo_hsfm",
    "images-A folder of somebody else's results",
)
needs_tex = pytest.mark.skipif(
    not (shutil.which("pdflatex") and shutil.which("pdftotext")), reason="no pdflatex and pdftotext on PATH"
)


def wide(rows: int = 5, **style: object) -> Table:
    """Ten metrics on two data sets, side by side."""
    names = [METHODS[i] if i < len(METHODS) else f"method_{i}" for i in range(rows)]
    made = [
        record(name, run=f"{name} on {data}", name=data, data=data * 8, weights=TRAINED)
        for data in ("msrs", "roadscene")
        for name in names
    ]
    titles = {"msrs": "MSRS", "roadscene": "RoadScene"}
    made = [r | {"dataset": r["dataset"] | {"title": titles[r["dataset"]["name"]]}} for r in made]
    asked = TableStyle(layout="datasets", **style)
    (table,) = lay_out(made, random_scores(made, DEFAULT), asked, cards=CARDS)
    return table


@pytest.mark.parametrize("rows", [5, 60])
def test_what_is_too_wide_is_divided_between_data_sets_and_nothing_is_lost(rows: int) -> None:
    table = wide(rows)
    fit = fitting(table)
    assert fit.environment == "table*"
    assert fit.blocks == (tuple(range(10)), tuple(range(10, 20)))
    assert [len(page) for page in floats(table, fit)] == ([2] if rows == 5 else [1, 1])
    text = render([table], "tex")
    assert text.count(r"\begin{tabular}") == 2
    assert text.count(r"\label{") == 1
    assert all(text.count(cell.text) for row in table.rows for cell in row.cells)


def test_groups_that_do_not_fit_either_are_divided_into_even_blocks() -> None:
    fit = fitting(wide(spread="ci"))
    assert [i for block in fit.blocks for i in block] == list(range(20))
    sizes = [len(block) for block in fit.blocks]
    assert max(sizes) - min(sizes) <= max(sizes) // 2


def test_a_narrow_table_stays_in_a_column() -> None:
    assert fitting(wide(metrics=["EN"])).environment == "table"


def compiled(tables: str, folder: Path, options: str) -> tuple[str, list[tuple[float, float]]]:
    """Return the log, and left and right end in points of every word that is printed."""
    head = [rf"\documentclass[{options}]{{article}}", r"\usepackage{booktabs}", r"\begin{document}"]
    width = r"\typeout{WIDTH \the\textwidth\space\the\oddsidemargin}"
    (folder / "table.tex").write_text("\n".join([*head, width, tables, r"\end{document}"]), encoding="utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "table.tex"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-2000:]
    subprocess.run(["pdftotext", "-bbox", "table.pdf", "words.html"], cwd=folder, check=True)
    words = re.findall(r'<word xMin="([\d.]+)".*? xMax="([\d.]+)"', (folder / "words.html").read_text())
    return done.stdout, [(float(left), float(right)) for left, right in words]


@needs_tex
@pytest.mark.parametrize(
    "style", [{}, {"spread": "ci", "significance": True, "ranks": True}], ids=["plain", "full"]
)
@pytest.mark.parametrize(("options", "asked"), [("a4paper,twocolumn", 452), ("a4paper", 345)])
def test_the_compiled_table_stays_within_the_text(
    tmp_path: Path, options: str, asked: float, style: dict[str, object]
) -> None:
    log, words = compiled(
        render([wide(**style), wide(metrics=["EN", "VIF"])], "tex", width=asked), tmp_path, options
    )
    (width, margin) = (
        float(x) * 72 / 72.27 for x in re.search(r"WIDTH ([\d.]+)pt ([-\d.]+)pt", log).groups()
    )
    left = 72 + margin
    assert len(words) > 200
    assert min(start for start, _ in words) >= left - 1
    assert max(end for _, end in words) <= left + width + 1
    assert "Overfull" not in log
