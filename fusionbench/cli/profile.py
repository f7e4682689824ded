"""``fusionbench profile``: parameters, operations, latency and memory of methods."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fusionbench.cli.options import Device, Json, Method, Overrides
from fusionbench.cli.outcome import comma_list, guarded, print_json
from fusionbench.errors import FusionbenchError, RequestError

if TYPE_CHECKING:
    from fusionbench.profiling import Budget
    from fusionbench.registry.method_spec import MethodSpec


def register(app: typer.Typer) -> None:
    """Add the verb to the application."""
    app.command("profile")(profile)


@guarded
def profile(
    method: Method,
    overrides: Overrides = None,
    size: Annotated[
        str, typer.Option(help="Image sizes WIDTHxHEIGHT, comma-separated; two or more show the growth.")
    ] = "256x256",
    device: Device = "auto",
    runs: Annotated[int, typer.Option(min=3, help="Timed runs at most.")] = 1000,
    warm_ups: Annotated[int, typer.Option(min=1, help="Untimed runs before them at most.")] = 50,
    seconds: Annotated[
        float | None,
        typer.Option(
            min=0.0,
            help="Time limit of each of the two for each size.",
            show_default="2 on a CPU, none on CUDA",
        ),
    ] = None,
    format: Annotated[
        str | None, typer.Option(help="md, csv, tex or html.", show_default="by the terminal")
    ] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="File to write.")] = None,
    json: Json = False,
) -> None:
    """Print parameters, multiply-accumulates, latency and memory beside the numbers that papers print.

    Exit code 1 if a method cannot be profiled; the others are profiled all the same.
    """
    from fusionbench.tables.grid import check_format, render_grid

    # errors in the request are reported before torch is loaded and anything is measured
    wanted = format or (output.suffix.lstrip(".") if output else None)
    if wanted is not None and not json:
        check_format(wanted)
    sizes = [parsed_size(text) for text in comma_list(size)] or [parsed_size(size)]
    names = _names(method)

    from fusionbench.devices import pick_device
    from fusionbench.files import write_text
    from fusionbench.profiling import Budget
    from fusionbench.registry.methods import spec
    from fusionbench.tables.cost import cost_grid, cost_text

    place = pick_device(device)
    limit = (2.0 if place == "cpu" else float("inf")) if seconds is None else seconds
    budget = Budget(warm_ups, runs, limit)
    methods = {method.name: method for method in map(spec, names)}
    for named in methods.values():
        named.require_class()
    profiles = {
        name: _measured(method, tuple(overrides or ()), sizes, place, budget)
        for name, method in methods.items()
    }
    if json:
        print_json(profiles)
    elif output is not None and wanted is not None:
        write_text(output, render_grid(cost_grid(profiles), wanted))
    else:
        print(render_grid(cost_grid(profiles), wanted) if wanted else cost_text(profiles))
    raise SystemExit(any(row["status"] != "ok" for row in profiles.values()))


def parsed_size(text: str) -> tuple[int, int]:
    """Return width and height in pixels of a text WIDTHxHEIGHT. Raises RequestError for any other text."""
    match = re.fullmatch(r"(\d+)x(\d+)", text.lower())
    if not match or not all(int(side) for side in match.groups()):
        raise RequestError(f"Size '{text}' is not WIDTHxHEIGHT: write for example 256x256.")
    return int(match[1]), int(match[2])


def _names(method: str) -> list[str]:
    from fusionbench.runs.plan import METHOD_GROUPS, group_members

    asked = comma_list(method)
    if not asked:
        raise RequestError("No method is asked for: give --method NAME, or all.")
    return list(dict.fromkeys(n for m in asked for n in (group_members(m) if m in METHOD_GROUPS else [m])))


def _measured(
    method: MethodSpec, overrides: tuple[str, ...], sizes: list[tuple[int, int]], place: str, budget: Budget
) -> dict[str, Any]:
    """Return the profile of one method; its errors become its status, so that the others are still profiled."""
    from fusionbench.papers.cost import costs_beside
    from fusionbench.profiling import profile as measure
    from fusionbench.provenance import hardware

    row: dict[str, Any] = {
        "title": method.card.title,
        "status": "ok",
        "detail": "",
        "hardware": hardware(place),
    }
    try:
        row |= measure(method, method.config(overrides), sizes, place, budget)
        return row | {"printed": costs_beside(method.name, row, method.card.expect)}
    except FusionbenchError as error:
        return row | {"status": "failed", "detail": str(error)}
    except Exception as error:  # a plug-in can raise anything
        return row | {"status": "failed", "detail": f"{type(error).__name__}: {error}"}
