"""``fusionbench explain``: find the definition, way of counting or luma conversion behind a printed number."""

from __future__ import annotations

import math
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from fusionbench.cli import explain_cost, explain_luma
from fusionbench.cli.options import Json
from fusionbench.cli.outcome import guarded, print_json
from fusionbench.errors import ImageError, RequestError

if TYPE_CHECKING:
    from fusionbench.metrics.explaining import ConventionMatch

METRIC = "metric"  # what is explained unless another kind is named
_NEGATIVE = re.compile(r"-\.?\d.*")


class _MetricUnlessNamed(TyperGroup):
    """A group whose first argument may be left out: ``explain SSIM 0.7`` is ``explain metric SSIM 0.7``."""

    def parse_args(
        self, ctx: Any, args: list[str]
    ) -> list[str]:  # Typer's context is click's, or its own copy's
        if args and args[0] not in {*self.commands, *ctx.help_option_names}:
            args = [METRIC, *args]
        return super().parse_args(ctx, args)


class _WithNegativeNumber(TyperCommand):
    """A command whose number may be negative: ``explain SCD -0.2`` has no option -0."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if "--" not in args:
            negative = [arg for arg in args if _NEGATIVE.fullmatch(arg)]
            args = [*(arg for arg in args if arg not in negative), "--", *negative]
        return super().parse_args(ctx, args)


def register(app: typer.Typer) -> None:
    kinds = typer.Typer(cls=_MetricUnlessNamed, no_args_is_help=True, rich_markup_mode=None)
    kinds.command(METRIC, cls=_WithNegativeNumber)(explain)
    kinds.command("cost")(explain_cost.explain_cost)
    kinds.command("luma")(explain_luma.explain_luma)
    app.add_typer(
        kinds,
        name="explain",
        help="Say where a number comes from. METRIC VALUE --a A --b B --fused F ranks the field's definitions of a metric, "
        "papers' and libraries'; cost VALUE --method M ranks ways to count a network; luma IMAGE shows the routes to gray.",
    )


@guarded
def explain(
    metric: Annotated[str, typer.Argument(help="The metric, as in `list metrics`, or ./file.py[:NAME].")],
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
    from fusionbench.metrics import resolve_profile
    from fusionbench.metrics.explaining import explain as find
    from fusionbench.metrics.references import metric_of

    name, number = metric_of(metric), _number(value)
    only = resolve_profile(profile) if profile else None
    findings = find(name, number, *_images(a, b, fused))
    if only is not None:
        findings = [f for f in findings if only in f.convention.profiles and not f.convention.combination]
        if not findings:
            raise RequestError(f"Profile '{only}' defines no {name}: see `fusionbench info {only}`.")
    if json:
        print_json({"metric": name, "value": float(number), "conventions": [_row(f) for f in findings]})
    else:
        _show(name, number, findings)


def _number(text: str) -> str:
    try:
        if math.isfinite(float(text)):
            return text.strip()
    except ValueError:
        pass
    raise RequestError(f"'{text}' is not a number: give one as it is printed, for example 0.7042.")


def _images(*paths: Path) -> list[Any]:
    from fusionbench.data.images import eight_bit, read_image

    images = [eight_bit(read_image(path)) for path in paths]
    sizes = {image.shape[:2] for image in images}
    if len(sizes) > 1:
        said = ", ".join(f"'{p}' is {i.shape[1]}x{i.shape[0]}" for p, i in zip(paths, images, strict=True))
        raise ImageError(f"The three images must have one size: {said}.")
    return images


def _row(finding: ConventionMatch) -> dict[str, Any]:
    from fusionbench.metrics.libraries import VERSIONS

    definition = finding.convention.definition
    return {
        "definition": definition.name,
        "sources": finding.convention.combination or definition.combined,
        "profiles": list(finding.convention.profiles),
        "libraries": {call.library: VERSIONS[call.library] for call in finding.convention.libraries},
        "source": definition.source,
        "text": definition.text,
        "value": finding.score.value,
        "distance": finding.distance,
        "prints_alike": finding.prints_alike,
        "status": finding.score.status,
        "detail": finding.score.detail,
    }


def _show(metric: str, number: str, findings: list[ConventionMatch]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(title=_verdict(metric, number, findings), title_justify="left", box=None, pad_edge=False)
    for column in ("value", "distance", "definition", "of", "used by"):
        table.add_column(column, no_wrap=column != "used by")
    table.add_column("what it does", ratio=1)
    for finding in findings:
        table.add_row(*_cells(finding))
    # a pipe has no width: lines long enough that a sentence is not cut into words
    Console(width=None if sys.stdout.isatty() else 160).print(table)


def _cells(finding: ConventionMatch) -> tuple[str, ...]:
    convention, score = finding.convention, finding.score
    value = "undefined" if score.value is None else f"{score.value:.6g}"
    distance = "" if finding.distance is None else f"{finding.distance:.1e}"
    text = convention.definition.text + (f" ({score.detail})" if score.detail else "")
    return value, distance, convention.definition.name, _sources(finding), _users(finding), text


def _sources(finding: ConventionMatch) -> str:
    """Return how the values of the two sources were combined; nothing where a value is of all three images."""
    combination = finding.convention.combination or finding.convention.definition.combined
    return f"{combination} alone" if combination in ("a", "b") else combination


def _users(finding: ConventionMatch) -> str:
    """Return the profiles that score so, and the libraries that compute it, with their versions."""
    from fusionbench.metrics.libraries import VERSIONS

    profiles = () if finding.convention.combination else finding.convention.profiles
    libraries = dict.fromkeys(call.library for call in finding.convention.libraries)
    return ", ".join((*profiles, *(f"{name} {VERSIONS[name]}" for name in libraries)))


def _verdict(metric: str, number: str, findings: list[ConventionMatch]) -> str:
    alike = [_named(finding) for finding in findings if finding.prints_alike]
    if alike:
        return f"{metric} {number} is given by: {'; '.join(dict.fromkeys(alike))}."
    defined = [finding for finding in findings if finding.score.value is not None]
    if not defined:
        return f"{metric} is undefined for these images by every known convention."
    nearest = defined[0]
    return (
        f"No known convention gives {metric} {number} to its digits; the nearest, "
        f"{_named(nearest)}, gives {nearest.score.value:.6g}."
    )


def _named(finding: ConventionMatch) -> str:
    """Return a definition's name with what was combined and who computes it."""
    facts = ", ".join(filter(None, (_sources(finding), _users(finding))))
    return finding.convention.definition.name + (f" ({facts})" if facts else "")
