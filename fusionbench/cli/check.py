"""``fusionbench check``: the contract suite for any method, metric or data set."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from fusionbench.cli.options import DataRoot, Json
from fusionbench.cli.outcome import guarded, print_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fusionbench.checks import Verdict

MARKS = {"passed": "ok", "failed": "FAIL", "excused": "xfail", "skipped": "skip"}


def register(app: typer.Typer) -> None:
    """Add the verb to the application."""
    app.command("check")(check)


@guarded
def check(
    reference: Annotated[
        str,
        typer.Argument(
            help="A method (NAME, NAME@VARIANT, ./file.py[:Class], package.module:Class), a metric (NAME, ./file.py[:NAME]) "
            "or a data set; method:NAME, metric:NAME or dataset:NAME where several have the name."
        ),
    ],
    data_root: DataRoot = None,
    json: Json = False,
) -> None:
    """Check whether a method, metric or data set fulfils its contract; exit code 1 if it does not."""
    from fusionbench.checks import find_subject, verdicts

    subject = find_subject(reference, data_root)
    judged = []
    for verdict in verdicts(subject):
        judged.append(verdict)
        if not json:
            _show(verdict)
    if json:
        print_json(
            {"kind": subject.kind, subject.kind: subject.name, "verdicts": [asdict(v) for v in judged]}
        )
    else:
        print(f"\n{subject.kind} {subject.name}: {_summary(judged)}")
    raise SystemExit(any(v.outcome == "failed" for v in judged))


def _show(verdict: Verdict) -> None:
    print(f"{MARKS[verdict.outcome]:<6}{verdict.check:<22}{verdict.about}")
    print(f"{'':<28}{verdict.detail}")
    if verdict.outcome == "failed":
        print(f"{'':<28}to fix: {verdict.remedy}")
    sys.stdout.flush()


def _summary(verdicts: Sequence[Verdict]) -> str:
    counts = {outcome: sum(v.outcome == outcome for v in verdicts) for outcome in MARKS}
    return ", ".join(f"{count} {outcome}" for outcome, count in counts.items() if count)
