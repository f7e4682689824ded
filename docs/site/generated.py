"""Pages whose facts live elsewhere: one for each method, data set and metric, from cards and catalog entries."""

from __future__ import annotations

import csv
import functools
import re
from collections import defaultdict
from pathlib import Path
from typing import Any

import jinja2
import yaml

from fusionbench.data.registry import datasets
from fusionbench.metrics import cards, definitions, profiles
from fusionbench.registry import methods as registry


@functools.cache
def pages(repository: Path) -> dict[str, str]:
    """Return Markdown by path below docs/."""
    loader = jinja2.FileSystemLoader(Path(__file__).parent)
    environment = jinja2.Environment(
        loader=loader, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined
    )
    environment.filters["cell"] = lambda text: " ".join(str(text).split()).replace("|", "\\|")
    environment.filters["yaml"] = lambda data: yaml.safe_dump(
        dict(data), sort_keys=False, allow_unicode=True
    ).rstrip()
    made = {}
    for name in registry.names():
        made[f"methods/{name}.md"] = environment.get_template("method.md.j2").render(
            _method(name, repository)
        )
    for name, entry in datasets().items():
        made[f"data/{name}.md"] = environment.get_template("dataset.md.j2").render(d=entry)
    sections, calibration = _sections(repository), _calibration(repository)
    for name, card in cards().items():
        facts = {"m": card, "section": sections.get(name, ""), "rows": calibration.get(name, [])}
        facts["definitions"] = [
            (definition, _users(name, key)) for key, definition in definitions(name).items()
        ]
        made[f"metrics/{name.lower()}.md"] = environment.get_template("metric.md.j2").render(facts)
    return made


def _method(name: str, repository: Path) -> dict[str, Any]:
    method = registry.spec(name)
    return {
        "name": name,
        "card": method.card,
        "variants": {key: value.get("about", "") for key, value in method.known_variants().items()},
        "config": method.config().as_dict(),
        "printed": _printed(method.card.doi, repository),
        "measured": _measured(name, repository),
    }


def _printed(doi: str | None, repository: Path) -> dict[tuple[str, str], dict[str, str]]:
    """Return what the method's own paper prints of it: (table, data set) -> metric -> value."""
    tables: dict[tuple[str, str], dict[str, str]] = defaultdict(dict)
    for about in sorted((repository / "leaderboards/reported").glob("*.yaml")):
        if doi is None or yaml.safe_load(about.read_text(encoding="utf-8"))["doi"] != doi:
            continue
        with about.with_suffix(".csv").open(newline="", encoding="utf-8") as stream:
            for row in csv.DictReader(stream):
                if row["own_method"] == "1" and row["kind"] == "fusion" and not row["setting"]:
                    tables[row["table"], row["dataset"]][row["metric"]] = row["value"]
    return dict(tables)


def _measured(name: str, repository: Path) -> dict[str, dict[str, str]]:
    """Return the method's row of each published leaderboard: heading -> column -> printed value."""
    measured = {}
    for file in sorted((repository / "leaderboards").glob("*/*.csv")):
        if file.parent.name == "reported":
            continue
        with file.open(newline="", encoding="utf-8") as stream:
            for row in csv.DictReader(stream):
                if row.get("name", row.get("method")) == name:
                    measured[f"{file.parent.name}, {file.stem}"] = row
    return measured


def _sections(repository: Path) -> dict[str, str]:
    """Cut docs/metrics.md into what it says of each metric; links within that page lead back to it."""
    text = (repository / "docs/metrics.md").read_text(encoding="utf-8").replace("](#", "](../metrics.md#")
    parts = re.split(r"^### (\S+): .*$|^## .*$", text, flags=re.MULTILINE)
    return {name: body.strip() for name, body in zip(parts[1::2], parts[2::2], strict=True) if name}


def _calibration(repository: Path) -> dict[str, list[list[str]]]:
    """Return the rows of docs/calibration.md's table by metric."""
    rows = defaultdict(list)
    for line in (repository / "docs/calibration.md").read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        if len(cells) == 7 and cells[0] in cards():
            rows[cells[0]].append(cells[1:])
    return dict(rows)


def _users(metric: str, definition: str) -> str:
    return ", ".join(p.name for p in profiles().values() if p.metrics.get(metric) == definition)
