"""Compare every definition of a metric with the code it reproduces and write docs/calibration.md.

    python benchmarks/calibration.py --golden ../shared/golden --data ../shared/data

The golden folder holds image triples and the values that the field's own code gave for them. Without it only the
patterns in tests/golden/synthetic are compared, and nothing is written.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from calibrated.findings import compare, holds
from calibrated.page import lines, page, sheet_lines
from calibrated.sheets import SHEETS, compare_sheet

from fusionbench.files import write_text

ROOT = Path(__file__).resolve().parents[1]
SYNTHETIC = ROOT / "tests/golden/synthetic"
PAGE = ROOT / "docs/calibration.md"


def main() -> None:
    """Compare, write the page, and exit with 1 where a claim does not hold."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--golden", type=Path, help="the folder with real/, published_tno/ and anchors/")
    parser.add_argument("--data", type=Path, help="the folder with the data set TNO")
    parser.add_argument("-o", "--output", type=Path, default=PAGE)
    given = parser.parse_args()
    findings = list(compare(SYNTHETIC))
    if given.golden is None or given.data is None:
        print("\n".join(lines(findings)))
        print("Patterns only, nothing written: give --golden and --data for the whole page.")
    else:
        findings += compare(given.golden / "real")
        compared = [
            line for s in SHEETS for line in sheet_lines(s, compare_sheet(s, given.golden, given.data))
        ]
        write_text(given.output, page(findings, compared))
        print(f"Wrote {given.output}.")
    for finding in findings:
        if not holds(finding):
            print(
                f"{finding.claim.metric} {finding.claim.definition} on {finding.triple}: {finding.difference}"
            )
    raise SystemExit(0 if all(map(holds, findings)) else 1)


if __name__ == "__main__":
    main()
