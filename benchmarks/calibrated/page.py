"""The page docs/calibration.md: its text and its tables."""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from calibrated.claims import Claim
from calibrated.exceptions import EXCEPTIONS
from calibrated.findings import NEAR_ZERO, Finding, holds, noted
from calibrated.sheets import Published

from fusionbench.metrics import profiles

LIBRARIES = Path(__file__).resolve().parents[1] / "libraries.json"  # written by libraries.py

HEAD = """# Calibration

Written by `python benchmarks/calibration.py --golden GOLDEN --data DATA`; do not edit. The golden folder holds image
triples (patterns, infrared-visible, medical, SAR-optical and degenerate ones) with the values that the field's own
code gave for them. A row says how far a definition of ours is from that code at most, as a relative difference (an
absolute one below 1e-12 counts as none) rounded up to a power of ten. Asked are 1e-9, 1e-10 for VIF, and 2e-5 of code
that computes in float32. Where the code gives no number, ours must be undefined.

| metric | definition | used by profiles | reference | triples | largest difference | verdict |
|---|---|---|---|---|---|---|
"""
SHEET_HEAD = """
## Published values per image

`tang2022` against the sheet that the toolbox's author published for TNO (made with MATLAB), and `refinefuse` against
the values whose means are RefineFuse's printed TNO rows, on the published images of DenseFuse and SeAFusion. The
sheet's Qabf, SD, MI and VIF come from saturating or [0, 1] arithmetic; its Qabf depends on MATLAB's rounding, and 0.02
is allowed there.

| profile | metric | images | largest difference | verdict |
|---|---|---|---|---|
"""
NOTES_HEAD = """
## Noted

Where a definition is further off than asked on one of these triples, the difference is left out of the table and held
to the bound given here.

| metric | triple | held to | why |
|---|---|---|---|
"""
LIBRARY_HEAD = """
## Libraries

What libraries of image metrics give for one source and the fused image, against our definition of it, on up to ten triples
and both sources of each: the largest relative difference, up to a power of ten. 1e-7 to 1e-4 is float32, which the library
computes in (VIF, whose variances are differences of large numbers, loses more). Written by
`python benchmarks/libraries.py --golden GOLDEN` on {date}, with the versions in the table;
[metrics.md](metrics.md#what-libraries-compute) has the calls.

"""
NOT_CLAIMED = """
## Not claimed

- **FMI on edge maps** (what Tang's driver prints as FMI_pixel): MATLAB's edge function could only be rebuilt, and the
  values in the golden folder are marked as not validated.
- **IVIF_ZOO (but for its CE, EI, TE, QNCIE, Qy and Qcb, above), cslib, the PyTorch port by Topanxal**: float32 code with
  constants of its own added inside roots and logarithms. What their conventions change is among the definitions that `fusionbench explain` ranks; no profile
  reproduces them.
- **pyiqa on color**: its own luma of YIQ, rounded; the comparison above is of one channel.
- **MATLAB's ssim** was emulated in Octave for the golden values, so agreement is with that emulation.
"""


def within(difference: float) -> str:
    """Return a bound of a difference in powers of ten, which does not change from machine to machine."""
    return "1e-12" if difference <= NEAR_ZERO else f"1e{math.ceil(math.log10(difference)):+03d}"


def lines(findings: Iterable[Finding]) -> list[str]:
    """Return the rows of the page's table: one a claim, by metric and definition."""
    by_claim: dict[Claim, list[Finding]] = defaultdict(list)
    for finding in findings:
        by_claim[finding.claim].append(finding)
    order = list(dict.fromkeys(metric for profile in profiles().values() for metric in profile.metrics))
    ranked = sorted(
        by_claim, key=lambda c: (order.index(c.metric), c.definition != "canonical", c.definition)
    )
    return [_line(claim, by_claim[claim]) for claim in ranked]


def _line(claim: Claim, findings: list[Finding]) -> str:
    worst = max((f.difference for f in findings if f.difference is not None and not noted(f)), default=0.0)
    nowhere = sum(f.difference is None for f in findings)
    users = [p.name for p in profiles().values() if p.metrics.get(claim.metric) == claim.definition]
    verdict = "agrees" if all(map(holds, findings)) else "**differs**"
    exceptions = sum(map(noted, findings))
    cells = (
        claim.metric,
        f"`{claim.definition}`",
        ", ".join(users) or "–",
        claim.implementation.replace("|", " "),
        f"{len(findings)}" + (f" ({nowhere} undefined in both)" if nowhere else ""),
        within(worst),
        verdict + (f", {exceptions} noted below" if exceptions else ""),
    )
    return f"| {' | '.join(cells)} |"


def sheet_lines(sheet: Published, differences: dict[str, list[float]]) -> list[str]:
    """Return the rows of the page's table of one sheet."""
    rows = []
    for metric, asked in sheet.metrics.items():
        worst = max(differences[metric])
        verdict = "agrees" if worst <= asked else "**differs**"
        rows.append(
            f"| {sheet.profile} | {metric} | {len(differences[metric])} | {within(worst)} | {verdict} |"
        )
    return rows


def library_lines(result: dict[str, Any]) -> list[str]:
    """Return the table of libraries: a row a definition, a column a library with its version."""
    versions, calls = result["versions"], result["calls"]
    columns = [library for library in versions if any(call["library"] == library for call in calls)]
    rows = dict.fromkeys((call["metric"], call["definition"]) for call in calls)
    table = [["metric", "definition", *(f"{library} {versions[library]}" for library in columns)]]
    for metric, definition in rows:
        own = {c["library"]: c for c in calls if (c["metric"], c["definition"]) == (metric, definition)}
        cells = (within(own[library]["difference"]) if library in own else "" for library in columns)
        table.append([metric, f"`{definition}`", *cells])
    lines = [f"| {' | '.join(row)} |" for row in table]
    return [lines[0], "|---" * len(table[0]) + "|", *lines[1:]]


def page(findings: Iterable[Finding], sheets: Iterable[str]) -> str:
    """Return the page as Markdown."""
    notes = [
        f"| {metric} | {triple} | {'not compared' if bound is None else f'{bound:g}'} | {why} |"
        for (metric, triple), (bound, why) in EXCEPTIONS.items()
    ]
    parts = (HEAD, *(f"{line}\n" for line in lines(findings)), NOTES_HEAD, *(f"{line}\n" for line in notes))
    result = json.loads(LIBRARIES.read_text(encoding="utf-8"))
    libraries = (LIBRARY_HEAD.format(**result), *(f"{line}\n" for line in library_lines(result)))
    return "".join((*parts, SHEET_HEAD, *(f"{line}\n" for line in sheets), *libraries, NOT_CLAIMED))
