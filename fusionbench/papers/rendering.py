"""Rendering printed numbers beside measured ones as tables, CSV or JSON."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from fusionbench.papers.against import TOLERANCE, VERDICTS, Reproduction
from fusionbench.papers.printed import Number, papers
from fusionbench.tables.grid import Grid, render_grid


def render(findings: Sequence[Reproduction], format: str) -> str:
    """Return findings as md, tex or html with a table for each split, or as csv. Raises RequestError for other formats."""
    if format.lower() == "csv":
        return _csv(findings)
    splits = list(dict.fromkeys((f.dataset, f.split) for f in findings))
    parts = [[f for f in findings if (f.dataset, f.split) == split] for split in splits]
    return "\n".join(render_grid(_grid(part), format) for part in parts)


def _grid(part: Sequence[Reproduction]) -> Grid:
    reasons = list(dict.fromkeys(said for finding in part for said in _said(finding)))
    rows = []
    for f in part:
        marks = ", ".join(str(reasons.index(reason) + 1) for reason in _said(f))
        digits = f.number.decimals + 1
        rows.append((
            f.label, place(f.number), f.number.metric, f"{f.verdict} ({marks})" if marks else f.verdict, f.profile,
            f.number.value, f"{f.measured:.{digits}f}", f"{f.gap:+.{digits}f}", f"{f.tolerance:g}", _of(f),
        ))  # fmt: skip
    counts = Counter(f.verdict for f in part)
    said = ", ".join(f"{counts[verdict]} {verdict}" for verdict in VERDICTS if counts[verdict])
    numbered = " ".join(f"({i}) {reason}." for i, reason in enumerate(reasons, start=1))
    return Grid(
        title=f"{part[0].dataset}, {part[0].split} split: printed beside measured",
        header=(
            "Method", "Printed in", "Metric", "Verdict", "Profile", "Printed", "Measured", "Difference",
            "Tolerance", "Pairs",
        ),
        rows=tuple(rows),
        caption=f"{said[0].upper()}{said[1:]}. {TOLERANCE}. {numbered}".strip(),
        names=5,
    )  # fmt: skip


def _said(finding: Reproduction) -> list[str]:
    return list(filter(None, (*finding.why, finding.remark)))


def place(number: Number) -> str:
    """Return the name of the row of a paper's table."""
    where = f"{papers()[number.paper].title}, Table {number.table}"
    return f"{where}, {number.setting}" if number.setting else where


def _of(finding: Reproduction) -> str:
    whole = finding.expected in (None, finding.pairs)
    return str(finding.pairs) if whole else f"{finding.pairs} of {finding.expected}"


def _csv(findings: Iterable[Reproduction]) -> str:
    text = io.StringIO()
    rows = to_json(findings)
    writer = csv.DictWriter(text, rows[0], lineterminator="\n")
    writer.writeheader()
    writer.writerows({**row, "why": "; ".join(row["why"])} for row in rows)
    return text.getvalue()


def to_json(findings: Iterable[Reproduction]) -> list[dict[str, Any]]:
    """Return findings as dictionaries of strings, numbers, lists and None."""
    return [
        {
            "paper": f.number.paper, "table": f.number.table, "setting": f.number.setting, "dataset": f.dataset,
            "split": f.split, "method": f.method, "run": f.run, "metric": f.number.metric,
            "printed": f.number.value, "measured": f.measured, "pairs": f.pairs, "expected": f.expected,
            "profile": f.profile, "paper_profile": papers()[f.number.paper].profile, "difference": f.gap,
            "tolerance": f.tolerance, "verdict": f.verdict, "why": list(f.why),
            "remark": f.remark,
        }
        for f in findings
    ]  # fmt: skip
