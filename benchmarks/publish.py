"""Make ``leaderboards/NAME/`` from runs, or render its tables again from the records that lie there.

python benchmarks/publish.py ir-vis RUNS...         copies records and scores of a family, then renders
python benchmarks/publish.py --add ir-vis RUNS...   keeps the rows that lie there and are not in RUNS
python benchmarks/publish.py ir-vis                 renders from leaderboards/ir-vis/records.json and scores.csv
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from statistics import mean
from typing import Any

from fusionbench.files import write_text
from fusionbench.tables import render
from fusionbench.tables.layouts import lay_out
from fusionbench.tables.leaderboard_file import pack, unpack
from fusionbench.tables.model import Row, Table
from fusionbench.tables.style import TableStyle

LEADERBOARDS = Path(__file__).parents[1] / "leaderboards"
TITLES = {"ir-vis": "Infrared-visible fusion", "medical": "Medical fusion", "sar-opt": "SAR-optical fusion"}
ABOUT = """# {title}

![Mean rank of every method on every data set](ranks.svg)

Written by `python benchmarks/publish.py {name}` from [records.json](records.json) (what ran, with which weights,
versions and hardware) and [scores.csv](scores.csv) (every score of every image); do not edit. A test renders these
tables again and compares the bytes. To make the same runs: `fusionbench sweep {name} --data-root DIR`.

Partial copies of the data sets were at hand; every heading says how many pairs. {weights}
"""
STYLE = TableStyle(significance=True, ranks=True)


def rendered(folder: Path) -> dict[str, str]:
    """Return the text of every file that follows from the records in a leaderboard's folder."""
    records, rows = unpack(folder)
    tables = lay_out(records, rows, STYLE, notes=True)
    name = folder.name
    about = ABOUT.format(title=TITLES[name], name=name, weights=_weights(records))
    files = {"README.md": about + "\n" + render(tables, "md")}
    for table in tables:
        for format in ("csv", "tex"):
            files[f"{table.dataset}.{format}"] = render([table], format)
    return files


def ranks(tables: Sequence[Table]) -> dict[str, list[float | None]]:
    """Return the printed mean rank of every row in every table, None where it has none; best rows first.

    A row that a table lacks, or that has no rank in one, stands behind those with a rank everywhere.
    """
    places: dict[str, list[float | None]] = {}
    for number, table in enumerate(tables):
        for row in table.rows:
            places.setdefault(row.label, [None] * len(tables))[number] = _rank(row)
    return dict(sorted(places.items(), key=lambda entry: (None in entry[1], _mean(entry[1]))))


def _rank(row: Row) -> float | None:
    return next(cell.value for cell in row.cells if cell.metric == "Rank")


def _mean(places: list[float | None]) -> float:
    return mean([place for place in places if place is not None] or [0.0])


def draw_ranks(folder: Path) -> None:
    """Draw `ranks.svg`: a row a method, a column a data set, the mean rank over the metrics in each field."""
    import matplotlib
    import numpy as np
    from matplotlib.figure import Figure

    tables = lay_out(*unpack(folder), STYLE)
    places = ranks(tables)
    values = np.array([[np.nan if place is None else place for place in row] for row in places.values()])
    figure = Figure(figsize=(2.6 + 1.2 * len(tables), 0.7 + 0.27 * len(places)), layout="constrained")
    axes = figure.add_subplot()
    axes.imshow(values, cmap="YlGnBu_r", aspect="auto", vmin=1, vmax=1.3 * np.nanmax(values))
    axes.set_xticks(range(len(tables)), [f"{table.title}\n{table.pairs} pairs" for table in tables])
    axes.set_yticks(range(len(places)), list(places))
    axes.tick_params(length=0, labelsize=8, top=True, labeltop=True, bottom=False, labelbottom=False)
    middle = np.nanmean(values)
    for (y, x), value in np.ndenumerate(values):
        text = "–" if np.isnan(value) else f"{value:.1f}"
        axes.text(
            x, y, text, ha="center", va="center", size=8, color="white" if value < 0.8 * middle else "black"
        )
    # without a date and with fixed ids the same records give the same file
    with matplotlib.rc_context({"svg.hashsalt": folder.name, "svg.fonttype": "none"}):
        figure.savefig(folder / "ranks.svg", metadata={"Date": None})


def _weights(records: list[dict[str, Any]]) -> str:
    """Return what the cards of methods with shipped and with published weights say of these, as two lists."""
    shipped, published = _notes(records, "shipped"), _notes(records, "published")
    lines = ["About the weights that come with fusionbench:", "", *shipped, ""] if shipped else []
    if published:
        lines += [
            "Published weights are the authors'. No record tells whether these test pairs are among those that they learned",
            "from; what is known of some:",
            "",
            *published,
            "",
        ]
    return "\n".join(lines)


def _notes(records: list[dict[str, Any]], source: str) -> list[str]:
    from fusionbench.registry.methods import spec

    names = {record["method"]["name"] for record in records if record["weights"]["source"] == source}
    cards = [spec(name).card for name in sorted(names)]
    return [f"- {card.title}: {' '.join(note.split())}" for card in cards for note in card.notes]


def copy(name: str, runs: list[Path], add: bool) -> None:
    """Copy what real data sets of a family have in ``runs`` into the leaderboard's folder.

    With ``add`` the rows that lie there stay, but for those of the same method on the same split.
    """
    from fusionbench.cells.store import read_records, score_rows
    from fusionbench.data.registry import datasets

    real = {entry.name for entry in datasets().values() if entry.family == name and not entry.generated}
    records = [record for record in read_records(*runs) if record["dataset"]["name"] in real]
    rows = list(score_rows(records))
    if add:
        before, scores = unpack(LEADERBOARDS / name)
        new = {_row_of(record) for record in records}
        kept = {record["id"]: record for record in before if _row_of(record) not in new}
        records += kept.values()
        rows += [row for row in scores if row[2] in kept]
    for file, text in pack(records, rows).items():
        write_text(LEADERBOARDS / name / file, text)


def _row_of(record: dict[str, Any]) -> tuple[str, str, str]:
    return record["dataset"]["name"], record["dataset"]["split"], record["method"]["name"]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("name", choices=sorted(TITLES))
    parser.add_argument("runs", nargs="*", type=Path)
    parser.add_argument("--add", action="store_true")
    arguments = parser.parse_args()
    if arguments.runs:
        copy(arguments.name, arguments.runs, arguments.add)
    for file, text in rendered(LEADERBOARDS / arguments.name).items():
        write_text(LEADERBOARDS / arguments.name / file, text)
    draw_ranks(LEADERBOARDS / arguments.name)


if __name__ == "__main__":
    main()
