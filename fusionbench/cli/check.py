"""``fusionbench check``: the contract suite on any method."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from fusionbench.cli.options import Json
from fusionbench.cli.outcome import guarded, print_json

MARKS = {"passed": "ok  ", "failed": "FAIL", "excused": "xfail", "skipped": "skip"}


def register(app: typer.Typer) -> None:
    app.command("check")(check)


@guarded
def check(
    reference: Annotated[
        str, typer.Argument(help="NAME, NAME@VARIANT, ./file.py[:Class] or package.module:Class.")
    ],
    json: Json = False,
) -> None:
    """Check that a method keeps the contract; exit code 1 if it does not."""
    from fusionbench.checks import run_checks
    from fusionbench.registry import spec

    found = spec(reference)
    found.require_class()
    verdicts = list(run_checks(found))
    if json:
        print_json({"method": found.name, "verdicts": [asdict(v) for v in verdicts]})
    else:
        for verdict in verdicts:
            print(f"{MARKS[verdict.outcome]:<6}{verdict.check:<20}{verdict.detail}")
    raise SystemExit(any(v.outcome == "failed" for v in verdicts))
