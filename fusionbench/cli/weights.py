"""``fusionbench weights``: list, verify, fetch, import and convert the files of methods and metrics."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fusionbench.cli.options import Json, Overrides
from fusionbench.cli.outcome import guarded, print_json
from fusionbench.spelling import folded

if TYPE_CHECKING:
    from fusionbench.metrics.learned.fetch import FileState
    from fusionbench.weights.listing import KnownWeights


app = typer.Typer(help="List, verify, fetch and import weights.", no_args_is_help=True)


def register(root: typer.Typer) -> None:
    """Add the group of verbs to the application."""
    root.add_typer(app, name="weights")


@app.command("list")
@guarded
def list_(json: Json = False) -> None:
    """List every file that a method or metric can use: those that are here, and the commands that get the others."""
    from fusionbench.metrics.learned.fetch import file_states
    from fusionbench.weights.listing import known_weights

    methods, files = known_weights(), file_states()
    if json:
        print_json([*map(document, methods), *map(file_document, files)])
        return
    print("methods")
    for entry in methods:
        print(line(entry, remark(entry)))
    print("\nmetrics")
    for state in files:
        print("\n".join(file_lines(state)))


@app.command()
@guarded
def verify(json: Json = False) -> None:
    """Read every present file and compare it with its SHA-256; exit code 1 if one differs."""
    from fusionbench.metrics.learned.fetch import file_states, verify_file
    from fusionbench.weights.listing import known_weights, verify_entry

    methods = [verify_entry(entry) for entry in known_weights() if entry.path or entry.problem]
    files = [verify_file(state) for state in file_states() if state.state != "missing"]
    if json:
        print_json([*map(document, methods), *map(file_document, files)])
    else:
        for entry in methods:
            print(line(entry, entry.problem or "ok"))
        for state in files:
            print(f"{state.known.name:<16} {state.problem or 'ok'}")
        if not methods and not files:
            print("No weights are here: `fusionbench weights list` says what makes them.")
    problems = [*(entry.problem for entry in methods), *(state.problem for state in files)]
    raise SystemExit(any(problems))


@app.command("import")
@guarded
def import_(
    file: Annotated[
        Path, typer.Argument(help="Safetensors, or a checkpoint (read without running its code).")
    ],
    overrides: Overrides = None,
    method: Annotated[
        str | None, typer.Option("--method", "-m", help="For one method, NAME or NAME@VARIANT.")
    ] = None,
    metric: Annotated[str | None, typer.Option(help="Instead: for the metric of this name.")] = None,
    as_: Annotated[
        str | None,
        typer.Option("--as", metavar="NAME", help="Instead: as the file that `weights list` calls so."),
    ] = None,
    family: Annotated[
        str | None, typer.Option(help="Family of images that they are for.", show_default="all of the method")
    ] = None,
    title: Annotated[str | None, typer.Option(help="What they are, in one sentence for captions.")] = None,
    sha256: Annotated[str | None, typer.Option(help="SHA-256 that their publisher states.")] = None,
    trust: Annotated[
        bool, typer.Option("--trust", help="Accept a file other than the published one.")
    ] = False,
    json: Json = False,
) -> None:
    """Register a file of weights for a method, where it is preferred to shipped weights, or for a metric."""
    path, about = _imported(
        file.expanduser(),
        method=method,
        metric=metric,
        as_=as_,
        trust=trust,
        sha256=sha256,
        family=family,
        title=title,
        overrides=tuple(overrides or ()),
    )
    if json:
        print_json({"weights": str(path), "about": str(about) if about else None})
        return
    print(path)


@app.command()
@guarded
def convert(
    file: Annotated[Path, typer.Argument(help="A checkpoint or safetensors with other tensor names.")],
    method: Annotated[str, typer.Option("--method", "-m", help="One method, NAME or NAME@VARIANT.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="File to write, .safetensors.")],
    overrides: Overrides = None,
    map: Annotated[
        Path | None,
        typer.Option(
            help="YAML of rules, regular expression: replacement.", show_default="the card's convert"
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Convert another program's checkpoint by renaming its tensors; all must fit, and no code in the file is run."""
    from fusionbench.weights.convert import convert_weights

    converted = convert_weights(file.expanduser(), method, output.expanduser(), map, tuple(overrides or ()))
    if json:
        print_json(
            {"weights": str(converted.path), "tensors": converted.tensors, "dropped": list(converted.dropped)}
        )
        return
    print(converted.path)


@app.command()
@guarded
def fetch(
    name: Annotated[
        list[str], typer.Argument(help="Methods, or files of metrics as `weights list` calls them.")
    ],
    url: Annotated[
        str | None,
        typer.Option(
            help="Address of a mirror: of the file itself, or for a method of the folder with its files."
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Download files of weights and verify them; an interrupted download is resumed."""
    from fusionbench.errors import RequestError

    if url is not None and len(name) > 1:
        raise RequestError("One --url is the address of one file: fetch the files one by one.")
    paths = [path for text in name for path in _fetched(text, url)]
    if json:
        print_json([str(path) for path in paths])
        return
    for path in paths:
        print(path)


def _fetched(name: str, url: str | None) -> list[Path]:
    """Fetch the weights that a method's authors published, or the file of metrics of that name, and return the paths."""
    from fusionbench.metrics.learned.fetch import fetch_file
    from fusionbench.metrics.learned.weight_files import weight_file
    from fusionbench.registry.methods import names
    from fusionbench.weights.fetch import fetch_published

    if folded(name.partition("@")[0]) in names():
        return fetch_published(name, url, lambda text: print(text, file=sys.stderr), _bar)
    known = weight_file(name)
    with _bar(known.file, known.size) as progress:
        return [fetch_file(known, url, progress)]


def _imported(
    file: Path, method: str | None, metric: str | None, as_: str | None, trust: bool, **options: Any
) -> tuple[Path, Path | None]:
    """Import a file for the method, metric or file named; return its path and that of the JSON file beside it, if any."""
    from fusionbench.errors import RequestError

    if sum(name is not None for name in (method, metric, as_)) != 1:
        raise RequestError("Say what the file is for by one of --method, --metric and --as.")
    if method is not None:
        from fusionbench.weights.imports import ImportOptions, import_weights

        path = import_weights(file, ImportOptions(method, trust=trust, **options))
        about = path.with_suffix(".json")
        return path, about if about.is_file() else None  # a published file needs none
    from fusionbench.metrics.learned.fetch import file_for, import_file
    from fusionbench.metrics.learned.weight_files import about_path, weight_file

    sha256 = options.pop("sha256")
    if any(options.values()):
        raise RequestError("--family, --title and KEY=VALUE are for weights of methods: leave them out.")
    path = import_file(file, file_for(metric) if metric else weight_file(str(as_)), sha256, trust)
    return path, about_path(path)


@contextmanager
def _bar(file: str, size: int | None = None) -> Iterator[Callable[[int, int | None], None]]:
    """Show a progress bar of bytes if standard error is a terminal, and yield the function that updates it."""
    from rich.console import Console
    from rich.progress import DownloadColumn, Progress, TransferSpeedColumn

    console = Console(stderr=True)
    columns = (*Progress.get_default_columns(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task(file, total=size)
        yield lambda done, total: progress.update(task, completed=done, total=total)


def line(entry: KnownWeights, text: str) -> str:
    """Return one line on a method's weights, ended by ``text``."""
    file = f"{entry.path.name} {str(entry.sha256)[:10]}" if entry.path else ""
    size = f"{entry.path.stat().st_size / 1e6:.1f} MB" if entry.path and entry.path.is_file() else ""
    families = ", ".join(entry.families)
    return f"{entry.method:<16} {families:<24} {entry.source:<12} {file:<36} {size:<9} {text}".rstrip()


def remark(entry: KnownWeights) -> str:
    """Return the remark of `weights list` on a method's weights: origin, licence, and how to get them."""
    verb = "gets" if entry.command and " fetch " in entry.command else "makes"
    remedy = f"`{entry.command}` {verb} them" if entry.command else ""
    licence = f"licence: {entry.licence}" if entry.licence else ""
    return entry.problem or "; ".join(filter(None, (entry.note, entry.url, licence, remedy)))


def document(entry: KnownWeights) -> dict[str, Any]:
    """Return a method's weights as a JSON object."""
    return asdict(entry) | {
        "families": list(entry.families),
        "path": str(entry.path) if entry.path else None,
        "bytes": entry.path.stat().st_size if entry.path and entry.path.is_file() else None,
    }


def file_lines(state: FileState) -> list[str]:
    """Return three lines on a metric's file: name and purpose, origin, and path or remedy."""
    from fusionbench.metrics.learned.weight_files import fetch_hint

    known = state.known
    trusted = ", trusted though not the published file" if state.trusted else ""
    here = f"{state.path}, SHA-256 {str(state.sha256)[:10]}{trusted}"
    return [
        f"{known.name:<16} {', '.join(known.used_by):<24} {state.state:<12} {known.purpose} ({_facts(state)})",
        f"    from {known.url or 'no public address'}" + (f", {known.note}" if known.note else ""),
        f"    {state.problem or (here if state.state == 'found' else fetch_hint(known))}",
    ]


def _facts(state: FileState) -> str:
    known = state.known
    size = f"about {known.size / 1e6:.0f} MB" if known.size else "size not known"
    return f"{size}, {known.licence}, SHA-256 {known.sha256 or 'not published'}"


def file_document(state: FileState) -> dict[str, Any]:
    """Return a metric's file as a JSON object, with the same keys as a method's where they mean the same."""
    known = state.known
    return {
        "method": None,
        "metrics": list(known.used_by),
        "name": known.name,
        "source": "unavailable" if state.state == "missing" else "imported",
        "path": None if state.state == "missing" else str(state.path),
        "place": str(state.path),
        "sha256": state.sha256,
        "published_sha256": known.sha256,
        "trusted": state.trusted,
        "bytes": state.path.stat().st_size if state.path.is_file() else None,
        "expected_bytes": known.size,
        "purpose": known.purpose,
        "note": known.note,
        "licence": known.licence,
        "url": known.url,
        "command": _command(state) if state.state != "found" else None,
        "problem": state.problem,
    }


def _command(state: FileState) -> str:
    known = state.known
    return f"fusionbench weights {f'fetch {known.name}' if known.url else f'import FILE --as {known.name}'}"
