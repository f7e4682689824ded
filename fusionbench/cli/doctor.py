"""``fusionbench doctor``: whether this installation works, and what is wrong with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from fusionbench.cli.options import DataRoot, Json
from fusionbench.cli.outcome import guarded, print_json

if TYPE_CHECKING:
    from fusionbench.doctor import Finding

MARKS = {"ok": "ok  ", "warning": "warn", "broken": "FAIL"}


def register(app: typer.Typer) -> None:
    """Add the verb to the application."""
    app.command("doctor")(doctor)


@guarded
def doctor(data_root: DataRoot = None, json: Json = False) -> None:
    """Show versions, devices, data sets, methods, weights and folders; exit code 1 if something is broken."""
    from dataclasses import asdict

    from fusionbench.doctor import examine

    findings = examine(data_root)
    broken = [finding for finding in findings if finding.state == "broken"]
    if json:
        print_json({"ok": not broken, "findings": [asdict(finding) for finding in findings]})
    else:
        _show(findings)
        print(f"\n{len(broken)} broken" if broken else "\nNothing is broken")
    raise SystemExit(bool(broken))


def _show(findings: list[Finding]) -> None:
    section = None
    for finding in findings:
        if finding.section != section:
            section = finding.section
            print(f"\n{section}")
        print(f"  {MARKS[finding.state]}  {finding.name:<22} {finding.text}".rstrip())
