"""Make ``leaderboards/NAME/`` from runs, or render its tables again from the records that lie there.

python benchmarks/publish.py ir-vis RUNS...     copies records and scores of a family, then renders
python benchmarks/publish.py ir-vis             renders from leaderboards/ir-vis/records.json and scores.csv
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from fusionbench.files import write_text
from fusionbench.tables import render
from fusionbench.tables.layouts import lay_out
from fusionbench.tables.published import pack, unpack
from fusionbench.tables.style import TableStyle

LEADERBOARDS = Path(__file__).parents[1] / "leaderboards"
TITLES = {"ir-vis": "Infrared-visible fusion", "medical": "Medical fusion", "sar-opt": "SAR-optical fusion"}
ABOUT = """# {title}

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


def _weights(records: list[dict[str, Any]]) -> str:
    """Return what the cards of methods with shipped weights say of these, as a list."""
    from fusionbench.registry.methods import spec

    shipped = {r["method"]["name"] for r in records if r["weights"]["source"] == "shipped"}
    cards = [spec(name).card for name in sorted(shipped)]
    lines = [f"- {card.title}: {' '.join(note.split())}" for card in cards for note in card.notes]
    return "\n".join(["About the weights that come with fusionbench:", "", *lines, ""]) if lines else ""


def copy(name: str, runs: list[Path]) -> None:
    """Copy what real data sets of a family have in ``runs`` into the leaderboard's folder."""
    from fusionbench.cells.store import read_records, score_rows
    from fusionbench.data.spec import datasets

    real = {entry.name for entry in datasets().values() if entry.family == name and not entry.generated}
    records = [record for record in read_records(*runs) if record["dataset"]["name"] in real]
    for file, text in pack(records, score_rows(records)).items():
        write_text(LEADERBOARDS / name / file, text)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("name", choices=sorted(TITLES))
    parser.add_argument("runs", nargs="*", type=Path)
    arguments = parser.parse_args()
    if arguments.runs:
        copy(arguments.name, arguments.runs)
    for file, text in rendered(LEADERBOARDS / arguments.name).items():
        write_text(LEADERBOARDS / arguments.name / file, text)


if __name__ == "__main__":
    main()
