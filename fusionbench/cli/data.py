"""``fusionbench data``: list, prepare and verify the data sets on this machine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from fusionbench.cli.options import DataRoot, Json
from fusionbench.cli.outcome import guarded, print_json

app = typer.Typer(help="List, prepare and verify data sets on this machine.", no_args_is_help=True)


def register(root: typer.Typer) -> None:
    """Add the group of verbs to the application."""
    root.add_typer(app, name="data")


@app.command("list")
@guarded
def list_(data_root: DataRoot = None, json: Json = False) -> None:
    """List the catalog's data sets with the pairs found under the data root."""
    from fusionbench.data.pairs import data_root as resolve_root
    from fusionbench.data.registry import datasets

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
        known = row["pairs"] is not None
        state = (
            f"{row['pairs']} of {row['expected'] or '?'} pairs" if known else _absent(str(row["name"]), root)
        )
        print(f"{row['name']:<20} {row['split']:<6} {state}")


def _absent(name: str, root: Path) -> str:
    """Return whether a data set without pairs is missing or only has to be prepared."""
    from fusionbench.data.registry import dataset

    spec = dataset(name)
    unprepared = spec.prepare and (root / spec.folder / spec.prepare.a).parent.is_dir()
    return f"not prepared: `fusionbench data prepare {name}`" if unprepared else "not here"


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
    """Open every image and report images that are missing, unreadable, of unequal size or swapped; exit code 1 for errors."""
    from fusionbench.data.checking.verify import verify as check
    from fusionbench.data.pairs import data_root as resolve_root
    from fusionbench.data.registry import dataset, datasets

    root = resolve_root(data_root)
    specs = [dataset(name)] if name else [s for s in datasets().values() if (root / s.folder).is_dir()]
    problems = {spec.name: check(spec, root) for spec in specs}
    if json:
        print_json(
            {
                n: [{"level": p.level, "message": p.message} for p in messages]
                for n, messages in problems.items()
            }
        )
    else:
        for dataset_name, messages in problems.items():
            for problem in messages:
                print(f"{dataset_name}: {problem.level}: {problem.message}")
            if not messages:
                print(f"{dataset_name}: ok")
        if not problems:
            print(
                f"No data set of the catalog is under '{root}': point --data-root at the folder that holds them."
            )
    raise SystemExit(any(p.level == "error" for messages in problems.values() for p in messages))


@app.command()
@guarded
def prepare(
    name: Annotated[str, typer.Argument(help="One data set.")],
    data_root: DataRoot = None,
    out: Annotated[
        Path | None,
        typer.Option(
            help="Data root to write to if the original one is read-only; use it as --data-root afterwards.",
            show_default="the data root",
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Convert a data set's GeoTIFFs to the 8-bit images that are fused; a second call makes only those that are missing."""
    from dataclasses import asdict

    from fusionbench.data.registry import dataset

    spec = dataset(name)
    if spec.prepare is None:
        _nothing_to_prepare(spec.name, json)
        return
    from fusionbench.data.prepare import prepare as make

    with _bar(f"prepare {spec.name}") as show:
        done = make(spec, data_root, out, show)
    if json:
        print_json(asdict(done))
        return
    print(f"{done.dataset}: {done.pairs} pairs in '{done.folder}' ({done.written} written, {done.kept} kept)")
    if done.stretched:
        print(
            f"{done.stretched} of {done.scenes} scenes were not 8-bit: stretched by their percentiles 2 and 98."
        )


def _nothing_to_prepare(name: str, json: bool) -> None:
    if json:
        print_json({"dataset": name, "nothing_to_prepare": True})
        return
    print(f"{name}: nothing to prepare, its images are read as they are.")


@contextmanager
def _bar(label: str) -> Iterator[Callable[[int, int], None]]:
    """Show a progress bar of scenes on standard error, and yield the function that updates it."""
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True)) as progress:
        task = progress.add_task(label, total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)
