"""Compare the definitions with the golden values, and tell whether each claim holds."""

from __future__ import annotations

import csv
import math
from collections import defaultdict
from collections.abc import Container, Iterator
from pathlib import Path
from typing import NamedTuple

from calibrated.claims import CLAIMS, Claim
from calibrated.exceptions import EXCEPTIONS

from fusionbench.data.images import read_image
from fusionbench.metrics import definitions, score_definitions, sources

NEAR_ZERO = 1e-12


class Finding(NamedTuple):
    """A claim compared on one triple; ``difference`` is None where both sides have no number."""

    claim: Claim
    triple: str
    difference: float | None


def compare(folder: Path, without: Container[str] = ()) -> Iterator[Finding]:
    """Yield the difference of every claim, but those of metrics left out, on every triple of a golden folder."""
    claims = defaultdict(list)
    for claim in CLAIMS:
        if claim.metric in without:
            continue
        claims[claim.implementation, claim.row].append(claim)
    rows = golden_rows(folder)
    for triple in dict.fromkeys(row["triple"] for row in rows):
        known = {}
        a, b, fused = (read_image(folder / "images" / f"{triple}_{which}.png") for which in "ABF")
        pairs = {False: sources(a, b), True: sources(b, a)}
        for row in (row for row in rows if row["triple"] == triple):
            for claim in claims[row["implementation"], row["metric"]]:
                key = (claim.metric, claim.definition, claim.profile, claim.swapped)
                if key not in known:
                    definition = definitions(claim.metric)[claim.definition]
                    (known[key],) = score_definitions(
                        pairs[claim.swapped], fused, [definition], claim.profile
                    )
                yield Finding(claim, triple, relative_difference(known[key].value, float(row["value"])))


def golden_rows(folder: Path) -> list[dict[str, str]]:
    """Return the rows of a golden folder, and of the metrics added later, whose values lie in a file of their own."""
    later = (folder / "golden_more.csv", folder.parent / f"more/golden_more_{folder.name}.csv")
    rows = []
    for path in (folder / "golden.csv", *filter(Path.is_file, later)):
        with path.open(encoding="utf-8", newline="") as file:
            rows += csv.DictReader(file)
    return rows


def relative_difference(ours: float | None, reference: float) -> float | None:
    """Return the relative difference, 0 for one below 1e-12, infinity where one side alone has a number."""
    if ours is None or not math.isfinite(reference):
        return None if ours is None and not math.isfinite(reference) else math.inf
    difference = abs(ours - reference)
    return 0.0 if difference <= NEAR_ZERO else difference / abs(reference) if reference else math.inf


def noted(finding: Finding) -> bool:
    """Tell whether a finding is further off than asked on a triple that is among the exceptions."""
    return (
        exception(finding) is not None
        and finding.difference is not None
        and finding.difference > finding.claim.relative
    )


def exception(finding: Finding) -> tuple[float | None, str] | None:
    """Return what is allowed of a finding's definition, or of its metric, on its triple."""
    claim = finding.claim
    own = EXCEPTIONS.get((f"{claim.metric}: {claim.definition}", finding.triple))
    return own or EXCEPTIONS.get((claim.metric, finding.triple))


def holds(finding: Finding) -> bool:
    """Tell whether a finding is within what is asked of it."""
    if finding.difference is None:
        return True
    if not noted(finding):
        return finding.difference <= finding.claim.relative
    bound, _ = exception(finding)
    return bound is None or finding.difference <= bound
