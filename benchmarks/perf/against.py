"""Measure this checkout beside an older commit and other code, and write the table of docs/performance.md.

    python benchmarks/perf/against.py [--parts metrics,start,...] [--commit 406687e] [--rounds 3] [-o docs/performance.md]

Each part is measured in one run in which both sides take turns, in processes of their own with one thread. Its rows go to
benchmarks/perf/measured.json, and the page is made from all that lies there, so that parts can be measured one by one.
The older commit is exported to a temporary folder by `git archive`. A million scores take 200 MB there and three times as
many three times that. Libraries take part where they are installed (`pip install -e '.[peers]'`).
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from parts import demo, growth, loop, metrics, networks, page, peers, scoring, start
from parts.builds import ROOT, Build, exported

PARTS = {
    "metrics": metrics, "start": start, "demo": demo, "scoring": scoring, "loop": loop, "networks": networks, "growth": growth,
    "peers": peers,
}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--parts", default=",".join(PARTS), help="of %(default)s")
    parser.add_argument("--commit", default="406687e")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("-o", "--output", type=Path, default=ROOT / "docs" / "performance.md")
    options = parser.parse_args()
    asked = [part for part in options.parts.split(",") if part]
    if unknown := set(asked) - set(PARTS):
        parser.error(f"no part {', '.join(sorted(unknown))}: choose of {', '.join(PARTS)}")
    with tempfile.TemporaryDirectory() as name:
        builds = {"then": exported(options.commit, Path(name) / "then"), "now": Build("now", ROOT)}
        for build in builds.values():
            build.compile()
        for part in asked:
            rows = []
            for row in PARTS[part].rows(builds, Path(name), options.rounds):
                print(f"{row.work}, {row.beside}: {row.theirs} / {row.ours} = {row.ratio:.2f} ({row.target})", file=sys.stderr, flush=True)  # fmt: skip
                rows.append(row)
            page.keep(part, rows, options.rounds)
    options.output.write_text(page.page(list(PARTS), page.sections_of(options.output)), encoding="utf-8")


if __name__ == "__main__":
    main()
