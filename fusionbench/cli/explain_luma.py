"""``fusionbench explain luma``: an image converted to one channel by every known route, with statistics."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fusionbench.cli.options import Json
from fusionbench.cli.outcome import guarded, print_json

if TYPE_CHECKING:
    from fusionbench.data.formats.luma_routes import Route, Statistics


@guarded
def explain_luma(
    image: Annotated[Path, typer.Argument(help="A source or fused image, an image file.")],
    json: Json = False,
) -> None:
    """Show an image's levels by every route to one 8-bit channel: libraries, JPEG's luma, conversions from 16 to 8 bits."""
    from fusionbench.data.formats.luma_routes import luma_routes, statistics

    routes = luma_routes(image)
    measured = [(route, statistics(route, routes[0])) for route in routes]
    if json:
        rows = [{"route": r.name, "used_by": r.users, **s._asdict()} for r, s in measured]
        print_json({"image": str(image), "routes": rows})
    else:
        _show(image, measured)


def _show(image: Path, measured: list[tuple[Route, Statistics]]) -> None:
    from rich.console import Console
    from rich.table import Table

    largest = max(levels.largest for _, levels in measured)
    title = f"{image.name}: " + (
        f"its routes to one channel differ by up to {largest} level{'s' if largest > 1 else ''}."
        if largest
        else "every route gives the same levels."
    )
    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    table.add_column("route")
    table.add_column("used by")
    for column in ("mean", "SD", "min", "max", "other pixels", "by up to"):
        table.add_column(column, justify="right", no_wrap=True)
    for route, levels in measured:
        values = (f"{levels.mean:.3f}", f"{levels.deviation:.3f}", f"{levels.lowest}", f"{levels.highest}")
        table.add_row(
            route.name, route.users, *values, f"{100 * levels.different:.2g} %", f"{levels.largest}"
        )
    Console(width=None if sys.stdout.isatty() else 160).print(table)
