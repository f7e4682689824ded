"""``fusionbench data``: which data sets are here and whether they are whole."""

from __future__ import annotations

from typing import Annotated

import typer

from fusionbench.cli.options import DataRoot, Json
from fusionbench.cli.outcome import guarded, print_json

app = typer.Typer(help="List and verify data sets on this machine.", no_args_is_help=True)


@app.command("list")
@guarded
def list_(data_root: DataRoot = None, json: Json = False) -> None:
    """List the catalog's data sets with the pairs found under the data root."""
    from fusionbench.data.pairs import data_root as resolve_root
    from fusionbench.data.spec import datasets

    root = resolve_root(data_root)
    rows = [
        {
            "name": spec.name,
            "split": split,
            "pairs": _count(spec, split, root),
            "expected": spec.splits[split].count,
        }
        for spec in datasets().values()
        for split in spec.splits
    ]
    if json:
        print_json(rows)
        return
    for row in rows:
        found = "not here" if row["pairs"] is None else f"{row['pairs']} of {row['expected'] or '?'} pairs"
        print(f"{row['name']:<20} {row['split']:<6} {found}")


def _count(spec, split: str, root) -> int | None:
    from fusionbench.data.pairs import find_split
    from fusionbench.errors import DataNotFoundError

    try:
        return len(find_split(spec, split, root).pairs)
    except DataNotFoundError:
        return None


@app.command()
@guarded
def verify(
    name: Annotated[
        str | None, typer.Argument(help="One data set.", show_default="all that are here")
    ] = None,
    data_root: DataRoot = None,
    json: Json = False,
) -> None:
    """Open every image and report what is missing, unreadable, unequal or swapped; exit code 1 for errors."""
    from fusionbench.data.pairs import data_root as resolve_root
    from fusionbench.data.spec import dataset, datasets
    from fusionbench.data.verify import verify as check

    root = resolve_root(data_root)
    specs = [dataset(name)] if name else [s for s in datasets().values() if (root / s.folder).is_dir()]
    problems = {spec.name: check(spec, root) for spec in specs}
    if json:
        print_json(
            {n: [{"level": p.level, "message": p.message} for p in found] for n, found in problems.items()}
        )
    else:
        for dataset_name, found in problems.items():
            for problem in found:
                print(f"{dataset_name}: {problem.level}: {problem.message}")
            if not found:
                print(f"{dataset_name}: ok")
        if not problems:
            print(
                f"No data set of the catalog lies under '{root}': point --data-root at the folder that holds them."
            )
    raise SystemExit(any(p.level == "error" for found in problems.values() for p in found))
