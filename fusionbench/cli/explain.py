"""``fusionbench explain``: which of the field's conventions gives a printed number."""

from __future__ import annotations

import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fusionbench.cli.options import Json
from fusionbench.cli.outcome import guarded, print_json
from fusionbench.errors import ImageError, RequestError

if TYPE_CHECKING:
    from fusionbench.metrics.explaining import Finding


def register(app: typer.Typer) -> None:
    app.command("explain", context_settings={"ignore_unknown_options": True})(explain)


@guarded
def explain(
    metric: Annotated[str, typer.Argument(help="The metric, as in `list metrics`.")],
    value: Annotated[str, typer.Argument(help="The number, with the digits that are printed.")],
    a: Annotated[Path, typer.Option("--a", help="Source a (infrared, MRI, SAR), an image file.")],
    b: Annotated[Path, typer.Option("--b", help="Source b (visible, PET, optical), an image file.")],
    fused: Annotated[Path, typer.Option("--fused", help="The fused image.")],
    profile: Annotated[
        str | None, typer.Option(help="Only this profile's definition.", show_default="all that are known")
    ] = None,
    json: Json = False,
) -> None:
    """Rank the known definitions of a metric by how near they come to a number, and say how each differs.

    A number of one image is meant, not a mean over a data set.
    """
    from fusionbench.metrics import cards, resolve_profile
    from fusionbench.metrics.explaining import explain as find
    from fusionbench.metrics.registry import spelled

    name, number = spelled(metric, cards(), "metric"), _number(value)
    only = resolve_profile(profile) if profile else None
    found = find(name, number, *_images(a, b, fused))
    if only is not None:
        found = [finding for finding in found if only in finding.convention.profiles]
        if not found:
            raise RequestError(f"Profile '{only}' defines no {name}: see `fusionbench info {only}`.")
    if json:
        print_json({"metric": name, "value": float(number), "conventions": [_row(f) for f in found]})
    else:
        _show(name, number, found)


def _number(text: str) -> str:
    try:
        if math.isfinite(float(text)):
            return text.strip()
    except ValueError:
        pass
    raise RequestError(f"'{text}' is no number: give one as it is printed, for example 0.7042.")


def _images(*paths: Path) -> list[Any]:
    from fusionbench.data.images import eight_bit, read_image

    images = [eight_bit(read_image(path)) for path in paths]
    sizes = {image.shape[:2] for image in images}
    if len(sizes) > 1:
        said = ", ".join(f"'{p}' is {i.shape[1]}x{i.shape[0]}" for p, i in zip(paths, images, strict=True))
        raise ImageError(f"The three images must have one size: {said}.")
    return images


def _row(finding: Finding) -> dict[str, Any]:
    definition = finding.convention.definition
    return {
        "definition": definition.name,
        "profiles": list(finding.convention.profiles),
        "source": definition.source,
        "text": definition.text,
        "value": finding.score.value,
        "distance": finding.distance,
        "prints_alike": finding.prints_alike,
        "status": finding.score.status,
        "detail": finding.score.detail,
    }


def _show(metric: str, number: str, found: list[Finding]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(title=_verdict(metric, number, found), title_justify="left", box=None, pad_edge=False)
    for column in ("value", "distance", "definition", "profiles"):
        table.add_column(column, no_wrap=column != "profiles")
    table.add_column("what it does", ratio=1)
    for finding in found:
        table.add_row(*_cells(finding))
    # a pipe has no width: lines long enough that a sentence is not cut into words
    Console(width=None if sys.stdout.isatty() else 160).print(table)


def _cells(finding: Finding) -> tuple[str, ...]:
    convention, score = finding.convention, finding.score
    value = "undefined" if score.value is None else f"{score.value:.6g}"
    distance = "" if finding.distance is None else f"{finding.distance:.1e}"
    text = convention.definition.text + (f" ({score.detail})" if score.detail else "")
    return value, distance, convention.definition.name, ", ".join(convention.profiles), text


def _verdict(metric: str, number: str, found: list[Finding]) -> str:
    alike = [finding.convention.definition.name for finding in found if finding.prints_alike]
    if alike:
        return f"{metric} {number} is given by: {', '.join(dict.fromkeys(alike))}."
    defined = [finding for finding in found if finding.score.value is not None]
    if not defined:
        return f"{metric} is undefined for these images by every known convention."
    nearest = defined[0]
    return (
        f"No known convention gives {metric} {number} to its digits; the nearest, "
        f"{nearest.convention.definition.name}, gives {nearest.score.value:.6g}."
    )
