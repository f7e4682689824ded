"""``fusionbench explain cost``: find the way of counting behind a printed number of operations or parameters."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from fusionbench.cli.options import Json, Overrides
from fusionbench.cli.outcome import guarded, print_json
from fusionbench.cli.profile import parsed_size

if TYPE_CHECKING:
    from fusionbench.profiling.explaining import CountFinding


@guarded
def explain_cost(
    value: Annotated[str, typer.Argument(help="The number, as printed: 12.73G, 2.21M or 57344.")],
    method: Annotated[
        str, typer.Option("--method", "-m", help="The method whose network was counted, as for `profile`.")
    ],
    overrides: Overrides = None,
    size: Annotated[str, typer.Option(help="Image size WIDTHxHEIGHT that it was counted for.")] = "256x256",
    json: Json = False,
) -> None:
    """Rank the ways in which tools count a network's operations and parameters by how near they come to a number.

    Tools differ in biases, attention, matrix products, convolutions by functions and in MACs or FLOPs.
    """
    width, height = parsed_size(size)

    from fusionbench.profiling.explaining import explain_cost as find
    from fusionbench.profiling.explaining import nearest_rule_sentence, parsed_number
    from fusionbench.profiling.work import method_work
    from fusionbench.registry.methods import spec

    parsed_number(value)  # an error in the number is reported before a network is built
    named = spec(method)
    named.require_class()
    network = named.build(named.config(tuple(overrides or ())).args)
    work = method_work(network, height, width)
    findings = find(value, network, work)
    if json:
        rows = [finding._asdict() for finding in findings]
        print_json({"value": value, "method": named.name, "size": size, "work": dict(work), "counts": rows})
    else:
        _show(nearest_rule_sentence(value, findings, work), findings)


def _show(title: str, findings: list[CountFinding]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    for column in ("value", "off by", "unit", "tool"):
        table.add_column(column, no_wrap=column != "tool")
    table.add_column("what it counts", ratio=1)
    for finding in findings:
        share = f"{finding.distance / finding.value:.2%}" if finding.value else ""
        table.add_row(f"{finding.value:,.0f}", share, finding.unit, finding.tool, finding.text)
    # a pipe has no width, so lines are made long enough for sentences
    Console(width=None if sys.stdout.isatty() else 160).print(table)
