"""The table of docs/performance.md, from what benchmarks/perf/measured.json keeps of each part's last measurement."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Sequence
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

from parts.builds import ROOT, Row

MEASURED = ROOT / "benchmarks/perf/measured.json"
PACKAGES = ("torch", "numba", "numpy", "scipy", "opencv-python-headless")


def kept() -> dict[str, Any]:
    """Return what was measured before, by part."""
    return json.loads(MEASURED.read_text(encoding="utf-8")) if MEASURED.exists() else {}


def keep(part: str, rows: Sequence[Row], rounds: int) -> None:
    """Write the rows of a part with when, where and how they were measured."""
    facts = {"date": date.today().isoformat(), "rounds": rounds, "load": round(os.getloadavg()[0], 1)}
    entry = facts | {"machine": machine(), "rows": [row._asdict() for row in rows]}
    MEASURED.write_text(json.dumps(kept() | {part: entry}, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")  # fmt: skip


def machine() -> str:
    """Return the processor and the versions that speed depends on."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    packages = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    return f"{(models or [platform.machine()])[0]}, {os.cpu_count()} cores, Python {platform.python_version()}, {packages}"


def page(parts: Sequence[str], rest: str) -> str:
    """Return the page: one table of all parts, how each was measured, and the ``rest`` that other hands wrote."""
    measured = kept()
    there = [name for name in parts if name in measured]
    lines = [
        "# What things cost",
        "",
        "The table is written by `python benchmarks/perf/against.py`: each row is from one run, in which both sides took turns,",
        "one thread each. Seconds are medians of CPU seconds where nothing else is said. On a busy machine CPU seconds rise too,",
        "and not evenly: the load average says how far a ratio of few rounds can be trusted.",
        "",
        "| work | beside | theirs | ours | ratio | to reach |",
        "| --- | --- | ---: | ---: | ---: | ---: |",
    ]
    for name in there:
        lines += [_line(row) for row in measured[name]["rows"]]
    lines += ["", *(_measured(name, measured[name]) for name in there)]
    if missing := [name for name in parts if name not in measured]:
        lines += [f"- Not measured yet: {', '.join(missing)}."]
    machines = dict.fromkeys(measured[name]["machine"] for name in there)
    return "\n".join([*lines, "", *(f"On {facts}." for facts in machines)]) + "\n" + rest


def _line(row: dict[str, Any]) -> str:
    cells = (
        *(row[name] for name in ("work", "beside", "theirs", "ours")),
        f"{row['ratio']:.2f}",
        row["target"],
    )
    return f"| {' | '.join(cells)} |"  # fmt: skip


def _measured(name: str, part: dict[str, Any]) -> str:
    return f"- `--parts {name}`: {part['date']}, {part['rounds']} round(s), load average {part['load']} when it ended."


def sections_of(path: Path) -> str:
    """Return what stands from a page's first section on: measurements that no command makes."""
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    start = text.find("\n## ")
    return "" if start < 0 else text[start:]
